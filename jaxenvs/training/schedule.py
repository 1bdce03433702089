"""The progress of training: counters that do not overflow, and the schedules that depend on them.

Environment steps soon exceed an int32, but updates hardly ever do. So updates are counted, and steps are computed from
them when they are read.
"""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import INT32_MAX


def after(updates: Array, more: int) -> Array:
    """() int32: the updates done after `more` further ones; stays at the largest int32 instead of overflowing."""
    return jnp.minimum(updates, INT32_MAX - more) + more


def steps_taken(updates: Array, steps_per_update: int) -> Array:
    """() float32: the environment steps of this number of updates, rounded to 24 bits.

    It is exact if `updates` is below 2**24 and `steps_per_update` is a power of two.
    """
    return updates.astype(jnp.float32) * jnp.asarray(steps_per_update, jnp.float32)


def progress(updates: Array, horizon: ArrayLike, rounds: ArrayLike = 0, rounds_per_update: int = 1) -> Array:
    """() float32 in [0, 1]: the fraction of training that is done.

    Args:
        updates: () int32, updates done.
        horizon: () int32, updates that training takes.
        rounds: () int32, rounds done of the next update.
        rounds_per_update: rounds in an update.
    """
    part = jnp.asarray(rounds, jnp.float32) / jnp.asarray(rounds_per_update, jnp.float32)
    done = updates.astype(jnp.float32) + part
    return jnp.minimum(done / jnp.asarray(horizon, jnp.float32), 1.0)


def has_taken(steps: int, updates: Array, rounds: Array, num_envs: int, rounds_per_update: int) -> Array:
    """() bool: whether at least `steps` environment steps have been taken, in updates and rounds of the next one."""
    whole, rest = divmod(steps, num_envs * rounds_per_update)
    updates = jnp.minimum(updates, INT32_MAX - 1) + rounds // rounds_per_update
    rounds = rounds % rounds_per_update
    return (updates > whole) | ((updates == whole) & (rounds * num_envs >= rest))


def annealed(rate: ArrayLike, share: Array, anneal: bool) -> Array:
    """() float32: the learning rate; if `anneal`, it falls linearly to 0 with the fraction of training that is done."""
    rate = jnp.asarray(rate, jnp.float32)
    return rate * (1 - share) if anneal else rate
