"""The speed of Stable-Baselines3 with this package's CartPole-v1 and with Gymnasium's own.

    python -m benchmarks.stable_baselines3_speed

Both sides take turns within one run, so that other load slows both. A ratio is the median over the turns,
and the spread is from the smallest to the largest.
"""

import argparse
import statistics
from typing import Any

import gymnasium
import jax
import numpy as np
import stable_baselines3
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import DummyVecEnv

import jaxenvs
from benchmarks.clocks import now, since
from jaxenvs.adapters import StableBaselines3VecEnv

ID = "CartPole-v1"
Rates = dict[str, list[float]]
"""Steps/s of each side: one figure per turn."""

PPO_SETTINGS: dict[str, Any] = {"n_steps": 32, "batch_size": 1024, "n_epochs": 4, "seed": 0, "device": "cpu"}
"""Settings of both sides; with 256 environments, a rollout has 8,192 steps."""


def step_rates(num_envs: int = 256, steps: int = 100, turns: int = 7) -> Rates:
    """Steps/s of all environments together with random actions."""
    sides: dict[str, Any] = {
        "jaxenvs": StableBaselines3VecEnv(ID, num_envs, seed=0),
        "DummyVecEnv with Monitor": make_vec_env(ID, num_envs, seed=0),
        "DummyVecEnv without": DummyVecEnv([lambda: gymnasium.make(ID) for _ in range(num_envs)]),
    }
    actions = np.random.default_rng(0).integers(0, 2, (steps, num_envs))
    for env in sides.values():
        env.reset()
        for action in actions[:10]:
            env.step(action)
    rates: Rates = {name: [] for name in sides}
    for _ in range(turns):
        for name, env in sides.items():
            start = now()
            for action in actions:
                env.step(action)
            rates[name].append(steps * num_envs / since(start).passed)
    return rates


def ppo_rates(num_envs: int = 256, rollouts: int = 2, turns: int = 5) -> Rates:
    """Steps/s of PPO, including learning."""
    sides = {
        "jaxenvs": PPO("MlpPolicy", StableBaselines3VecEnv(ID, num_envs), **PPO_SETTINGS),
        "DummyVecEnv with Monitor": PPO("MlpPolicy", make_vec_env(ID, num_envs), **PPO_SETTINGS),
    }
    total = rollouts * PPO_SETTINGS["n_steps"] * num_envs
    rates: Rates = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, model in sides.items():
            start = now()
            model.learn(total)
            if turn:  # the first compiles
                rates[name].append(total / since(start).passed)
    return rates


def ratios(rates: Rates, peer: str) -> list[float]:
    """The speed of this package relative to the peer, turn by turn."""
    return [ours / theirs for ours, theirs in zip(rates["jaxenvs"], rates[peer], strict=True)]


def report(title: str, rates: Rates) -> None:
    """Prints a line for each side."""
    print(f"\n{title}")
    print(f"{'':28}{'steps a second':>16}{'jaxenvs is ... times as fast':>32}")
    for name, figures in rates.items():
        line = f"{name:28}{statistics.median(figures):16,.0f}"
        if name != "jaxenvs":
            times = ratios(rates, name)
            line += f"{statistics.median(times):14.2f}  ({min(times):.2f} to {max(times):.2f})"
        print(line)


def main() -> None:
    """Measures stepping and PPO."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=256)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"jaxenvs {jaxenvs.__version__}, jax {jax.__version__} on {jax.devices()[0].device_kind};"
        f" Stable-Baselines3 {stable_baselines3.__version__}, Gymnasium {gymnasium.__version__},"
        f" PyTorch {torch.__version__} on the CPU, {options.threads} thread(s)\n"
        f"{ID}, {options.num_envs} environments, {options.turns} turns each, interleaved"
    )
    report("Stepping, random actions", step_rates(options.num_envs, turns=options.turns))
    report(f"PPO, {PPO_SETTINGS}", ppo_rates(options.num_envs, turns=options.turns))


if __name__ == "__main__":
    main()
