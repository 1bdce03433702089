"""A function of many lanes, called with a single one.

XLA's CPU compiler makes another program for an axis of size 1: it rounds otherwise than those for more lanes, and loops
over that axis are no loops any more. A single lane is therefore computed as two equal ones. Programs that are compiled
otherwise than by XLA may compute the one.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, mlir

T = TypeVar("T")

alone = Primitive("alone")
"""`alone.bind(*arguments, function=function)` is `function(*arguments)`.

`function` is jitted; it takes arrays with a first axis of lanes, and returns a list of such arrays. Here that axis has
size 1. There is no rule for `vmap`: `function` is to be called with the larger batch.
"""
alone.multiple_results = True


def call_alone(function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)` of a single lane, with the bits that it has among others.

    Args:
        function: of trees of arrays with a first axis of lanes; its result is another.
        arguments: such trees, in which that axis has size 1.
    """
    leaves, structure = jax.tree.flatten(arguments)
    results = jax.tree.structure(jax.eval_shape(function, *arguments))
    flat = jax.jit(lambda *leaves: jax.tree.leaves(function(*structure.unflatten(leaves))))
    return results.unflatten(alone.bind(*leaves, function=flat))


def _by_two(*arguments: Array, function: Callable[..., list[Array]]) -> list[Array]:
    return [x[:1] for x in function(*(jnp.concatenate([x, x]) for x in arguments))]


def _shapes(*avals: ShapedArray, function: Callable[..., list[Array]]) -> list[ShapedArray]:
    return [ShapedArray(x.shape, x.dtype) for x in jax.eval_shape(function, *avals)]


def _differentiate(
    primals: Sequence[Array], tangents: Sequence[Any], *, function: Callable[..., list[Array]]
) -> tuple[list[Array], list[Array]]:
    tangents = [ad.instantiate_zeros(x) for x in tangents]
    return jax.jvp(function, tuple(primals), tuple(tangents))


alone.def_impl(jax.jit(_by_two, static_argnames="function"))
alone.def_abstract_eval(_shapes)
mlir.register_lowering(alone, mlir.lower_fun(_by_two, multiple_results=True))
ad.primitive_jvps[alone] = _differentiate
