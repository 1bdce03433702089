"""An operation that changes nothing, across which XLA's CPU compiler repeats no arithmetic.

If several results share a chain of arithmetic, that compiler fuses the whole chain into each of them, which multiplies
the work, except beyond what it takes to be expensive. A division is; one by 1 changes nothing, provided that the
compiler does not know the 1. (An optimization barrier does not stop it, nor a divisor that is one scalar.)
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

kept = Primitive("kept")
"""`kept.bind(x, below_one)` is `x`.

Programs that are compiled otherwise than by XLA may leave it out, but round each product and each sum: what is computed
once, and as it is written, agrees best with a simulator that was compiled for any processor. `below_one` is int32, at
most 0, which the compiler must not be able to find out, of shape ().
"""


def _by_division(x: Array, below_one: Array) -> Array:
    if x.dtype == jnp.bool_:
        return _by_division(x.astype(jnp.int32), below_one) != 0
    one = lax.select(x == 0, jnp.full_like(x, 2), jnp.full_like(x, 1))
    return lax.div(x, one)


def _map(operands: Sequence[Array], axes: Sequence[Any]) -> tuple[Array, int | None]:
    x, below_one = operands
    if axes[1] is not None:  # all are at most 0
        below_one = jnp.min(below_one, axes[1])
    if axes[0] is None:
        return kept.bind(x, below_one), None
    return kept.bind(jnp.moveaxis(x, axes[0], 0), below_one), 0


kept.def_impl(jax.jit(_by_division))
kept.def_abstract_eval(lambda x, below_one: ShapedArray(x.shape, x.dtype))
mlir.register_lowering(kept, mlir.lower_fun(_by_division, multiple_results=False))
batching.primitive_batchers[kept] = _map
ad.primitive_jvps[kept] = lambda primals, tangents: (kept.bind(*primals), tangents[0])
