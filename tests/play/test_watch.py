"""The page that watches runs: what it shows, and which files it serves."""

import json
import math
import urllib.parse

import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import CheckpointError
from jaxenvs.monitor import EpisodeWriter, Run, Settings
from jaxenvs.play import Server, watch_app
from jaxenvs.play.run_view import RunFolder
from tests.play.conftest import Client

GIF = b"GIF89a" + bytes(20)


def make_run(path, seeds=2):
    settings = Settings("CartPole-v1", {"gravity": 1.6}, None, "ppo", {"learning_rate": 1e-3}, seed=0, num_seeds=seeds)
    run = Run.create(settings, path)
    append(run, range(1, 41), seeds)
    (path / "agent.gif").write_bytes(GIF)
    return run


def append(run, updates, seeds=2):
    rows = [
        {
            "update": n,
            "env_steps": 100 * n,
            "seed": seed,
            "seconds": n / 2,
            "mean_return": 10.0 * n + seed if n > 1 else math.nan,
            "loss": 1 / n,
        }
        for n in updates
        for seed in range(seeds)
    ]
    run.append_progress(rows)


def add_episodes(run, returns, **columns):
    count = len(returns)
    columns = {
        "episode_return": np.array(returns, float),
        "length": np.arange(1, count + 1),
        "terminated": np.ones(count, bool),
        "truncated": np.zeros(count, bool),
        "env_steps": np.arange(1, count + 1) * 10,
        "seconds": np.arange(count) * 0.5,
        **columns,
    }
    with EpisodeWriter(run, writer="tester") as writer:
        writer.add(columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run = make_run(folder / "one run")
    add_episodes(run, [1, 2, math.inf])
    (folder / "one run" / "evaluation.json").write_text(
        json.dumps({"episodes": 9, "mean_return": 480.5, "solved": True, "reward_threshold": 475})
    )
    make_run(folder / "other", seeds=1)
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text("{")
    (folder / "no run").mkdir()
    secret = folder.parent / "secret.png"
    secret.write_bytes(b"secret")
    (folder / "one run" / "link.png").symlink_to(secret)
    (folder / "one run" / ".hidden.png").write_bytes(b"hidden")
    (folder / "one run" / "videos").mkdir()
    (folder / "one run" / "videos" / "1.mp4").write_bytes(b"0123456789")
    (folder / "linked").symlink_to(folder.parent)
    (folder.parent / "run.json").write_text((folder / "other" / "run.json").read_text())
    return folder


@pytest.fixture(scope="module")
def watcher(folder):
    with Server(watch_app(folder), port=0).in_background() as server:
        yield Client(server)


def test_a_folder_of_runs_lists_them(watcher):
    listed = watcher.json("/runs")
    assert not listed["is_run"]
    rows = {row["name"]: row for row in listed["runs"]}
    assert rows.keys() == {"one run", "other", "broken"}
    assert (rows["one run"]["env_id"], rows["one run"]["algorithm"], rows["one run"]["status"]) == (
        "CartPole-v1",
        "ppo",
        "ended",
    )
    assert rows["other"]["status"] == "running"
    assert rows["broken"]["status"] == "damaged"


def test_a_run_shows_its_curve_episodes_evaluation_and_settings(watcher):
    run = watcher.json("/runs/one%20run")
    assert run["columns"] == ["mean_return", "loss"]
    assert [line["name"] for line in run["curve"]] == ["0", "1"]
    assert run["curve"][0]["steps"] == [100 * n for n in range(2, 41)], "reports without an episode are left out"
    assert run["curve"][1]["values"][-1] == 401
    assert run["latest"]["mean_return"] == 400.5
    assert [each["episode_return"] for each in run["episodes"]] == [None, 2, 1]
    assert run["num_episodes"] == 3
    assert run["evaluation"] == {"episodes": 9, "mean_return": 480.5, "reward_threshold": 475, "solved": True}
    assert ["gravity", "1.6"] in run["settings"]
    assert sorted(run["media"]) == ["agent.gif", "videos/1.mp4"]
    losses = watcher.json("/runs/one%20run?column=loss")["curve"][0]["values"]
    assert losses[0] == 1


def test_a_run_is_sent_again_only_after_it_has_grown(watcher, folder):
    path = "/runs/other"
    status, headers, _ = watcher.request("GET", path)
    assert status == 200
    tag = headers["etag"]
    assert watcher.request("GET", path, if_none_match=tag)[0] == 304
    append(Run.open(folder / "other"), [41], seeds=1)
    status, _, content = watcher.request("GET", path, if_none_match=tag)
    assert status == 200
    assert json.loads(content)["latest"]["update"] == 41


def test_long_curves_are_thinned_and_smoothed(tmp_path):
    run = make_run(tmp_path / "long", seeds=1)
    append(run, range(41, 3001), seeds=1)
    (line,) = RunFolder(run.path).view(run.path.name)["curve"]
    assert len(line["steps"]) == 600
    assert line["steps"][-1] == 300_000
    middle = len(line["steps"]) // 2
    assert line["smooth"][middle] == pytest.approx(line["values"][middle], rel=1e-4), "of a straight line"


def test_a_run_without_a_learner_shows_the_returns_of_its_episodes(tmp_path):
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "played")
    add_episodes(run, [5, 6, 7])
    shown = RunFolder(run.path).view(run.path.name)
    assert shown["env_id"] == "CartPole-v1"
    assert shown["recorded_curve"][0]["values"] == [5, 6, 7]
    assert shown["curve"] == []


def test_a_run_that_nobody_writes_to_any_more_has_ended(tmp_path):
    run = Run.record(jaxenvs.make("CartPole-v1"), path=tmp_path / "loop")
    folder = RunFolder(tmp_path)
    assert folder.rows()[0]["status"] == "running"  # its writer may still begin
    with EpisodeWriter(run, writer="tester"):
        assert folder.rows()[0]["status"] == folder.view("loop")["status"] == "running"
        stamp = folder.stamp("loop")
    assert folder.rows()[0]["status"] == folder.view("loop")["status"] == "ended"
    assert folder.stamp("loop") != stamp
    with run.exclusively():  # a training, which evaluates its agent when its writer is closed
        assert folder.rows()[0]["status"] == "running"
    run.mark("interrupted")
    assert folder.rows()[0]["status"] == "interrupted"


def test_pictures_and_videos_are_served_in_ranges(watcher):
    status, headers, content = watcher.request("GET", "/media/one%20run/agent.gif")
    assert (status, headers["content-type"], content) == (200, "image/gif", GIF)
    status, _, content = watcher.request("GET", "/media/one%20run/videos/1.mp4", range="bytes=2-4")
    assert (status, content) == (206, b"234")


@pytest.mark.parametrize(
    "path",
    [
        "one run/link.png",
        "one run/.hidden.png",
        "one run/run.json",
        "one run/../../secret.png",
        "one run/videos/../../../secret.png",
        "../secret.png",
        "linked/secret.png",
        "./secret.png",
        "../runs0/other/agent.gif",
        "one run//etc/passwd",
        "one run/nothing.png",
        "one run/a\0b.png",
    ],
)
def test_nothing_outside_a_run_is_served(watcher, path):
    for quoted in (urllib.parse.quote(path), urllib.parse.quote(path, safe="").replace("%2F", "/", 1)):
        assert watcher.request("GET", f"/media/{quoted}")[0] == 404


@pytest.mark.parametrize("name", ["no run", "nothing", "..", ".", "linked", "%2e%2e", "one run%2F..", "broken"])
def test_what_is_not_a_run_gets_an_error(watcher, name):
    status, _, content = watcher.request("GET", f"/runs/{name.replace(' ', '%20')}")
    assert status == 404
    assert b"secret" not in content


def test_an_unknown_quantity_is_an_error(watcher):
    status, _, content = watcher.request("GET", "/runs/other?column=joy")
    assert (status, json.loads(content)["error"]) == (404, "There is no quantity `joy`; there are mean_return, loss.")


def test_damaged_progress_is_reported(watcher, folder):
    make_run(folder / "torn", seeds=1)
    with (folder / "torn" / "progress.csv").open("a") as file:
        file.write("x,y,z\n")
    assert "damaged" in json.loads(watcher.request("GET", "/runs/torn")[2])["error"]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="There is no folder"):
        watch_app(tmp_path / "nothing")
