"""Returns of episodes in blocks of steps, added up by the device, or not at all if all rewards are the same."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.monitor.recording.episode_ends import EpisodeClock, EpisodeEnds
from jaxenvs.monitor.recording.recorded_scan import PackedOutcomes
from jaxenvs.rollouts.endings import Outcome, returns_so_far

_EXACT = 2.0**24
"""Whole numbers up to this are float32, so their sums are exact."""


class EpisodeCounts:
    """The lengths and returns of episodes, which go on from block to block.

    Rewards are added in float32, in the order of the steps. As long as all of them are one whole number, as in
    CartPole, a return is that number times the length, and nothing is added.

    Attributes:
        lanes: the axes of one step.
    """

    def __init__(self, lanes: tuple[int, ...]) -> None:
        """Begins before the first step of every lane.

        Args:
            lanes: the axes of one step: (), (lanes,) or (seeds, lanes).
        """
        self.lanes = lanes
        self._clock = EpisodeClock(math.prod(lanes))
        self._reward: np.float32 | None = None
        self._total: Array | None = None

    @property
    def elapsed(self) -> np.ndarray:
        """(lanes,) int64, the steps of the episode that each lane is in; those who count them themselves change it."""
        return self._clock.elapsed

    def begin(self, outcomes: Outcome | PackedOutcomes) -> Array | None:
        """Lets the device add the rewards of a block if those before differed.

        Args:
            outcomes: arrays of the device with axes (steps,), (steps, lanes) or (seeds, steps, lanes), or packed.

        Returns:
            With these axes, the sums of rewards so far; None if they may not be needed.
        """
        if self._total is None:
            return None
        outcomes = outcomes.unpacked() if isinstance(outcomes, PackedOutcomes) else outcomes
        self._total, returns = returns_so_far(self._total, outcomes, time_axis=int(len(self.lanes) == 2))
        return returns

    def end(
        self, outcomes: Outcome | PackedOutcomes, returns: Array | None, rewards: np.ndarray | None
    ) -> Array | None:
        """Decides how the returns of a block are found, before its steps are counted.

        Args:
            outcomes: as in `begin`.
            returns: what `begin` returned.
            rewards: those of the block as a NumPy array; None if there are `returns`.

        Returns:
            `returns`, computed now if they are needed after all.
        """
        if rewards is None or self._follow_from_lengths(rewards):
            return returns
        if self._total is None:
            before = self._clock.elapsed * np.float32(self._reward or 0.0)
            self._total = jnp.asarray(before.reshape(self.lanes), jnp.float32)
        return self.begin(outcomes)

    def lengths(self, ends: EpisodeEnds, steps: int) -> np.ndarray:
        """(episodes,) int64, the lengths of the episodes that ended in a block of so many steps."""
        return self._clock.advance(ends, steps)

    def returns(self, length: np.ndarray, index: np.ndarray, table: np.ndarray | None) -> np.ndarray:
        """(episodes,) float64, their returns.

        Args:
            length: (episodes,) their lengths.
            index: (episodes,) where they end in the flattened block.
            table: what `end` returned with axes (steps, seeds, lanes).
        """
        if table is not None:
            return np.take(table, index).astype(np.float64)
        return length * np.float64(0.0 if self._reward is None else self._reward)

    def _follow_from_lengths(self, rewards: np.ndarray) -> bool:
        """Whether all rewards up to the end of a block are one whole number, and their sums are exact."""
        if self._total is not None:
            return False
        if not rewards.size:
            return True
        reward = np.float32(rewards.flat[0]) if self._reward is None else self._reward
        most = float(self._clock.elapsed.max(initial=0)) + rewards.size
        if not (float(reward).is_integer() and abs(float(reward)) * most < _EXACT and (rewards == reward).all()):
            return False
        self._reward = reward
        return True
