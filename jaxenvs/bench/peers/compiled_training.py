"""A training as one compiled program, for the peers that learn in JAX."""

from __future__ import annotations  # for the older Pythons of older packages

import time
from collections.abc import Callable
from typing import Any


def prepared_training(train: Callable[[Any], Any], key: Any, steps: int) -> dict[str, Any]:
    """The result of `prepare`: a whole training per call, each from a different key.

    Args:
        train: a function of a key, whose result is waited for.
        key: the key from which those of the calls are derived.
        steps: steps of each environment in a training.
    """
    import jax

    started = time.perf_counter()
    compiled = jax.jit(train).lower(key).compile()
    compile_seconds = time.perf_counter() - started
    calls = 0

    def advance() -> None:
        nonlocal calls
        calls += 1
        jax.block_until_ready(compiled(jax.random.fold_in(key, calls)))

    device = f"{jax.devices()[0].device_kind} ({jax.default_backend()})"
    return {"advance": advance, "steps": steps, "compile_seconds": compile_seconds, "device": device}
