"""Costly work for only those lanes of a batch that need it.

Most worlds of a batch are in free flight most of the time. `only_where` is a plain `cond` for one world. Its batching
rule gathers the lanes that need the work, a chunk at a time, and scatters the results back. Nested batches (bodies
within lanes) are gathered as one.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

T = TypeVar("T")

_SMALLEST_CHUNK = 16


def only_where(needed: Array, function: Callable[..., T], changed: T, *given: Any, share: int = 16) -> T:
    """`function(changed, *given)` if `needed`, else `changed`.

    Args:
        needed: () bool.
        function: returns a tree like `changed`; it closes over no traced values.
        changed: a tree of arrays.
        given: trees of arrays that `function` reads.
        share: a batch of n lanes is worked on in chunks of n / share lanes.
    """
    (leaves, structure), (others, other_structure) = jax.tree.flatten(changed), jax.tree.flatten(given)
    leaves, others = [jnp.asarray(x) for x in leaves], [jnp.asarray(x) for x in others]

    def on_leaves(leaves: list[Array], others: list[Array]) -> list[Array]:
        result = function(structure.unflatten(leaves), *other_structure.unflatten(others))
        return [jnp.asarray(x, old.dtype) for x, old in zip(jax.tree.leaves(result), leaves, strict=True)]

    return structure.unflatten(_one(on_leaves, share)(needed, leaves, others))


def walled(function: Callable[..., T], *arguments: Any) -> T:
    """`function(*arguments)`, computed once.

    If several outputs share a chain of arithmetic, XLA's CPU compiler fuses the whole chain into each of them, which
    can multiply the work many times. A loop of one turn is a wall that it does not fuse across; an optimization
    barrier is not. What the loop computes depends on its own flag, or it would be moved out of the loop.
    """
    leaves, structure = jax.tree.flatten(arguments)
    leaves = [jnp.asarray(x) for x in leaves]

    @jax.jit  # so that it is traced once
    def on_leaves(leaves: list[Array]) -> T:
        return jax.tree.map(jnp.asarray, function(*jax.tree.unflatten(structure, leaves)))

    empty = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(on_leaves, leaves))

    def turn(loop: tuple[Array, T]) -> tuple[Array, T]:
        inside = [jnp.where(loop[0], x, jnp.zeros((), x.dtype)) for x in leaves]
        return jnp.zeros((), bool), on_leaves(inside)

    return lax.while_loop(lambda loop: loop[0], turn, (jnp.ones((), bool), empty))[1]


def _one(function: Callable[..., list[Array]], share: int) -> Callable[..., list[Array]]:
    # Jitted functions made once: nested loops are batched again and again, and find them traced.
    many, function = _many(function, share), jax.jit(function)

    @jax.custom_batching.custom_vmap
    def run(needed: Array, leaves: list[Array], others: list[Array]) -> list[Array]:
        return lax.cond(needed, function, lambda leaves, others: leaves, leaves, others)

    @run.def_vmap
    def _(lanes: int, batched: Any, needed: Array, leaves: list[Array], others: list[Array]) -> Any:
        return many(*_spread(lanes, batched, (needed, leaves, others))), [True] * len(leaves)

    return run


def _many(function: Callable[..., list[Array]], share: int) -> Callable[..., list[Array]]:
    """The same for a batch; a batch of batches is one larger batch."""
    chunk = jax.jit(jax.vmap(function))
    in_chunks = jax.jit(partial(_in_chunks, chunk, share))

    @jax.custom_batching.custom_vmap
    def run(needed: Array, leaves: list[Array], others: list[Array]) -> list[Array]:
        return in_chunks(needed, leaves, others)

    @run.def_vmap
    def _(lanes: int, batched: Any, needed: Array, leaves: list[Array], others: list[Array]) -> Any:
        arguments = _spread(lanes, batched, (needed, leaves, others))
        inner = arguments[0].shape[1]
        merged = jax.tree.map(lambda x: x.reshape(lanes * inner, *x.shape[2:]), arguments)
        return [x.reshape(lanes, inner, *x.shape[1:]) for x in run(*merged)], [True] * len(leaves)

    return run


def _spread(lanes: int, batched: Any, arguments: Any) -> Any:
    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *x.shape))

    return jax.tree.map(spread, arguments, tuple(batched))


def _in_chunks(
    chunk: Callable[..., list[Array]], share: int, needed: Array, leaves: list[Array], others: list[Array]
) -> list[Array]:
    lanes = needed.shape[0]
    size = min(lanes, max(math.ceil(lanes / share), _SMALLEST_CHUNK))

    def some(loop: tuple[Array, list[Array]]) -> tuple[Array, list[Array]]:
        pending, results = loop
        index = jnp.nonzero(pending, size=size, fill_value=lanes)[0]
        source = jnp.where(index < lanes, index, index[0])  # unused slots repeat a lane, and are dropped on writing
        found = chunk([x[source] for x in leaves], [x[source] for x in others])
        results = [x.at[index].set(new, mode="drop") for x, new in zip(results, found, strict=True)]
        return pending.at[index].set(False, mode="drop"), results

    return lax.while_loop(lambda loop: loop[0].any(), some, (needed, leaves))[1]
