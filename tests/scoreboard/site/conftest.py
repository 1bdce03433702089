"""Shared fixtures for the tests of the site: databases, a scoreboard, a client, and submissions that cost nothing."""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="needs the extra scoreboard")
pytest.importorskip("sqlalchemy", reason="needs the extra scoreboard")
pytest.importorskip("alembic", reason="needs the extra scoreboard")
pytest.importorskip("nh3", reason="needs the extra scoreboard")
pytest.importorskip("httpx2", reason="needs httpx2, which the extra test has")

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from jaxenvs.scoreboard import Author, Episodes, Submission, public_challenge
from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.people import create_key
from jaxenvs.scoreboard.store.store import DATABASE_FILE, Store
from jaxenvs.scoreboard.store.tables import VERIFIED, Table
from jaxenvs.scoreboard.store.tables import Submission as Row

PUBLIC = "http://testserver"


def archive_of(algorithm="PPO", *, env_id="CartPole-v1", kind="learned", mode="evaluation", episodes=2, **author):
    """The archive of a submission, which nobody has played."""
    lengths = np.full(episodes, 8, np.int64)
    false = np.zeros(episodes, bool)
    return Submission(
        env_id=env_id,
        environment={"id": env_id},
        board="control",
        mode=mode,
        challenge=author.pop("challenge", None) or public_challenge(env_id),
        lanes=None,
        machine={"backend": "cpu"},
        author=Author(algorithm, kind, **author),
        episodes=Episodes(
            agent=np.zeros(episodes, np.int32),
            lane=np.zeros(episodes, np.int32),
            episode_return=lengths.astype(np.float64),
            length=lengths,
            terminated=~false,
            truncated=false,
            seconds=np.zeros(episodes),
            actions=bytes(episodes),
        ),
    ).to_bytes()


def result_of(*, is_training=False, mean=100.0, seeds=1, solved_after=None):
    """What an examination writes for a verified submission."""
    score = {
        "episodes": 100,
        "mean": mean,
        "best": mean,
        "best_error": 1.0,
        "threshold": 475.0,
        "solved_after": solved_after,
        "solved_steps": None if solved_after is None else 10 * solved_after,
        "solved_seconds": None if solved_after is None else 90.0,
    }
    values = [mean] * seeds
    from jaxenvs.scoreboard import summarize

    return {
        "episodes": 100,
        "env_steps": 1000,
        "threshold": 475.0,
        "scores": [score] * seeds,
        "seeds": values,
        "summary": dataclasses.asdict(summarize(values)),
        "curves": [{"episodes": [1, 50, 100], "env_steps": [10, 500, 1000], "means": [10.0, mean / 2, mean]}],
        "histogram": {"counts": [1, 0, 99], "edges": [0.0, 40.0, 80.0, 120.0]},
        "challenge": public_challenge("CartPole-v1").to_json(),
        "returns": {"least": 0.0, "median": mean, "most": mean, "mean": mean, "std": 5.0},
        "is_training": is_training,
        "replay": {"episode": 3, "episode_return": mean, "length": 10, "has_film": True, "width": 480, "height": 320},
        "report": {
            "by_checkpoints": 0,
            "seconds": 0.1,
            "command": "jaxenvs verify ENTRY",
            "machine": {"device": "cpu"},
        },
    }


FAKE_EXAMINER = textwrap.dedent(
    """
    import json, os, sys, time, zipfile
    for line in sys.stdin:
        task = json.loads(line)
        data = zipfile.ZipFile(task["archive"]).read("submission.json")
        print(json.dumps({"progress": [0, 1]}), flush=True)
        time.sleep(float(os.environ.get("EXAMINER_SECONDS", "0")))
        if b"CRASH" in data:
            os._exit(3)
        if b"HANG" in data:
            time.sleep(600)
        if b"RAISE" in data:
            print(json.dumps({"failed": "ValueError: no"}), flush=True)
            continue
        state = "rejected" if b"WRONG" in data else "verified"
        result = json.loads(os.environ["EXAMINER_RESULT"])
        print(json.dumps({"result": {"state": state, "reason": "played again", **result}}), flush=True)
    """
)
"""An examiner that plays nothing: what it does is in the name of the algorithm."""


@pytest.fixture
def examiner(tmp_path, monkeypatch):
    """The command of an examiner that answers at once."""
    import json

    path = tmp_path / "examiner.py"
    path.write_text(FAKE_EXAMINER)
    monkeypatch.setenv("EXAMINER_RESULT", json.dumps({"solved_after": None, "mean_return": 100.0, **result_of()}))
    return sys.executable, str(path)


def postgres_binaries():
    """The folder of PostgreSQL's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) + [
        Path(path) for path in (shutil.which("initdb"),) if path
    ]
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server of its own, in a temporary folder, without the name of a database.

    The folder is not in pytest's, which every other run of pytest closes to the user that PostgreSQL runs as.
    """
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("needs PostgreSQL's server: `apt-get install postgresql`")
    pytest.importorskip("psycopg", reason="needs psycopg, which the extra scoreboard has")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = {"user": "nobody"} if os.name == "posix" and os.geteuid() == 0 else {}  # it refuses to run as root
    if user:
        shutil.chown(folder, "nobody")
    cluster = folder / "cluster"
    made = subprocess.run(
        [binaries / "initdb", "-D", cluster, "-U", "tests", "-A", "trust", "-N"],
        check=False,
        capture_output=True,
        cwd=folder,
        **user,
    )
    assert made.returncode == 0, made.stderr
    settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "max_connections": 200}
    options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", cluster, *options], stdout=log, stderr=log, cwd=folder, **user
        )
    url = f"postgresql://tests@/{{}}?host={folder}"
    end = time.monotonic() + 60
    while True:
        try:
            _administer(url, "SELECT 1")
            break
        except OperationalError:
            assert server.poll() is None and time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.1)
    yield url
    server.send_signal(signal.SIGQUIT)  # at once
    server.wait(30)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A file with the tables, to be copied, since making them takes longer."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres):
    """The name of a database with the tables."""
    _administer(postgres, "CREATE DATABASE template_of_tests")
    Database(postgres.format("template_of_tests")).close()
    return "template_of_tests"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A database with empty tables; None for the SQLite file of the scoreboard in `tmp_path / "board"`."""
    if request.param == "sqlite":
        request.getfixturevalue("board_folder")
        return None
    server, template = (request.getfixturevalue(name) for name in ("postgres", "postgres_template"))
    name = "t" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.format(name)


def _administer(server, statement):
    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:").format("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def board_folder(tmp_path, sqlite_template):
    """The folder of a scoreboard whose tables are empty."""
    folder = tmp_path / "board"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / DATABASE_FILE)
    return folder


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory, sqlite_template):
    """A scoreboard and its site, since making the site takes longer than a test."""
    folder = tmp_path_factory.mktemp("site") / "board"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / DATABASE_FILE)
    with contextlib.closing(Store.open(folder)) as store:
        app = site_app(store, PUBLIC, cache_seconds=0.0, burst=1e6)
        with TestClient(app, base_url=PUBLIC) as client:
            yield store, client


@pytest.fixture
def store(shared_site):
    """A scoreboard that is empty."""
    store, _ = shared_site
    yield store
    with store.database.writing() as session:
        for table in reversed(Table.metadata.sorted_tables):
            session.execute(table.delete())
    for path in store.files.folder.rglob("*"):
        if path.suffix in (".zip", ".part", ".png", ".mp4"):
            path.unlink()


@pytest.fixture
def client(store, shared_site):
    """Requests to the site of this scoreboard."""
    return shared_site[1]


@pytest.fixture
def make_key(store):
    def make_key(person="ada", **options):
        with store.database.writing() as session:
            return create_key(session, person, **options)

    return make_key


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def hand_in(client, key, archive):
    """Uploads an archive in one piece; returns the answer to the last request."""
    begun = {"sha256": hashlib.sha256(archive).hexdigest(), "size": len(archive)}
    answer = client.post("/api/v1/uploads", json=begun, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    path = f"/api/v1/uploads/{answer.json()['name']}"
    sent = client.patch(f"{path}?offset=0", content=archive, headers=bearer(key))
    assert sent.json() == {"received": len(archive)}
    return client.post(f"{path}/complete", headers=bearer(key))


def verify_row(store, name, **options):
    """Makes a submission a verified one, with a result of one's choice."""
    result = result_of(**options)
    with store.database.writing() as session:
        row = session.query(Row).filter_by(name=name).one()
        row.state, row.reason, row.result, row.finished = VERIFIED, "100 episodes played again.", result, time.time()
        row.mean_return, row.solved_after = result["summary"]["mean"], result["scores"][0]["solved_after"]


@pytest.fixture
def entered(client, store, make_key):
    """Hands in a submission and makes it a verified one; returns its name."""
    keys = {}

    def entered(person, algorithm="PPO", *, mode="evaluation", kind="learned", write_up="", code=None, **result):
        key = keys.setdefault(person, None) or make_key(person)
        keys[person] = key
        archive = archive_of(algorithm, mode=mode, kind=kind, write_up=write_up, code=code, episodes=2 + len(keys))
        name = hand_in(client, key, archive).json()["name"]
        verify_row(store, name, is_training=mode == "training", **result)
        return name

    return entered
