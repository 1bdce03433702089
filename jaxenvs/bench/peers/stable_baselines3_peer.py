"""stable-baselines3's PPO on Gymnasium's environments. It is compared only in time to the threshold."""

from __future__ import annotations  # for the older Pythons of older packages

import time
from typing import Any

PACKAGES = ("stable_baselines3", "gymnasium")

TUNED: dict[str, dict[str, Any]] = {
    "CartPole-v1": {
        "num_envs": 8,
        "total_steps": 100_000,
        "n_steps": 32,
        "batch_size": 256,
        "gae_lambda": 0.8,
        "gamma": 0.98,
        "n_epochs": 20,
        "ent_coef": 0.0,
        "learning_rate": 0.001,
        "clip_range": 0.2,
    }
}
"""Settings of github.com/DLR-RM/rl-baselines3-zoo, hyperparams/ppo.yml; the last two fall linearly to 0."""


def learn(task: str, threshold: float, seed: int) -> dict[str, Any]:
    """Learns with the tuned settings until the threshold is reached."""
    import gymnasium
    import torch
    from learning_loop import STEPS_BETWEEN_TESTS, TEST_EPISODES  # pyright: ignore[reportMissingImports]
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import DummyVecEnv

    torch.set_num_threads(1)  # more make such small networks slower
    settings = dict(TUNED[task])
    num_envs, total_steps = settings.pop("num_envs"), settings.pop("total_steps")
    rate, clip = settings.pop("learning_rate"), settings.pop("clip_range")
    test_envs = DummyVecEnv([lambda: gymnasium.make(task)] * num_envs)
    test_envs.seed(1_000_000 + seed)

    class Stopwatch(BaseCallback):
        """Stops the clock for a test between updates, and the training if the test reaches the threshold."""

        def __init__(self) -> None:
            super().__init__()
            self.seconds, self.tested_at, self.mean_return = 0.0, 0, float("-inf")
            self.started = time.perf_counter()

        def _on_rollout_start(self) -> None:  # each follows an update, except the first
            if self.num_timesteps - self.tested_at >= STEPS_BETWEEN_TESTS:
                self.test()

        def _on_step(self) -> bool:
            return self.mean_return < threshold

        def test(self) -> None:
            self.seconds += time.perf_counter() - self.started
            self.tested_at = self.num_timesteps
            rewards, _ = evaluate_policy(self.model, test_envs, TEST_EPISODES, warn=False)
            self.mean_return = float(rewards)  # pyright: ignore[reportArgumentType]  # a list only on request
            self.started = time.perf_counter()

    watch = Stopwatch()
    envs = make_vec_env(task, num_envs, seed=seed)
    model = PPO(
        "MlpPolicy",
        envs,
        seed=seed,
        device="cpu",
        learning_rate=lambda left: left * rate,
        clip_range=lambda left: left * clip,
        **settings,
    )
    model.learn(total_steps, callback=watch)
    if watch.mean_return < threshold:
        watch.test()
    reached = watch.mean_return >= threshold
    return {
        "seconds": watch.seconds if reached else None,
        "env_steps": watch.tested_at,
        "mean_return": watch.mean_return,
        "compile_seconds": None,
    }
