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


class Running(PyTreeNode):
    """The episodes that have begun and not ended.

    Attributes:
        episode_return: () float32, the sum of rewards so far.
        length: () int32, the number of steps so far.
    """

    episode_return: Array
    length: Array

    @staticmethod
    def begin(shape: tuple[int, ...]) -> "Running":
        """Episodes without a step, one for each entry of an array of this shape."""
        return Running(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.int32))


@partial(jax.jit, static_argnames=("time_axis", "once"), donate_argnames="running")
def count_endings(
    running: Running, outcomes: Outcome, *, time_axis: int = 0, once: bool = False
) -> tuple[Running, Endings]:
    """Adds up rewards and steps, in the order of the steps.

    Args:
        running: the episodes that the first step continues, with the axes of `outcomes` except that of time.
        outcomes: of consecutive steps.
        time_axis: their axis of time.
        once: whether only the first end of each lane counts, as in environments that do not reset themselves.

    Returns:
        The episodes that go on after the last step, and the endings, with the axes of `outcomes`.
    """

    def step(carry: tuple[Running, Array], now: Outcome) -> tuple[tuple[Running, Array], tuple[Array, Array, Array]]:
        running, is_over = carry
        total, length = running.episode_return + now.reward, running.length + 1
        done = now.terminated | now.truncated
        going = Running(jnp.where(done, 0.0, total), jnp.where(done, 0, length))
        return (going, is_over | done), (done & ~is_over if once else done, total, length)

    in_order = jax.tree.map(lambda x: jnp.moveaxis(x, time_axis, 0), outcomes)
    (running, _), counted = jax.lax.scan(step, (running, jnp.zeros(running.length.shape, bool)), in_order)
    ended, total, length = (jnp.moveaxis(x, 0, time_axis) for x in counted)
    return running, Endings(ended, outcomes.terminated, outcomes.truncated, total, length)
