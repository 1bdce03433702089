"""EpisodeWriter and read_episodes: whole files, several writers, resuming, and folders that cannot be written."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from jaxenvs.errors import CheckpointError, InvalidField, NotWritten, RunInUse
from jaxenvs.monitor import EpisodeReader, EpisodeWriter, PackedBytes, Replays, read_episodes
from jaxenvs.monitor.recording import episode_writer, parts


@pytest.fixture(autouse=True, params=[None, 2], ids=["encoded by flushes", "encoded at once"])
def encoded_rows(request, monkeypatch):
    """Many records are encoded when they are added, so here each test runs as if two were many, too."""
    if request.param is not None:
        monkeypatch.setattr(episode_writer, "_ENCODED_ROWS", request.param)


def make_run(path, env_id="CartPole-v1"):
    path.mkdir()
    manifest = {"format": "jaxenvs run", "format_version": 1, "environment": {"id": env_id}}
    (path / "run.json").write_text(json.dumps(manifest))
    return path


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def columns(*env_steps, **more):
    steps = np.array(env_steps)
    flags = {"terminated": steps % 2 == 0, "truncated": steps % 2 == 1}
    return {"episode_return": steps / 4, "length": steps + 1, "env_steps": steps, **flags, **more}


def replays(*names, rows=None):
    key = np.arange(2 * len(names), dtype=np.uint32).reshape(-1, 2)
    return Replays(key, "jaxenvs", PackedBytes.of(list(names)), None if rows is None else np.array(rows))


def files(run, folder="episodes"):
    return sorted(path.name for path in (run / folder).iterdir() if not path.name.startswith("."))


def test_pandas_reads_a_run_in_one_line(run):
    with EpisodeWriter(run) as writer:
        assert writer.add(columns(3, 4, seconds=[0.5, 1.5], lane=[7, 8])).tolist() == [0, 1]
        writer.flush()
        assert writer.add(columns(6, seed=[2])).tolist() == [2]
    frame = pandas.read_parquet(run / "episodes")
    assert list(frame.columns) == list(parts.EPISODE_COLUMNS)
    assert frame.episode.tolist() == [0, 1, 2] and set(frame.writer) == set(frame["mode"]) == {"training"}
    assert frame.episode_return.tolist() == [0.75, 1.0, 1.5] and frame.length.tolist() == [4, 5, 7]
    assert frame.terminated.tolist() == [False, True, True] and frame.truncated.tolist() == [True, False, False]
    assert frame.lane.tolist() == [7, 8, 0] and frame.seed.tolist() == [0, 0, 2]
    rows = read_episodes(run)
    for name, type_name in parts.EPISODE_COLUMNS.items():
        assert rows[name].tolist() == frame[name].tolist()
        assert rows[name].dtype.kind == "U" if type_name == "string" else rows[name].dtype == type_name


def test_arrays_that_are_changed_later_do_not_change_records(run):
    given = columns(3, 4, seconds=np.array([0.5, 1.5]))
    with EpisodeWriter(run) as writer:
        numbers = writer.add(given)
        for values in (numbers, *given.values()):
            values[:] = 0
    rows = read_episodes(run)
    assert rows["episode"].tolist() == [0, 1] and rows["env_steps"].tolist() == [3, 4]
    assert rows["length"].tolist() == [4, 5] and rows["seconds"].tolist() == [0.5, 1.5]


def test_files_in_the_layout_of_before_are_read_and_continued_with_new_ones(run):
    """At first, columns could miss values, strings were stored as such, and the file held the schema of Arrow."""
    with EpisodeWriter(run) as writer:
        writer.add(columns(3, 4), replays(b"a", b"b"))
    for kind, types in parts.COLUMNS.items():
        path = run / kind / "training-000000.parquet"
        table = pyarrow.parquet.read_table(path, partitioning=None)
        fields = [pyarrow.field(field.name, field.type, nullable=True) for field in table.schema]
        schema = pyarrow.schema(fields, metadata={b"jaxenvs": table.schema.metadata[b"jaxenvs"]})
        pyarrow.parquet.write_table(table.cast(schema), path, compression="zstd", use_dictionary=False)
        assert list(types) == schema.names
    with EpisodeWriter(run, writer="training") as writer:
        assert writer.add(columns(6), replays(b"c")).tolist() == [2]
        writer.flush()
        assert read_episodes(run, strict=True)["env_steps"].tolist() == [3, 4, 6]
        frames = {kind: pandas.read_parquet(run / kind).sort_values("episode") for kind in parts.COLUMNS}
        assert frames["episodes"].env_steps.tolist() == [3, 4, 6] and set(frames["episodes"].writer) == {"training"}
        assert frames["replays"].actions.tolist() == [b"a", b"b", b"c"]
        assert frames["episodes"].dtypes["writer"] != "category"
        writer.rewind(3)
    assert read_episodes(run, strict=True)["env_steps"].tolist() == [3]


def test_a_run_without_episodes_is_an_empty_table(run):
    assert {name: len(values) for name, values in read_episodes(run).items()} == dict.fromkeys(parts.EPISODE_COLUMNS, 0)


def test_writers_of_threads_and_processes_share_a_folder(run):
    def work():
        with EpisodeWriter(run, mode="evaluation") as writer:
            for step in range(20):
                writer.add(columns(step))
                writer.flush()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    reader, seen = EpisodeReader(run), 0
    while any(thread.is_alive() for thread in threads):
        rows = reader.read(strict=True)
        assert len(rows["episode"]) >= seen
        seen = len(rows["episode"])
    rows = read_episodes(run, strict=True)
    names = ["evaluation", "evaluation-2", "evaluation-3", "evaluation-4"]
    assert np.unique(rows["writer"]).tolist() == names
    assert rows["episode"].tolist() == list(range(20)) * 4 and rows["env_steps"].tolist() == list(range(20)) * 4


def test_threads_may_share_a_writer(run):
    with EpisodeWriter(run) as writer:
        numbers = []
        threads = [threading.Thread(target=lambda: numbers.extend(writer.add(columns(1, 2, 3)))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == read_episodes(run)["episode"].tolist() == list(range(24))


def test_a_living_writer_keeps_its_name_and_a_closed_one_is_continued(run):
    writer = EpisodeWriter(run, writer="mine")
    writer.add(columns(1, 2, seconds=[1.0, 20.0]))
    with pytest.raises(RunInUse, match="called `mine` writes to"):
        EpisodeWriter(run, writer="mine")
    writer.close()
    writer.close()
    with pytest.raises(InvalidField, match="is closed"):
        writer.add(columns(3))
    with EpisodeWriter(run, writer="mine") as again:
        assert again.episodes == 2 and again.add(columns(5)).tolist() == [2]
    assert read_episodes(run)["seconds"][2] > 20.0
    assert files(run) == ["mine-000000.parquet", "mine-000001.parquet"]
    assert EpisodeWriter(run).writer == "training"


def test_a_resumed_run_drops_what_came_after_its_checkpoint(run):
    writer = EpisodeWriter(run)
    for begin in (0, 30, 60):
        writer.add(columns(begin, begin + 10, begin + 20), replays(b"a", b"bc", rows=[0, 2]))
        writer.flush()
    other = EpisodeWriter(run, writer="other")
    other.add(columns(1000))
    other.close()
    writer.close()
    with EpisodeWriter(run, writer="training") as resumed:
        resumed.rewind(40)
        assert resumed.episodes == 5
        assert resumed.add(columns(45), replays(b"new")).tolist() == [5]
    rows = read_episodes(run, strict=True)
    own = rows["writer"] == "training"
    assert rows["episode"][own].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows["env_steps"][own].tolist() == [0, 10, 20, 30, 40, 45] and (~own).sum() == 1
    table = pandas.read_parquet(run / "replays").sort_values("episode")
    assert table.episode.tolist() == [0, 2, 3, 5] and table.actions.tolist() == [b"a", b"bc", b"a", b"new"]
    with EpisodeWriter(run, writer="training") as resumed:
        resumed.rewind(-1)
        assert resumed.episodes == 0


def test_a_reader_beside_a_rewinding_writer_reads_again(run, monkeypatch):
    writer = EpisodeWriter(run)
    for step in range(3):
        writer.add(columns(step))
        writer.flush()
    read_part, calls = parts.read_part, []

    def rewinding(path, *rest):
        calls.append(path.name)
        if len(calls) == 2:  # between two files of one reading
            writer.rewind(0)
            writer.add(columns(7))
            writer.flush()
        return read_part(path, *rest)

    monkeypatch.setattr("jaxenvs.monitor.recording.episode_table.read_part", rewinding)
    rows = read_episodes(run)
    assert rows["episode"].tolist() == [0, 1] and rows["env_steps"].tolist() == [0, 7]
    writer.close()


def test_damaged_files_are_named_and_left_out(run):
    with EpisodeWriter(run) as writer:
        writer.add(columns(1, 2))
        writer.flush()
        writer.add(columns(3))
    torn = run / "episodes" / "training-000001.parquet"
    torn.write_bytes(torn.read_bytes()[:-20])
    (run / "episodes" / ".training-000002.ab.tmp.parquet").write_bytes(b"PAR1")
    (run / "episodes" / "notes.txt").write_text("mine")
    with pytest.warns(UserWarning, match=r"training-000001\.parquet is not a whole Parquet file.*left out"):
        assert read_episodes(run)["episode"].tolist() == [0, 1]
    reader = EpisodeReader(run)
    with pytest.warns(UserWarning, match="left out"):
        reader.read()
    with pytest.raises(CheckpointError, match="not a whole Parquet file"):
        reader.read(strict=True)
    assert reader.read()["episode"].tolist() == [0, 1]


def test_files_of_other_environments_and_of_others_are_refused(run, tmp_path):
    other = make_run(tmp_path / "other", "Pendulum-v1")
    for path in (run, other):
        with EpisodeWriter(path, writer=path.name) as writer:
            writer.add(columns(1))
    stray = run / "episodes" / "other-000000.parquet"
    stray.write_bytes((other / "episodes" / "other-000000.parquet").read_bytes())
    with pytest.raises(CheckpointError, match=r"other-000000\.parquet holds episodes of another environment"):
        read_episodes(run)
    pandas.DataFrame({"episode": [1]}).to_parquet(stray)
    with pytest.raises(CheckpointError, match=r"other-000000\.parquet was not written by jaxenvs"):
        read_episodes(run)
    stray.unlink()
    copy = run / "episodes" / "run-000001.parquet"
    copy.write_bytes((run / "episodes" / "run-000000.parquet").read_bytes())
    with pytest.raises(CheckpointError, match="holds episode 0 of `run` twice"):
        read_episodes(run)


def test_files_stay_few(run, monkeypatch):
    """A day of an episode every ten seconds leaves fewer than 400 files."""
    writer = EpisodeWriter(run)
    writer._began = writer._flushed = 0.0
    written = []
    monkeypatch.setattr(writer, "_write", lambda: written.append(now))
    now = 0.0
    monkeypatch.setattr(episode_writer.time, "perf_counter", lambda: now)
    for step in range(0, 24 * 3600, 10):
        now = float(step)
        writer.add(columns(step))
        writer._rows["episodes"].clear()
    monkeypatch.undo()
    assert 200 < len(written) < 400 and written[0] <= 10 and np.diff(written).max() <= 310
    writer.close()


def test_many_records_are_flushed_at_once(run):
    with EpisodeWriter(run, flush_bytes=500) as writer:
        writer.add(columns(*range(1000)))
        assert len(read_episodes(run)["episode"]) == 1000


def test_time_flushes_what_waits(run):
    with EpisodeWriter(run, flush_seconds=0.01) as writer:
        time.sleep(0.02)
        writer.add(columns(1))
        assert len(read_episodes(run)["episode"]) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"length": None}, r"lacks \['length'\]"),
        ({"reward": [1.0, 2.0]}, r"does not know \['reward'\]"),
        ({"lane": [1]}, "must have one length"),
        ({"length": [1.5, 2.0]}, r"`length` must be \(episodes,\) int64, got \(2,\) float64"),
        ({"terminated": [0, 1]}, "`terminated` must be .* bool"),
        ({"lane": [0, 2**40]}, "`lane` holds numbers that int32 cannot hold"),
    ],
)
def test_columns_that_do_not_fit_are_refused(run, given, message):
    with EpisodeWriter(run) as writer, pytest.raises(InvalidField, match=message):
        writer.add({name: v for name, v in columns(1, 2, **given).items() if v is not None})
    with EpisodeWriter(run) as writer, pytest.raises(InvalidField, match="must hold the key"):
        writer.add(columns(1, 2), replays(b"one"))
    with EpisodeWriter(run) as writer, pytest.raises(InvalidField, match="must be different rows of the 2 episodes"):
        writer.add(columns(1, 2), replays(b"one", rows=[2]))
    assert len(read_episodes(run)["episode"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "test"}, "`mode` must be"),
        ({"on_error": "ignore"}, "`on_error` must be"),
        ({"flush_bytes": 0}, "`flush_bytes` must be positive"),
        ({"writer": "../mine"}, "may have 100 letters"),
    ],
)
def test_options_that_do_not_fit_are_refused(run, options, message):
    with pytest.raises(InvalidField, match=message):
        EpisodeWriter(run, **options)


@pytest.fixture
def broken(monkeypatch):
    """Lets every write fail with an error of the system as long as the list holds one."""
    numbers = []
    write_bytes = parts.write_bytes

    def write(path, data):
        if numbers:
            raise OSError(numbers[0], os.strerror(numbers[0]), str(path))
        write_bytes(path, data)

    monkeypatch.setattr(parts, "write_bytes", write)
    return numbers


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_stops_the_run_and_loses_nothing(run, broken, number):
    with EpisodeWriter(run, flush_seconds=1e9) as writer:
        writer.add(columns(1), replays(b"a"))
        broken.append(number)
        with pytest.raises(NotWritten, match=f"{os.strerror(number)}. Free some space, or make the folder writable"):
            writer.flush()
        broken.clear()
        writer.add(columns(2))
        writer.flush()
        assert read_episodes(run)["env_steps"].tolist() == [1, 2]
        assert pandas.read_parquet(run / "replays").actions.tolist() == [b"a"]


def test_a_run_that_goes_on_is_warned_once_and_written_later(run, broken):
    with EpisodeWriter(run, on_error="warn", flush_seconds=1e-9) as writer:
        broken.append(errno.ENOSPC)
        with pytest.warns(UserWarning, match=r"No space left on device.*tried again from time to time"):
            writer.add(columns(1))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            writer.add(columns(2))
            broken.clear()
            writer.add(columns(3))
        assert read_episodes(run)["env_steps"].tolist() == [1, 2, 3]


def test_records_that_find_no_room_are_dropped_from_the_oldest_and_counted(run, broken):
    options = {"flush_seconds": 1e-9, "flush_bytes": 1000, "most_bytes": 5000}
    with EpisodeWriter(run, on_error="warn", **options) as writer:
        broken.append(errno.ENOSPC)
        with pytest.warns(UserWarning) as caught:
            for step in range(200):
                writer.add(columns(step))
        assert ["cannot be written" in str(warning.message) for warning in caught] == [True, True]
        broken.clear()
        with pytest.warns(UserWarning, match=r"can be written again\. \d+ episodes of `training` are missing"):
            writer.add(columns(200))
    left = read_episodes(run)["env_steps"]
    assert 50 < len(left) < 150 and left.tolist() == list(range(201 - len(left), 201))


@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_closing_a_writer_rescues_what_it_cannot_write(run, on_error, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    writer = EpisodeWriter(run, on_error=on_error, flush_seconds=1e9)
    writer.add(columns(1, 2), replays(b"a", b"b"))
    (run / "episodes").rename(run / "elsewhere")
    (run / "episodes").write_text("a file in its place")
    expected = pytest.raises(NotWritten) if on_error == "raise" else pytest.warns(UserWarning)
    with expected as caught:
        writer.close()
    message = str(caught.value if on_error == "raise" else caught[0].message)
    assert "The last 2 episodes of `training` are in" in message
    (rescued,) = [path for path in tmp_path.iterdir() if path.name.startswith("jaxenvs-")]
    assert str(rescued) in message
    (run / "episodes").unlink()
    (rescued / "episodes").rename(run / "episodes")
    assert read_episodes(run)["env_steps"].tolist() == [1, 2]


def test_a_run_that_goes_on_may_begin_in_a_folder_that_cannot_be_written(run):
    (run / "episodes").write_text("a file in its place")
    with pytest.raises(NotWritten, match="cannot be written"):
        EpisodeWriter(run)
    writer = EpisodeWriter(run, on_error="warn", flush_seconds=1e9)
    writer.add(columns(1))
    (run / "episodes").unlink()
    writer.close()
    assert read_episodes(run)["env_steps"].tolist() == [1]


FULL = """
import resource, sys
from killed_writers import np, writing
writer = writing.EpisodeWriter(sys.argv[1], flush_seconds=1e9)
one = np.arange(5000)
def add(): writer.add({"episode_return": np.random.default_rng(0).random(5000), "length": one, "env_steps": one,
                       "terminated": one < 0, "truncated": one < 0})
add(); writer.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
add()
try: writer.flush()
except writing.NotWritten as error: print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
add()  # and Python closes it when it ends
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_file_that_was_not_written_whole_is_not_there_and_the_end_of_python_flushes(run):
    result = subprocess.run(
        [sys.executable, "-c", FULL, run], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert result.returncode == 0 and "File too large" in result.stdout, result.stderr
    assert read_episodes(run, strict=True)["episode"].tolist() == list(range(15_000))
    assert files(run) == ["training-000000.parquet", "training-000001.parquet"]
