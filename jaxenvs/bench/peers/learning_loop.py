"""Training in pieces, with the clock stopped while the policy is tested, for the peers that learn."""

from __future__ import annotations  # for the older Pythons of older packages

import time
from collections.abc import Callable
from typing import Any

TEST_EPISODES = 100
"""Number of fresh episodes in a test, played with the most likely action."""

STEPS_BETWEEN_TESTS = 5_000
"""Environment steps after which the policy is tested, rounded up to whole updates."""


def updates_between_tests(steps_per_update: int) -> int:
    """The number of updates in a piece of training."""
    return -(-STEPS_BETWEEN_TESTS // steps_per_update)


def learn_until(
    threshold: float, total_steps: int, train: Callable[[], int], test: Callable[[], float]
) -> dict[str, Any]:
    """Trains in pieces until a test reaches the threshold, or the steps are used up.

    Args:
        threshold: mean return to reach.
        total_steps: environment steps after which to give up.
        train: trains a piece, and returns the number of environment steps when that is done.
        test: the mean return over fresh episodes.

    Returns:
        `seconds` of training until the first test that reached it, None if none did; the `env_steps` taken, and the
        `mean_return` of the last test.
    """
    seconds, env_steps, mean_return = 0.0, 0, float("-inf")
    while mean_return < threshold and env_steps < total_steps:
        started = time.perf_counter()
        env_steps += train()
        seconds += time.perf_counter() - started
        mean_return = test()
    reached = mean_return >= threshold
    return {"seconds": seconds if reached else None, "env_steps": env_steps, "mean_return": mean_return}
