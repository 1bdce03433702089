"""Run folders: created atomically, never overwritten, and validated when read."""

import dataclasses
import json
import math
import subprocess
import sys
import threading

import numpy as np
import pytest

from jaxenvs.agents.fields import build_values
from jaxenvs.errors import CheckpointError, InvalidField, NotWritten, RunInUse
from jaxenvs.monitor import Run, Settings
from jaxenvs.training import PPO


def settings(**changes):
    values = {
        "env_id": "ALE/Breakout-v5",
        "fields": {"gravity": 1.5},
        "max_episode_steps": None,
        "algorithm": "ppo",
        "hyper_parameters": {"hidden_sizes": [64, 64], "learning_rate": 0.1},
        "seed": 3,
    }
    return Settings(**{**values, **changes})


def test_created_run_is_found_again_with_its_settings(tmp_path):
    run = Run.create(settings(), parent=tmp_path / "runs")
    assert Run.open(run.path) == run
    assert run.path.name.startswith("ALE_Breakout-v5-ppo-")
    manifest = run.manifest()
    assert manifest["status"] == "running" and manifest["ended"] is None
    assert {"jaxenvs", "jax", "jaxlib", "numpy", "python", "flax"} == set(manifest["versions"])
    run.mark("finished")
    assert run.manifest()["status"] == "finished" and run.manifest()["ended"] is not None


def test_existing_folder_or_file_is_never_overwritten(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("folder", "file"):
        with pytest.raises(InvalidField, match="exists already"):
            Run.create(settings(), tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_runs_begun_in_the_same_second_get_folders_of_their_own(tmp_path):
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(Run.create(settings(), parent=tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.path for run in runs}) == 8 == len(list(tmp_path.iterdir()))


def test_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidField, match="No run folder can be made"):
        Run.create(settings(), tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "not written by jaxenvs"),
        ('{"format": "something else"}', "not written by jaxenvs"),
        (json.dumps({"format": "jaxenvs run", "format_version": 99}), "format version 99"),
        (json.dumps({"format": "jaxenvs run", "format_version": 1}), "lacks settings"),
        (" " * (2**20 + 1), "larger than any"),
    ],
)
def test_damaged_or_foreign_manifest_is_refused(tmp_path, content, message):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        Run.open(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"fields": [1]}, {"algorithm": 3}, {"max_episode_steps": "9"}, {"seed": True}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_manifest_with_a_setting_of_the_wrong_kind_is_refused(tmp_path, wrong):
    run = Run.create(settings(), tmp_path / "run")
    run.note(**wrong)
    with pytest.raises(CheckpointError, match=f"wrong kind: `{next(iter(wrong))}` is "):
        Run.open(run.path)


def test_folder_that_is_no_run_is_reported(tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no run\.json"):
        Run.open(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        Run.open(tmp_path / "nowhere")


def test_progress_survives_a_torn_last_row_and_is_rewound(tmp_path):
    run = Run.create(settings(), tmp_path / "run")
    assert run.read_progress() == []
    run.append_progress([{"update": 1, "mean_return": math.nan}, {"update": 2, "mean_return": 3.5}])
    run.append_progress([{"update": 3, "mean_return": 4.0}])
    with run.progress_path.open("a") as file:
        file.write("4,5.")
    rows = run.read_progress()
    assert [row["update"] for row in rows] == [1, 2, 3] and math.isnan(rows[0]["mean_return"])
    run.rewind_progress(2)
    assert [row["update"] for row in run.read_progress()] == [1, 2]
    run.rewind_progress(0)
    assert run.read_progress() == []


def test_whole_numbers_are_written_in_full(tmp_path):
    run = Run.create(settings(), str(tmp_path / "run"))
    run.append_progress(
        [{"update": 3_000_001, "env_steps": 3_000_001_024, "episodes": 12345678.0, "mean_return": 1 / 3}]
    )
    text = run.progress_path.read_text()
    assert text.splitlines()[1] == "3000001,3000001024,12345678,0.3333333"
    run.rewind_progress(3_000_001)
    assert run.progress_path.read_text() == text
    assert Run.open(str(run.path)) == run


HOLD = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
input()
"""


def test_two_cannot_train_in_one_folder_and_the_dead_hold_nothing(tmp_path):
    run = Run.create(settings(), tmp_path / "run")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline()
    with pytest.raises(RunInUse, match="is training in"), run.exclusively():
        pass
    holder.kill()
    holder.communicate()
    with run.exclusively(), run.exclusively():  # nested, as the command and the loop do it
        refused = []

        def elsewhere():
            with pytest.raises(RunInUse), run.exclusively():
                pass
            refused.append(True)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert refused
    with run.exclusively():
        pass
    assert [p.name for p in run.path.iterdir()] == ["run.json"]


def test_folder_that_became_read_only_is_reported(tmp_path, monkeypatch):
    run = Run.create(settings(), tmp_path / "run")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("jaxenvs.monitor.run_folder.run.write_json", refuse)
    with pytest.raises(NotWritten, match=r"cannot be written: Permission denied"):
        run.mark("running")


def test_damaged_progress_is_refused(tmp_path):
    run = Run.create(settings(), tmp_path / "run")
    run.progress_path.write_text("update,mean_return\n1,two\n")
    with pytest.raises(CheckpointError, match="damaged"):
        run.read_progress()


def test_settings_of_a_learner_hold_all_that_it_is_made_of():
    learner = PPO(total_steps=512, hidden_sizes=(8, 4), final_log_std=-1.0, learning_rate=np.float32(0.5))
    settings = Settings.of("CartPole-v1", learner, seed=3, fields={"gravity": 5.0}, max_episode_steps=7)
    again = Settings(**json.loads(json.dumps(dataclasses.asdict(settings))))
    assert again == settings
    assert (again.env_id, again.algorithm, again.seed, again.fields) == ("CartPole-v1", "ppo", 3, {"gravity": 5.0})
    assert PPO(**build_values(PPO, again.hyper_parameters)) == learner
