"""The promotion rules that MJX's code was written for, whatever rules the caller has set."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def with_usual_promotion(function: Callable[P, R]) -> Callable[P, R]:
    """Traces `function` under JAX's usual rules for dtypes and ranks, and with products at full precision.

    MJX mixes booleans, integers and floats, and ranks, as NumPy does. GPUs would round float32 factors to ten bits.
    """

    @wraps(function)
    def traced(*args: P.args, **kwargs: P.kwargs) -> R:
        with (
            jax.numpy_dtype_promotion("standard"),
            jax.numpy_rank_promotion("allow"),
            jax.default_matmul_precision("highest"),
        ):
            return function(*args, **kwargs)

    return traced
