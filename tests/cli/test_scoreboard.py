"""`jaxenvs scoreboard`: keys, retries, reviews, files and the report; and once everything with the real processes."""

import os
import re
import subprocess
import sys
import time
import urllib.request

import pytest

pytest.importorskip("fastapi", reason="needs the extra scoreboard")
pytest.importorskip("sqlalchemy", reason="needs the extra scoreboard")

from typer.testing import CliRunner

from jaxenvs.cli.app import app
from jaxenvs.scoreboard import Author, public_challenge
from jaxenvs.scoreboard.client import Client
from jaxenvs.scoreboard.store import database
from jaxenvs.scoreboard.store.people import key_of
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.web_server import bound_socket


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command in a new folder; it must close the connections that it opened."""
    monkeypatch.chdir(tmp_path)
    create_engine, engines = database.create_engine, []
    monkeypatch.setattr(
        database, "create_engine", lambda *a, **k: engines.append(create_engine(*a, **k)) or engines[-1]
    )

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, ["scoreboard", *arguments])
        assert result.exit_code == code, result.output
        assert not any(engine.pool.checkedin() for engine in engines)
        return result

    return run


def test_keys_are_made_listed_and_revoked(run, tmp_path):
    key = run("key", "create", "ada", "--label", "laptop", "--reviewer").stdout.strip()
    assert re.fullmatch(r"jxs_[0-9a-f]{8}_[\w-]{43}", key)
    listed = run("key", "list").stdout
    assert "laptop" in listed and key[4:12] in listed and key[13:] not in listed
    run("key", "revoke", key)
    store = Store.open(tmp_path / "scoreboard")
    with store.database.reading() as session:
        assert key_of(session, key) is None
    store.close()
    assert "no key" in run("key", "revoke", "00000000", code=2).output
    assert "A name has" in run("key", "create", "a b", code=2).output


def test_names_that_do_not_exist_are_said(run, tmp_path):
    assert "There is no scoreboard in" in run("key", "list", code=2).output
    run("key", "create", "ada")
    assert "no submission abc" in run("again", "abc", code=2).output
    assert "unknown or revoked" in run("review", "abc", "--key", "jxs_no", code=2).output
    assert "There is no folder runs; name the one" in run("report", code=2).output
    (tmp_path / "notes.md").write_text("Notes")
    assert "is a file, and no folder of runs" in run("report", "notes.md", code=2).output
    for command in (["serve", "notes.md"], ["worker", "notes.md"], ["export", "notes.md"]):
        assert "notes.md is a file; name a folder" in run(*command, code=2).output
    assert "no run with a finished episode" in run("report", ".", code=2).output
    assert "cannot be opened" in run("serve", "--port", "0", "--database", "sqlite:////no/where.sqlite", code=2).output


def test_a_site_that_cannot_be_served_leaves_no_folder(run, tmp_path):
    with bound_socket("127.0.0.1", (0,)) as taken:
        port = str(taken.getsockname()[1])
        said = run("serve", "board", "--port", port, code=2).output
    assert f"Port {port} is in use; choose another with --port, or --port 0 for any." in " ".join(said.split())
    run("serve", "board", "--database", "sqlite:////nowhere/at/all.sqlite", code=2)
    run("serve", "board", "--database", "mysql://here", code=2)
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize("command", [["serve", "mine"], ["worker", "mine"], ["key", "list", "--folder", "mine"]])
def test_a_run_folder_does_not_become_a_scoreboard(run, tmp_path, command):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "run.json").write_text("{}")
    assert "mine is a run folder." in run(*command, code=2).output
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["run.json"]


def test_a_missing_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for name in [name for name in sys.modules if name.startswith("jaxenvs.scoreboard.store")]:
        monkeypatch.delitem(sys.modules, name)
    assert 'pip install "jaxenvs[scoreboard]"' in run("key", "create", "ada", code=1).output.replace("\n", " ")


@pytest.mark.slow
def test_a_result_is_handed_in_verified_and_shown(tmp_path):
    """The whole way, with the real server, worker and examiner."""
    from jaxenvs.scoreboard.playing import play

    folder = tmp_path / "board"
    command = [sys.executable, "-m", "jaxenvs", "scoreboard"]
    key = subprocess.run(
        [*command, "key", "create", "ada", "--folder", folder], check=True, capture_output=True, text=True
    ).stdout.strip()
    server = subprocess.Popen(
        [*command, "serve", folder, "--port", "0", "--no-pictures"], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        address = re.search(r"http://\S+?/", server.stderr.readline())[0]
        client = Client(address, key)
        author = Author("Random", "hand-written", "Drawn *at random*.")
        import jaxenvs

        env = jaxenvs.make("FrozenLake-v1")
        challenge = client.challenge("FrozenLake-v1")
        assert challenge != public_challenge("FrozenLake-v1")
        archive = play("FrozenLake-v1", lambda _, key: env.action_space.sample(key), challenge, author).to_bytes()
        made = client.wait(client.submit(archive)["name"], 300)
        assert made["state"] == "verified", made["reason"]
        page = urllib.request.urlopen(made["url"]).read().decode()
        assert "at random</em>" in page and "<video" in page and "--challenge server:" in page
        film = urllib.request.urlopen(f"{address}pictures/{made['name']}.mp4").read()
        assert film[4:8] == b"ftyp"
    finally:
        server.terminate()
        began = time.monotonic()
        server.wait(60)
        assert time.monotonic() - began < 30
        server.stderr.close()
    files = subprocess.run([*command, "export", tmp_path / "public", "--folder", folder], check=True)
    assert files.returncode == 0
    archive = tmp_path / "public" / "archives" / f"{made['name']}.zip"
    verify = [sys.executable, "-m", "jaxenvs", "verify", archive, "--challenge", str(challenge)]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
