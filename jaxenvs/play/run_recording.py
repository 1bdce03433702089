"""RunRecording: what is played, written to a run folder, from which it can be replayed."""

import os
from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.monitor.recording.episode_writer import EpisodeWriter
from jaxenvs.monitor.recording.replay_assembler import ReplayAssembler
from jaxenvs.monitor.run_folder.key_words import implementation_of, key_words
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.play.recording import PlayedEpisode, Recorder

_WRITER = "player"


class RunRecording:
    """Writes the episodes that are played in one environment, by any number of players, to a run folder.

    Args:
        env: the environment.
        path: the folder: a new one, or that of an earlier run of the same environment; None for a new one in `runs`.
        env_id: the environment's id, if it has one.
        seed: the seed, to be noted.

    Raises:
        InvalidField: the folder is something else, or actions of this environment cannot be recorded.
        DependencyNotInstalled: pyarrow is missing.
    """

    def __init__(self, env: Env[Any, Any], path: str | os.PathLike[str] | None, env_id: str | None, seed: int) -> None:
        self._packing = ReplayAssembler(env.action_space, 1)
        self.run = Run.record(env, path=path, env_id=env_id, seed=seed, join=path is not None)
        self._writer = EpisodeWriter(self.run, mode="evaluation", writer=_WRITER)
        self._steps = 0

    def recorder(self) -> Recorder:
        """The recorder of one player's game."""
        return Recorder(self._keep)

    def close(self) -> None:
        """Writes what is left, and marks the run as finished.

        Raises:
            NotWritten: the folder cannot be written.
        """
        self._writer.close()
        self.run.mark("finished")

    def _keep(self, played: PlayedEpisode) -> None:
        actions = jax.tree.map(lambda *parts: np.stack(parts)[:, None], *played.actions)
        done = np.zeros((played.length, 1), bool)
        done[-1] = True
        finished = self._packing.add(actions, done)
        self._steps += played.length
        columns = {
            "episode_return": np.array([played.episode_return]),
            "length": np.array([played.length]),
            "terminated": np.array([played.terminated]),
            "truncated": np.array([played.truncated]),
            "env_steps": np.array([self._steps]),
        }
        key = np.array([key_words(played.key)], np.uint32)
        self._writer.add(columns, finished.replays(key, implementation_of(played.key)))
