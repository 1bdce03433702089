"""Recorder: the episodes of any loop, gathered on the device and written to a run folder."""

import dataclasses
import os
import time
from typing import Any, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import resets_itself
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.episode_columns import episode_columns, evaluation_columns
from jaxenvs.monitor.episode_writer import EpisodeWriter, Mode, OnError
from jaxenvs.monitor.replay_log import ReplayLog
from jaxenvs.monitor.run import Run
from jaxenvs.random import Key
from jaxenvs.rollouts.endings import Endings, Outcome, Running, count_endings, outcome
from jaxenvs.rollouts.evaluate import Evaluation
from jaxenvs.rollouts.rollout import Trajectory

Steps: TypeAlias = TimeStep[Any] | Outcome | Endings | Trajectory
"""Consecutive steps, with axes (steps,), (steps, lanes) or (seeds, steps, lanes)."""


def record(
    env: Env[Any, Any],
    path: str | os.PathLike[str] | None = None,
    *,
    start: Any = None,
    key: Key | None = None,
    mode: Mode = "training",
    on_error: OnError = "raise",
) -> "Recorder":
    """Begins to record: makes the run folder, or joins it if it is of the same environment.

        with jaxenvs.monitor.record(env, "runs/random") as recorder:
            for _ in range(100):
                state, timesteps = play(state)  # your jitted loop
                recorder.add(timesteps)

    Args:
        env: the environment that is played, with its wrappers.
        path: the run folder; by default one in `runs`, named after the environment and the time.
        start: the state that the loop begins with, as `reset` returned it, if episodes are to be replayed; see
            `Recorder.add`.
        key: the root key, for the manifest.
        mode: what the episodes are played for, "training" or "evaluation".
        on_error: what to do if a file cannot be written; see `EpisodeWriter`.

    Raises:
        InvalidField: `path` cannot be made or is of another environment, or episodes cannot be replayed from `start`.
        DependencyNotInstalled: pyarrow is missing.
    """
    replays = None if start is None else ReplayLog(env, start)
    return Recorder(Run.record(env, key=key, path=path, join=True), env, replays=replays, mode=mode, on_error=on_error)


@dataclasses.dataclass(frozen=True)
class _Block:
    """Steps whose endings the device computes.

    Attributes:
        endings: arrays on the device, with the axes of `Steps`.
        actions: the actions of these steps; None if they are not recorded.
        starts: the words of the keys that the lanes begin with; None if they go on.
        steps_before: the steps of all lanes of a seed before these.
    """

    endings: Endings
    actions: Any
    starts: Any
    steps_before: int


class Recorder:
    """Writes the episodes that end in blocks of steps, such as the output of a `lax.scan`, to a run folder.

    It neither waits for the device nor calls the host from it: each block is written when the next one is added, while
    the device computes that one. Nothing can overflow, since a block is kept as it is until its episodes are found.

    Episodes that have not ended are not recorded. With a state to start from, every recorded episode can be replayed.

    Attributes:
        run: the run folder.
        writer: what writes the episodes.
    """

    def __init__(
        self,
        run: Run,
        env: Env[Any, Any],
        *,
        replays: ReplayLog | None = None,
        mode: Mode = "training",
        on_error: OnError = "raise",
    ) -> None:
        """Takes a name in the run folder; `record` is shorter.

        Args:
            run: the run folder.
            env: the environment that is played.
            replays: what keeps the actions, if episodes are to be replayed.
            mode: what the episodes are played for.
            on_error: see `EpisodeWriter`.
        """
        self.run = run
        self.writer = EpisodeWriter(run, mode=mode, on_error=on_error)
        self._resets_itself = resets_itself(env)
        self._replays = replays
        self._running: Running | None = None
        self._pending: _Block | None = None
        self._axes: tuple[int, ...] | None = None
        self._steps = 0
        self._began = time.perf_counter()
        self._seconds = 0.0

    def add(self, steps: Steps, actions: Any = None, *, key: Key | None = None) -> None:
        """Adds the steps that follow those added before.

        Args:
            steps: timesteps, or the part of them that `outcome` returns, with axes (steps,), (steps, lanes) or (seeds,
                steps, lanes). Or a `Trajectory`, whose episodes begin anew and may stay unfinished.
            actions: the actions that led to the timesteps, with the same axes. They are needed if the recorder has a
                state to start from, and ignored if not. A trajectory has its own.
            key: for a trajectory, the key that `rollout` got, so that its episodes can be replayed.

        Raises:
            InvalidField: it is called while JAX traces, or the axes, actions or environment do not fit.
            NotWritten: see `EpisodeWriter.add`. The steps were added nevertheless.
        """
        if isinstance(steps, Trajectory):
            self._add_trajectory(steps, key)
            return
        self._check(steps.terminated)
        if not self._resets_itself:
            raise InvalidField(
                "Recorder.add: the environment does not reset itself, so these steps are of one episode each. Wrap it in"
                " AutoReset, or add the trajectory that `rollout` returns."
            )
        if self._replays is not None and actions is None:
            raise InvalidField("Recorder.add: with a state to start from, pass the actions: `add(timesteps, actions)`.")
        self._add(steps, actions if self._replays is not None else None, None)

    def _add_trajectory(self, trajectory: Trajectory, key: Key | None) -> None:
        timesteps = trajectory.timesteps
        self._check(timesteps.terminated)
        if timesteps.terminated.ndim > 2:
            raise InvalidField("Recorder.add: add the trajectories of several seeds one by one.")
        self._running = None
        if key is None:
            self._add(timesteps, None, None, once=not self._resets_itself)
        else:
            starts = ...
            self._add(timesteps, trajectory.actions, starts, once=not self._resets_itself)
