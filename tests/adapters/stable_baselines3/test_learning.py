"""Stable-Baselines3's learners learn through the batch."""

import functools
import math

import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy

from jaxenvs.adapters import StableBaselines3VecEnv
from tests.learning import assert_learns, measured


@pytest.fixture(autouse=True)
def one_thread():
    """These networks are so small that PyTorch's threads wait for each other most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def decreasing(rate):
    return lambda progress_remaining: rate * progress_remaining


LEARNERS = {
    "PPO": (
        PPO,
        ("CartPole-v1", 16, {}),
        {"n_steps": 32, "batch_size": 256, "learning_rate": 1e-3, "gae_lambda": 0.9, "gamma": 0.98},
        40_000,
    ),
    "A2C": (
        A2C,
        ("CartPole-v1", 32, {}),
        {"n_steps": 8, "learning_rate": decreasing(2e-3), "gae_lambda": 0.95, "gamma": 0.98},
        160_000,
    ),
    "DQN": (
        DQN,
        ("FrozenLake-v1", 8, {"is_slippery": False}),
        {
            "learning_rate": decreasing(2e-3),
            "learning_starts": 500,
            "train_freq": 1,
            "target_update_interval": 400,
            "exploration_fraction": 0.6,
            "batch_size": 64,
            "gamma": 0.9,
        },
        24_000,
    ),
    "SAC": (
        SAC,
        ("Pendulum-v1", 4, {}),
        {
            "learning_rate": 1e-3,
            "learning_starts": 500,
            "train_freq": 1,
            "gradient_steps": 4,
            "batch_size": 128,
            "policy_kwargs": {"net_arch": [64, 64]},
        },
        5_000,
    ),
    # The tutorial's networks; its agent got about -2,200, and random actions get -235.
    "PPO on HeartPole": (
        PPO,
        ("HeartPole-v0", 16, {}),
        {
            "n_steps": 64,
            "batch_size": 256,
            "n_epochs": 6,
            "learning_rate": 1e-3,
            "policy_kwargs": {"net_arch": [16, 16]},
        },
        100_000,
    ),
    "SAC on HalfCheetah": (SAC, ("HalfCheetah-v5", 4, {}), {"learning_starts": 10_000, "gradient_steps": -1}, 50_000),
}
"""Learner: its class, the task, settings and steps. `tests/learning_rates.json` has marks, and what seeds reached."""

QUICK = ("PPO",)


def mean_return(name, seed):
    """After learning, over 16 episodes; minus infinity if the mark is reached before."""
    learner, (id, num_envs, fields), settings, steps = LEARNERS[name]
    model = learner("MlpPolicy", StableBaselines3VecEnv(id, num_envs, **fields), device="cpu", seed=seed, **settings)
    fresh = StableBaselines3VecEnv(id, 16, seed=100, **fields)
    before, _ = evaluate_policy(model, fresh, n_eval_episodes=16, deterministic=False)
    model.learn(steps)
    after, _ = evaluate_policy(model, fresh, n_eval_episodes=16, deterministic=False)
    return float(after) if before < measured(f"SB3: {name}").mark else -math.inf


LEARNS = {f"SB3: {name}": functools.partial(mean_return, name) for name in LEARNERS}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LEARNERS])
def test_it_learns(name):
    assert_learns(f"SB3: {name}", LEARNS[f"SB3: {name}"])
