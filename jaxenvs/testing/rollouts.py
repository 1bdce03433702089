"""The batched random rollout that most checks use, as one compiled program."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.trees import is_key, tree_where
from jaxenvs.core.wrapper import unwrap, unwrap_state
from jaxenvs.testing.endings import revealed, told, under_both
from jaxenvs.testing.trees import is_float

Policy = Callable[[Any, Array], Any]
"""`policy(observation, key) -> action`, for one environment, jittable."""


class FirstEnd(NamedTuple):
    """The first step of each lane that terminated; zeros if there is none. Axes: (lanes,).

    States are those of the environment under test, without AutoReset and `OptionalReset`.

    Attributes:
        found: () bool, whether there is one.
        start: the state that the rollout began with.
        before: the state before that step.
        action: the action of that step.
        after: the state that the step led to.
    """

    found: Array
    start: Any
    before: Any
    action: Any
    after: Any


class Rollout(NamedTuple):
    """The record of a rollout of `steps` steps in `lanes` environments.

    Attributes:
        digest: (steps, lanes) uint32, a checksum of the timestep.
        terminated: (steps, lanes) bool, the flag of the timestep.
        truncated: (steps, lanes) bool, the flag of the timestep.
        base_truncated: (steps, lanes) bool, the flag that the base environment set.
        base_moves_on: (steps, lanes) bool, whether its `observation` differed from its `final_observation`.
        outside: (steps, lanes) bool, whether an observation, or `final_observation`, lay outside its space.
        example: the first such observation of each lane; zeros if there is none.
        action_outside: (steps, lanes) bool, whether a sampled action lay outside its space.
        reward: (steps, lanes) float32, the rewards.
        not_finite: flags by leaf of (state, timestep), (lanes,) bool: NaN in the state, or NaN or
            infinity in the timestep, at some step.
        final_state: the last state.
        first_end: the first step of each lane that terminated. `after` is the state of the next episode if the lane
            resets.
    """

    digest: Array
    terminated: Array
    truncated: Array
    base_truncated: Array
    base_moves_on: Array
    outside: Array
    example: Any
    action_outside: Array
    reward: Array
    not_finite: Any
    final_state: Any
    first_end: FirstEnd


def rollout(
    env: Any,
    reset_keys: Array,
    action_keys: Array,
    resets: Array,
    steps: int,
    same_actions: bool,
    policy: Policy | None = None,
) -> Rollout:
    """Steps a batch of environments with random actions, or with those of `policy`; to be jitted.

    Args:
        env: the environment, in AutoReset.
        reset_keys: (lanes,) keys that the starts depend on.
        action_keys: (lanes,) keys that the actions depend on.
        resets: (lanes,) bool, whether a lane begins the next episode after an end, if `env` is an AutoReset around an
            `OptionalReset`.
        steps: number of steps.
        same_actions: whether the base environment takes the same actions as `env`.
        policy: chooses the actions; None for random ones.
    """
    base = unwrap(env)

    def act(observation: Any, key: Array) -> Any:
        return env.action_space.sample(key) if policy is None else policy(observation, key)

    def of_base(state: Any, action: Any, timestep: Any, key: Array) -> tuple[Array, Array]:
        # If the base environment never truncates, this step is a constant that the compiler removes.
        if base is not env:
            base_action = action if same_actions else base.action_space.sample(key)
            timestep = base.step(unwrap_state(env, state), base_action)[1]
        return jnp.asarray(timestep.truncated).reshape(()), _moves_on(timestep)

    def body(carry: tuple[Any, Any, Any, FirstEnd], key: Array) -> tuple[tuple[Any, Any, Any, FirstEnd], Any]:
        state, observation, seen, end = carry
        action = act(observation, key)
        new_state, timestep = env.step(state, action)
        shown, timestep = revealed(new_state, timestep)
        seen = _observe(env, shown, timestep, seen)
        terminated = jnp.asarray(timestep.terminated).reshape(())
        this_end = FirstEnd(terminated, end.start, under_both(state), action, under_both(new_state))
        end = tree_where(terminated & ~end.found, this_end, end)
        rows = (
            digest(timestep),
            terminated,
            jnp.asarray(timestep.truncated).reshape(()),
            *of_base(state, action, timestep, key),
            _outside(env, timestep),
            ~env.action_space.contains(action),
            jnp.asarray(timestep.reward, jnp.float32).reshape(()),
        )
        return (new_state, timestep.observation, seen, end), rows

    def lane(reset_key: Array, action_key: Array, resets: Array) -> Rollout:
        state, timestep = env.reset(reset_key)
        state = told(state, resets)
        shown, timestep = revealed(state, timestep)
        nothing = jax.tree.map(lambda x: jnp.zeros((), bool), (shown, timestep))
        example = jax.tree.map(jnp.zeros_like, timestep.observation)
        seen = _observe(env, shown, timestep, (nothing, jnp.zeros((), bool), example))
        unset = jnp.zeros((), bool)
        reset_reward = jnp.asarray(timestep.reward, jnp.float32).reshape(())
        first = (digest(timestep), unset, unset, unset, unset, _outside(env, timestep), unset, reset_reward)
        start = under_both(state)
        action = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(act, timestep.observation, action_key)
        )
        carry = (state, timestep.observation, seen, FirstEnd(unset, start, start, action, start))
        (state, _, (not_finite, _, example), end), rows = jax.lax.scan(body, carry, jax.random.split(action_key, steps))
        rows = tuple(jnp.concatenate([a[None], b]) for a, b in zip(first, rows, strict=True))
        checksum, terminated, truncated, base_truncated, base_moves_on, outside, action_outside, reward = rows
        return Rollout(
            checksum,
            terminated,
            truncated,
            base_truncated,
            base_moves_on,
            outside,
            example,
            action_outside,
            reward,
            not_finite,
            state,
            end,
        )

    result = jax.vmap(lane)(reset_keys, action_keys, resets)
    fields = ("digest", "terminated", "truncated", "base_truncated", "base_moves_on", "outside")
    fields = (*fields, "action_outside", "reward")
    return result._replace(**{name: jnp.swapaxes(getattr(result, name), 0, 1) for name in fields})


def digest(tree: Any) -> Array:
    """() uint32: a checksum of the tree's bits."""
    total = jnp.zeros((), jnp.uint32)
    for number, leaf in enumerate(jax.tree.leaves(tree)):
        words = _words(leaf)
        # Odd multipliers that differ by position, so that neither a swap nor a sign goes unnoticed.
        weights = jax.lax.iota(jnp.uint32, math.prod(words.shape)) * np.uint32(2654435769) + np.uint32(2 * number + 1)
        total = total * np.uint32(1664525) + (words.reshape(-1) * (weights | np.uint32(1))).sum(dtype=jnp.uint32)
    return total


def _words(leaf: Any) -> Array:
    leaf = jax.random.key_data(leaf) if is_key(leaf) else jnp.asarray(leaf)
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        unsigned = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint64}[leaf.dtype.itemsize]
        leaf = jax.lax.bitcast_convert_type(leaf, unsigned)
    return leaf.astype(jnp.uint32)


def _moves_on(timestep: Any) -> Array:
    """Whether a timestep's observation differs from its `final_observation`."""
    pairs = zip(jax.tree.leaves(timestep.observation), jax.tree.leaves(timestep.final_observation), strict=True)
    # Equal in value for the most part means the same object, and costs nothing then.
    differ = [(digest(a) != digest(b)) for a, b in pairs if a is not b]
    return jnp.stack(differ).any() if differ else jnp.zeros((), bool)


def _outside(env: Any, timestep: Any) -> Array:
    space = env.observation_space
    return ~(space.contains(timestep.observation) & space.contains(timestep.final_observation))


def _observe(env: Any, state: Any, timestep: Any, seen: tuple[Any, Array, Any]) -> tuple[Any, Array, Any]:
    """Records NaN, infinities and the first observation outside its space."""

    def flaw(leaf: Any, infinity_too: bool) -> Array:
        if not is_float(leaf):
            return jnp.zeros((), bool)
        return ~jnp.isfinite(leaf).all() if infinity_too else jnp.isnan(leaf).any()

    not_finite, found, example = seen
    flaws = jax.tree.map(lambda x: flaw(x, False), state), jax.tree.map(lambda x: flaw(x, True), timestep)
    not_finite = jax.tree.map(jnp.logical_or, not_finite, flaws)
    inside = env.observation_space.contains(timestep.observation)
    culprit = tree_where(inside, timestep.final_observation, timestep.observation)
    new = _outside(env, timestep) & ~found
    example = tree_where(new, culprit, example)
    return not_finite, found | new, example
