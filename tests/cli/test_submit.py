"""`jaxenvs submit` and `jaxenvs verify`: dry runs, archives, what is sent, and exit codes."""

import dataclasses
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from jaxenvs import scoreboard
from jaxenvs.errors import InvalidField, SubmissionRefused
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.scoreboard.client import Client
from tests.scoreboard.honest import AUTHOR, EPISODES, training


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "run"
    training(path)
    return path


CHALLENGE = str(scoreboard.public_challenge("CartPole-v1", episodes=EPISODES))
OPTIONS = "--algorithm", "Dice", "--kind", "hand-written", "--challenge", CHALLENGE


@pytest.fixture
def http_server():
    """Starts a web server that answers everything with a page, and returns its address."""
    servers = []

    def start(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"<!doctype html>")

            do_POST = do_GET

            def log_message(self, *args):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


@pytest.fixture
def server(monkeypatch):
    """A server that keeps what it gets."""
    received = []

    def submit(self, archive, *, on_progress):
        on_progress(len(archive), len(archive))
        received.append(archive)
        return {"url": f"{self.url}/submissions/1", "state": "queued", "name": "1"}

    monkeypatch.setattr(Client, "submit", submit)
    return received


@pytest.mark.parametrize("command", ["submit", "verify"])
def test_one_is_submitted_or_verified_at_a_time(jaxenvs_command, command):
    result = jaxenvs_command(command, "runs/a", "runs/b")
    assert result.code == 2
    assert f"takes one at a time, got 2: give `jaxenvs {command} runs/a`, then `jaxenvs {command} runs/b`" in result.err


def test_a_dry_run_shows_what_would_be_shown_and_sends_nothing(jaxenvs_command, run, server):
    result = jaxenvs_command("submit", run, "--dry-run", *OPTIONS)
    assert result.code == 0, result.err
    assert not server
    assert "Nothing was sent." in result.err
    for text in ("verified", "CartPole-v1 · Dice · hand-written · control board", "mean return", "solved", CHALLENGE):
        assert text in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_an_archive_is_written_verified_and_sent(jaxenvs_command, run, server, tmp_path):
    file = tmp_path / "mine.zip"
    assert jaxenvs_command("submit", run, "-o", file, *OPTIONS).code == 0
    assert not server
    again = jaxenvs_command("verify", file, "--episodes", EPISODES)
    assert again.code == 0 and "verified" in again.out
    sent = jaxenvs_command("submit", file, "--url", "http://localhost:1", "--api-key", "k", "--challenge", CHALLENGE)
    assert sent.code == 0, sent.err
    assert server == [file.read_bytes()]
    assert "http://localhost:1/submissions/1" in sent.err


def test_an_archive_with_a_false_claim_is_not_sent(jaxenvs_command, run, server, tmp_path):
    file = tmp_path / "mine.zip"
    jaxenvs_command("submit", run, "-o", file, *OPTIONS)
    honest = scoreboard.Submission.read(file)
    returns = honest.episodes.episode_return + np.float64(100)
    file.write_bytes(
        dataclasses.replace(honest, episodes=dataclasses.replace(honest.episodes, episode_return=returns)).to_bytes()
    )
    result = jaxenvs_command("submit", file, "--url", "http://localhost:1", "--api-key", "k", "--challenge", CHALLENGE)
    assert result.code == 1 and "rejected" in result.out and "claims return" in result.out
    assert not server
    assert jaxenvs_command("verify", file, "--episodes", EPISODES).code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give --url and --api-key"),
        (["--dry-run", "--kind", "magic"], "--kind must be one of learned, planned, hand-written"),
        (["--dry-run", "--board", "best"], "--board must be one of control, policy"),
        (["--dry-run", "--challenge", "public:0"], "NAME/WORD/WORD/EPISODES"),
        (["--dry-run", "--write-up", "none.md"], "none.md cannot be read: No such file or directory."),
        (["--url", "http://example.org", "--api-key", "k"], "unencrypted"),
        (["--output", "none/mine.zip"], "There is no folder none for the archive."),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_options_are_refused_before_anything_is_played(jaxenvs_command, run, arguments, message):
    named = [] if "--kind" in arguments else ["--kind", "hand-written"]
    result = jaxenvs_command("submit", run, "--algorithm", "Dice", *named, *arguments)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_an_algorithm_must_be_named_if_there_was_no_training(jaxenvs_command, run):
    result = jaxenvs_command("submit", run, "--dry-run")
    assert result.code == 2 and "--algorithm NAME" in result.err


def test_a_link_that_is_none_is_refused_before_anything_is_played(jaxenvs_command, run, monkeypatch):
    monkeypatch.setattr("jaxenvs.scoreboard.submitting.pack", None)
    result = jaxenvs_command("submit", run, "--dry-run", "--code", "example.org", *OPTIONS)
    assert result.code == 1 and "`code` must be a link" in result.err


@pytest.mark.parametrize(
    ("status", "entry", "messages"),
    [
        (200, "entries/1", ["is a web page, and no archive"]),
        (404, "none.zip", ["cannot be read: the server answered 404"]),
    ],
)
def test_an_address_without_an_archive_is_explained(jaxenvs_command, http_server, status, entry, messages):
    result = jaxenvs_command("verify", f"{http_server(status)}/{entry}")
    assert result.code == 1 and all(message in " ".join(result.err.split()) for message in messages)


def test_an_address_that_is_no_scoreboard_is_explained(http_server):
    address = http_server(404)
    with pytest.raises(SubmissionRefused, match=r"answered 404 .* the address that of the scoreboard's first page"):
        Client(address, "k").challenge("CartPole-v1")


def test_an_entry_that_is_not_there_is_one_line(jaxenvs_command, tmp_path):
    result = jaxenvs_command("verify", tmp_path / "none.zip")
    assert result.code == 1 and "cannot be read" in result.err


def test_a_run_folder_in_place_of_an_archive_is_explained(jaxenvs_command, run):
    result = jaxenvs_command("verify", run)
    assert result.code == 1 and "is a folder, and no archive. For a run folder, `jaxenvs submit" in " ".join(
        result.err.split()
    )


def test_a_training_without_a_checkpoint_is_explained(run, monkeypatch):
    opened = types.SimpleNamespace(path=run, training=object(), checkpoint_path=run / "none")
    monkeypatch.setattr(Run, "open", lambda path: opened)
    with pytest.raises(InvalidField, match="has no trained agent yet: the training has saved no checkpoint"):
        scoreboard.prepare(run, AUTHOR)


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_send(jaxenvs_command, run, server):
    archive = run / "submission.zip"
    archive.unlink(missing_ok=True)
    archive.mkdir()
    try:
        result = jaxenvs_command("submit", run, "--url", "http://localhost", "--api-key", "k", *OPTIONS)
    finally:
        archive.rmdir()
    assert result.code == 0 and len(server) == 1


def test_a_server_that_does_not_answer_is_named(jaxenvs_command, run, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxenvs.scoreboard.client.time.sleep", lambda seconds: None)
    options = "--url", "http://localhost:1", "--api-key", "k"
    file = tmp_path / "mine.zip"
    assert jaxenvs_command("submit", run, "-o", file, *OPTIONS).code == 0
    result = jaxenvs_command("submit", file, *options, "--challenge", CHALLENGE)
    message = "No scoreboard answers at http://localhost:1: Connection refused."
    assert result.code == 1 and f"{message} Go on later: jaxenvs submit {file}" in " ".join(result.err.split())
    assert f"{message} It is asked again for about a minute." in " ".join(result.err.split())
    with pytest.raises(OSError, match="No scoreboard answers at http://localhost:1: Connection refused"):
        Client("http://localhost:1", "k").challenge("CartPole-v1")


def test_python_submits_what_verifies(run, server):
    author = scoreboard.Author("Dice", kind="hand-written")
    challenge = scoreboard.public_challenge("CartPole-v1", episodes=EPISODES)
    answer = scoreboard.submit(run, author, url="https://example.org", api_key="k", challenge=challenge)
    assert answer["state"] == "queued"
    assert scoreboard.Submission.read(server[0]).author == author
