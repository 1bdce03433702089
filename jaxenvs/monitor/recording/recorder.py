"""Recorder: the episodes of any loop, gathered on the device and written to a run folder."""

import atexit
import dataclasses
import math
import os
import time
from typing import Any, Self, TypeAlias, TypeVar

import jax
import numpy as np
from jax.core import Tracer

from jaxenvs.core.env import Env, TimeStep, check_is_env
from jaxenvs.core.wrapper import resets_itself
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.episode_columns import (
    columns_of_endings,
    episode_columns,
    evaluation_columns,
    packed_columns,
)
from jaxenvs.monitor.recording.episode_ends import EpisodeEnds
from jaxenvs.monitor.recording.episode_writer import EpisodeWriter, Mode, OnError
from jaxenvs.monitor.recording.packed_ends import packed_ends
from jaxenvs.monitor.recording.recorded_scan import PackedOutcomes
from jaxenvs.monitor.recording.replay_assembler import ReplayAssembler
from jaxenvs.monitor.recording.returns import EpisodeCounts
from jaxenvs.monitor.recording.start_keys import StartKeys
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.endings import Endings, Outcome, outcome
from jaxenvs.rollouts.evaluate import Evaluation
from jaxenvs.rollouts.rollout import Trajectory

_Tree = TypeVar("_Tree")

Steps: TypeAlias = TimeStep[Any] | Outcome | PackedOutcomes | Endings
"""Consecutive steps, with axes (steps,), (steps, lanes) or (seeds, steps, lanes); if packed, with windows of steps."""


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
                state, outcomes = play(state)  # your jitted loop: `lax.scan` or `jaxenvs.monitor.scan`
                recorder.add(outcomes)

    Args:
        env: the environment that is played, with its wrappers.
        path: the run folder; by default one in `runs`, named after the environment and the time.
        start: to replay episodes later, the state that the loop begins with, as `reset` returned it: () or (lanes,)
            or (seeds, lanes) states. Then pass the actions to `Recorder.add` as well.
        key: the root key, for the manifest.
        mode: what the episodes are played for, "training" or "evaluation".
        on_error: what to do if a file cannot be written; see `EpisodeWriter`.

    Raises:
        InvalidField: `env` is not an environment, `path` cannot be made or is of another environment, or episodes
            cannot be replayed from `start`.
        DependencyNotInstalled: pyarrow is missing.
    """
    check_is_env("record", env)
    keys = None if start is None else StartKeys.of_state(env, start)
    run = Run.record(env, key=key, path=path, join=True)
    return Recorder(run, env, start_keys=keys, mode=mode, on_error=on_error)


@dataclasses.dataclass(frozen=True)
class _Replaying:
    """What the episodes of a sequence of blocks are replayed from.

    Attributes:
        keys: with which the episodes begin.
        assembler: with the actions of the episodes that have not ended.
    """

    keys: StartKeys
    assembler: ReplayAssembler

    @staticmethod
    def of(env: Env[Any, Any], keys: StartKeys) -> "_Replaying":
        return _Replaying(keys, ReplayAssembler(env.action_space, len(keys.number), number=keys.number))


@dataclasses.dataclass
class _Block:
    """Steps that the device is computing.

    Attributes:
        steps: arrays with the axes of `Steps`.
        counts: what adds up lengths and returns, if `steps` has none.
        steps_before: the steps of all lanes of a seed before these.
        actions: those of these steps, with the same axes; None if they are not recorded.
        replaying: what the episodes are replayed from; None if actions are not recorded.
        returns: what `counts` has the device compute.
    """

    steps: Outcome | PackedOutcomes | Endings
    counts: EpisodeCounts
    steps_before: int
    actions: Any
    replaying: _Replaying | None
    returns: jax.Array | None = None


class Recorder:
    """Writes the episodes that end in blocks of steps, such as the output of a `lax.scan`, to a run folder.

    `add` neither waits for its block nor calls the host from the device: a block is written when the next one is added,
    while the device computes that one. Nothing can overflow, since a block is kept as it is until its episodes are
    found. Episodes that have not ended are not written.

    Attributes:
        run: the run folder.
        writer: what writes the episodes.
    """

    def __init__(
        self,
        run: Run,
        env: Env[Any, Any],
        *,
        start_keys: StartKeys | None = None,
        mode: Mode = "training",
        on_error: OnError = "raise",
    ) -> None:
        """Takes a name in the run folder. `record` makes the folder as well.

        Args:
            run: the run folder.
            env: the environment that is played.
            start_keys: the keys that the lanes begin with, if episodes are to be replayed.
            mode: what the episodes are played for.
            on_error: see `EpisodeWriter`.
        """
        self._env, self._resets_itself = env, resets_itself(env)
        self._replaying = None if start_keys is None else _Replaying.of(env, start_keys)
        self._counts: EpisodeCounts | None = None
        self._pending: _Block | None = None
        self._env_steps, self._pid = 0, os.getpid()
        self.run = run
        self.writer = EpisodeWriter(run, mode=mode, on_error=on_error)
        self._began, self._seconds = time.perf_counter(), 0.0
        atexit.register(self.close)

    def add(self, steps: Steps, actions: Any = None) -> None:
        """Adds the steps that follow those added before.

        Args:
            steps: what `jaxenvs.monitor.scan` returned; or timesteps, or the part of them that `outcome` returns, with
                axes (steps,), (steps, lanes) or (seeds, steps, lanes).
            actions: the actions that led to them, with the same axes, if the recorder has a state to start from.

        Raises:
            InvalidField: it is called while JAX traces, the axes are others than before, actions are missing, or the
                environment does not reset itself.
            NotWritten: see `EpisodeWriter.add`. The steps were added nevertheless.
        """
        if not self._resets_itself:
            raise InvalidField(
                "Recorder.add: the environment does not reset itself, so every lane would play one episode. Put it in"
                " AutoReset, or pass the trajectory of `rollout` to `add_rollout`."
            )
        if (actions is None) != (self._replaying is None):
            wanted = "takes no actions" if self._replaying is None else "needs the actions as well"
            advice = "Pass `start=state` to `record`" if self._replaying is None else "Call `add(timesteps, actions)`"
            raise InvalidField(f"Recorder.add {wanted}. {advice} to record replays.")
        self._add(steps, actions, self._replaying)

    def add_rollout(self, trajectory: Trajectory, *, key: Key | None = None) -> None:
        """Adds what `rollout` returned. It began with a reset; episodes that have not ended are left out.

        Args:
            trajectory: the trajectory, of one or several environments. If they do not reset themselves, the first
                episode of each counts.
            key: the key that `rollout` got, if episodes are to be replayed.

        Raises:
            InvalidField: it is called while JAX traces, or episodes of the environment cannot be replayed.
            NotWritten: see `EpisodeWriter.add`. The steps were added nevertheless.
        """
        timesteps, replaying = trajectory.timesteps, None
        if key is not None:
            lanes = None if timesteps.reward.ndim == 1 else timesteps.reward.shape[1]
            keys = StartKeys.of_rollout(self._env, check_key(key, name="add_rollout"), lanes)
            replaying = _Replaying.of(self._env, keys)
        of_loop, self._counts = self._counts, None  # the loop goes on afterwards, in the middle of its episodes
        try:
            self._add(timesteps, None if key is None else trajectory.actions, replaying)
        finally:
            self._counts = of_loop

    def add_evaluation(self, evaluation: Evaluation, *, seed: int = 0, env_steps: int = 0) -> None:
        """Adds what `evaluate` returned. Episodes that `max_steps` cut short have neither flag.

        Args:
            evaluation: the episodes, each in its own lane.
            seed: which of several agents was evaluated.
            env_steps: the steps of training before the evaluation.

        Raises:
            NotWritten: see `EpisodeWriter.add`. The episodes were added nevertheless.
        """
        self._write_pending()
        evaluation = jax.device_get(evaluation)
        self.writer.add(evaluation_columns(evaluation, seed=seed, env_steps=env_steps, seconds=self._now()))

    def flush(self) -> None:
        """Waits for the steps added so far, and writes their episodes to a new file.

        Raises:
            NotWritten: see `EpisodeWriter.flush`.
        """
        self._write_pending()
        self.writer.flush()

    def close(self) -> None:
        """Flushes, and ends the recording; closing twice has no effect. Python closes recorders when it ends.

        Raises:
            NotWritten: see `EpisodeWriter.close`.
        """
        atexit.unregister(self.close)
        if os.getpid() != self._pid:  # a fork, whose parent goes on recording
            return
        try:
            self._write_pending()
        finally:
            self.writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _add(self, steps: Steps, actions: Any, replaying: _Replaying | None) -> None:
        steps = outcome(steps) if isinstance(steps, TimeStep) else steps
        self._check_axes(steps)
        if replaying is not None:
            _check_actions(actions, steps, replaying)
        if self._counts is None:
            self._counts = EpisodeCounts(_lanes_of(steps.terminated.shape))
        counts = self._counts
        *_, count, lanes = (*steps.terminated.shape, 1) if steps.terminated.ndim == 1 else steps.terminated.shape
        if isinstance(steps, PackedOutcomes):
            count *= steps.steps
            steps = steps if replaying is None else steps.unpacked()
        # Copies of NumPy arrays, which the caller may write to before they are read.
        block = _Block(_own(steps), counts, self._env_steps, _own(actions), replaying)
        self._env_steps += count * lanes
        pending, self._pending = self._pending, block
        try:
            if pending is not None:
                self._write(pending)
        finally:
            if not isinstance(steps, Endings):
                block.returns = counts.begin(steps)

    def _check_axes(self, steps: Outcome | PackedOutcomes | Endings) -> None:
        if not isinstance(steps, Outcome | PackedOutcomes | Endings):
            raise InvalidField(
                "The recorder takes what `jaxenvs.monitor.scan` returned, timesteps, or the part of them that"
                f" `outcome` returns; got {type(steps).__name__}."
            )
        flags = steps.terminated
        if isinstance(flags, Tracer):
            raise InvalidField(
                "The recorder was called in a function that JAX traces. Return `outcome(timestep)` from the loop, and"
                " add what the compiled loop returns."
            )
        if not 1 <= flags.ndim <= 3:
            raise InvalidField(
                "The recorder takes steps with axes (steps,), (steps, lanes) or (seeds, steps, lanes), got"
                f" {flags.shape}."
            )
        if self._counts is not None and self._counts.lanes != _lanes_of(flags.shape):
            raise InvalidField(
                f"These steps are of {_lanes_of(flags.shape)} (seeds and) lanes, and those before were of"
                f" {self._counts.lanes}. Make a recorder for each loop."
            )

    def _write_pending(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._write(pending)

    def _write(self, block: _Block) -> None:
        """Waits for a block and writes its episodes."""
        if isinstance(block.steps, PackedOutcomes):
            self.writer.add(self._packed_episodes_of(block, block.steps))
            return
        ended, columns = self._episodes_of(block)
        if block.replaying is None:
            self.writer.add(columns)
            return
        axes = block.steps.terminated.ndim
        shape = len(ended), math.prod(ended.shape[1:])
        actions = jax.tree.map(
            lambda x: _in_order(x, axes).reshape(*shape, *x.shape[axes:]), jax.device_get(block.actions)
        )
        finished = block.replaying.assembler.add(actions, ended.reshape(shape))
        keys = block.replaying.keys
        words = keys.words(finished.lane, finished.number)
        self.writer.add(columns, finished.replays(words, keys.implementation))

    def _packed_episodes_of(self, block: _Block, outcomes: PackedOutcomes) -> dict[str, np.ndarray]:
        """Waits for a block that is not replayed; returns the columns of its episodes."""
        counts, steps = block.counts, outcomes.steps
        terminated, truncated = (_in_order(np.asarray(x)) for x in (outcomes.terminated, outcomes.truncated))
        windows, seeds, lanes = terminated.shape
        rewards = None
        if block.returns is None:
            reward = outcomes.single_reward()
            if reward is None:
                rewards = np.asarray(outcomes.unpacked().reward)
            else:
                rewards = np.full(windows * steps, reward, np.float32)
        table = counts.end(outcomes, block.returns, rewards)
        times = self._times_of(block)
        terminated, truncated = (x.reshape(windows, seeds * lanes) for x in (terminated, truncated))
        ends = packed_ends(terminated, truncated, steps, counts.elapsed)
        if table is None:
            episode_return = counts.returns(ends.length, ends.step, None)
        else:
            index = ends.step.astype(np.int64) * (seeds * lanes) + ends.lane
            episode_return = counts.returns(ends.length, index, _in_order(np.asarray(table)))
        return packed_columns(ends, episode_return, shape=(seeds, lanes), steps=steps, **times)

    def _episodes_of(self, block: _Block) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Waits for a block; returns where episodes ended in it, (steps, seeds, lanes) bool, and their columns."""
        if isinstance(block.steps, Endings):
            endings = jax.tree.map(_in_order, jax.device_get(block.steps))
            return endings.ended, columns_of_endings(endings, **self._times_of(block))
        assert isinstance(block.steps, Outcome)
        counts, outcomes = block.counts, block.steps
        rewards = jax.device_get(outcomes.reward) if block.returns is None else None
        returns = counts.end(outcomes, block.returns, rewards)
        flags = jax.device_get((outcomes.terminated, outcomes.truncated))
        terminated, truncated, table = jax.tree.map(_in_order, (*flags, jax.device_get(returns)))
        times = self._times_of(block)
        ended = terminated | truncated
        ends = EpisodeEnds.of(ended)
        length = counts.lengths(ends, len(ended))
        if not self._resets_itself:  # then only the first end of each lane is that of an episode
            is_first = ends.ranks() == 0
            ends, length = ends.chosen(is_first), length[is_first]
            ended = np.zeros_like(ended)
            ended.reshape(-1)[ends.index] = True
        episode_return = counts.returns(length, ends.index, table)
        return ended, episode_columns(ends, length, episode_return, terminated, truncated, **times)

    def _times_of(self, block: _Block) -> dict[str, Any]:
        """When a block was played; it is taken to have ended now."""
        began, self._seconds = self._seconds, self._now()
        return {"steps_before": block.steps_before, "seconds": (began, self._seconds)}


def _check_actions(actions: Any, steps: Outcome | PackedOutcomes | Endings, replaying: _Replaying) -> None:
    """Raises `InvalidField` if actions do not belong to these steps, or the state to start from to these lanes."""
    axes = list(steps.terminated.shape)
    started, lanes = len(replaying.keys.number), math.prod(_lanes_of(steps.terminated.shape))
    if started != lanes:
        raise InvalidField(f"The state to start from has {started} lanes, and these steps are of {lanes}.")
    if isinstance(steps, PackedOutcomes):
        axes[len(axes) == 3] *= steps.steps
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(actions)]
    if any(shape[: len(axes)] != tuple(axes) for shape in shapes):
        raise InvalidField(f"Actions have the axes of their steps, {tuple(axes)}, and then their own; got {shapes}.")


def _own(tree: _Tree) -> _Tree:
    """The same tree with copies of its NumPy arrays."""
    return jax.tree.map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, tree)


def _lanes_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of one step."""
    return (shape[0], shape[2]) if len(shape) == 3 else shape[1:]


def _in_order(x: np.ndarray, axes: int | None = None) -> np.ndarray:
    """An array with the axes of `Steps`, and further ones after `axes`, as (steps, seeds, lanes, ...)."""
    axes = x.ndim if axes is None else axes
    if axes == 3:
        return np.moveaxis(x, 0, 1)
    return x[:, None, None] if axes == 1 else x[:, None]
