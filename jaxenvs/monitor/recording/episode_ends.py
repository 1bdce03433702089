"""Where episodes end in a block of steps, and how long they were. It does not use JAX."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class EpisodeEnds:
    """The steps of a block that end episodes, in the order of steps, and of lanes where these are equal.

    Attributes:
        index: (episodes,) int64, their indices in the flattened block.
        step: (episodes,) int64, the row of the block.
        lane: (episodes,) int64, the column.
    """

    index: np.ndarray
    step: np.ndarray
    lane: np.ndarray

    @staticmethod
    def of(ended: np.ndarray) -> "EpisodeEnds":
        """Those of a block, (steps, lanes) bool, or (steps, seeds, lanes), whose lanes are counted through."""
        index = np.flatnonzero(ended)
        step, lane = np.divmod(index, max(math.prod(ended.shape[1:]), 1))
        return EpisodeEnds(index, step, lane)

    def __len__(self) -> int:
        return len(self.index)

    def chosen(self, mask: np.ndarray) -> "EpisodeEnds":
        """Some of them, by a mask, (episodes,) bool."""
        return EpisodeEnds(self.index[mask], self.step[mask], self.lane[mask])

    def by_lane(self) -> tuple[np.ndarray, np.ndarray]:
        """The order of lanes, and of steps within each; and where in it another lane begins."""
        # Sorting 16-bit numbers is faster.
        lanes = self.lane.astype(np.uint16) if self.lane.max(initial=0) < 2**16 else self.lane
        order = np.argsort(lanes, kind="stable")
        return order, np.flatnonzero(np.diff(self.lane[order], prepend=-1))

    def ranks(self) -> np.ndarray:
        """(episodes,) int64, how many episodes of its lane ended in the block before each."""
        order, first = self.by_lane()
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(self)) - np.repeat(first, np.diff(first, append=len(self)))
        return rank


class EpisodeClock:
    """Counts the steps of the episodes that lanes play, from the ends alone.

    Attributes:
        elapsed: (lanes,) int64, the steps of the episode that each lane is in.
    """

    def __init__(self, num_lanes: int) -> None:
        """Begins before the first step of every lane.

        Args:
            num_lanes: the number of lanes.
        """
        self.elapsed = np.zeros(num_lanes, np.int64)

    def advance(self, ends: EpisodeEnds, steps: int) -> np.ndarray:
        """Goes through a block.

        Args:
            ends: of the block.
            steps: its number of steps.

        Returns:
            (episodes,) int64, the length of each episode.
        """
        # In the order of lanes, the entry before is the end of the episode before.
        order, first = ends.by_lane()
        lane, end = ends.lane[order], ends.step[order] + 1
        lengths = np.diff(end, prepend=0)
        lengths[first] = end[first] + self.elapsed[lane[first]]
        self.elapsed += steps
        self.elapsed[lane] = steps - end  # the last of each lane stays
        length = np.empty_like(lengths)
        length[order] = lengths
        return length
