"""`jaxenvs bench`."""

import datetime
import json

import gymnasium
import jax
import pytest

from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.imports import ImportTime


@pytest.fixture
def recorded(monkeypatch):
    """Replaces the measurement by fixed figures; `calls` records the requests."""
    calls = []

    def compare(env_id, num_envs, subjects, plan, *, platform, progress):
        calls.append((env_id, num_envs, platform))
        progress("jaxenvs")
        if num_envs == 13:
            raise KeyboardInterrupt
        ours = Measurement(env_id, "jaxenvs", num_envs, platform, "abacus", 9, [3e6, 2e6, 4e6], compile_seconds=[0.5])
        failed = Measurement(env_id, "gymnax", num_envs, platform, failure="ended during `run` (signal SIGSEGV).")
        theirs = Measurement(env_id, "gymnasium-sync", num_envs, platform, "abacus", 1, [3e3, 4e3, 1e3])
        return [ours, theirs, failed] if subjects else [ours]

    monkeypatch.setattr("jaxenvs.cli.bench.compare", compare)
    times = [ImportTime("jax + gymnasium", [0.5, 1.0]), ImportTime("jaxenvs", [0.6, 1.4])]
    monkeypatch.setattr("jaxenvs.cli.bench.time_imports", lambda subjects, plan, progress: times)
    return calls


def today():
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def test_bench_measures_beside_a_peer_and_writes_a_table_json_and_a_plot(jaxenvs_command, tmp_path):
    file, plot, before = tmp_path / "figures.json", tmp_path / "figures.png", today()
    result = jaxenvs_command(
        *("bench", "CartPole-v1", "--num-envs", "8", "--peers", "gymnasium-sync", "--device", "cpu"),
        *("--steps", "20", "--repeats", "3", "--seconds", "0.01", "--imports", "1", "--json", file, "--plot", plot),
    )
    assert result.code == 0 and "CartPole-v1" in result.out and "jax + gymnasium" in result.out
    figures = json.loads(file.read_text())
    assert figures["date"] in (before, today()) and figures["command"].split()[0] == "jaxenvs"
    assert figures["versions"].items() >= {"jax": jax.__version__, "gymnasium": gymnasium.__version__}.items()
    assert [(m["peer"], m["num_envs"]) for m in figures["measurements"]] == [("jaxenvs", 8), ("gymnasium-sync", 8)]
    for m in figures["measurements"]:
        assert 0 < m["slowest"] <= m["steps_per_second"] <= m["fastest"]
        assert (m["env_id"], m["repeats"], m["failure"], m["platform"]) == ("CartPole-v1", 3, None, "cpu")
    ours, theirs = figures["measurements"]
    assert ours["steps"] == 20 and ours["compile_seconds"][0] > 0 and "cpu" in ours["device"]
    rounds = sorted(a / b for a, b in zip(ours["rates"], theirs["rates"]))
    assert theirs["jaxenvs_is_faster_by"] == {"low": rounds[0], "median": rounds[1], "high": rounds[2]}
    assert [time["names"] for time in figures["imports"]] == ["jax + gymnasium", "jaxenvs", "gymnasium"]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_bench_measures_every_id_size_and_device(jaxenvs_command, recorded, tmp_path):
    plot = tmp_path / "lines.svg"
    result = jaxenvs_command(
        *("bench", "CartPole-v1", "Taxi-v4", "--num-envs", "1,64", "--device", "cpu,gpu", "--peers", "none"),
        *("--plot", plot),
    )
    assert result.code == 0 and "Taxi-v4 on gpu" in result.out
    assert recorded == [(id, n, d) for id in ("CartPole-v1", "Taxi-v4") for d in ("cpu", "gpu") for n in (1, 64)]
    assert plot.read_text().startswith("<?xml")


def test_bench_says_how_much_faster_and_reports_failures(jaxenvs_command, recorded):
    result = jaxenvs_command("bench", "--num-envs", "64", "--peers", "gymnasium-sync")
    assert "1,000x" in result.out and "500x" in result.out and "4,000x" in result.out  # 3e6/3e3, 2e6/4e3, 4e6/1e3
    assert "1.30" in result.out  # imports: the median of 0.6/0.5 and 1.4/1.0
    assert "gymnax failed on CartPole-v1 with 64 environments: it ended during `run` (signal SIGSEGV)." in result.err
    assert result.code == 1  # peers were asked for by name


def test_bench_goes_on_without_missing_peers(jaxenvs_command, recorded, monkeypatch):
    pythons = ":".join(f"{name}=/no/such/python" for name in ("gymnax", "envpool", "minatar", "c"))
    monkeypatch.setenv("JAXENVS_BENCH_PYTHON", pythons)
    result = jaxenvs_command("bench", "--num-envs", "64")
    assert result.code == 0 and "gymnax: not measured" in result.err
    assert "/no/such/python" in result.err and "pip install gymnax==1.0.1 six" in result.err


def test_bench_reports_what_it_has_when_interrupted(jaxenvs_command, recorded, tmp_path):
    file = tmp_path / "figures.json"
    result = jaxenvs_command("bench", "--num-envs", "1,13,64", "--peers", "none", "--json", file)
    assert result.code == 130 and "Interrupted" in result.err
    assert [m["num_envs"] for m in json.loads(file.read_text())["measurements"]] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-envs", "1,x"], "positive whole numbers"),
        (["--num-envs", "0"], "positive whole"),
        (["Cart-v1"], "CartPole"),
        (["--peers", "gymnx"], "Did you mean: `gymnax`"),
        (["--python", "gymnax"], "NAME=PATH"),
        (["--plot", "x.gif", "--peers", "none"], ".svg"),
        (["--json", "/no/such/folder/x.json", "--peers", "none"], "/no/such/folder"),
    ],
)
def test_bench_refuses_what_cannot_be_measured(jaxenvs_command, arguments, message):
    result = jaxenvs_command("bench", *arguments)
    assert result.code == 2 and message in result.err


def test_bench_refuses_to_go_on_without_a_peer_asked_for_by_name(jaxenvs_command):
    result = jaxenvs_command("bench", "--peers", "gymnax", "--python", "gymnax=/no/such/python")
    assert result.code == 1 and "pip install gymnax" in result.err and "/no/such/python" in result.err
