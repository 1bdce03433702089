"""A function of many lanes, called with a single one.

XLA's CPU compiler makes another program for an axis of size 1: it rounds otherwise than those for more lanes, and loops
over that axis are no loops any more. A single lane is therefore computed as two equal ones. Programs that are compiled
otherwise than by XLA may compute the one.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, Primitive
from jax.interpreters import ad, mlir

T = TypeVar("T")

alone = Primitive("alone")
"""`alone.bind(*arguments, function=function, one=one)` is `function(*arguments)`.

`function` is jitted; it takes arrays with a first axis of lanes, and returns a list of such arrays. Here that axis has
size 1, and `one` is the program of `function` for it. There is no rule for `vmap`: `function` is to be called with the
larger batch.
"""
alone.multiple_results = True


@dataclasses.dataclass(frozen=True, eq=False)
class OneLane:
    """The program of a single lane, in a form in which JAX does not go through it several times for each lowering."""

    closed: ClosedJaxpr


def call_alone(function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)` of a single lane, with the bits that it has among others.

    Args:
        function: of trees of arrays with a first axis of lanes; its result is another.
        arguments: such trees, in which that axis has size 1.
    """
    leaves, structure = jax.tree.flatten(arguments)
    results: Any = None

    def of_leaves(*leaves: Array) -> list[Array]:
        nonlocal results
        values, results = jax.tree.flatten(function(*structure.unflatten(leaves)))
        return values

    values = bind(jax.jit(of_leaves), *leaves)
    return results.unflatten(values)


def bind(function: Callable[..., list[Array]], *arguments: Array) -> list[Array]:
    """`function(*arguments)` as an operation, see `alone`.

    The function is traced here, where its caller is: a lowering is another context, in which JAX would not find the
    programs of the jitted functions that it calls, and would trace them again.
    """
    return alone.bind(*arguments, function=function, one=OneLane(jax.make_jaxpr(function)(*arguments)))


def _by_two(*arguments: Array, function: Callable[..., list[Array]], one: OneLane) -> list[Array]:
    del one
    return [x[:1] for x in function(*(jnp.concatenate([x, x]) for x in arguments))]


def _shapes(*avals: ShapedArray, function: Callable[..., list[Array]], one: OneLane) -> list[ShapedArray]:
    del avals, function
    return [x.update(weak_type=False) for x in one.closed.out_avals]


def _differentiate(
    primals: Sequence[Array], tangents: Sequence[Any], *, function: Callable[..., list[Array]], one: OneLane
) -> tuple[list[Array], list[Array]]:
    del one
    tangents = [ad.instantiate_zeros(x) for x in tangents]
    return jax.jvp(function, tuple(primals), tuple(tangents))


alone.def_impl(jax.jit(_by_two, static_argnames=("function", "one")))
alone.def_abstract_eval(_shapes)
mlir.register_lowering(alone, mlir.lower_fun(_by_two, multiple_results=True))
ad.primitive_jvps[alone] = _differentiate
