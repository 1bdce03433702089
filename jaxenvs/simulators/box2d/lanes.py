"""Computing with many worlds at once.

The engine's functions work on whole batches: a batch axis is written out, and `over_lanes` makes a function of one
world of it. So nothing is batched by `vmap` again and again, which for loops within loops makes large programs, and
work can be given to only those lanes that need it.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.alone import call_alone
from jaxenvs.core.kept import kept

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

    return lambda *arguments: one(jax.tree.map(jnp.asarray, arguments))


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
    kind = jnp.full(classes[0].shape, len(classes), jnp.int32)
    for number, members in reversed(list(enumerate(classes))):
        kind = jnp.where(members, number, kind)
    needed = kind < len(classes)
    total = jnp.sum(needed, dtype=jnp.int32)
    order = jnp.argsort(kind)
    rank = jnp.argsort(order)
    lanes = kind.shape[0]
    size = min(size, lanes)
    packing = _Packing((changed, given), axis)
    rows = packing.pack((changed, given))
    results = _Packing(changed, axis)

    def some(loop: tuple[Array, Array]) -> tuple[Array, Array]:
        first, done = loop
        start = jnp.minimum(first, lanes - size)
        index = lax.dynamic_slice_in_dim(order, start, size)
        mine, others = packing.unpack(jnp.take(rows, index, axis=axis, mode="clip"))
        found = results.pack(function(mine, *others))
        return first + size, lax.dynamic_update_slice_in_dim(done, found, start, axis % 2)

    old = results.pack(changed)
    done = lax.while_loop(lambda loop: loop[0] < total, some, (jnp.zeros((), jnp.int32), old))[1]
    new = jnp.take(done, rank, axis=axis, mode="clip")
    return results.unpack(jnp.where(needed[:, None] if axis == 0 else needed[None], new, old))


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


class _Packing:
    """One int32 matrix for a tree of arrays, so that lanes move with one gather rather than one for each array.

    Lanes are the first axis of the matrix, or the last, as `axis` says.
    """

    def __init__(self, tree: Any, axis: int) -> None:
        leaves, self._structure = jax.tree.flatten(tree)
        self._axis = axis
        self._shapes = [x.shape[1:] if axis == 0 else x.shape[:-1] for x in leaves]
        self._dtypes = [x.dtype for x in leaves]

    def pack(self, tree: Any) -> Array:
        """The tree as a matrix."""
        return jnp.concatenate([self._flat(x) for x in jax.tree.leaves(tree)], 1 + self._axis)

    def unpack(self, matrix: Array) -> Any:
        """The reverse."""
        leaves, start = [], 0
        for shape, dtype in zip(self._shapes, self._dtypes, strict=True):
            size = math.prod(shape)
            part = lax.slice_in_dim(matrix, start, start + size, axis=1 + self._axis)
            part = part != 0 if dtype == jnp.bool_ else lax.bitcast_convert_type(part, dtype)
            lanes = matrix.shape[self._axis]
            leaves.append(part.reshape((lanes, *shape) if self._axis == 0 else (*shape, lanes)))
            start += size
        return self._structure.unflatten(leaves)

    def _flat(self, x: Array) -> Array:
        size = math.prod(x.shape[1:] if self._axis == 0 else x.shape[:-1])
        x = x.reshape((x.shape[0], size) if self._axis == 0 else (size, x.shape[-1]))
        return x.astype(jnp.int32) if x.dtype == jnp.bool_ else lax.bitcast_convert_type(x, jnp.int32)
