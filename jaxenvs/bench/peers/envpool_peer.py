"""EnvPool: C++ environments in a pool of threads, one for each core."""

from __future__ import annotations  # for the older Pythons of older packages

import os
import platform
from typing import Any

PACKAGES = ("envpool",)


def prepare(task: str, num_envs: int, steps: int | None, **options: Any) -> dict[str, Any]:
    """A synchronous pool, with actions drawn by NumPy at every step; each call is one step."""
    import envpool  # pyright: ignore[reportMissingImports]  # its interpreter has it
    import numpy as np

    threads = min(num_envs, os.cpu_count() or 1)
    envs = envpool.make_gymnasium(task, num_envs=num_envs, num_threads=threads, seed=0, **options)
    envs.reset()
    generator = np.random.default_rng(0)
    space = envs.action_space

    def advance() -> None:
        if hasattr(space, "n"):
            actions = generator.integers(space.n, size=num_envs, dtype=np.int32)
        else:
            actions = generator.uniform(space.low, space.high, (num_envs, *space.shape)).astype(space.dtype)
        envs.step(actions)

    device = f"{platform.machine()}, {threads} threads"
    return {"advance": advance, "steps": 1, "compile_seconds": None, "device": device}
