"""What the command prints fits into a terminal of 80 columns: no line is longer, no id broken, nothing cut."""

import dataclasses
import re

import pytest
from rich.console import Console
from tqdm import tqdm

import jaxenvs
from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.imports import ImportTime
from jaxenvs.bench.learning import SIZES, TimeToThreshold
from jaxenvs.cli import bench, bench_learning
from jaxenvs.cli.app import app
from jaxenvs.cli.console import say
from jaxenvs.cli.docstring_text import docstring_blocks
from jaxenvs.cli.evaluate import print_evaluation
from jaxenvs.registration.make import load
from jaxenvs.training import PPO


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def assert_fits(text):
    assert text.strip()
    assert [line for line in text.splitlines() if len(line.rstrip()) > 80] == []
    assert "\u2026" not in text, "an ellipsis stands for what was cut"


def words(text):
    """All words, in any order and wherever lines break."""
    return set(re.split(r"[\s|]+", text)) - {""}


def test_list_shows_whole_ids_spaces_and_limits(jaxenvs_command):
    out = jaxenvs_command("list").out
    assert_fits(out)
    assert {line.split()[0] for line in out.splitlines() if line.strip()} >= set(jaxenvs.registry)
    assert re.search(r"^MountainCarContinuous-v0 +Box\(2\) +Box\(1\) in \[-1, 1\] +999 +90$", out, re.MULTILINE)


def test_list_begins_with_the_families_of_the_catalog_and_ends_with_those_of_plug_ins(jaxenvs_command):
    out = jaxenvs_command("list").out
    assert out.index("CartPole-v1") < out.index("FrozenLake-v1") < out.index("Ant-v5") < out.index("ALE/Adventure-v5")


def commands(group, *names):
    """The words of every command and subcommand."""
    yield names
    for command in group.registered_commands:
        yield *names, command.name
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, *names, inner.name)


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_help_fits(jaxenvs_command, words):
    out = jaxenvs_command(*words, "--help").out
    assert_fits(out)
    if words == ("train",):
        assert {f"{name}," for name in PPO.setting_names()[:-1]} <= set(out.split())
    if not words:
        assert "jaxenvs list, jaxenvs train CartPole-v1, jaxenvs COMMAND --help" in out


@pytest.mark.parametrize(
    "id",
    [
        *("CartPole-v1", "KellyCoinflip-v0", "rlenvs/Taxi-v0", "Hopper-v5", "PointMaze_Medium_Diverse_GRDense-v3"),
        *("VoxelCraft-v0", "two_player/Hex11x11-v0", "BipedalWalkerHardcore-v3", "FetchPickAndPlaceDense-v4"),
    ],
)
def test_info_fits(jaxenvs_command, id):
    out = jaxenvs_command("info", id).out
    assert_fits(out)
    for field in dataclasses.fields(jaxenvs.unwrap(jaxenvs.make(id))):
        assert re.search(rf"^{field.name} ", out, re.MULTILINE), field.name


def test_descriptions_fit_and_lose_no_word():
    classes = {load(spec) for spec in jaxenvs.registry.values()}
    assert len(classes) > 60
    for cls in classes:
        console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115  # closed with the process
        for block in docstring_blocks(cls, 80):
            console.print(block)
        console.file.close()
        text = console.export_text()
        assert_fits(text)
        assert {word for word in words(cls.__doc__) if word.strip("-")} <= words(text), cls


def test_items_of_a_description_begin_lines_of_their_own():
    class Described:
        """It does what it does, and this sentence is so long that one line of eighty columns does not hold all of it.

        Parameters: those of another class, and
            gravity: how strong it pulls, which takes this sentence beyond the end of the line that it
                began in: far beyond.
            mass, size: of the body.

            | index | meaning |
            |---|---|
            | 0 | position |
        """

    first, second, third = docstring_blocks(Described, 80)
    assert str(first).count("\n") == 1
    assert str(second).splitlines() == [
        "Parameters: those of another class, and",
        "    gravity: how strong it pulls, which takes this sentence beyond the end of",
        "        the line that it began in: far beyond.",
        "    mass, size: of the body.",
    ]
    assert third.row_count == 1


def figures(peer, size, rates, id="bsuite/DeepSeaStochastic-v0", platform=None):
    return Measurement(
        *(id, peer, size, platform, "NVIDIA H100 80GB HBM3", 1000, rates, [123.4] * len(rates), [12.34], {}),
        failure=None if rates else "ended.",
    )


def test_tables_of_speed_fit(capsys):
    rates = [13.82e6, 12.1e6, 14.44e6]
    bench._print_rates(
        [
            figures("jaxenvs", 4096, rates, platform="gpu"),
            figures("gymnasium-async", 4096, [11.1e3, 12.2e3, 13.3e3], platform="gpu"),
            figures("gymnax", 4096, [], platform="gpu"),
        ]
    )
    bench._print_imports([ImportTime("jax + gymnasium", [1.0, 1.2]), ImportTime("jaxenvs + stable_baselines3", [2.0])])
    out = capsys.readouterr().out
    assert_fits(out)
    for text in (
        "bsuite/DeepSeaStochastic-v0 on gpu, 4,096",
        "13.8 M",
        "12.1 M to 14.4 M",
        "failed",
        "12.34 s",
        "2.00",
    ):
        assert text in out


def test_tables_of_learning_fit(capsys):
    rounds = [(sizes, [figures("jaxenvs", sizes.num_envs, [3e5, 2e5]), figures("rejax", 5, [1e5])]) for sizes in SIZES]
    bench_learning._print_speeds("CartPole-v1", rounds)
    bench_learning._print_times(
        [
            TimeToThreshold(
                *(
                    "CartPole-v1",
                    "stable-baselines3",
                    475.0,
                    [112.0, 134.0, None],
                    [10, 1_200_000, 30],
                    [480.0] * 3,
                    9.0,
                ),
                {"stable_baselines3": "2.7.0"},
            )
        ]
    )
    out = capsys.readouterr().out
    assert_fits(out)
    for text in ("stable-baselines3 2.7.0", "2 of 3", "112.00 to 134.00 s", "143.00 s", "200 k to 300 k"):
        assert text in out


def test_evaluations_fit(capsys):
    names = ("mean_return", "std_return", "min_return", "max_return", "mean_length")
    agent = dict(zip(names, (-123456.789, 12345.6, -2e6, -1.0, 1000.0)))
    result = {"agents": [agent] * 2, "reward_threshold": 475.0, "episodes": 128, "mean_return": 1.0, "solved": False}
    print_evaluation("InvertedDoublePendulum-v5 · PPO · runs/InvertedDoublePendulum-v5-ppo-20250101-120000", result)
    out = capsys.readouterr().out
    assert_fits(out)
    assert "-123456.79" in out and "runs/InvertedDoublePendulum-v5-ppo-20250101-120000" in out


def test_messages_break_between_words(capsys):
    say(f"Error: {'word ' * 30}\nGo on with: jaxenvs train --resume runs/{'x' * 90}")
    err = capsys.readouterr().err
    assert [len(line) > 80 for line in err.splitlines()] == [False, False, False, True]
    assert "runs/" + "x" * 90 in err


def test_pictures_fit(jaxenvs_command, counter_env):
    out = jaxenvs_command("rollout", "CartPole-v1", "-a", "1", "--pixels").out
    assert {len(line) for line in re.sub(r"\x1b\[[\d;]*m", "", out).splitlines()} <= {0, *range(30, 81)}


def test_progress_of_a_benchmark_fits():
    """The longest id, the largest batch and the longest name."""
    text = bench.PROGRESS_TEXT.format(id="bsuite/DeepSeaStochastic-v0", size=1_048_576, who="gymnasium-async: start")
    bar = tqdm.format_meter(1, 100, 3599.0, ncols=79, prefix=text, bar_format=bench.PROGRESS_FORM)
    assert len(bar) <= 79 and text in bar
