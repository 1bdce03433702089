"""The training loop: every update once, whatever the chunks, the stops and the resumptions."""

import errno
import math
import os
import tempfile
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.pytree import static
from jaxenvs.errors import CheckpointError, Diverged, InvalidField, NotWritten
from jaxenvs.monitor import Run, Settings, save_checkpoint, train
from jaxenvs.monitor.recording import parts
from jaxenvs.monitor.run_folder import checkpoint
from jaxenvs.monitor.run_folder import run as run_module
from jaxenvs.monitor.training.updates import initial_state
from tests.monitor.training.toy_learner import Walk

ENV = jaxenvs.make("CartPole-v1")
KEY = jaxenvs.random.key(0)
LEARNER = Walk()


def make_run(path, num_seeds=1):
    return Run.create(Settings("CartPole-v1", {}, None, "walk", {}, seed=0, num_seeds=num_seeds), path)


def by_hand(learner, key, updates):
    state = learner.init(ENV, jax.random.fold_in(key, 0))
    step = jax.jit(learner.update)
    for _ in range(updates):
        state, _ = step(ENV, state)
    return state


def assert_same(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        if jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("whole") / "run")
    state, report = train(run, ENV, LEARNER, KEY)
    return run, state, report


def test_training_does_every_update_once(whole):
    run, state, report = whole
    assert (report.updates, report.env_steps) == (40, 400)
    assert_same(state, by_hand(LEARNER, KEY, 40))
    rows = run.read_progress()
    assert [row["update"] for row in rows] == list(range(1, 41))
    assert [row["env_steps"] for row in rows] == [10.0 * n for n in range(1, 41)]
    for row in rows:
        silent = row["update"] % 3 == 0
        assert row["episodes"] == (0 if silent else 2)
        assert math.isnan(row["mean_return"]) if silent else row["mean_return"] == row["update"] - 1


def test_last_checkpoint_is_the_last_state(whole):
    run, state, _ = whole
    restored, progress = run.load(jax.eval_shape(lambda: state))
    assert progress == {"updates": 40}
    assert_same(restored, state)


def test_stopped_and_resumed_run_equals_the_uninterrupted_one(whole, tmp_path):
    run = make_run(tmp_path / "run")
    _, report = train(run, ENV, LEARNER, KEY, should_stop=lambda: True)
    assert 0 < report.updates < 40
    run.append_progress([{**run.read_progress()[-1], "update": 39}])  # reported, but after the last checkpoint
    state, report = train(run, ENV, LEARNER, KEY, resume=True)
    assert report.updates == 40
    assert_same(state, whole[1])
    without_time = [[{**row, "seconds": 0.0} for row in r.read_progress()] for r in (run, whole[0])]
    np.testing.assert_equal(without_time[0], without_time[1])


def test_finished_run_resumes_to_nothing_more(whole):
    run, state, _ = whole
    again, report = train(run, ENV, LEARNER, KEY, resume=True)
    assert report.updates == 40
    assert_same(again, state)


def test_long_training_reports_means_over_updates(tmp_path):
    run = make_run(tmp_path / "run")
    learner = LEARNER.replace(num_updates=1001)
    _, report = train(run, ENV, learner, KEY)
    rows = run.read_progress()
    assert report.updates == 1001 == rows[-1]["update"]
    assert [row["update"] for row in rows[:3]] == [3, 6, 9]
    assert [row["episodes"] for row in rows[:3]] == [4, 4, 4]
    assert [row["mean_return"] for row in rows[:3]] == [0.5, 3.5, 6.5]
    assert rows[-1]["episodes"] == 4 and len(rows) == 334


def test_first_of_many_seeds_trains_as_it_would_alone(whole, tmp_path):
    run = make_run(tmp_path / "run", num_seeds=3)
    state, _ = train(run, ENV, LEARNER, KEY)
    assert_same(jax.tree.map(lambda x: x[0], state.agent), whole[1].agent)
    assert len({float(w) for w in state.agent["w"][:, 0]}) == 3
    assert [(row["update"], row["seed"]) for row in run.read_progress()[:4]] == [(1, 0), (1, 1), (1, 2), (2, 0)]


def test_checkpoint_of_other_settings_is_refused(whole):
    run, _, _ = whole
    with pytest.raises(CheckpointError, match=r"`.agent\['b'\]` has shape \(\), the run's settings build \(2,\)"):
        run.load(jax.eval_shape(lambda: initial_state(ENV, LEARNER, KEY, 2)))


def test_resuming_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(make_run(tmp_path / "run"), ENV, LEARNER, KEY, resume=True)


class Diverging(Walk):
    """Its weights are NaN from an update on."""

    healthy_updates: int = static(default=3)

    def update(self, env, state):
        state, metrics = Walk.update(self, env, state)
        weight = jnp.where(state.updates > self.healthy_updates, jnp.nan, state.agent["b"])
        return state.replace(agent={**state.agent, "b": weight}), metrics


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_diverged_training_stops_and_keeps_its_last_checkpoint(tmp_path, num_seeds):
    run = make_run(tmp_path / "run", num_seeds=num_seeds)
    seeds = r" \(seed 0, 1 of those trained together\)" if num_seeds == 2 else ""
    with pytest.raises(Diverged, match=rf"diverged at update 4, 40 steps: weights are NaN{seeds}. .* of update 1\."):
        train(run, ENV, Diverging(), KEY)
    assert [row["update"] for row in run.read_progress()][-1] == 4
    state, progress = run.load(jax.eval_shape(lambda: initial_state(ENV, LEARNER, KEY, num_seeds)))
    assert progress == {"updates": 1} and all(jnp.isfinite(x).all() for x in jax.tree.leaves(state.agent))


def test_training_that_diverges_at_once_says_that_nothing_is_saved(tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(Diverged, match=r"diverged at update 1, .* There is no earlier checkpoint\."):
        train(run, ENV, Diverging(healthy_updates=0), KEY)
    assert not run.checkpoint_path.exists()


def test_the_loop_runs_where_nan_is_looked_for(tmp_path):
    with jax.debug_nans(True):
        _, report = train(make_run(tmp_path / "run"), ENV, LEARNER.replace(num_updates=3), KEY)
    assert report.updates == 3


def test_a_finished_run_goes_on_where_the_learner_has_more_to_do(whole, tmp_path):
    run = make_run(tmp_path / "run")
    train(run, ENV, LEARNER, KEY)
    state, report = train(run, ENV, LEARNER.replace(num_updates=60), KEY, resume=True)
    assert report.updates == 60
    assert_same(state, by_hand(LEARNER, KEY, 60))
    assert [row["update"] for row in run.read_progress()] == list(range(1, 61))


def test_a_state_that_cannot_be_written_is_rescued(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(path, *arguments):
        if path == run.checkpoint_path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        save_checkpoint(path, *arguments)

    monkeypatch.setattr("jaxenvs.monitor.run_folder.run.save_checkpoint", full)
    with pytest.raises(NotWritten, match=r"No space left on device\. The state after update 1 is in (.*): move"):
        train(run, ENV, LEARNER, KEY)
    (rescued,) = tmp_path.glob("jaxenvs-*/checkpoint.msgpack")
    rescued.rename(run.checkpoint_path)
    monkeypatch.undo()
    state, _ = train(run, ENV, LEARNER, KEY, resume=True)
    assert_same(state, by_hand(LEARNER, KEY, 40))


class FullDisk:
    """Refuses the files of a folder while `is_full`."""

    def __init__(self, monkeypatch, folder):
        self.folder, self.is_full, self.refused = folder, False, []
        for module, name in ((run_module, "append_bytes"), (checkpoint, "write_bytes"), (parts, "write_bytes")):
            monkeypatch.setattr(module, name, partial(self._write, getattr(module, name)))

    def _write(self, write, path, data):
        if self.is_full and self.folder in path.parents:
            self.refused.append(path.name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, data)


def test_training_goes_on_while_the_disk_is_full_if_it_is_told_to(tmp_path, monkeypatch):
    monkeypatch.setattr("jaxenvs.monitor.training.training_loop._SECONDS_PER_CALL", 1e-9)  # one update in each call
    monkeypatch.setattr("jaxenvs.monitor.training.training_loop._CHECKPOINT_SECONDS", 0.0)
    run, disk = make_run(tmp_path / "run"), FullDisk(monkeypatch, tmp_path)

    def on_report(report):
        disk.is_full = 5 <= report.updates < 20

    with pytest.warns(UserWarning, match=r"No space left on device\. Training goes on") as caught:
        state, report = train(run, ENV, LEARNER, KEY, on_error="warn", on_report=on_report)
    assert len(caught) == 1 and disk.refused == ["progress.csv"] * 15 and report.updates == 40
    assert_same(state, by_hand(LEARNER, KEY, 40))
    assert [row["update"] for row in run.read_progress()] == list(range(1, 41))
    resumed, _ = train(run, ENV, LEARNER, KEY, resume=True)
    assert_same(resumed, state)


def test_a_disk_that_stays_full_is_an_error_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run = make_run(tmp_path / "run")
    disk = FullDisk(monkeypatch, run.path)
    disk.is_full = True
    with (
        pytest.warns(UserWarning, match="Training goes on"),
        pytest.raises(NotWritten, match=r"The state after update 40 is in"),
    ):
        train(run, ENV, LEARNER, KEY, on_error="warn")
    assert not run.progress_path.exists() and len(list(tmp_path.glob("jaxenvs-*/checkpoint.msgpack"))) == 1
    with pytest.raises(InvalidField, match="train: `on_error` must be 'raise' or 'warn', got 'ignore'"):
        train(run, ENV, LEARNER, KEY, on_error="ignore")


def test_calls_end_with_rows_or_within_one():
    from jaxenvs.monitor.training.training_loop import _ends

    assert _ends(0, 1, 20, 1000) == [1]  # the first call does one update
    assert _ends(1, 5, 20, 1000) == [6]
    assert _ends(6, 50, 20, 1000) == [20, 40]
    assert _ends(980, 50, 20, 990) == [990]
    assert _ends(0, 10**6, 20, 10**5) == list(range(20, 1281, 20))


def test_rows_of_many_updates_are_put_together_from_several_calls(tmp_path, monkeypatch):
    """Calls of one update each, as if updates were slow."""
    monkeypatch.setattr("jaxenvs.monitor.training.training_loop._SECONDS_PER_CALL", 1e-9)
    learner, run = LEARNER.replace(num_updates=1001), make_run(tmp_path / "run")
    calls = []
    train(run, ENV, learner, KEY, on_report=calls.append, should_stop=lambda: len(calls) == 7)
    assert [report.updates for report in calls] == list(range(1, 9))
    rows = run.read_progress()
    assert [row["update"] for row in rows] == [3, 6, 8]  # the stop ends a row
    assert [row["mean_return"] for row in rows] == [0.5, 3.5, 6.5] and [row["episodes"] for row in rows] == [4, 4, 4]
