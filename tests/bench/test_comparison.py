"""Subjects measured in turn."""

import pytest

from jaxenvs.bench import comparison
from jaxenvs.bench.comparison import Measurement, Plan, compare, count_calls
from jaxenvs.bench.figures import as_json, ratio
from jaxenvs.bench.imports import count_imports, time_imports
from jaxenvs.bench.tasks import Task

TASK = "CartPole-v1"
QUICK = Plan(repeats=3, seconds=0.001, starts=2)

FAILS = """
    import os, sys, time
    PACKAGES = ("math",)
    calls = 0

    def advance():
        global calls
        calls += 1
        if calls == 3:
            {}

    def prepare(task, num_envs, steps, **options):
        {}
        return {{"advance": advance, "steps": 10**6, "compile_seconds": None, "device": "abacus"}}
"""


def test_all_take_turns_and_compiled_loops_are_of_one_length(fake_peer):
    heard = []
    ours, other, idle = fake_peer("jaxenvs"), fake_peer("other"), fake_peer("idle", tasks={"Go-v0": Task("go")})
    results = compare(TASK, 5, [other, idle], QUICK, ours=ours, progress=heard.append)
    assert heard == ["jaxenvs: start", "other: start"] * 2 + ["jaxenvs", "other"] * 3
    assert len(heard) == count_calls(TASK, [other, idle], QUICK)
    assert [m.peer for m in results] == ["jaxenvs", "other"]
    for m in results:
        assert (m.steps, m.device, m.failure, m.compile_seconds) == (7, "abacus", None, [0.5, 0.5])
        assert len(m.rates) == len(m.cpu_nanoseconds) == 3 and min(m.rates) > 0 and "python" in m.versions


@pytest.mark.parametrize(
    ("at_run", "at_prepare", "message", "repeats"),
    [
        ("os._exit(9)", "pass", "exit code 9", 1),
        ("raise OverflowError('abacus')", "pass", "OverflowError: abacus", 1),
        ("time.sleep(60)", "pass", "no answer to `run`", 1),
        ("pass", "sys.exit('no beads')", "no beads", 0),
    ],
)
def test_a_peer_that_fails_is_given_up_and_the_others_go_on(fake_peer, at_run, at_prepare, message, repeats):
    failing = fake_peer("failing", FAILS.format(at_run, at_prepare))
    # A call takes a microsecond and a repeat a nanosecond: one call a repeat, after one in preparation.
    plan = Plan(repeats=4, seconds=1e-9, repeat_limit=1.0)
    results = compare(TASK, 1, [failing, fake_peer("other")], plan, ours=fake_peer("jaxenvs"))
    assert [len(m.rates) for m in results] == [4, repeats, 4]
    assert message in results[1].failure and results[0].failure is results[2].failure is None


def test_an_interrupt_ends_all_processes(fake_peer, monkeypatch):
    started = []
    subject_type = type(fake_peer("any"))
    start = subject_type.start
    monkeypatch.setattr(subject_type, "start", lambda self, p=None: started.append(start(self, p)) or started[-1])

    def interrupt(text):
        if text == "other":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(TASK, 1, [fake_peer("other")], Plan(seconds=0.001), ours=fake_peer("jaxenvs"), progress=interrupt)
    assert len(started) == 2 and all(process._process.poll() is not None for process in started)


def measurement(peer, rates, num_envs=8, platform=None):
    return Measurement(TASK, peer, num_envs, platform, rates=rates)


def test_ratios_compare_repeats_of_one_round():
    all_of_them = [
        measurement("jaxenvs", [100.0, 10.0, 60.0]),
        measurement("jaxenvs", [1e9], num_envs=16),
        measurement("jaxenvs", [1e9], platform="gpu"),
        measurement("slow", [50.0, 1.0, 20.0]),
        measurement("died", [50.0]),
        measurement("never", []),
        measurement("alone", [1.0], num_envs=32),
    ]
    found = [ratio(m, all_of_them) for m in all_of_them]
    assert found[:3] == [None] * 3 and found[5:] == [None] * 2
    assert (found[3].median, found[3].low, found[3].high) == (3.0, 2.0, 10.0)
    assert found[4].median == 2.0
    json = as_json(all_of_them[3], all_of_them)
    assert (json["steps_per_second"], json["slowest"], json["fastest"], json["repeats"]) == (20.0, 1.0, 50.0, 3)
    assert json["jaxenvs_is_faster_by"] == {"median": 3.0, "low": 2.0, "high": 10.0}
    assert as_json(all_of_them[5], all_of_them)["steps_per_second"] is None


def test_imports_are_timed_in_turn_once_for_each_package(fake_peer, monkeypatch):
    monkeypatch.setattr("jaxenvs.bench.imports.OURS", fake_peer("jaxenvs"))
    monkeypatch.setattr("jaxenvs.bench.imports.baseline", lambda: ["json", "csv"])
    broken = fake_peer("broken", 'PACKAGES = ("no_such_package",)')
    subjects, heard, plan = [fake_peer("same"), fake_peer("same"), broken], [], Plan(imports=2)
    times = time_imports(subjects, plan, heard.append)
    assert [time.names for time in times] == ["json + csv", "jaxenvs", "same", "broken"]
    assert heard == [f"import {time.names}" for time in times] * 2 and len(heard) == count_imports(subjects, plan)
    assert [len(time.seconds) for time in times] == [2, 2, 2, 0]
    assert "no_such_package" in times[3].failure


def test_jaxenvs_is_compared_by_default():
    assert comparison.OURS.peer.name == "jaxenvs"
