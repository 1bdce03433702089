"""scan: `lax.scan` over the steps of environments, which keeps of them only what recording needs."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import jaxpr_as_fun

from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.reward_values import two_values
from jaxenvs.rollouts.endings import Endings, Outcome, has_statistics, outcome

_Carry = TypeVar("_Carry")

WINDOW = 8
"""Steps whose flags are kept in one byte."""


class PackedOutcomes(PyTreeNode):
    """The outcomes of consecutive steps, in windows of several steps, of which each has one bit, the first the lowest.

    Attributes:
        terminated: (windows, lanes) uint8, whether the steps terminated.
        truncated: (windows, lanes) uint8, whether they truncated.
        reward: (steps, lanes) float32; with `rewards` (windows, lanes) uint8, which of the two each step had; None if
            both are the same.
        steps: the number of steps in a window.
        rewards: the only two rewards, of a bit that is not set and of one that is; None if there may be others.
    """

    terminated: Array
    truncated: Array
    reward: Array | None
    steps: int = static()
    rewards: tuple[float, float] | None = static()

    def single_reward(self) -> float | None:
        """The reward of all steps; None if they differ, or may. It waits for the device."""
        if self.rewards is None or self.reward is None:
            return None if self.rewards is None else self.rewards[0]
        bits = np.asarray(self.reward)
        is_high = bool(bits.flat[0])
        are_same = bits.min() == 2**self.steps - 1 if is_high else not bits.max()
        return self.rewards[is_high] if are_same else None

    def unpacked(self) -> Outcome:
        """The same with an entry for each step."""
        flags = [unpacked(x, self.steps).astype(bool) for x in (self.terminated, self.truncated)]
        if self.rewards is None:
            assert self.reward is not None
            return Outcome(self.reward, *flags)
        low, high = map(jnp.float32, self.rewards)
        one = jnp.ones_like(flags[0]) if self.reward is None else unpacked(self.reward, self.steps) != 0
        return Outcome(jnp.where(one, high, low), *flags)


def scan(
    step: Callable[[_Carry, Any], tuple[_Carry, Any]], carry: _Carry, xs: Any = None, length: int | None = None
) -> tuple[_Carry, Any]:
    """`jax.lax.scan` whose timesteps become what `Recorder.add` takes, in the least memory.

        state, outcomes = jaxenvs.monitor.scan(jax.vmap(env.step), state, actions)
        recorder.add(outcomes)

    For each step and lane, two or three bits are kept, so that a loop of a cheap environment is hardly slower. Rewards
    are kept as floats if the program of `step` does not show that there are only two.

    Args:
        step: `step(carry, x) -> (carry, timestep)`, or `(carry, (timestep, y))` with a tree of further outputs.
        carry: what `step` begins with, for example the states of all lanes.
        xs: a tree of arrays with a leading axis of steps, or None.
        length: the number of steps, if `xs` has no arrays. Multiples of 8 are fastest.

    Returns:
        The last carry, and the outcomes; with further outputs `(outcomes, ys)`, with `ys` stacked as by `lax.scan`.

    Raises:
        InvalidField: `step` returns something else.
    """
    leaves = jax.tree.leaves(xs)
    steps = len(leaves[0]) if leaves else length
    if steps is None:
        raise InvalidField("monitor.scan: pass `length`, the number of steps, or `xs` with arrays.")
    first = jax.tree.map(lambda x: x[0], xs)
    closed, shapes = jax.make_jaxpr(step, return_shape=True)(carry, first)
    timestep, has_more = _timestep_of(shapes)
    if has_statistics(timestep):
        return _of_counts(step, carry, xs, length, has_more=has_more)
    window = max(n for n in range(1, WINDOW + 1) if steps % n == 0)
    call, structure = jaxpr_as_fun(closed), jax.tree.structure(shapes)
    number = structure.unflatten(range(structure.num_leaves))[1]
    rewards = two_values(closed, (number[0] if has_more else number).reward)

    has_reward_bits = rewards is not None and rewards[0] != rewards[1]

    def inner(carry: Any, x: Any) -> Any:
        carry, out = structure.unflatten(call(*jax.tree.leaves((carry, x))))
        timestep, more = out if has_more else (out, None)
        bits = [timestep.terminated, timestep.truncated]
        if rewards is not None and has_reward_bits:
            bits.append(timestep.reward == rewards[1])
        code = sum((jnp.where(bit, jnp.uint8(1 << i), jnp.uint8(0)) for i, bit in enumerate(bits)), jnp.uint8(0))
        return carry, (code, more, timestep.reward if rewards is None else None)

    def outer(carry: Any, x: Any) -> Any:
        carry, (codes, *out) = jax.lax.scan(inner, carry, x, window)
        places = jnp.arange(window, dtype=jnp.uint8).reshape(-1, *[1] * (codes.ndim - 1))
        flags = [jnp.sum(((codes >> i) & 1) << places, axis=0, dtype=jnp.uint8) for i in range(2 + has_reward_bits)]
        return carry, (flags, out)

    windows = jax.tree.map(lambda x: x.reshape(steps // window, window, *x.shape[1:]), xs)
    carry, (flags, out) = jax.lax.scan(outer, carry, windows, steps // window)
    more, reward = jax.tree.map(lambda x: x.reshape(steps, *x.shape[2:]), out)
    if rewards is not None:
        reward = flags[2] if has_reward_bits else None
    outcomes = PackedOutcomes(flags[0], flags[1], reward, window, rewards)
    return carry, (outcomes, more) if has_more else outcomes


def _timestep_of(shapes: Any) -> tuple[TimeStep[Any], bool]:
    """The timestep that a step returns, and whether it returns more."""
    if isinstance(shapes, tuple) and len(shapes) == 2:
        out = shapes[1]
        if isinstance(out, TimeStep):
            return out, False
        if isinstance(out, tuple) and len(out) == 2 and isinstance(out[0], TimeStep):
            return out[0], True
    raise InvalidField(
        "monitor.scan: `step` must return (carry, timestep) or (carry, (timestep, y)), got"
        f" {jax.tree.map(lambda x: x.shape, shapes)}."
    )


def _of_counts(step: Any, carry: Any, xs: Any, length: int | None, *, has_more: bool) -> tuple[Any, Any]:
    """The same for timesteps that have returns and lengths already."""

    def counted(carry: Any, x: Any) -> tuple[Any, Endings | Outcome | tuple[Any, Any]]:
        carry, out = step(carry, x)
        return carry, (outcome(out[0]), out[1]) if has_more else outcome(out)

    return jax.lax.scan(counted, carry, xs, length)


def unpacked(bits: Array, steps: int) -> Array:
    """The bits of windows of so many steps, with axes (windows, ...) or (seeds, windows, lanes), along their axis."""
    axis = bits.ndim - 2 if bits.ndim == 3 else 0
    places = jnp.arange(steps, dtype=bits.dtype).reshape(*[1] * (axis + 1), -1, *[1] * (bits.ndim - axis - 1))
    single = (jnp.expand_dims(bits, axis + 1) >> places) & jnp.uint8(1)
    return single.reshape(*bits.shape[:axis], -1, *bits.shape[axis + 1 :])
