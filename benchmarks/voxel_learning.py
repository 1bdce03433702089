"""What PPO learns in worlds of blocks: `python -m benchmarks.voxel_learning rlenvs/Minecraft-v0`.

Trains with the preset of an id, then plays fresh episodes, with the most likely actions and with actions that are drawn
as in training. For VoxelCraft it counts the achievements of each episode.

It prints the time that passed and the time that all processors spent, which other programs on the machine disturb less,
without compilation and evaluation. `--json FILE` writes all figures to a file, `--picture FILE` draws the mean return
during training.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenvs
from benchmarks.clocks import Times, now, since
from benchmarks.report import add_training_options, settings_of, training_report, write_report
from jaxenvs.core.wrapper import unwrap, unwrap_state
from jaxenvs.envs.rlenvs.minecraft import Minecraft
from jaxenvs.envs.voxel_craft import _rules as rules
from jaxenvs.envs.voxel_craft.voxel_craft import VoxelCraftState
from jaxenvs.monitor import draw_learning_curve
from jaxenvs.training import PPO, preset

IDS = "rlenvs/Minecraft-v0", "VoxelCraftSymbolic-v0"
_ROWS = 40


def train(env: jaxenvs.Env[Any, Any], learner: PPO, seed: int) -> tuple[Any, list[dict[str, Any]], Times]:
    """The last state, rows of figures, and the times after compilation."""
    state = jax.jit(learner.init)(env, jaxenvs.random.key(seed))
    update = jax.jit(learner.update).lower(env, state).compile()
    rows, start = [], now()
    episodes = return_sum = length_sum = 0.0
    for index in range(learner.num_updates):
        state, metrics = jax.block_until_ready(update(env, state))
        episodes, return_sum = episodes + float(metrics.episodes), return_sum + float(metrics.return_sum)
        length_sum += float(metrics.length_sum)
        is_last = index + 1 == learner.num_updates
        if episodes and (is_last or (index + 1) * _ROWS // learner.num_updates > len(rows)):
            row = {"env_steps": int(metrics.env_steps), "episodes": int(episodes)}
            row |= {"mean_return": return_sum / episodes, "mean_length": length_sum / episodes}
            row |= {"entropy": float(metrics.entropy), "processor_seconds": since(start).spent}
            rows.append({name: round(value, 4) for name, value in row.items()})
            print("  ".join(f"{name} {value:g}" for name, value in rows[-1].items()), flush=True)
            episodes = return_sum = length_sum = 0.0
    return state, rows, since(start)


@partial(jax.jit, static_argnums=(3, 4))
def play(
    env: jaxenvs.Env[Any, Any], policy: Any, key: Array, episodes: int, steps: int
) -> tuple[Array, Array, Array | None]:
    """Plays whole episodes: their returns and lengths, and in VoxelCraft the achievements, (episodes, 12) bool."""

    def one(key: Array) -> tuple[Array, Array, Array | None]:
        key, reset_key = jax.random.split(key)
        state, timestep = env.reset(reset_key)

        def step(carry: tuple[Any, ...], key: Array) -> tuple[tuple[Any, ...], None]:
            state, observation, done, total, length = carry
            after, timestep = env.step(state, policy(observation, key))
            total = total + jnp.where(done, 0, timestep.reward)
            length = length + jnp.where(done, 0, 1)
            state = jax.tree.map(lambda old, new: jnp.where(done, old, new), state, after)
            return (state, timestep.observation, done | timestep.done, total, length), None

        carry = state, timestep.observation, timestep.done, jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        (state, _, _, total, length), _ = jax.lax.scan(step, carry, jax.random.split(key, steps))
        base = unwrap_state(env, state)
        return total, length, base.achieved if isinstance(base, VoxelCraftState) else None

    return jax.vmap(one)(jax.random.split(key, episodes))


def measure(env_id: str, seed: int, episodes: int, **settings: Any) -> dict[str, Any]:
    """Trains and plays; returns JSON values."""
    env, learner = jaxenvs.make(env_id), preset(env_id, "ppo", **settings)
    assert isinstance(learner, PPO)
    is_room = isinstance(unwrap(env), Minecraft)
    state, rows, times = train(env, learner, seed)
    results = {}
    for name, stochastic in (("most likely actions", False), ("drawn actions", True)):
        policy = learner.policy(env, state.agent, stochastic=stochastic)
        steps = 150 if is_room else 2000
        returns, lengths, achieved = play(env, policy, jaxenvs.random.key(seed + 1000), episodes, steps)
        result: dict[str, Any] = {"episodes": episodes, "mean_return": round(float(returns.mean()), 3)}
        result["mean_length"] = round(float(lengths.mean()), 2)
        if is_room:
            result["reached"] = round(float((returns > 0).mean()), 4)
        else:
            shares = np.asarray(achieved).mean(axis=0)
            result["achievements"] = round(float(shares.sum()), 3)
            result["shares"] = {
                name: round(float(share), 3) for name, share in zip(rules.ACHIEVEMENTS, shares, strict=True)
            }
        results[name] = result
        print(f"{name}: {result}", flush=True)
    return {
        **training_report(f"python -m benchmarks.voxel_learning {env_id}", env_id, learner, seed, times),
        "results": results,
        "training": rows,
    }


def main() -> None:
    """Trains in one id, plays, and writes the figures."""
    parser = argparse.ArgumentParser(description="Measures what PPO learns in worlds of blocks.")
    parser.add_argument("id", choices=IDS)
    add_training_options(parser)
    parser.add_argument("--episodes", type=int, default=128, help="episodes to play after training")
    parser.add_argument("--picture", type=Path, help="a file for the learning curve, .png or .svg")
    options = parser.parse_args()
    figures = measure(options.id, options.seed, options.episodes, **settings_of(options))
    write_report(options, figures)
    if options.picture:
        rows = [{**row, "seed": options.seed} for row in figures["training"]]
        draw_learning_curve(options.picture, rows, title=options.id, subtitle="PPO, mean return during training")
    print(f"{figures['minutes']} minutes, {figures['processor_minutes']} processor minutes")


if __name__ == "__main__":
    main()
