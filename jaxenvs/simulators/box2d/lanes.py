"""Computing with many worlds at once.

The engine's functions work on whole batches: a batch axis is written out, and `over_lanes` makes a function of one
world of it. So nothing is batched by `vmap` again and again, which for loops within loops makes large programs, and
work can be given to only those lanes that need it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

T = TypeVar("T")


class Keep:
    """Stops XLA from computing a chain of arithmetic again for each of its uses.

    If several results share a chain, XLA's CPU compiler fuses the whole chain into each of them, which multiplies the
    work, except beyond what it takes to be expensive. A division is; one by 1 changes nothing, provided that the
    compiler does not know the 1. (An optimization barrier does not stop it.)
    """

    def __init__(self, awake: Array) -> None:
        """`awake` is any traced array of bool."""
        count = jnp.sum(awake, dtype=jnp.int32)
        self._one = jnp.where(count < 0, jnp.float32(2), jnp.float32(1))

    def __call__(self, tree: T) -> T:
        """The same tree; its float32 arrays will be computed once."""

        def keep(x: Any) -> Any:
            return x / self._one.reshape((1,) * jnp.ndim(x)) if jnp.result_type(x) == jnp.float32 else x

        return jax.tree.map(keep, tree)


def over_lanes(function: Callable[..., T]) -> Callable[..., T]:
    """A function of one world, from one of many.

    Args:
        function: its arguments and results are trees of arrays with a leading axis of lanes; it closes over no traced
            values.

    Returns:
        The function for trees without that axis. Under `vmap`, it calls `function` with the batch; a batch of batches
        is one larger batch.
    """

    @jax.custom_batching.custom_vmap
    def many(arguments: Any) -> T:
        return function(*arguments)

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
    needed = jnp.zeros(classes[0].shape, bool)
    rank, total = jnp.zeros(needed.shape, jnp.int32), jnp.zeros((), jnp.int32)
    for members in classes:
        new = members & ~needed
        rank = jnp.where(new, total + jnp.cumsum(new, dtype=jnp.int32) - 1, rank)
        needed, total = needed | new, total + jnp.sum(new, dtype=jnp.int32)
    rank = jnp.where(needed, rank, total + jnp.cumsum(~needed, dtype=jnp.int32) - 1)
    lanes = rank.shape[0]
    size = min(size, lanes)
    order = jnp.argsort(rank)

    def at(x: Array, index: Array) -> Array:
        return jnp.take(x, index, axis=axis, mode="clip")

    def some(loop: tuple[Array, T]) -> tuple[Array, T]:
        first, results = loop
        first_used = jnp.minimum(first, lanes - size)
        index = lax.dynamic_slice_in_dim(order, first_used, size)
        mine, others = jax.tree.map(lambda x: at(x, index), (changed, given))
        found = function(mine, *others)

        def put(x: Array, new: Array) -> Array:
            return lax.dynamic_update_slice_in_dim(x, new.astype(x.dtype), first_used, x.ndim - 1 if axis else 0)

        return first + size, jax.tree.map(put, results, found)

    start = (jnp.zeros((), jnp.int32), changed)
    results = lax.while_loop(lambda loop: loop[0] < total, some, start)[1]

    def chosen(new: Array, old: Array) -> Array:
        shape = (-1,) + (1,) * (old.ndim - 1) if axis == 0 else (1,) * (old.ndim - 1) + (-1,)
        return jnp.where(needed.reshape(shape), at(new, rank), old)

    return jax.tree.map(chosen, results, changed)
