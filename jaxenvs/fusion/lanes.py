"""Functions of one lane as JAX programs whose inputs and outputs are arrays: keys as their words, trees as leaves."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

from jaxenvs.core.trees import is_key_type
from jaxenvs.errors import JaxenvsError
from jaxenvs.fusion import garbage

_WRITTEN = 1 << 16
"""Constants of at most so many elements are written into a kernel. LLVM takes 2 s for a million of them, and 200 MB."""


@dataclasses.dataclass(frozen=True)
class LaneProgram:
    """A function of one lane.

    Attributes:
        closed: its program. What the function closes over comes first among the inputs, if it is traced or large.
        captured: those arrays.
        outputs: the structure of its result.
        avals: shape and dtype of each output, keys as keys.
    """

    closed: ClosedJaxpr
    captured: list[Array]
    outputs: Any
    avals: list[Any]


def lane_program(function: Callable[..., Any], arguments: Sequence[Any]) -> LaneProgram:
    """The program of a function.

    Args:
        function: of trees of arrays.
        arguments: trees of `ShapeDtypeStruct`, one for each argument.

    Raises:
        JaxenvsError: it combines lanes along an axis of `jax.vmap`, or contains `checkify.check`.
    """
    leaves, structure = jax.tree.flatten(tuple(arguments))
    found: dict[str, Any] = {}

    def of_words(*words: Array) -> list[Array]:
        given = [as_key(x, aval) for x, aval in zip(words, leaves, strict=True)]
        results, found["outputs"] = jax.tree.flatten(function(*structure.unflatten(given)))
        results = list(map(jnp.asarray, results))
        found["avals"] = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in results]
        return list(map(as_words, results))

    try:
        with garbage.uncollected():
            closed = jax.make_jaxpr(of_words)(*map(_aval_of_words, leaves))
    except NameError as error:
        if "unbound axis name" not in str(error):
            raise
        raise JaxenvsError(_OF_AXIS.format(repr(str(error).partition("axis name: ")[2].partition(".")[0]))) from error
    _check_effects(closed)
    with garbage.uncollected():
        closed = _expanded(closed)
    given = [isinstance(x, Tracer) or np.size(x) > _WRITTEN for x in closed.consts]
    captured = [x for x, is_given in zip(closed.consts, given, strict=True) if is_given]
    return LaneProgram(_opened(closed, given), list(map(as_words, captured)), found["outputs"], found["avals"])


_OF_AXIS = (
    "The step combines lanes along the axis {} (by `jax.lax.psum` or the like), which a fused step cannot: each of its"
    " lanes is computed apart from the others. Combine what `jax.vmap(fused.step)` returns, outside of the step; or"
    " step the environment that was fused, `fused.env`, under a `jax.vmap` with that `axis_name`."
)


def _check_effects(closed: ClosedJaxpr) -> None:
    """Raises `JaxenvsError` if a program reaches beyond its lane in a way that XLA cannot compile either."""
    effects: dict[str, Any] = {type(effect).__name__: effect for effect in closed.jaxpr.effects}
    axis = getattr(effects.get("NamedAxisEffect"), "name", None)
    if axis is not None and axis not in jax.sharding.get_abstract_mesh().axis_names:  # of a mesh, XLA can
        raise JaxenvsError(_OF_AXIS.format(repr(axis)))
    if "ErrorEffect" in effects:
        raise JaxenvsError(
            "The step contains `checkify.check`, which a fused step cannot report. Check the environment that was"
            " fused: `jax.vmap(checkify.checkify(fused.env.step))`; or fuse one without the check."
        )


def _expanded(closed: ClosedJaxpr) -> ClosedJaxpr:
    """The program with high-level primitives expanded, as JAX does before it compiles.

    JAX 0.12 has them for `jnp.searchsorted`, `jnp.interp`, `jnp.ldexp`, `jnp.nonzero` and others. Older ones have none.
    """
    if not getattr(closed.jaxpr, "is_high", False):
        return closed
    opened = _opened(closed, [True] * len(closed.consts))
    traced: Any = jax.jit(jaxpr_as_fun(opened)).trace(*opened.in_avals)
    low = traced.lojax.jaxpr
    count = len(closed.consts)
    expanded = low.replace(constvars=[*low.constvars, *low.invars[:count]], invars=low.invars[count:])
    return ClosedJaxpr(expanded, [*low.consts, *closed.consts])


def _opened(closed: ClosedJaxpr, given: Sequence[bool]) -> ClosedJaxpr:
    """The program with some of its constants as inputs, which come first."""
    jaxpr: Jaxpr = closed.jaxpr
    variables = list(zip(jaxpr.constvars, given, strict=True))
    opened = jaxpr.replace(
        constvars=[v for v, is_given in variables if not is_given],
        invars=[*(v for v, is_given in variables if is_given), *jaxpr.invars],
        debug_info=jaxpr.debug_info.with_unknown_names(),
    )
    return ClosedJaxpr(opened, [x for x, is_given in zip(closed.consts, given, strict=True) if not is_given])


def as_words(x: Any) -> Any:
    """Keys as their words; others as they are."""
    return jax.random.key_data(x) if is_key_type(x) else x


def as_key(x: Any, aval: Any) -> Any:
    """Words as the keys that `aval` says they are; others as they are."""
    return jax.random.wrap_key_data(x, impl=aval.dtype._impl.name) if is_key_type(aval) else x


def one_of(x: Any, axes: int) -> jax.ShapeDtypeStruct:
    """Shape and dtype of an array without its first axes."""
    return jax.ShapeDtypeStruct(x.shape[axes:], x.dtype)


def varying_axes(x: Any) -> frozenset[Any]:
    """Of the axes of a mesh within a `shard_map` that checks them, those along which an array is known to differ."""
    aval: Any = jax.typeof(x)
    return aval.manual_axis_type.varying if hasattr(aval, "manual_axis_type") else getattr(aval, "vma", frozenset())


def _aval_of_words(aval: Any) -> Any:
    if not is_key_type(aval):
        return aval
    words = jax.eval_shape(jax.random.key_data, aval)
    return jax.ShapeDtypeStruct(words.shape, np.uint32)
