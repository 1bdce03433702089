"""An operation that changes nothing, across which XLA's CPU compiler repeats no arithmetic.

If several results share a chain of arithmetic, that compiler fuses the whole chain into each of them, which multiplies
the work, except beyond what it takes to be expensive. A division is; one by 1 changes nothing, provided that the
compiler does not know the 1. (An optimization barrier does not stop it, nor a divisor that is one scalar.)

The divisor depends on the array itself: it is 2 where the array is 0, which a division does not change either. So it
cannot be moved out of a loop, where it would be one more array that the loop carries, made by one more kernel.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

kept = Primitive("kept")
"""`kept.bind(x)` is `x`.

Programs that are compiled otherwise than by XLA may leave it out, but round each product and each sum: what is computed
once, and as it is written, agrees best with a simulator that was compiled for any processor.
"""


def _by_division(x: Array) -> Array:
    if x.dtype == jnp.bool_:
        return _by_division(x.astype(jnp.int32)) != 0
    return lax.div(x, lax.select(x == 0, jnp.full_like(x, 2), jnp.full_like(x, 1)))


def _map(operands: Any, axes: Any) -> tuple[Array, int]:
    return kept.bind(*operands), axes[0]


kept.def_impl(jax.jit(_by_division))
kept.def_abstract_eval(lambda x: x.update(weak_type=False))
mlir.register_lowering(kept, mlir.lower_fun(_by_division, multiple_results=False))
batching.primitive_batchers[kept] = _map
ad.primitive_jvps[kept] = lambda primals, tangents: (kept.bind(*primals), tangents[0])
