"""`jaxenvs play` and `jaxenvs watch`: what they serve, what they refuse, and their end."""

import json
import signal
import socket
import subprocess
import sys

import pytest

pytest.importorskip("uvicorn", reason="needs the extra play")

from websockets.sync.client import connect

from jaxenvs.monitor import read_episodes
from jaxenvs.play import Server


@pytest.fixture
def served(monkeypatch):
    """The servers that a command ran, which end at once."""
    servers = []
    monkeypatch.setattr(Server, "run", lambda self: (servers.append(self), self._socket.close()))
    return servers


def test_play_prints_its_url_and_how_to_reach_it(jaxenvs_command, served):
    result = jaxenvs_command("play", "CartPole-v1", "--port", 0, "--no-open", "-F", "gravity=1.6")
    assert result.code == 0, result.err
    assert result.out == f"{served[0].url}\n"
    assert f"ssh -L {served[0].port}:127.0.0.1:{served[0].port}" in result.err
    assert result.err.endswith("Ended.\n")


def test_another_host_gets_a_token(jaxenvs_command, served):
    result = jaxenvs_command("play", "--host", "0.0.0.0", "--port", 0, "--no-open")
    assert result.code == 0, result.err
    assert "?token=" in result.out
    assert "whoever has it can use the page" in result.err


def test_watch_serves_a_folder(jaxenvs_command, served, tmp_path):
    result = jaxenvs_command("watch", tmp_path, "--port", 0, "--no-open")
    assert (result.code, result.out) == (0, f"{served[0].url}\n")


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["play", "CartPol-v1"], 2, "CartPole"),
        (["play", "CartPole-v1", "-F", "gravty=1"], 2, "gravity"),
        (["play", "CartPole-v1", "--seed", 2**32], 2, "A seed must be from 0 to"),
        (["play", "CartPole-v1", "--fps", 0], 2, "--fps"),
        (["play", "CartPole-v1", "--port", 70_000], 2, "from 0 to 65535"),
        (["play", "CartPole-v1", "--host", "no.such.host.invalid"], 2, "no host"),
        (["watch", "no/such/folder"], 1, "There is no folder no/such/folder"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_wrong_usage_is_an_error_in_one_line(jaxenvs_command, served, arguments, code, message):
    result = jaxenvs_command(*arguments)
    assert result.code == code
    assert message in result.err
    assert served == []


def test_a_port_in_use_is_named(jaxenvs_command, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = jaxenvs_command("play", "CartPole-v1", "--port", taken.getsockname()[1], "--record", tmp_path / "new")
    assert result.code == 2
    assert not (tmp_path / "new").exists()
    assert "choose another with --port" in result.err


def test_a_recording_needs_a_folder_of_its_own(jaxenvs_command, served, tmp_path):
    (tmp_path / "file").write_text("")
    result = jaxenvs_command("play", "CartPole-v1", "--record", tmp_path / "file")
    assert result.code != 0
    assert str(tmp_path / "file") in result.err
    assert served == []


@pytest.mark.slow  # `tests/play/test_recording.py` and `tests/play/test_server.py` test the parts
def test_what_is_played_is_recorded_until_ctrl_c(tmp_path):
    folder = tmp_path / "played"
    command = [sys.executable, "-m", "jaxenvs", "play", "--port", "0", "--no-open", "--record", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        with connect(f"{url.replace('http', 'ws')}socket", origin=url.rstrip("/")) as page:
            page.send(json.dumps({"type": "open", "id": "CartPole-v1"}))
            for _ in range(30):  # always to the right ends within 12 steps
                page.send(json.dumps({"type": "step", "action": 1}))
            page.send(json.dumps({"type": "nonsense"}))
            while not (isinstance(message := page.recv(timeout=100), str) and "must be one of" in message):
                pass  # messages are handled in order, so the steps have been taken when this error is here
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert " ".join(err.split()).endswith(f"Ended. Recorded in {folder}."), "however wide the terminal is"
    assert read_episodes(folder)["length"].tolist() == read_episodes(folder)["episode_return"].tolist()
    assert len(read_episodes(folder)["length"]) == 1
