"""LaneRecorder: the episodes of lanes that are stepped from the host, written to a run folder."""

import atexit
import os
import time
import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from jaxenvs.adapters._host_loop.lane_programs import Mode
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.episode_writer import EpisodeWriter, OnError
from jaxenvs.monitor.recording.packed_bytes import PackedBytes
from jaxenvs.monitor.recording.records import Replays
from jaxenvs.monitor.recording.replay_assembler import FinishedEpisodes, ReplayAssembler
from jaxenvs.monitor.recording.start_keys import check_replayable
from jaxenvs.monitor.run_folder.key_words import episode_keys, implementation_of
from jaxenvs.monitor.run_folder.run import Run

Purpose: TypeAlias = Literal["training", "evaluation"]

_STEPS = 64
"""Steps that are handed over to the writer together, since a call of it costs about as much as a step of few lanes."""


class LaneRecorder:
    """Counts the episodes of some lanes and writes them. Episodes that `reset` ends early are left out.

    Attributes:
        run: the run folder.
        writer: what writes the episodes.
    """

    def __init__(
        self,
        env: Env[Any, Any],
        num_lanes: int,
        path: str | os.PathLike[str] | None,
        sequences: Callable[[], tuple[Any, Any]],
        is_as_declared: Callable[[], bool],
        *,
        mode: Purpose,
        replays: bool | None,
        on_error: OnError,
    ) -> None:
        """Makes the run folder, or joins it.

        Args:
            env: the environment of a lane, as declared.
            num_lanes: the number of lanes.
            path: the run folder; None for one in `runs`.
            sequences: returns the keys of the lanes, (num_lanes,), and the numbers of the episodes that they play.
            is_as_declared: returns whether all lanes still have the fields of `env`.
            mode: what the episodes are played for.
            replays: whether to record actions as well; None to do so if episodes can be replayed from them.
            on_error: see `EpisodeWriter`.

        Raises:
            InvalidField: see `Run.record`; or `replays` is True and they cannot be recorded.
        """
        self._sequences, self._is_as_declared = sequences, is_as_declared
        self._assembler = None if replays is False else _assembler(env, num_lanes, is_wanted=replays is True)
        self.run = Run.record(env, path=path, join=True)
        self.writer = EpisodeWriter(self.run, mode=mode, on_error=on_error)
        self._returns, self._lengths = np.zeros(num_lanes), np.zeros(num_lanes, np.int64)
        self._over = np.ones(num_lanes, bool)
        self._env_steps = 0
        self._rows: list[dict[str, np.ndarray]] = []
        self._actions: list[Any] = []
        self._dones: list[np.ndarray] = []
        # By lane: the key of its episodes, how the assembler's numbers of them differ from AutoReset's, and whether
        # the key alone says how the episode began.
        self._keys: Any = None
        self._assembled, self._shift = np.zeros(num_lanes, np.int64), np.zeros(num_lanes, np.int64)
        self._is_plain = np.ones(num_lanes, bool)
        self._is_warned = False
        self._began = time.perf_counter()
        atexit.register(self.close)

    def begin(self, mask: np.ndarray, *, plain: bool) -> None:
        """Begins episodes in the lanes of a mask, (num_lanes,) bool.

        Args:
            mask: the lanes.
            plain: whether their starts follow from their keys alone, without reset options.
        """
        self._drain()
        self._returns[mask], self._lengths[mask], self._over[mask] = 0.0, 0, False
        if self._assembler is None:
            return
        if self._keys is not None:
            self._restart(mask)
        self._keys, number = self._sequences()
        self._shift[mask] = (self._assembled - np.asarray(number))[mask]
        self._is_plain[mask] = plain

    def depart(self, lanes: Any) -> None:
        """Notes that the states of some lanes were set, so that their episodes do not follow from keys and actions.

        Args:
            lanes: indices.
        """
        if self._is_plain[lanes].any():
            self._drain()
            self._is_plain[lanes] = False

    def step(self, actions: Any, reward: Any, terminated: Any, truncated: Any, resets: Mode) -> None:
        """Counts a step of all lanes.

        Args:
            actions: (num_lanes, ...) elements of the action space.
            reward: (num_lanes,) float.
            terminated: (num_lanes,) bool.
            truncated: (num_lanes,) bool.
            resets: when lanes begin their next episodes.
        """
        counts = ~self._over
        terminated, truncated = np.array(terminated), np.array(truncated)
        done = (terminated | truncated) & counts
        self._returns += np.where(counts, np.asarray(reward, np.float64), 0.0)
        self._lengths += counts
        self._env_steps += int(counts.sum())
        if self._assembler is not None:
            self._actions.append(jax.tree.map(np.array, actions))
        self._dones.append(done)
        if done.any():
            self._keep(np.flatnonzero(done), terminated, truncated)
        if resets == "next_step":
            self._over = done
            if not counts.all():  # this step began their episodes, and its action was ignored
                self._drain()
                self._restart(~counts)
                self._shift[~counts] += 1
        elif resets == "disabled":
            self._over = self._over | done
        if len(self._dones) >= _STEPS:
            self._drain()

    def flush(self) -> None:
        """Writes the episodes so far to a new file.

        Raises:
            NotWritten: see `EpisodeWriter.flush`.
        """
        self._drain()
        self.writer.flush()

    def close(self) -> None:
        """Flushes, and ends the recording; closing twice has no effect. Python closes recorders when it ends.

        Raises:
            NotWritten: see `EpisodeWriter.close`.
        """
        atexit.unregister(self.close)
        try:
            self._drain()
        finally:
            self.writer.close()

    def _keep(self, lane: np.ndarray, terminated: np.ndarray, truncated: np.ndarray) -> None:
        self._rows.append(
            {
                "lane": lane.astype(np.int32),
                "episode_return": self._returns[lane],
                "length": self._lengths[lane],
                "terminated": terminated[lane],
                "truncated": truncated[lane],
                "env_steps": np.full(len(lane), self._env_steps),
                "seconds": np.full(len(lane), time.perf_counter() - self._began),
            }
        )
        self._returns[lane], self._lengths[lane] = 0.0, 0

    def _restart(self, mask: np.ndarray) -> None:
        if self._assembler is not None:
            self._assembler.restart(mask)
            self._assembled[mask] += 1

    def _drain(self) -> None:
        """Hands the buffered steps over to the writer."""
        rows, actions, dones = self._rows, self._actions, self._dones
        self._rows, self._actions, self._dones = [], [], []
        finished = None
        if self._assembler is not None and dones:
            steps = np.stack(dones)
            finished = self._assembler.add(jax.tree.map(lambda *parts: np.stack(parts), *actions), steps)
            self._assembled += steps.sum(axis=0)
        if rows:
            columns = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
            self.writer.add(columns, None if finished is None else self._replays(finished))

    def _replays(self, finished: FinishedEpisodes) -> Replays | None:
        """The replays of those episodes that follow from a key and actions."""
        if not self._is_as_declared():
            if not self._is_warned:
                self._is_warned = True
                warnings.warn(
                    "A field of the environment was set, which run.json does not say. Episodes are recorded, but can"
                    " no longer be replayed. Record to another folder after setting fields.",
                    stacklevel=4,
                )
            return None
        lane, number = finished.lane, finished.number - self._shift[finished.lane]
        replays = finished.replays(episode_keys(self._keys, lane, number), implementation_of(self._keys))
        if self._is_plain.all():
            return replays
        lanes, first = np.unique(lane, return_index=True)
        plain = np.ones(len(lane), bool)
        plain[first] = self._is_plain[lanes]
        self._is_plain[lanes] = True
        kept = np.flatnonzero(plain[finished.rows])
        actions = PackedBytes.of([replays.actions[index] for index in kept.tolist()])
        return Replays(replays.key[kept], replays.key_implementation, actions, finished.rows[kept])


def _assembler(env: Env[Any, Any], num_lanes: int, *, is_wanted: bool) -> ReplayAssembler | None:
    try:
        check_replayable(env)
        return ReplayAssembler(env.action_space, num_lanes)
    except InvalidField:
        if is_wanted:
            raise
        return None
