"""The rehearsal for accelerators, run on the processor with small sizes."""

import dataclasses
import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import jaxenvs
from benchmarks.rehearsal import catalog, fused, page, sizes, speed
from benchmarks.rehearsal.__main__ import LIMIT, SECONDS
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.runner import Section, python, run
from jaxenvs.registration.catalog import CATALOG
from tests.devices import ROOT

SIZES = dataclasses.replace(sizes.SMALL, ids=("FrozenLake-v1", "rlenvs/RandomWalk-v0"), lanes=4, steps=3)


def test_the_catalog_is_compared_step_by_step(tmp_path):
    report = Report(tmp_path / "catalog.json")
    catalog.main(SIZES, report)
    results = json.loads(report.path.read_text())
    assert list(results) == list(SIZES.ids)
    for result in results.values():
        assert result["ok"] and (result["reset"]["transitions"], result["one step"]["transitions"]) == (4, 12)
        assert result["picture"]["bytes"] > 0 and result["equal after all steps"] == 1.0


def test_every_id_is_compared_and_ids_that_share_a_class_come_last():
    ids = catalog.in_order()
    assert sorted(ids) == sorted(spec.id for spec in CATALOG)
    classes = [jaxenvs.spec(id).entry_point for id in ids]
    assert len(set(classes[: len(set(classes))])) == len(set(classes))
    assert set(catalog.LONGEST_FIRST) <= set(ids)


@pytest.mark.parametrize(
    ("id", "lanes", "compared"),
    [
        ("CartPole-v1", 1024, 1024),
        ("Go9x9-v0", 1024, 1024),
        ("LunarLander-v3", 1024, 64),
        ("VoxelCraft-v0", 384, 64),
        ("rlenvs/Minecraft-v0", 250, 250),
        ("InvertedPendulum-v5", 1024, 64),
        ("PointMaze_UMaze-v3", 1024, 64),
    ],
)
def test_no_id_calls_the_host_or_exceeds_the_memory(id, lanes, compared):
    spec = jaxenvs.spec(id)
    env = catalog.made(spec)
    is_robot = spec.extra in catalog.ROBOTS
    assert getattr(jaxenvs.unwrap(env), "engine", "mjx") == "mjx"
    is_slow = is_robot or spec.family in catalog.SLOW_FAMILIES
    assert catalog.lanes_of(env, sizes.FULL, is_slow=is_slow) == (lanes, compared)


def test_an_id_that_does_not_run_is_a_result():
    result = catalog.check("MnistBandit-v7", SIZES)
    assert "NameNotFound" in result["failed"]


def test_differences_are_counted_by_transition():
    integers, floats = np.arange(12, dtype=np.int32).reshape(2, 3, 2), np.ones((2, 3), np.float32)
    floats[0, 0] = np.nan
    assert catalog.differences((integers, floats), (integers.copy(), floats.copy()), 1e-5) == {
        "transitions": 6,
        "integers differ in": 0,
        "floats": 1,
        "floats beyond": 0,
        "largest error": 0.0,
        "tolerance": 1e-5,
    }
    other_integers, other_floats = integers.copy(), floats.copy()
    other_integers[1, 2] = 0  # both numbers of one transition, so its float does not count
    other_floats[1, 2], other_floats[0, 1], other_floats[0, 2] = 9, 1.5, 1 + 1e-6
    seen = catalog.differences((integers, floats), (other_integers, other_floats), 1e-5)
    assert (seen["integers differ in"], seen["floats beyond"], seen["largest error"]) == (1, 1, 0.25)
    other_floats[0, 0] = 1  # NaN on the processor
    assert catalog.differences((integers, floats), (integers, other_floats), 1e-5)["largest error"] == 1e30


WRITES = "import json, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(json.dumps({'a': 1}))"


def test_sections_that_fail_or_overrun_leave_the_rest_and_what_they_had(tmp_path):
    commands = {
        "fails": (60, WRITES + "; sys.exit(3)"),
        "overruns": (3, WRITES + "; time.sleep(600)"),
        "finishes": (60, WRITES),
        "comes too late": (60, WRITES),
    }
    sections = [Section(name, seconds, python("-c", program)) for name, (seconds, program) in commands.items()]
    run(sections[:3], tmp_path, 600, {"versions": {}})
    written = json.loads((tmp_path / "rehearsal.json").read_text())
    statuses = {name: section["status"] for name, section in written["sections"].items()}
    assert statuses == {"fails": "failed", "overruns": "out of time", "finishes": "finished"}
    assert written["sections"]["fails"]["exit_code"] == 3
    assert all(section["results"] == {"a": 1} for section in written["sections"].values())
    late = run(sections[3:], tmp_path / "late", 0, {})
    assert late["sections"]["comes too late"] == {"status": "not begun", "seconds": 0.0, "results": {}}
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["rehearsal.json", "rehearsal.log"]


def test_all_sections_together_fit_into_eight_minutes():
    assert LIMIT < 480 and sum(SECONDS.values()) <= 480


def test_the_page_is_what_its_command_writes():
    results = json.loads(page.RESULTS.read_text()) if page.RESULTS.exists() else None
    assert page.PAGE.read_text() == page.text(results), "Run `python -m benchmarks.rehearsal.page`."
    assert ("There are no figures yet" in page.PAGE.read_text()) == (results is None)


RIGHT = {"ok": True, "finite": True, "one step": {}, "picture": None}
STEP = {"transitions": 1000, "integers differ in": 2, "floats beyond": 3, "largest error": 0.5}
SAME = {"transitions": 10, "integers differ in": 0, "floats beyond": 0, "largest error": 0.0}
PROGRAM = {"steps a second": 4e8, "share of bandwidth": 0.25}


def test_the_page_shows_what_was_measured():
    sections = {
        "catalog": {
            "good-v0": RIGHT,
            "bad-v0": {
                **RIGHT,
                "ok": False,
                "reset": SAME,
                "one step": STEP,
                "picture": {"bytes": 90, "bytes differ": 1},
            },
            "worse-v0": {"failed": "ValueError: a | b"},
        },
        "host": {"torch": {"ok": True, "device": "cuda:0"}, "ALE/Pong-v5": {"failed": "no"}},
        "fused": {
            "device": {"kind": "NVIDIA H100"},
            "CartPole-v1": {
                "lanes": 2,
                "differences": {"integers differ": 0, "integers": 1000, "largest of floats": 1e-6},
                **dict.fromkeys(("scan", "gymnax", "fused, all"), PROGRAM),
                "fused": {**PROGRAM, "steps a second": 4e10},
            },
            "Taxi-v4": {"failed": "no"},
        },
        "speed": {
            "device": {"kind": "NVIDIA H100", "bytes copied a second": 3e12},
            "CartPole-v1, 2048 lanes": {
                "select": PROGRAM,
                "cond": {**PROGRAM, "steps a second": 2e8},
                "chunked": {"failed": "out of memory"},
                "gymnax": {**PROGRAM, "steps a second": 1e8},
            },
            "Taxi-v4, 2048 lanes": {"failed": "no"},
        },
        "robots": {"Humanoid-v5, mjx, 1024 lanes": {"steps a second": 50000, "seconds": {"trace": 9, "compile": 60.5}}},
        "learning": {"CartPole-v1, to 475": {"ok": True, "seconds": 0.5, "env_steps": 40960, "mean_return": 480.0}},
    }
    results = {
        "date": "2026-01-01",
        "versions": {"jax": "0.11.2"},
        "sections": {
            name: {"status": "out of time" if name == "robots" else "finished", "seconds": 90.0, "results": found}
            for name, found in sections.items()
        },
    }
    lines = page.text(results).splitlines()
    assert "Measured on 2026-01-01 on NVIDIA H100, which copies 3.00 TB/s, read and written, with jax 0.11.2." in lines
    assert any(line.endswith(" 1 of 3 ids are.") for line in lines)
    assert (
        "| bad-v0 | one step: integers in 2 of 1,000; one step: 3 floats, by up to 0.5; 1 of 90 bytes of pictures |"
        in lines
    )
    assert "| worse-v0 | ValueError: a \\| b |" in lines
    assert "| CartPole-v1 | 40,000 | 400 | 100 | 100 | 25.0 % | 0 of 1,000 | 1e-06 |  |" in lines
    assert "| Taxi-v4 |  |  |  |  |  |  |  | no |" in lines
    assert "| CartPole-v1, 2048 lanes | 400 | 200 |  | select | 4 | 25.0 % |  |" in lines
    assert "| Humanoid-v5, mjx, 1024 lanes | 50,000 | 9 | 60.5 |  |" in lines
    assert lines.count("This part is not complete: out of time after 90 s.") == 1
    assert "| CartPole-v1, to 475 | 0.5 | 40,960 | 480 |  |  |  |" in lines


@pytest.mark.neighbours
@pytest.mark.filterwarnings("ignore")  # of gymnax's own
def test_gymnax_takes_turns_in_the_same_process(tmp_path):
    report = Report(tmp_path / "speed.json")
    small = dataclasses.replace(sizes.SMALL, tasks=("MinAtar/Breakout-v1", "Taxi-v4"), speed_lanes=(2,))
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # as gymnax needs them
        speed.main(small, report)
    breakout, taxi = report.results["MinAtar/Breakout-v1, 2 lanes"], report.results["Taxi-v4, 2 lanes"]
    assert list(breakout) == ["select", "cond", "chunked", "gymnax"] and list(taxi) == ["select", "cond", "chunked"]
    for program in (*breakout.values(), *taxi.values()):
        assert "failed" not in program, program
        assert len(program["rates"]) == 2 and program["steps a second"] > 0 and program["bytes a step"] > 0


def test_fused_scans_take_turns_with_xlas(tmp_path):
    report = Report(tmp_path / "fused.json")
    fused.main(dataclasses.replace(sizes.SMALL, fused_tasks=("FrozenLake-v1",)), report)
    found = report.results["FrozenLake-v1"]
    assert "failed" not in found, found
    for name in ("fused", "scan", "fused, all", "scan, all"):
        assert len(found[name]["rates"]) == 2 and found[name]["share of bandwidth"] > 0
    assert found["differences"]["integers differ"] == 0 and found["differences, all"]["integers"] > 0


@pytest.mark.slow
def test_the_whole_command_runs_on_the_processor(tmp_path):
    command = [sys.executable, "-m", "benchmarks.rehearsal", "--out", str(tmp_path), "--small", "--patience", "5"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}, check=True)
    results = json.loads((tmp_path / "rehearsal.json").read_text())
    log = (tmp_path / "rehearsal.log").read_text()
    assert {name: section["status"] for name, section in results["sections"].items()} == dict.fromkeys(
        SECONDS, "finished"
    ), log
    for name in ("catalog", "host", "fused", "robots", "learning"):
        found = results["sections"][name]["results"]
        assert found and all("failed" not in result for result in found.values()), found
    assert all(result["ok"] for result in results["sections"]["catalog"]["results"].values())
    speed = results["sections"]["speed"]["results"]
    assert all(speed[f"{task}, 16 lanes"]["select"]["rates"] for task in sizes.SMALL.tasks)
    assert "No figures" not in page.text(results)
