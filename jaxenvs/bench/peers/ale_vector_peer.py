"""ale-py's own vector environment: C++ emulators in a pool of threads, one for each core."""

from __future__ import annotations  # for the older Pythons of older packages

import os
import platform
from typing import Any

PACKAGES = ("ale_py",)


def prepare(task: str, num_envs: int, steps: int | None, **options: Any) -> dict[str, Any]:
    """The game of ale-py's name `task`, with actions drawn by NumPy at every step; each call is one step."""
    import ale_py
    import numpy as np

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    threads = min(num_envs, os.cpu_count() or 1)
    envs = ale_py.AtariVectorEnv(task, num_envs, num_threads=threads, **options)
    envs.reset(seed=0)
    generator = np.random.default_rng(0)

    def advance() -> None:
        envs.step(generator.integers(envs.single_action_space.n, size=num_envs))

    device = f"{platform.machine()}, {threads} threads"
    return {"advance": advance, "steps": 1, "compile_seconds": None, "device": device}
