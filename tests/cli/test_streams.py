"""Any output can be written to any terminal, and errors of the system are reported in one line."""

import errno
import io
import os
import subprocess
import sys

import numpy as np
import pytest

from jaxenvs.cli import streams
from jaxenvs.cli.console import Bar, console, say
from jaxenvs.cli.terminal import frame_text

TEXT = "Pendulum · PPO: 3.0 ± 0.5, 4\u00d74, Çédille …\u2580 \u2501\u2503\u250f \U0001f600 \udcff"


@pytest.fixture
def output_in(monkeypatch):
    """Makes standard output and error streams of an encoding; `written()` says what came out."""

    def encode(encoding):
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        streams.write_anything()
        return lambda: tuple(stream.buffer.getvalue().decode(encoding) for stream in (out, err))

    return encode


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "Pendulum - PPO: 3.0 +/- 0.5, 4x4, Cedille ...# -|+ ? ?"),
        ("cp1252", "Pendulum · PPO: 3.0 ± 0.5, 4\u00d74, Çédille …# -|+ ? ?"),
        ("utf-8", TEXT.replace("\udcff", "?")),
    ],
)
def test_what_an_encoding_lacks_is_written_plainly(output_in, encoding, expected):
    written = output_in(encoding)
    print(TEXT)
    say(TEXT)
    console().print(TEXT, markup=False)
    out, err = written()
    assert err == f"{expected}\n" and out == f"{expected}\n" * 2


def test_pictures_do_without_half_blocks(output_in, random_frame):
    written = output_in("cp1252")
    text = frame_text(random_frame, 20, 5)
    print(text)
    assert "\u2580" not in text and written()[0] == f"{text}\n"
    assert [line.count(" ") for line in text.splitlines()] == [20] * 5, "as large as with half blocks"
    assert "48;2;" in text and "38;2;" not in text


@pytest.fixture
def random_frame():
    return np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)


@pytest.mark.parametrize("columns", ["80", "0"])
def test_the_command_itself_writes_to_ascii_of_any_width(columns):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "COLUMNS": columns}
    command = [sys.executable, "-m", "jaxenvs", "--help"]
    result = subprocess.run(command, capture_output=True, timeout=120, env=environment, check=True)
    assert b"| rollout" in result.stdout and result.stderr == b""


class CountingLock:
    """A lock that says how often it is held, and makes nobody wait."""

    def __init__(self):
        self.held = 0

    def acquire(self):
        self.held += 1

    def release(self):
        self.held -= 1

    def __enter__(self):
        self.acquire()

    def __exit__(self, *error):
        self.release()


def test_a_bar_that_cannot_be_written_frees_its_lock(monkeypatch):
    """Otherwise whoever closes it in another thread waits for ever, as at the end of `jaxenvs train 2>&1 | head`."""

    class Left(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    lock = CountingLock()
    monkeypatch.setattr(Bar, "_lock", lock, raising=False)
    with pytest.raises(BrokenPipeError):
        Bar(total=1, file=Left())
    assert lock.held == 0


@pytest.mark.parametrize(
    ("columns", "terminal", "width"),
    [("72", None, 72), ("72", 90, 72), ("", 90, 90), ("", None, 160), ("x", None, 160)],
)
def test_width_is_the_stated_one_or_the_terminals(monkeypatch, columns, terminal, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(streams, "_terminal_width", lambda stream: terminal if stream is sys.stderr else None)
    assert streams.output_width() == width, "a pipe may end in the terminal of standard error"
    assert streams.message_width() == (int(columns) if columns.isdecimal() else terminal)


def test_folder_that_cannot_be_made_is_refused_before_recording(jaxenvs_command, counter_env, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("jaxenvs.cli.rollout.record_episodes", None)
    result = jaxenvs_command("rollout", counter_env, "-o", tmp_path / "file" / "a.gif")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: `") and str(tmp_path / "file") in result.err and result.err.count("\n") == 1
    (tmp_path / "b.gif").mkdir()
    result = jaxenvs_command("rollout", counter_env, "-o", tmp_path / "b.gif")
    assert result.code == 1 and "Is a directory" in result.err


def test_folder_that_nobody_may_write_to_is_refused_before_recording(
    jaxenvs_command, counter_env, tmp_path, monkeypatch
):
    def refuse(*_, dir, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(dir))

    monkeypatch.setattr("jaxenvs.cli.rollout.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("jaxenvs.cli.rollout.record_episodes", None)
    result = jaxenvs_command("rollout", counter_env, "-o", tmp_path / "a.gif")
    assert (result.code, result.err) == (1, f"Error: `{tmp_path}`: Permission denied.\n")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.mp4"])
def test_full_disk_is_said_in_one_line_and_leaves_nothing(jaxenvs_command, counter_env, tmp_path, monkeypatch, name):
    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("jaxenvs.monitor.atomic.os.fsync", fail)
    result = jaxenvs_command("rollout", counter_env, "-a", "1", "-o", tmp_path / name)
    assert result.code == 1
    assert result.err.endswith("Error: No space left on device; free some space, or write elsewhere.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["needs_absent.py"]
