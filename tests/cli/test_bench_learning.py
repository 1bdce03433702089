"""`jaxenvs bench-learning`."""

import json

import pytest

from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.learning import TimeToThreshold


@pytest.fixture
def recorded(monkeypatch):
    """Replaces the measurement by fixed figures; the list records the requests."""
    calls = []

    def compare_speed(env_id, sizes, subjects, plan, *, least_steps, platform, progress):
        calls.append((sizes.num_envs, plan.repeats, least_steps, platform))
        progress("jaxenvs")
        ours = Measurement(env_id, "jaxenvs", sizes.num_envs, platform, "abacus", 9, [3e5, 2e5], compile_seconds=[0.5])
        return [ours, Measurement(env_id, "rejax", sizes.num_envs, platform, "abacus", 9, [1e5, 1e5])]

    def compare_times(env_id, threshold, seeds, subjects, plan, *, platform, progress):
        calls.append((threshold, list(seeds)))
        ours = TimeToThreshold(env_id, "jaxenvs", threshold, [1.0, 2.0, None], [10, 20, 30], [480.0, 490.0, 9.0], 3.0)
        return [ours, TimeToThreshold(env_id, "rejax", threshold, [None], [30], [9.0], 3.0, failure="ended.")]

    monkeypatch.setattr("jaxenvs.cli.bench_learning.compare_speed", compare_speed)
    monkeypatch.setattr("jaxenvs.cli.bench_learning.compare_times_to_threshold", compare_times)
    monkeypatch.setenv("JAXENVS_BENCH_PYTHON", "rejax=/no/such/python:stable-baselines3=/no/such/python")
    return calls


def test_bench_learning_prints_both_comparisons_and_writes_them(jaxenvs_command, recorded, tmp_path):
    file = tmp_path / "learning.json"
    result = jaxenvs_command(
        *("bench-learning", "--device", "cpu", "--repeats", "2", "--steps", "50", "--seeds", "3", "--json", file)
    )
    assert recorded == [(n, 2, 50, "cpu") for n in (5, 16, 64, 1024)] + [(475.0, [0, 1, 2])]
    assert "2.50x" in result.out  # the median of 3e5/1e5 and 2e5/1e5
    assert "2 of 3" in result.out and "2.00 s" in result.out and "5.00 s" in result.out and "not reached" in result.out
    assert "rejax: not measured" in result.err and "rejax failed: it ended." in result.err
    assert result.code == 1
    figures = json.loads(file.read_text())
    assert [entry["sizes"]["num_envs"] for entry in figures["speed"]] == [5, 16, 64, 1024]
    assert figures["threshold"][0]["median_with_compiling"] == 5.0
    assert {"command", "date", "device", "platform", "versions"} < set(figures)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Taxi-v4"], "compared on CartPole-v1"),
        (["Cart-v1"], "CartPole"),
        (["--python", "rejax"], "NAME=PATH"),
        (["--json", "/no/such/folder/x.json"], "/no/such/folder"),
    ],
)
def test_bench_learning_refuses_what_cannot_be_measured(jaxenvs_command, arguments, message):
    result = jaxenvs_command("bench-learning", *arguments)
    assert result.code == 2 and message in result.err
