"""Whether policies carry over between LunarLander-v3 here and in Gymnasium, in both directions.

    jaxenvs train LunarLander-v3 --fuse --output runs/lander
    python -m benchmarks.transfer runs/lander runs/lander_sb3.zip --json docs/figures/transfer_box2d.json

The first policy is that of the run, trained here by PPO. The second is trained by stable-baselines3's PPO in
Gymnasium's environment, and kept in the file; if the file exists, it is not trained again. Each plays whole episodes
here and there, with its most likely actions. Random starts are independent, so scores agree if their means differ by
no more than a few standard errors of the difference.
"""

import argparse
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from benchmarks.clocks import now, since
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.provenance import provenance
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training.ppo import PPOPolicy
from jaxenvs.wrappers import RunningStatistics

ID = "LunarLander-v3"
_LIMIT = 1000
"""Steps of an episode, here and there."""


def with_layers(policy: PPOPolicy, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> PPOPolicy:
    """The policy with other layers of the same sizes, which get observations as they are.

    Args:
        policy: with tanh between its layers, as in stable-baselines3.
        layers: weights (inputs, outputs) and biases (outputs,) of each layer.

    Raises:
        ValueError: the sizes differ.
    """
    actor = {
        "params": {f"Dense_{n}": {"kernel": jnp.asarray(w), "bias": jnp.asarray(b)} for n, (w, b) in enumerate(layers)}
    }
    if jax.tree.map(jnp.shape, actor) != jax.tree.map(jnp.shape, policy.agent.actor):
        raise ValueError("The layers do not have the sizes of those of the policy.")
    statistics = RunningStatistics.of_shape(policy.agent.statistics.mean.shape)
    return policy.replace(agent=policy.agent.replace(actor=actor, statistics=statistics))


def trained_there(file: Path, steps: int, like: PPOPolicy) -> tuple[PPOPolicy, int]:
    """The policy of stable-baselines3 in a file, which is trained first if there is none, and its steps.

    The settings are those of rl-baselines3-zoo.

    Args:
        file: of the model.
        steps: of the training.
        like: a policy of this package with layers of the same sizes.
    """
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    torch.set_num_threads(1)
    if file.exists():
        model = PPO.load(file, device="cpu")
    else:
        settings: dict[str, Any] = {"n_steps": 1024, "batch_size": 64, "n_epochs": 4, "gamma": 0.999}
        settings |= {"gae_lambda": 0.98, "ent_coef": 0.01}
        model = PPO("MlpPolicy", make_vec_env(ID, n_envs=16, seed=0), seed=0, device="cpu", **settings)
        model.learn(steps)
        model.save(file)
    network: Any = model.policy
    found = [*(layer for layer in network.mlp_extractor.policy_net if hasattr(layer, "weight")), network.action_net]
    policy = with_layers(like, [(x.weight.detach().numpy().T, x.bias.detach().numpy()) for x in found])
    some = np.random.default_rng(0).normal(0, 0.5, (256, 8)).astype(np.float32)
    ours = jax.vmap(policy, in_axes=(0, None))(jnp.asarray(some), jaxenvs.random.key(0))
    if (np.asarray(ours) != model.predict(some, deterministic=True)[0]).mean() > 0.01:
        raise RuntimeError("The policy read from stable-baselines3's weights does not choose the same actions.")
    return policy, int(model.num_timesteps)


def returns_there(policy: Policy, episodes: int) -> np.ndarray:
    """Returns of episodes in Gymnasium's environment, all of which are played at the same time."""
    import gymnasium

    act = jax.jit(jax.vmap(policy, in_axes=(0, None)))
    key = jaxenvs.random.key(0)
    envs = [gymnasium.make(ID) for _ in range(episodes)]
    observations = np.stack([env.reset(seed=seed)[0] for seed, env in enumerate(envs)])
    returns, playing = np.zeros(episodes), np.ones(episodes, bool)
    for _ in range(_LIMIT):
        actions = np.asarray(act(observations, key))
        for number in np.flatnonzero(playing):
            observations[number], reward, terminated, truncated, _ = envs[number].step(actions[number])
            returns[number] += float(reward)
            playing[number] = not (terminated or truncated)
        if not playing.any():
            return returns
    raise RuntimeError(f"{playing.sum()} episodes had not ended after {_LIMIT} steps.")


def returns_here(policy: Policy, episodes: int) -> np.ndarray:
    """Returns of episodes here."""
    played = jaxenvs.evaluate(jaxenvs.make(ID), policy, jaxenvs.random.key(1), num_episodes=episodes)
    return np.asarray(played.returns, np.float64)


def summary(returns: np.ndarray) -> dict[str, float]:
    """Mean, its standard error, and the share of episodes that reach the threshold."""
    error = returns.std(ddof=1) / np.sqrt(len(returns))
    solved = float((returns >= 200).mean())
    return {"mean": round(float(returns.mean()), 1), "standard_error": round(float(error), 1), "solved": solved}


def main() -> None:
    """Trains what is missing, plays, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of `jaxenvs train LunarLander-v3`")
    parser.add_argument("model", type=Path, help="file of stable-baselines3's model")
    add_report_options(parser)
    parser.add_argument("--episodes", type=int, default=512, help="of each policy in each environment")
    parser.add_argument("--steps", type=int, default=1_000_000, help="of stable-baselines3's training")
    options = parser.parse_args()
    agent = jaxenvs.load(options.run)
    steps_here = agent.updates * agent.learner.steps_per_update
    there, steps_there = trained_there(options.model, options.steps, cast(PPOPolicy, agent.policy))
    rows = []
    for trained, policy, steps in (
        ("jaxenvs' PPO, here", agent.policy, steps_here),
        ("stable-baselines3's PPO, in Gymnasium", there, steps_there),
    ):
        row: dict[str, Any] = {"id": ID, "trained": trained, "steps": steps, "episodes": options.episodes}
        for place, play in (("gymnasium", returns_there), ("jaxenvs", returns_here)):
            start = now()
            row[place] = summary(play(policy, options.episodes))
            print(trained, place, row[place], f"{since(start).passed:.0f} s", flush=True)
        error = np.hypot(*(row[place]["standard_error"] for place in ("jaxenvs", "gymnasium")))
        row["difference_in_standard_errors"] = round((row["jaxenvs"]["mean"] - row["gymnasium"]["mean"]) / error, 2)
        rows.append(row)
    versions = {name: metadata.version(name) for name in ("gymnasium", "box2d", "stable-baselines3", "torch")}
    command = f"python -m benchmarks.transfer {options.run} {options.model} --json docs/figures/transfer_box2d.json"
    write_report(options, {**provenance(command, versions=[versions]), "rows": rows})


if __name__ == "__main__":
    main()
