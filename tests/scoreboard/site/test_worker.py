"""The worker and the process that examines, with an examiner that plays nothing, and once with the real one."""

import contextlib
import threading
import time

import pytest
from sqlalchemy import select

from jaxenvs.scoreboard.store.jobs import Jobs
from jaxenvs.scoreboard.store.tables import Submission
from jaxenvs.scoreboard.worker.worker import Worker
from tests.scoreboard.site.conftest import archive_of, hand_in


@pytest.fixture
def hand_over(client, make_key):
    key = make_key()
    return lambda algorithm: hand_in(client, key, archive_of(algorithm)).json()["name"]


@pytest.fixture
def worker(store, examiner):
    jobs = Jobs(store.database, lease_seconds=60.0, most_attempts=2, retry_seconds=(0.0, 0.0))
    worker = Worker(store.database, store.files, jobs=jobs, most_seconds=60.0, draws=False, command=examiner)
    yield worker
    worker.close()


def state_of(store, name):
    with store.database.reading() as session:
        row = session.scalars(select(Submission).filter_by(name=name)).one()
    return row.state, row.reason


def test_a_submission_is_verified(store, worker, hand_over):
    name = hand_over("PPO")
    assert worker.work() and not worker.work()
    assert state_of(store, name) == ("verified", "played again")
    with store.database.reading() as session:
        row = session.scalars(select(Submission)).one()
    assert row.mean_return == 100.0 and row.result["episodes"] == 100


def test_a_wrong_submission_is_rejected(store, worker, hand_over):
    name = hand_over("WRONG")
    worker.work()
    assert state_of(store, name) == ("rejected", "played again")


@pytest.mark.parametrize(
    ("algorithm", "reason"), [("CRASH", "ended with status 3"), ("RAISE", "ValueError"), ("HANG", "longer than 0.5 s")]
)
def test_what_cannot_be_examined_is_tried_again_and_then_given_up(store, worker, hand_over, algorithm, reason):
    good, bad = hand_over("PPO"), hand_over(algorithm)
    assert worker.work() and state_of(store, good)[0] == "verified", "the examiner runs"
    worker._most_seconds = 0.5 if algorithm == "HANG" else 60.0
    worker.work()
    assert state_of(store, bad)[0] == "queued"
    worker.work()
    state, text = state_of(store, bad)
    assert state == "error" and reason in text
    worker._most_seconds = 60.0
    another = hand_over("DQN")
    assert worker.work() and state_of(store, another)[0] == "verified", "the worker goes on"


def test_a_stopped_worker_leaves_the_submission_to_the_next(store, worker, examiner, hand_over, monkeypatch):
    monkeypatch.setenv("EXAMINER_SECONDS", "30")
    name = hand_over("PPO")
    thread = threading.Thread(target=worker.run)
    thread.start()
    end = time.monotonic() + 60
    while state_of(store, name)[0] != "verifying" and time.monotonic() < end:
        time.sleep(0.02)
    worker.stop()
    thread.join(60)
    assert not thread.is_alive() and state_of(store, name)[0] == "verifying"
    monkeypatch.setenv("EXAMINER_SECONDS", "0")
    later = Jobs(store.database, clock=lambda: time.time() + 100.0)  # when its lease has ended
    with contextlib.closing(Worker(store.database, store.files, jobs=later, draws=False, command=examiner)) as another:
        assert another.work() and state_of(store, name)[0] == "verified"


def test_progress_keeps_the_lease_of_a_long_examination(store, examiner, hand_over, monkeypatch):
    monkeypatch.setenv("EXAMINER_SECONDS", "4")
    name = hand_over("PPO")
    jobs = Jobs(store.database, lease_seconds=3.0)
    worker = Worker(store.database, store.files, jobs=jobs, draws=False, command=examiner)
    thread = threading.Thread(target=worker.work)
    thread.start()
    while thread.is_alive():
        time.sleep(0.1)
        if state_of(store, name)[0] == "verifying":
            assert jobs.take("another") is None
    worker.close()
    assert state_of(store, name)[0] == "verified"
