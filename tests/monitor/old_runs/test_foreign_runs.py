"""Runs that other programs' monitors recorded: OpenAI Gym's, of 2016 and later, and `monitor.csv`."""

import json
import os

import numpy as np
import pytest

from jaxenvs.errors import CheckpointError, InvalidField, NotWritten
from jaxenvs.monitor import load_gym_results, read_gym_run, read_monitor_csv, write_gym_run

OF_2016 = {
    "openaigym.manifest.0.4242.manifest.json": {
        "stats": "openaigym.episode_batch.0.4242.stats.json",
        "videos": [["openaigym.video.0.4242.video000000.mp4", "openaigym.video.0.4242.video000000.meta.json"]],
        "env_info": {"gym_version": "0.1.7", "env_id": "CartPole-v0"},
        "seeds": [9223372036854775811],
    },
    "openaigym.episode_batch.0.4242.stats.json": {
        "initial_reset_timestamp": 1467000000.25,
        "timestamps": [1467000001.5, 1467000004.0],
        "episode_lengths": [14, 31],
        "episode_rewards": [14.0, 31.0],
    },
    "openaigym.video.0.4242.video000000.meta.json": {
        "episode_id": 0,
        "content_type": "video/mp4",
        "encoder_version": {"backend": "ffmpeg", "version": "b'ffmpeg version 2.8.6'"},
    },
    "openaigym.manifest.10.4242.manifest.json": {
        "stats": "openaigym.episode_batch.10.4242.stats.json",
        "videos": [],
        "env_info": {"gym_version": "0.21.0", "env_id": "CartPole-v0"},
    },
    "openaigym.episode_batch.10.4242.stats.json": {
        "initial_reset_timestamp": 1467000000.0,
        "timestamps": [1467000002.0, 1467000003.0],
        "episode_lengths": [9, 200],
        "episode_rewards": [9.0, 200.0],
        "episode_types": ["t", "e", "e"],  # the last had begun
    },
    "openaigym.manifest.2.4242.manifest.json": {
        "stats": "openaigym.episode_batch.2.4242.stats.json",
        "videos": [],
        "env_info": {"gym_version": "0.21.0", "env_id": "CartPole-v0"},
    },
    "openaigym.episode_batch.2.4242.stats.json": {
        "initial_reset_timestamp": None,
        "timestamps": [],
        "episode_lengths": [],
        "episode_rewards": [],
        "episode_types": [],
    },
}
"""A folder that three monitors of one process shared: one of 2016, one of the last Gym, and one that was never used."""

MANIFEST, STATS = list(OF_2016)[:2]


@pytest.fixture
def folder(tmp_path):
    for name, content in OF_2016.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / ".openaigym.manifest.0.1.manifest.json").write_text("{")  # left by a process that was killed
    (tmp_path / "notes.txt").write_text("mine")
    return tmp_path


def test_the_monitors_of_a_folder_are_merged_in_the_order_of_time(folder):
    run = read_gym_run(str(folder))
    assert run.env_id == "CartPole-v0"
    assert run.versions == ("0.1.7", "0.21.0") and run.seeds == (9223372036854775811,)
    assert [path.name.split(".")[2] for path in run.files] == ["0", "2", "10"]
    assert {name: column.tolist() for name, column in run.episodes.items()} == {
        "writer": ["0.4242", "10.4242", "10.4242", "0.4242"],
        "episode": [0, 0, 1, 1],
        "mode": ["training", "training", "evaluation", "training"],
        "episode_return": [14.0, 9.0, 200.0, 31.0],
        "length": [14, 9, 200, 31],
        "seconds": [1.5, 2.0, 3.0, 4.0],
        "env_steps": [14, 23, 223, 254],
    }
    assert run.started == 1467000000.0 and run.starts == {"0.4242": 1467000000.25, "10.4242": 1467000000.0}
    (video,) = run.videos
    assert video.path == folder / "openaigym.video.0.4242.video000000.mp4" and video.writer == "0.4242"
    assert (video.metadata["episode_id"], video.metadata["content_type"]) == (0, "video/mp4")


def test_scripts_get_what_load_results_returned(folder):
    results = load_gym_results(folder)
    assert results["episode_rewards"] == [14.0, 9.0, 200.0, 31.0]
    assert results["episode_types"] == ["t", "t", "e", "t"] and results["data_sources"] == [0, 2, 2, 0]
    assert results["timestamps"] == [1467000001.5, 1467000002.0, 1467000003.0, 1467000004.0]
    assert results["initial_reset_timestamp"] == 1467000000.0
    assert results["env_info"] == {"gym_version": "0.1.7", "env_id": "CartPole-v0"}
    names = [str(folder / f"openaigym.video.0.4242.video000000{end}") for end in (".mp4", ".meta.json")]
    assert results["videos"] == [tuple(names)]


def without(content, key):
    return {name: value for name, value in content.items() if name != key}


WRONG = {
    "a manifest cut short": (MANIFEST, '{"stats": "openaigym.epis', "is damaged: Unterminated string"),
    "stats cut short": (STATS, '{"initial_reset_timestamp": 14', "is damaged: Expecting"),
    "stats that are gone": (STATS, None, "is missing, which openaigym.manifest.0.4242.manifest.json names"),
    "a manifest without stats": (MANIFEST, without(OF_2016[MANIFEST], "stats"), "`stats` is missing"),
    "an absolute path": (MANIFEST, {**OF_2016[MANIFEST], "stats": "/etc/"}, "etc is missing, which"),
    "no name of a file": (MANIFEST, {**OF_2016[MANIFEST], "stats": ""}, "'' is not the name of a file"),
    "a video without metadata": (MANIFEST, {**OF_2016[MANIFEST], "videos": ["a.mp4"]}, "named with its metadata"),
    "another environment": (
        MANIFEST,
        {**OF_2016[MANIFEST], "env_info": {"env_id": "Acrobot-v1"}},
        r"several environments: Acrobot-v1 \(openaigym.manifest.0.*, CartPole-v0",
    ),
    "lists of different lengths": (STATS, {**OF_2016[STATS], "episode_lengths": [14]}, r"its lists have \[1, 2\] entr"),
    "half a step": (STATS, {**OF_2016[STATS], "episode_lengths": [14, 1.5]}, "not a number of steps"),
    "a word for a time": (STATS, {**OF_2016[STATS], "timestamps": ["now", 1.0]}, "is damaged: could not convert"),
    "no time of the first reset": (STATS, without(OF_2016[STATS], "initial_reset_timestamp"), "a time is missing"),
    "no returns": (STATS, without(OF_2016[STATS], "episode_rewards"), "`episode_rewards` is missing or is not a list"),
    "an unknown type": (STATS, {**OF_2016[STATS], "episode_types": ["t", "x"]}, "`episode_types` must hold"),
    "a list": (STATS, [], "it holds a list, not an object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_damaged_or_missing_or_mixed_is_refused(folder, name):
    file, content, message = WRONG[name]
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(CheckpointError, match=message):
        read_gym_run(folder)


def test_a_folder_without_such_files_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no `openaigym"):
        read_gym_run(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        read_gym_run(tmp_path / "absent")


EPISODES = {
    "writer": np.array(["training", "evaluation", "training", "training"]),
    "episode": np.array([0, 0, 1, 2]),
    "mode": np.array(["training", "evaluation", "training", "training"]),
    "episode_return": np.array([9.5, 200.0, np.nan, 31.0]),
    "length": np.array([9, 200, 12, 31], np.int64),
    "terminated": np.array([True, False, True, True]),
    "seconds": np.array([1.0, 8.0, 4.0, 2.0]),
}


def test_what_is_written_is_read_back(tmp_path):
    (tmp_path / "cart.mp4").write_bytes(b"a film")
    written = write_gym_run(
        tmp_path / "run", EPISODES, env_id="CartPole-v1", started=1.7e9, videos={3: tmp_path / "cart.mp4"}
    )
    run = read_gym_run(tmp_path / "run")
    assert run.files == written and len(written) == 2 and run.env_id == "CartPole-v1" and run.started == 1.7e9
    assert run.episodes["episode_return"].tolist()[:2] == [9.5, 31.0] and np.isnan(run.episodes["episode_return"][2])
    assert run.episodes["length"].tolist() == [9, 31, 12, 200]
    assert run.episodes["seconds"].tolist() == [1.0, 2.0, 4.0, 8.0]
    assert run.episodes["mode"].tolist() == ["training"] * 3 + ["evaluation"]
    assert run.episodes["episode"].tolist() == [0, 1, 2, 0]
    (video,) = run.videos
    assert video.path.name == f"openaigym.video.0.{os.getpid()}.video000001.mp4"
    assert video.path.read_bytes() == b"a film"
    assert video.metadata == {"episode_id": 1, "content_type": "video/mp4"}
    stats = json.loads((tmp_path / "run" / f"openaigym.episode_batch.1.{os.getpid()}.stats.json").read_text())
    assert stats == {
        "initial_reset_timestamp": 1.7e9,
        "timestamps": [1.7e9 + 8],
        "episode_lengths": [200],
        "episode_rewards": [200.0],
        "episode_types": ["e"],
    }


def test_a_folder_is_added_to_only_if_told_and_for_the_same_environment(folder):
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(InvalidField, match="holds files of Gym's monitor already"):
        write_gym_run(folder, EPISODES, env_id="CartPole-v0")
    with pytest.raises(CheckpointError, match="holds a run of CartPole-v0, not of Acrobot-v1"):
        write_gym_run(folder, EPISODES, env_id="Acrobot-v1", resume=True)
    assert sorted(path.name for path in folder.iterdir()) == before
    write_gym_run(folder, EPISODES, env_id="CartPole-v0", resume=True)
    write_gym_run(folder, EPISODES, env_id="CartPole-v0", resume=True)
    assert len(read_gym_run(folder).episodes["length"]) == 4 + 4 + 4


def test_a_run_without_episodes_is_written_and_read(tmp_path):
    write_gym_run(tmp_path, {name: column[:0] for name, column in EPISODES.items()}, env_id="CartPole-v1")
    run = read_gym_run(tmp_path)
    assert {name: len(column) for name, column in run.episodes.items()} == dict.fromkeys(run.episodes, 0)
    assert (run.env_id, run.started, run.starts) == ("CartPole-v1", 0.0, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": None}, "lacks the columns seconds"),
        ({"length": np.ones(3, np.int64)}, "must have one entry for each episode"),
        ({"length": np.full(4, 1.5)}, "`length` must hold numbers of steps"),
        ({"seconds": np.array([1, 2, np.nan, 3])}, "`seconds` must be finite"),
        ({"mode": np.full(4, "test")}, "`mode` must be 'training' or 'evaluation', got 'test'"),
        ({"episode_return": np.full(4, "high")}, "does not hold numbers"),
    ],
)
def test_wrong_columns_are_refused_before_anything_is_written(tmp_path, change, message):
    columns = {name: column for name, column in {**EPISODES, **change}.items() if column is not None}
    with pytest.raises(InvalidField, match=message):
        write_gym_run(tmp_path / "run", columns, env_id="CartPole-v1")
    with pytest.raises(InvalidField, match="there is a video of episode 4, but there are 4 episodes"):
        write_gym_run(tmp_path / "run", EPISODES, env_id="CartPole-v1", videos={4: tmp_path / "a.mp4"})
    with pytest.raises(InvalidField, match=r"a\.mp4` is not an MP4 file"):
        write_gym_run(tmp_path / "run", EPISODES, env_id="CartPole-v1", videos={0: tmp_path / "a.mp4"})
    assert not (tmp_path / "run").exists()


def test_a_full_disk_leaves_no_manifest_and_a_clear_error(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match="cannot be written: No space left on device"):
        write_gym_run(tmp_path, EPISODES, env_id="CartPole-v1")
    assert list(tmp_path.iterdir()) == []


CSV = '#{"t_start": 1700000000.5, "env_id": "CartPole-v1"}\nr,l,t,score\n'


def test_monitor_csv_is_merged_and_a_row_that_is_being_written_is_left_out(tmp_path):
    (tmp_path / "0.monitor.csv").write_text(f"{CSV}21.0,21,0.5,7\n9.5,9,1.75,\n30.0,3")
    (tmp_path / "1.monitor.csv").write_text(CSV.replace("000.5", "001.5") + "12.0,12,0.25,1\n", newline="\r\n")
    run = read_monitor_csv(tmp_path)
    assert run.env_id == "CartPole-v1" and run.started == 1700000000.5
    assert {name: column.tolist() for name, column in run.episodes.items()} == {
        "writer": ["0", "1", "0"],
        "episode": [0, 0, 1],
        "mode": ["training"] * 3,
        "episode_return": [21.0, 12.0, 9.5],
        "length": [21, 12, 9],
        "seconds": [0.5, 1.25, 1.75],
        "env_steps": [21, 33, 42],
    }
    assert read_monitor_csv(tmp_path / "1.monitor.csv").episodes["seconds"].tolist() == [0.25]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r,l,t\n1,1,1\n", "its first line must be"),
        ("#[1]\nr,l,t\n", "its first line must be"),
        ("", "its first line must be"),
        (f"{CSV}1.0,1\n", "a row lacks a number in the columns r, l and t"),
        (f"{CSV}1.0,many,1.0,\n", "a row lacks a number in the columns r, l and t"),
        (CSV.replace("CartPole", "Acrobot"), r"several environments: CartPole-v1 \(0.monitor.csv\), Acrobot-v1"),
    ],
)
def test_a_wrong_monitor_csv_is_refused(tmp_path, text, message):
    (tmp_path / "0.monitor.csv").write_text(f"{CSV}1.0,1,1.0,\n")
    (tmp_path / "1.monitor.csv").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_monitor_csv(tmp_path)


def test_stable_baselines3_writes_what_is_read(tmp_path):
    monitor = pytest.importorskip("stable_baselines3.common.monitor", reason="stable-baselines3 is not installed")
    import gymnasium

    env = monitor.Monitor(gymnasium.make("CartPole-v1", max_episode_steps=5), str(tmp_path / "7"))
    for _ in range(3):
        env.reset(seed=0)
        while True:
            *_, terminated, truncated, _ = env.step(0)
            if terminated or truncated:
                break
    env.close()
    run = read_monitor_csv(tmp_path)
    assert run.episodes["length"].tolist() == run.episodes["episode_return"].tolist() == [5, 5, 5]
    assert set(run.episodes["writer"]) == {"7"} and run.env_id == "CartPole-v1"
    assert (np.diff(run.episodes["seconds"]) >= 0).all()
