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

    def advance(self, ends: EpisodeEnds, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Goes through a block.

        Args:
            ends: of the block.
            steps: its number of steps.

        Returns:
            (episodes,) int64, the length of each episode, and (episodes,) int64, how many of its lane ended in the
            block before it.
        """
        count = len(ends)
        # In the order of lanes, the entry before is the end of the episode before. Sorting 16-bit numbers is faster.
        lanes = ends.lane.astype(np.uint16) if len(self.elapsed) <= 2**16 else ends.lane
        order = np.argsort(lanes, kind="stable")
        lane, end = ends.lane[order], ends.step[order] + 1
        first = np.flatnonzero(np.diff(lane, prepend=-1))
        lengths, places = np.diff(end, prepend=0), np.arange(count)
        lengths[first] = end[first] + self.elapsed[lane[first]]
        ranks = places - np.repeat(first, np.diff(first, append=count))
        self.elapsed += steps
        self.elapsed[lane] = steps - end  # the last of each lane stays
        length, rank = np.empty(count, np.int64), np.empty(count, np.int64)
        length[order], rank[order] = lengths, ranks
        return length, rank
