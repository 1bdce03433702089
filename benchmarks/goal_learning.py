"""What SAC learns with hindsight: `python -m benchmarks.goal_learning FetchPush-v4`.

Trains with the preset of a task with goals, and every 15 updates plays fresh episodes to their limit, without random
actions. An episode succeeds if the goal is reached at its end.

It prints the time that passed and the time that all processors spent, which other programs on the machine disturb less,
both with compilation and evaluation. `--json FILE` writes all figures to a file. `--picture FILE` draws the curve, with
those of earlier files that `--beside` names.
"""

import argparse
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

import jaxenvs
from benchmarks.clocks import now, since
from benchmarks.report import add_training_options, settings_of, training_report, write_report
from jaxenvs.monitor import Curve, draw_learning_curves
from jaxenvs.training import SAC, preset

_UPDATES = 15


def success(env: jaxenvs.TimeLimit[Any], learner: SAC, agent: Any, key: jax.Array, episodes: int) -> jax.Array:
    """() float32: the share of episodes at whose end the goal is reached."""
    policy, limit = learner.policy(env, agent), env.max_episode_steps

    def step(carry: Any, key: jax.Array) -> tuple[Any, None]:
        state, timestep = carry
        actions = jax.vmap(lambda observation: policy(observation, key))(timestep.observation)
        return jax.vmap(env.step)(state, actions), None

    carry = jax.vmap(env.reset)(jax.random.split(key, episodes))
    (_, timestep), _ = jax.lax.scan(step, carry, jax.random.split(key, limit))
    return timestep.info["is_success"].mean()


def measure(env_id: str, seed: int, episodes: int, **settings: Any) -> dict[str, Any]:
    """Trains and plays; returns JSON values."""
    env, learner = jaxenvs.make(env_id), preset(env_id, "sac", **settings)
    assert isinstance(learner, SAC) and isinstance(env, jaxenvs.TimeLimit)
    update = jax.jit(learner.update, donate_argnums=1)
    test = jax.jit(lambda agent, key: success(env, learner, agent, key, episodes))
    state = jax.jit(learner.init)(env, jaxenvs.random.key(seed))
    rows, start = [], now()
    for number in range(1, learner.num_updates + 1):
        state, _ = update(env, state)
        if number % _UPDATES == 0 or number == learner.num_updates:
            share = float(test(state.agent, jaxenvs.random.key(1000 + number)))
            row = {"env_steps": int(state.env_steps), "success": round(share, 4)}
            times = since(start)
            row |= {"minutes": times.passed / 60, "processor_minutes": times.spent / 60}
            rows.append({name: round(value, 4) for name, value in row.items()})
            print("  ".join(f"{name} {value:g}" for name, value in rows[-1].items()), flush=True)
    return {
        **training_report(
            f"python -m benchmarks.goal_learning {env_id} --steps {learner.total_steps}",
            env_id,
            learner,
            seed,
            since(start),
            versions=[_versions()],
        ),
        "episodes": episodes,
        "training": rows,
    }


def draw(path: Path, trainings: list[dict[str, Any]]) -> None:
    """Draws the success of several trainings, as `measure` returns them, over their steps."""
    curves = [
        Curve(figures["env_id"], [{**row, "seed": figures["seed"]} for row in figures["training"]])
        for figures in trainings
    ]
    subtitle = f"SAC with hindsight, success at the end of {trainings[0]['episodes']} fresh episodes"
    draw_learning_curves(path, curves, title="Tasks with goals", subtitle=subtitle, column="success")


def _versions() -> dict[str, str]:
    return {name.replace("-", "_"): metadata.version(name) for name in ("mujoco", "gymnasium-robotics")}


def main() -> None:
    """Trains in one id, and writes the figures."""
    parser = argparse.ArgumentParser(description="Measures what SAC learns with hindsight.")
    parser.add_argument("id")
    add_training_options(parser)
    parser.add_argument("--episodes", type=int, default=128, help="episodes to play each time")
    parser.add_argument("--picture", type=Path, help="a file for the curves, .png or .svg")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="figures to draw in the same picture")
    options = parser.parse_args()
    figures = measure(options.id, options.seed, options.episodes, **settings_of(options))
    write_report(options, figures)
    if options.picture:
        draw(options.picture, [*(json.loads(file.read_text()) for file in options.beside), figures])


if __name__ == "__main__":
    main()
