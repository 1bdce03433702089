"""Gymnasium: `SyncVectorEnv`, or a task's own vector environment."""

from __future__ import annotations  # for the older Pythons of older packages

import platform
from typing import Any

PACKAGES = ("gymnasium",)


def prepare(task: str, num_envs: int, steps: int | None, *, mode: str) -> dict[str, Any]:
    """A vector environment in its default mode of auto-reset, with actions drawn by NumPy at every step.

    Args:
        task: the id.
        num_envs: number of environments stepped at once.
        steps: not used; each call is one step.
        mode: "sync" or "vector_entry_point", as for `gymnasium.make_vec`.
    """
    import gymnasium
    import numpy as np

    envs = gymnasium.make_vec(task, num_envs=num_envs, vectorization_mode=mode)
    envs.reset(seed=0)
    generator = np.random.default_rng(0)
    space: Any = envs.single_action_space

    def advance() -> None:
        if isinstance(space, gymnasium.spaces.Discrete):
            actions = generator.integers(space.n, size=num_envs)
        else:
            actions = generator.uniform(space.low, space.high, (num_envs, *space.shape)).astype(space.dtype)
        envs.step(actions)

    return {"advance": advance, "steps": 1, "compile_seconds": None, "device": platform.machine()}
