"""A rollout as one compiled scan, for the peers in JAX. The worker puts this folder on their path."""

from __future__ import annotations  # for the older Pythons of older packages

import time
from collections.abc import Callable
from typing import Any

Step = Callable[[Any, None], "tuple[Any, Any]"]


def prepared_scan(step: Step, carry: Any, steps: int) -> dict[str, Any]:
    """The result of `prepare`: `steps` steps per call, each of which continues where the last call ended.

    Args:
        step: a scan body of all environments; its second result is what a learner would receive.
        carry: the carry with which the first call begins.
        steps: the length of the scan.
    """
    import jax

    rollout = jax.jit(lambda carry: jax.lax.scan(step, carry, None, length=steps))
    started = time.perf_counter()
    compiled = rollout.lower(carry).compile()
    compile_seconds = time.perf_counter() - started

    def advance() -> None:
        nonlocal carry
        carry, outputs = compiled(carry)
        jax.block_until_ready(outputs)

    device = f"{jax.devices()[0].device_kind} ({jax.default_backend()})"
    return {"advance": advance, "steps": steps, "compile_seconds": compile_seconds, "device": device}
