"""How a step begins the next episode where one ended: one lane by a branch, a batch by AutoReset's method.

The reset of one lane is a plain `cond`, and that of a batch is `_reset_batch`. `_reset_jvp` differentiates it like the
plain `cond`, since custom_vmap and loops have no derivative in reverse mode.

In what follows, `carry` is the leaves of (inner state, episodes, seen), and `auto` those of the AutoReset. Trees are
passed as lists of leaves, so that no class in them is rebuilt around the placeholders that a batching rule substitutes
for leaves.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key

Method: TypeAlias = Literal["auto", "select", "cond", "chunked"]
"""How a batch resets; see `AutoReset`."""

# The default chunk size. On 2 CPU cores, with a reset of about 40 us and episodes of 24 steps, 8 was the best of 1 to
# 128 with 64 and with 1,024 lanes, and 16 to 64 were the best of 16 to 256 with 4,096 lanes.
_SHARE_OF_LANES = 128
_SMALLEST_CHUNK = 8


class ResetProgram(PyTreeNode):
    """The part of a reset that is not data.

    Attributes:
        carry: the structure of (inner state, episodes, seen).
        auto: that of the AutoReset.
        method: how a batch resets.
        chunk_size: how many lanes `"chunked"` resets at a time; None for the default.
        seen_of: what is seen of a new episode, from its first timestep.
        enclosing: `_next_episode` as a function of the arrays that it closes over, if they are traced.
    """

    carry: Any = static()
    auto: Any = static()
    method: Method = static()
    chunk_size: int | None = static()
    seen_of: Callable[[TimeStep[Any]], Any] = static()
    enclosing: Any = static(default=None)


def reset_where(done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
    """The leaves of (inner state, episodes, seen), of the next episode if `done`, else unchanged.

    Args:
        done: () bool.
        carry: those leaves.
        key: () key that all starts are drawn from.
        auto: the leaves of the AutoReset.
        program: everything else.
    """
    if program.method == "select":
        return _reset_one(done, carry, key, auto, program)
    auto, program = _with_enclosed(carry, key, auto, program)
    return _reset(done, carry, key, auto, program)


# Jitted, since custom_vmap turns the arrays that a function closes over into operands, and fails if they are mapped; a
# `cond` with a mapped predicate maps all operands of its branches. A jitted function keeps its own.
@jax.jit
def _next_episode(carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
    if program.enclosing is not None:
        count = program.auto.num_leaves
        closed = ClosedJaxpr(program.enclosing, auto[count:])
        return jaxpr_as_fun(closed)(*carry, key, *auto[:count])
    inner, episodes, _ = program.carry.unflatten(carry)
    wrapper = program.auto.unflatten(auto)
    state, timestep = wrapper.continued_from(inner).begin_episode(key, episodes)
    return jax.tree.leaves((state.inner, state.episodes, program.seen_of(timestep)))


def _with_enclosed(
    carry: list[Array], key: Key, auto: list[Any], program: ResetProgram
) -> tuple[list[Any], ResetProgram]:
    """`auto` with the traced arrays that a reset closes over, if any, and the program that reads them there."""
    closed = jax.make_jaxpr(_next_episode)(carry, key, auto, program)
    return ([*auto, *closed.consts], program.replace(enclosing=closed.jaxpr)) if closed.consts else (auto, program)


def _same_episode(carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
    del key, auto, program
    return carry


def _reset_one(done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
    """The next episode's carry if `done`, else `carry`."""
    return jax.lax.cond(done, _next_episode, _same_episode, carry, key, auto, program)


_reset_mapped = jax.custom_batching.custom_vmap(_reset_one)


@jax.custom_jvp
def _reset(done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
    return _reset_mapped(done, carry, key, auto, program)


@_reset.defjvp
def _reset_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[list[Array], list[Array]]:
    def select(done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram) -> list[Array]:
        # Not a `cond`: within this rule, JAX 0.10 cannot transpose a `cond` with a mapped predicate.
        fresh = _next_episode(carry, key, auto, program)
        return [jnp.where(done, new, old) for new, old in zip(fresh, carry, strict=True)]

    return jax.jvp(select, primals, tangents)


@_reset_mapped.def_vmap
def _reset_batch(
    lanes: int, batched: Any, done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram
) -> tuple[list[Array], list[bool]]:
    done_batched, carry_batched, key_batched, auto_batched, _ = batched

    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *jnp.shape(x)))

    done, key = spread(done, done_batched), spread(key, key_batched)
    carry = [spread(x, is_batched) for x, is_batched in zip(carry, carry_batched, strict=True)]
    return _reset_lanes(done, carry, key, auto, program, tuple(auto_batched)), [True] * len(carry)


# Jitted for callers that step without `jit`, since JAX would compile branch and loop again at every step. Within a
# jitted program it makes no difference.
@partial(jax.jit, static_argnums=(4, 5), inline=True)
def _reset_lanes(
    done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram, auto_batched: tuple[bool, ...]
) -> list[Array]:
    """The carry of each lane: that of the next episode if the lane is done."""
    if program.method == "chunked":
        return _reset_in_chunks(done, carry, key, auto, program, auto_batched)
    select = jax.vmap(partial(_reset_one, program=program), in_axes=(0, 0, 0, _axes(auto_batched)))
    cond = partial(_if_any, select)
    # Besides saving work, the branch keeps XLA's CPU compiler from computing the step again for each selected number.
    elsewhere = cond if program.method == "cond" else select
    return jax.lax.platform_dependent(done, carry, key, auto, cpu=cond, default=elsewhere)


def _if_any(select: Callable[..., list[Array]], done: Array, carry: list[Array], *others: Any) -> list[Array]:
    """`select` if any lane is done."""
    return jax.lax.cond(done.any(), select, lambda done, carry, *others: carry, done, carry, *others)


def _axes(batched: tuple[bool, ...]) -> list[int | None]:
    return [0 if is_batched else None for is_batched in batched]


def _reset_in_chunks(
    done: Array, carry: list[Array], key: Key, auto: list[Any], program: ResetProgram, auto_batched: tuple[bool, ...]
) -> list[Array]:
    """`_reset_lanes`, a few lanes at a time."""
    lanes = done.size
    reset_each = jax.vmap(_next_episode, in_axes=(0, 0, _axes(auto_batched), None))
    size = min(program.chunk_size or max(lanes // _SHARE_OF_LANES, _SMALLEST_CHUNK), lanes)

    def reset_some(loop: tuple[Array, list[Array]]) -> tuple[Array, list[Array]]:
        pending, carry = loop
        # Unused slots of the chunk point past the last lane: read clipped, and dropped on writing.
        index = jnp.nonzero(pending, size=size, fill_value=lanes)[0]

        def take(x: Array) -> Array:
            return x.at[index].get(mode="clip")

        auto_some = [take(x) if is_batched else x for x, is_batched in zip(auto, auto_batched, strict=True)]
        fresh = reset_each([take(x) for x in carry], take(key), auto_some, program)
        carry = [x.at[index].set(new, mode="drop") for x, new in zip(carry, fresh, strict=True)]
        return pending.at[index].set(False, mode="drop"), carry

    _, carry = jax.lax.while_loop(lambda loop: loop[0].any(), reset_some, (done, carry))
    return carry
