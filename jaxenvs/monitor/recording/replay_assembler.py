"""ReplayAssembler: whole episodes out of the chunks in which a loop hands out its actions. It does not use JAX."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.action_packing import ActionPacking
from jaxenvs.monitor.recording.episode_ends import EpisodeClock, EpisodeEnds
from jaxenvs.monitor.recording.packed_bytes import PackedBytes
from jaxenvs.monitor.recording.records import Replays


@dataclasses.dataclass(frozen=True)
class FinishedEpisodes:
    """The episodes that ended in a chunk, in the order of their last steps, and of lanes where these are equal.

    Attributes:
        step: (episodes,) int64, the row of the chunk with the last step of each.
        lane: (episodes,) int32, its lane.
        number: (episodes,) int64, how many episodes of the lane came before.
        length: (episodes,) int64, its steps; of those that began before the first chunk, the steps that were seen.
        rows: (whole episodes,) int64, which of them were seen from their first step on.
        actions: the packed actions of those.
    """

    step: np.ndarray
    lane: np.ndarray
    number: np.ndarray
    length: np.ndarray
    rows: np.ndarray
    actions: PackedBytes

    def __len__(self) -> int:
        return len(self.step)

    def replays(self, key: np.ndarray, key_implementation: str) -> Replays:
        """What `EpisodeWriter.add` takes, next to columns with one row for each of these episodes.

        Args:
            key: (episodes, words) uint32, the words of the key that each began with; see `episode_keys`.
            key_implementation: the name of the keys' implementation.
        """
        return Replays(np.asarray(key)[self.rows], key_implementation, self.actions, self.rows)


class ReplayAssembler:
    """Keeps the actions of the episodes in progress, and hands out whole episodes as they end.

    assembler = ReplayAssembler(env.action_space, num_lanes=4096)
    finished = assembler.add(actions, done)  # NumPy arrays, (steps, lanes, ...)
    keys = episode_keys(lane_keys, finished.lane, finished.number)
    writer.add(columns, finished.replays(keys, "jaxenvs"))
    """

    def __init__(
        self,
        action_space: Any,
        num_lanes: int,
        *,
        number: Any = 0,
        started: bool = True,
        most_bytes: int = 256 * 2**20,
    ) -> None:
        """Begins with no actions.

        Args:
            action_space: the space of the actions; see `ActionPacking`.
            num_lanes: the number of lanes.
            number: the number of the episode that each lane is in, one for all or (lanes,).
            started: whether every lane is before the first step of that episode. If not, the episode is not recorded.
            most_bytes: the greatest memory for the actions of episodes in progress. If it does not suffice, the
                longest of them are not recorded, with a warning.

        Raises:
            InvalidField: actions of this space cannot be packed.
        """
        self._packing = ActionPacking(action_space)
        self._lanes, self._most_bytes = num_lanes, most_bytes
        self._number = np.broadcast_to(np.asarray(number, np.int64), (num_lanes,)).copy()
        self._is_whole = np.full(num_lanes, started)
        self._clock = EpisodeClock(num_lanes)
        # The last `_width` steps of all lanes, from the first step of the oldest whole episode on; (lanes, steps, bytes
        # of an action).
        self._kept = np.zeros((num_lanes, 0, -(-self._packing.bits // 8)), np.uint8)
        self._width = 0
        self._is_warned = False

    def add(self, actions: Any, done: Any) -> FinishedEpisodes:
        """Adds a chunk of steps.

        Args:
            actions: elements of the action space with leading axes (steps, lanes).
            done: (steps, lanes) bool, whether the episode of the lane ended with the step.

        Returns:
            The episodes that ended in it.

        Raises:
            InvalidField: `done` has another shape.
            InvalidAction: the actions have another shape or dtype, or are not in the space.
        """
        done = np.asarray(done)
        if done.ndim != 2 or done.shape[1] != self._lanes or done.dtype != bool:
            raise InvalidField(
                f"ReplayAssembler: `done` must be (steps, {self._lanes}) bool, got {done.shape} {done.dtype}."
            )
        codes = self._packing.codes(actions, done.shape)
        self._make_room(len(done))
        begin, self._width = self._width, self._width + len(done)
        self._kept[:, begin : self._width] = codes.swapaxes(0, 1)
        ends = EpisodeEnds.of(done)
        length, rank = self._clock.advance(ends, len(done)), ends.ranks()
        number = self._number[ends.lane] + rank
        rows = np.flatnonzero((rank > 0) | self._is_whole[ends.lane])
        end = begin + ends.step[rows] + 1
        actions = self._gathered(ends.lane[rows], end - length[rows], end)
        self._is_whole[ends.lane] = True
        self._number += done.sum(axis=0)
        return FinishedEpisodes(ends.step, ends.lane.astype(np.int32), number, length, rows, actions)

    def restart(self, lanes: Any) -> None:
        """Begins new episodes in some lanes before theirs have ended, as `reset` of an adapter does.

        Args:
            lanes: indices of lanes, or (lanes,) bool.
        """
        self._clock.elapsed[lanes] = 0
        self._is_whole[lanes] = True
        self._number[lanes] += 1

    def _gathered(self, lane: np.ndarray, start: np.ndarray, end: np.ndarray) -> PackedBytes:
        """The packed actions from `start` to `end` in each of some lanes."""
        lengths = end - start
        before = np.cumsum(lengths) - lengths
        step = np.repeat(start - before, lengths) + np.arange(lengths.sum())
        return self._packing.packed(self._kept[np.repeat(lane, lengths), step], lengths)

    def _make_room(self, steps: int) -> None:
        """Drops the steps that no episode needs any more, and makes room for `steps` more."""
        if self._width + steps <= self._kept.shape[1]:
            return
        step_bytes = self._lanes * max(self._kept.shape[-1], 1)
        most = max(self._most_bytes // step_bytes, steps)
        elapsed = self._clock.elapsed
        too_old = self._is_whole & (elapsed + steps > most)
        if too_old.any():
            self._is_whole &= ~too_old
            if not self._is_warned:
                self._is_warned = True
                warnings.warn(
                    f"Episodes of more than {most} steps do not fit into the {self._most_bytes} bytes for actions of"
                    " episodes in progress. They are not recorded for replays. `most_bytes` is the bound.",
                    stacklevel=4,
                )
        width = int(elapsed.max(initial=0, where=self._is_whole))
        kept = self._kept[:, self._width - width : self._width]
        capacity = max(self._kept.shape[1], 2 * (width + steps))
        self._kept = np.zeros((self._lanes, min(capacity, max(most, width + steps)), self._kept.shape[-1]), np.uint8)
        self._kept[:, :width] = kept
        self._width = width
