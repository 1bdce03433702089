"""Nothing is lost, doubled or halved if the server and the workers are killed at any point."""

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from sqlalchemy import func, select

from jaxenvs.scoreboard.client import Client
from jaxenvs.scoreboard.store.people import create_key
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.tables import Attempt, Submission, Upload
from tests.scoreboard.site.conftest import archive_of, result_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes as POSIX does")

SERVER = """
import sys
from pathlib import Path
from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.site.server import SiteServer
from jaxenvs.scoreboard.store.store import Store
store = Store.open(Path(sys.argv[1]), sys.argv[3] or None)
store.uploads._most_open = store.uploads._most_waiting = 100_000
SiteServer(site_app(store, burst=1e9, requests_per_second=1e9), port=int(sys.argv[2])).run()
"""

WORKER = """
import sys
from pathlib import Path
from jaxenvs.scoreboard.store.jobs import Jobs
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.worker.worker import Worker
store = Store.open(Path(sys.argv[1]), sys.argv[3] or None)
jobs = Jobs(store.database, lease_seconds=3.0, most_attempts=1000, retry_seconds=(0.0, 0.0))
Worker(store.database, store.files, jobs=jobs, draws=False, command=(sys.executable, sys.argv[2])).run()
"""

EXAMINER = """
import fcntl, json, os, random, sys, threading, time
tasks = []
ready = threading.Semaphore(0)
def read():
    for line in sys.stdin:
        tasks.append(json.loads(line))
        ready.release()
    os._exit(0)  # as soon as the worker is dead
threading.Thread(target=read, daemon=True).start()
while True:
    ready.acquire()
    task = tasks.pop(0)
    with open(task["archive"] + ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system gives it back if this process dies
        except BlockingIOError:
            open(os.environ["EXAMINED_TWICE"], "a").write(task["name"] + chr(10))
        time.sleep(random.uniform(0.0, 0.2))
        result = {"state": "verified", "reason": "played again", **json.loads(os.environ["EXAMINER_RESULT"])}
        print(json.dumps({"result": result}), flush=True)
"""


class Processes:
    """A server and workers, which are killed and started again."""

    def __init__(self, folder, port, database, twice, workers):
        examiner = folder / "examiner.py"
        examiner.write_text(textwrap.dedent(EXAMINER))
        result = {"solved_after": None, "mean_return": 100.0, **result_of()}
        self.environment = {**os.environ, "EXAMINER_RESULT": json.dumps(result), "EXAMINED_TWICE": str(twice)}
        server = [sys.executable, "-c", SERVER, str(folder), str(port), database or ""]
        worker = [sys.executable, "-c", WORKER, str(folder), str(examiner), database or ""]
        self.commands = [server, *[worker] * workers]
        self.running = [self._start(command) for command in self.commands]

    def _start(self, command):
        return subprocess.Popen(command, env=self.environment)

    def kill(self, number):
        self.running[number].send_signal(signal.SIGKILL)
        self.running[number].wait()
        self.running[number] = self._start(self.commands[number])

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hand_in_and_kill(folder, database, *, kills, seed=0, people=3, workers=2):
    """Hands in submissions without a pause while processes are killed; checks what is there in the end."""
    chance, port = random.Random(seed), free_port()
    twice = folder / "twice"
    with contextlib.closing(Store.open(folder, database)) as store:
        with store.database.writing() as session:
            keys = [create_key(session, f"person{number}") for number in range(people)]
        stopping, acknowledged, failures = threading.Event(), [], []

        def hand_in(number):
            client = Client(f"http://127.0.0.1:{port}", keys[number], pause=0.05)
            count = 0
            while not stopping.is_set():
                archive = archive_of(f"A{number}-{count}", write_up=chance.randbytes(2000).hex())
                count += 1
                digest = hashlib.sha256(archive).hexdigest()
                for _ in range(60):  # a client that is told "no connection" tries again
                    try:
                        acknowledged.append((digest, client.submit(archive)["name"]))
                        break
                    except OSError:
                        time.sleep(0.2)
                    except Exception as error:  # noqa: BLE001  # shown at the end
                        failures.append(f"{type(error).__name__}: {error}")
                        break

        processes = Processes(folder, port, database, twice, workers)
        try:
            wait_for_server(port)
            threads = [threading.Thread(target=hand_in, args=(number,), daemon=True) for number in range(people)]
            for thread in threads:
                thread.start()
            for number in range(kills):
                before, end = len(acknowledged), time.monotonic() + 60
                while len(acknowledged) == before and time.monotonic() < end:
                    time.sleep(0.01)  # so that there is something to lose, however slow the machine is
                time.sleep(chance.uniform(0.0, 0.5))
                processes.kill(number % (workers + 1))
            wait_for_server(port)
            time.sleep(0.5)
            stopping.set()
            for thread in threads:
                thread.join()
            end = time.monotonic() + 60 + 2 * len(acknowledged)
            while waiting(store) and time.monotonic() < end:
                time.sleep(0.2)
        finally:
            stopping.set()
            processes.close()
        assert failures == []
        check(store, acknowledged, twice)
        return len(acknowledged)


def wait_for_server(port):
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.1)


def waiting(store):
    with store.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Submission).where(Submission.state != "verified"))


def check(store, acknowledged, twice):
    with store.database.reading() as session:
        rows = session.scalars(select(Submission)).unique().all()
        attempts = session.scalars(select(Attempt)).all()
        uploads = session.scalars(select(Upload)).all()
    assert acknowledged
    by_name = {row.name: row for row in rows}
    assert len({name for _, name in acknowledged}) == len(acknowledged), "two of them became one"
    assert {name: by_name[name].sha256 for _, name in acknowledged} == {name: digest for digest, name in acknowledged}
    assert len({(row.person_id, row.sha256) for row in rows}) == len(rows), "one is there twice"
    assert {row.state for row in rows} == {"verified"}
    for row in rows:
        data = store.files.archive(row.sha256).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row.sha256 and len(data) == row.size, "half of one"
    assert not twice.exists(), "two workers had the same at once"
    assert sum(attempt.outcome == "verified" for attempt in attempts) == len(rows), "one result each"
    assert uploads == [], "what was interrupted was taken up again"


@pytest.mark.slow
def test_kills_lose_nothing(board_folder):
    assert hand_in_and_kill(board_folder, None, kills=2, people=2, workers=1) >= 2


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(board_folder, database_url):
    assert hand_in_and_kill(board_folder, database_url, kills=100, seed=1) >= 50
