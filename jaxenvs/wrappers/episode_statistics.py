"""EpisodeStatistics: returns and lengths of episodes, in `info`."""

from typing import ClassVar, Generic, TypeVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import (
    Placement,
    SameActions,
    SameObservations,
    StatefulWrapper,
    WrapperState,
    inner_observation,
)
from jaxenvs.errors import WrapperOrderError
from jaxenvs.random import Key

Obs = TypeVar("Obs")


class EpisodeStatisticsState(WrapperState):
    """State of `EpisodeStatistics`.

    Attributes:
        statistics: the arrays that `info` showed last.
        is_over: () bool, whether the last step ended an episode, so that the next one starts counting from 0.
    """

    statistics: dict[str, Array]
    is_over: Array


class EpisodeStatistics(SameObservations, SameActions, StatefulWrapper[EpisodeStatisticsState, Obs], Generic[Obs]):
    """Adds returns and lengths of episodes to `info`, at reset and at every step.

    It goes around AutoReset, so that the numbers of finished episodes are kept. Without AutoReset, a step after the
    end counts as the first step of another episode. The keys, all () arrays:

    * `episode_return`, float32, and `episode_length`, int32: the sum of rewards and the number of steps
      of the running episode; on its last step, those of the whole episode.
    * `episode_done`, bool: whether this step ended the episode. Wrappers around this one may set further flags.
    * `completed_episodes`, int32: how many episodes have ended since reset.
    * `last_return`, float32, and `last_length`, int32: those of the episode that ended last; 0 before the first end.
    * `mean_return` and `mean_length`, float32: means over all episodes that have ended; 0 before the first end.

    In steps that end an episode, `episode_return` and `episode_length` are `r` and `l` of Gymnasium's
    `RecordEpisodeStatistics`. Rewards count as this wrapper sees them, so put it inside wrappers that change
    rewards for the learner.
    """

    placement: ClassVar[Placement] = "around"

    observe = inner_observation

    def reset(self, key: Key) -> tuple[EpisodeStatisticsState, TimeStep[Obs]]:
        """Resets the wrapped environment and all statistics."""
        inner, timestep = self.env.reset(key)
        zero, no_steps = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        statistics = {
            "episode_return": zero,
            "episode_length": no_steps,
            "episode_done": jnp.zeros((), bool),
            "completed_episodes": no_steps,
            "last_return": zero,
            "last_length": no_steps,
            "mean_return": zero,
            "mean_length": zero,
        }
        state = EpisodeStatisticsState(inner, statistics, is_over=jnp.zeros((), bool))
        return state, _add_info(timestep, statistics)

    def step(self, state: EpisodeStatisticsState, action: Array) -> tuple[EpisodeStatisticsState, TimeStep[Obs]]:
        """Steps the wrapped environment and counts."""
        inner, timestep = self.env.step(state.inner, action)
        before, done = state.statistics, timestep.done
        total = jnp.where(state.is_over, 0.0, before["episode_return"]) + timestep.reward
        length = jnp.where(state.is_over, 0, before["episode_length"]) + 1
        completed = before["completed_episodes"] + done.astype(jnp.int32)
        share = done.astype(jnp.float32) / jnp.maximum(completed, 1).astype(jnp.float32)
        statistics = {
            "episode_return": total,
            "episode_length": length,
            "episode_done": done,
            "completed_episodes": completed,
            "last_return": jnp.where(done, total, before["last_return"]),
            "last_length": jnp.where(done, length, before["last_length"]),
            "mean_return": before["mean_return"] + (total - before["mean_return"]) * share,
            "mean_length": before["mean_length"] + (length.astype(jnp.float32) - before["mean_length"]) * share,
        }
        return EpisodeStatisticsState(inner, statistics, is_over=done), _add_info(timestep, statistics)


def _add_info(timestep: TimeStep[Obs], statistics: dict[str, Array]) -> TimeStep[Obs]:
    if taken := sorted(timestep.info.keys() & statistics.keys()):
        raise WrapperOrderError(
            f"EpisodeStatistics: `info` already has {', '.join(taken)}. Use only one EpisodeStatistics."
        )
    return timestep.replace(info={**timestep.info, **statistics})
