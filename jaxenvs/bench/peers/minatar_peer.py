"""MinAtar: NumPy games, one after the other."""

from __future__ import annotations  # for the older Pythons of older packages

import platform
from typing import Any

PACKAGES = ("minatar",)


def prepare(task: str, num_envs: int, steps: int | None) -> dict[str, Any]:
    """A list of games with the package's sticky actions and difficulty ramping; each call is one step of each."""
    import numpy as np
    from minatar import Environment  # pyright: ignore[reportMissingImports]  # its interpreter has it

    games = [Environment(task) for _ in range(num_envs)]
    for seed, game in enumerate(games):
        game.seed(seed)
    generator = np.random.default_rng(0)
    num_actions = games[0].num_actions()
    observations = np.zeros((num_envs, *games[0].state_shape()), bool)
    rewards, dones = np.zeros(num_envs, np.float32), np.zeros(num_envs, bool)

    def advance() -> None:
        for lane, action in enumerate(generator.integers(num_actions, size=num_envs)):
            rewards[lane], dones[lane] = games[lane].act(action)
            if dones[lane]:
                games[lane].reset()
            observations[lane] = games[lane].state()

    return {"advance": advance, "steps": 1, "compile_seconds": None, "device": platform.machine()}
