"""Starts whose last bits do not depend on the program that draws them."""

import jax
import jax.numpy as jnp
from jax import Array


def as_rounded(number: Array) -> Array:
    """Numbers without their last bit, which every program rounds alike.

    A compiler may contract a product and a sum into one operation, or combine two factors that it knows. Then a start
    has other last bits in a jitted loop than in an eager `reset`. In a chaotic robot these decide the episode, although
    C MuJoCo computes everything after the start alike in every program. No compiler merges an operation before this one
    with one after it. (XLA ignores a rounding to all bits, and `optimization_barrier` when it contracts.)

    Args:
        number: an array of floats, such as a product that is to be added to something.
    """
    info = jnp.finfo(number.dtype)
    return jax.lax.reduce_precision(number, info.nexp, info.nmant - 1)
