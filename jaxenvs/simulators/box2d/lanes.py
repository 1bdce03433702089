"""Computing with many worlds at once.

The engine's functions work on whole batches: a batch axis is written out, and `over_lanes` makes a function of one
world of it. So nothing is batched by `vmap` again and again, which for loops within loops makes large programs, and
work can be given to only those lanes that need it.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.dtypes import float0

from jaxenvs.core.alone import call_alone
from jaxenvs.core.forward_only import forward_only
from jaxenvs.core.kept import kept
from jaxenvs.core.varying import varying_as

T = TypeVar("T")


def keep(tree: T) -> T:
    """The same tree; XLA computes none of its arrays again for each of their uses (see `core.kept`)."""
    return jax.tree.map(lambda x: kept.bind(jnp.asarray(x)), tree)


def over_lanes(function: Callable[..., T]) -> Callable[..., T]:
    """A function of one world, from one of many.

    Args:
        function: its arguments and results are trees of arrays with a leading axis of lanes; it closes over no traced
            values.

    Returns:
        The function for trees without that axis. Under `vmap`, it calls `function` with the batch; a batch of batches
        is one larger batch.
    """
    # Jitted, since custom_vmap turns the arrays that a function closes over into operands, and fails if they are
    # mapped; a `cond` with a mapped predicate maps all operands of its branches.
    jitted = jax.jit(function)

    @jax.custom_batching.custom_vmap
    def many(arguments: Any) -> T:
        if jax.tree.leaves(arguments)[0].shape[0] == 1:
            return call_alone(jitted, *arguments)
        return jitted(*arguments)

    @many.def_vmap
    def _(lanes: int, batched: Any, arguments: Any) -> Any:
        arguments = _spread(lanes, batched[0], arguments)
        inner = jax.tree.leaves(arguments)[0].shape[1]
        merged = jax.tree.map(lambda x: x.reshape(lanes * inner, *x.shape[2:]), arguments)
        result = jax.tree.map(lambda x: x.reshape(lanes, inner, *x.shape[1:]), many(merged))
        return result, jax.tree.map(lambda _: True, result)

    @jax.custom_batching.custom_vmap
    def one(arguments: Any) -> T:
        return jax.tree.map(lambda x: x[0], many(jax.tree.map(lambda x: x[None], arguments)))

    @one.def_vmap
    def _(lanes: int, batched: Any, arguments: Any) -> Any:
        result = many(_spread(lanes, batched[0], arguments))
        return result, jax.tree.map(lambda _: True, result)

    @jax.custom_jvp
    def differentiable(arguments: Any) -> T:
        return one(arguments)

    # JAX derives the rules above as well, in which it calls `many` for a batch whose derivatives are no batch, and so
    # on without end. The derivative is a function of many worlds itself.
    derivative = partial(_derivative, function)

    @differentiable.defjvp
    def _(primals: Any, tangents: Any) -> tuple[T, Any]:
        (arguments,), (moves,) = primals, tangents
        result = differentiable(arguments)
        given = [x for x in jax.tree.leaves(moves) if x.dtype != float0]
        found = (forward_only.bind(x, owner="A step of Box2D") for x in over_lanes(derivative)(arguments, given))
        return result, jax.tree.map(lambda x: next(found) if _is_real(x) else np.zeros(x.shape, float0), result)

    def call(*arguments: Any) -> T:
        arguments = jax.tree.map(jnp.asarray, arguments)
        return differentiable(varying_as(arguments, arguments))

    return call


def _derivative(function: Callable[..., Any], arguments: Any, moves: list[Array]) -> list[Array]:
    """The tangents of a function's real results, given those of its real arguments."""
    leaves, structure = jax.tree.flatten(arguments)
    places = [place for place, leaf in enumerate(leaves) if _is_real(leaf)]

    def of_real(real: list[Array]) -> list[Array]:
        for place, leaf in zip(places, real, strict=True):
            leaves[place] = leaf
        return [x for x in jax.tree.leaves(function(*structure.unflatten(leaves))) if _is_real(x)]

    return jax.jvp(of_real, ([leaves[place] for place in places],), (moves,))[1]


def _is_real(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


@jax.custom_batching.custom_vmap
def anywhere(flag: Array) -> Array:
    """() bool: `flag`; in a batch, whether any lane's is set, the same for all lanes.

    As the condition of a loop it keeps counters the same for all lanes, so that the loop's writes are slices.
    """
    return flag


@anywhere.def_vmap
def _(lanes: int, batched: Any, flag: Array) -> tuple[Array, bool]:
    del lanes
    return anywhere(jnp.any(flag, 0) if batched[0] else flag), False


def _spread(lanes: int, batched: Any, arguments: Any) -> Any:
    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *x.shape))

    return jax.tree.map(spread, arguments, batched)


def only_where(
    function: Callable[..., T], changed: T, *given: Any, classes: tuple[Array, ...], size: int, axis: int = 0
) -> T:
    """`function(changed, *given)` for some lanes; the others of `changed` stay as they are.

    Args:
        function: for `size` lanes; returns a tree like `changed`.
        changed: a tree of arrays whose axis `axis` is lanes.
        given: trees of arrays with lanes that `function` reads.
        classes: (lanes,) bool each: which lanes need the work. Lanes of the first class that are worked on together
            come before those of the second, and so on, so that lanes with the same kind of work meet.
        size: how many lanes are worked on at once.
        axis: 0 or -1.
    """
    changed = varying_as((classes, changed, given), changed)
    if classes[0].shape[0] == 1:
        needed = reduce(jnp.logical_or, classes)[0]
        return lax.cond(needed, lambda: function(changed, *given), lambda: changed)
    kind = jnp.full(classes[0].shape, len(classes), jnp.int32)
    for number, members in reversed(list(enumerate(classes))):
        kind = jnp.where(members, number, kind)
    kind = keep(kind)
    needed = kind < len(classes)
    total = jnp.sum(needed, dtype=jnp.int32)
    order = jnp.argsort(kind)
    rank = jnp.argsort(order)
    lanes = kind.shape[0]
    size = min(size, lanes)

    def some(loop: tuple[Array, T]) -> tuple[Array, T]:
        first, done = loop
        start = jnp.minimum(first, lanes - size)
        index = lax.dynamic_slice_in_dim(order, start, size)
        mine, others = _taken((changed, given), index, axis)
        found = function(mine, *others)
        put = partial(lax.dynamic_update_slice_in_dim, start_index=start, axis=axis)
        return first + size, jax.tree.map(put, done, found)

    start = varying_as(total, (jnp.zeros((), jnp.int32), changed))
    done = lax.while_loop(lambda loop: loop[0] < total, some, start)[1]

    def chosen(new: Array, old: Array) -> Array:
        here = needed.reshape(-1, *(1,) * (new.ndim - 1)) if axis == 0 else needed
        return jnp.where(here, new, old)

    return jax.tree.map(chosen, _taken(done, rank, axis), changed)


def _taken(tree: T, index: Array, axis: int) -> T:
    """The entries of arrays along an axis.

    Kernels of arrays of the same shape are equal, and XLA compiles equal kernels once.
    """
    return jax.tree.map(lambda x: jnp.take(x, index, axis=axis, mode="clip"), tree)


def over_items(function: Callable[..., T], *arguments: Any, together: bool, axis: int = -1) -> T:
    """`function(*arguments)`, whose arrays have an axis of items that do not affect each other.

    Args:
        function: its results are trees of arrays with such an axis as well.
        arguments: trees of arrays.
        together: False for one item after another, which makes a small program for items that are not many.
        axis: of items, the first or the last.
    """
    if together:
        return function(*arguments)

    def one(_: None, arguments: Any) -> tuple[None, T]:
        results = function(*jax.tree.map(lambda x: jnp.expand_dims(x, axis), arguments))
        return None, jax.tree.map(lambda x: jnp.squeeze(x, axis), results)

    results = lax.scan(one, None, jax.tree.map(lambda x: jnp.moveaxis(x, axis, 0), arguments))[1]
    return jax.tree.map(lambda x: jnp.moveaxis(x, 0, axis), results)
