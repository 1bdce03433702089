"""Endings: what each step says about the episode that it may have ended, for those who record episodes."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import PyTreeNode


class Endings(PyTreeNode):
    """The outcome of steps, with the returns and lengths of the episodes that they belong to.

    Attributes:
        ended: () bool, whether the step ended an episode.
        terminated: () bool.
        truncated: () bool.
        episode_return: () float32, the sum of the rewards of the step's episode up to this step.
        length: () int32, the number of its steps up to this one.
    """

    ended: Array
    terminated: Array
    truncated: Array
    episode_return: Array
    length: Array


class Outcome(PyTreeNode):
    """What a step has to say to those who count episodes: a `TimeStep` without observations and `info`.

    Attributes:
        reward: () float32.
        terminated: () bool.
        truncated: () bool.
    """

    reward: Array
    terminated: Array
    truncated: Array


def outcome(timestep: TimeStep[Any]) -> Outcome | Endings:
    """The part of a timestep that recording needs, for loops that keep nothing else of it.

    Returns:
        `Endings` if `info` has the counts of `EpisodeStatistics`, else the reward and the flags.
    """
    if has_statistics(timestep):
        return endings_of(timestep)
    return Outcome(timestep.reward, timestep.terminated, timestep.truncated)


def has_statistics(timestep: TimeStep[Any]) -> bool:
    """Whether `info` has the counts of `EpisodeStatistics`."""
    return {"episode_done", "episode_return", "episode_length"} <= timestep.info.keys()


def endings_of(timestep: TimeStep[Any]) -> Endings:
    """The endings of steps of an environment in `EpisodeStatistics`, with any axes."""
    info = timestep.info
    return Endings(
        ended=info["episode_done"],
        terminated=timestep.terminated,
        truncated=timestep.truncated,
        episode_return=info["episode_return"],
        length=info["episode_length"],
    )


@partial(jax.jit, static_argnames="time_axis")
def returns_so_far(total: Array, outcomes: Outcome, *, time_axis: int = 0) -> tuple[Array, Array]:
    """Adds up rewards, in the order of the steps.

    Args:
        total: float32, the sums of rewards of the episodes that the first step continues, with the axes of `outcomes`
            except that of time.
        outcomes: of consecutive steps.
        time_axis: their axis of time.

    Returns:
        The sums of the episodes that go on after the last step, and the sum of the rewards of each step's episode up to
        that step, with the axes of `outcomes`.
    """

    def step(total: Array, now: Outcome) -> tuple[Array, Array]:
        total = total + now.reward
        return jnp.where(now.terminated | now.truncated, 0.0, total), total

    # Nothing but these sums leaves the loop: lengths follow from the flags, which costs less on the host.
    total, totals = jax.lax.scan(step, total, jax.tree.map(lambda x: jnp.moveaxis(x, time_axis, 0), outcomes))
    return total, jnp.moveaxis(totals, 0, time_axis)
