"""`jaxenvs list` and `jaxenvs info`."""

import dataclasses
import importlib
import json

import pytest

import jaxenvs
from jaxenvs.cli import catalog_spaces
from jaxenvs.training.presets import preset


def test_list_shows_every_id(jaxenvs_command):
    result = jaxenvs_command("list")
    assert result.code == 0
    for id in jaxenvs.registry:
        assert id in result.out


def test_list_filters_by_id_and_family(jaxenvs_command):
    result = jaxenvs_command("list", "POLE", "--family", "classic_control", "--json")
    rows = json.loads(result.out)
    assert [row["id"] for row in rows] == ["CartPole-v0", "CartPole-v1"]
    assert rows[1]["action_space"] == "Discrete(2)"
    assert rows[1]["max_episode_steps"] == 500 and rows[1]["reward_threshold"] == 475
    assert rows[1]["problem"] is None


def test_list_shows_broken_and_missing_environments_as_such(jaxenvs_command, counter_env):
    rows = {row["id"]: row for row in json.loads(jaxenvs_command("list", "Test/", "--json").out)}
    assert rows["Test/Counter-v1"]["problem"] is None
    assert rows["Test/Broken-v0"]["problem"] == "cannot be made: InvalidField: Broken: it always is."
    assert rows["Test/Absent-v0"]["problem"] == 'needs: pip install "jaxenvs[absent]"'
    table = jaxenvs_command("list", "Test/")
    assert table.code == 0
    assert "it always is" in table.out and 'needs: pip install "jaxenvs[absent]"' in table.out
    assert "Box(1) in [-1, 2]" in table.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--family", "classic"], "Did you mean: `classic_control`?"),
        (["CartPool"], "Did you mean: `CartPole-v1`?"),
        (["box2d"], "It is a family: `jaxenvs list --family box2d`"),
    ],
)
def test_list_of_nothing_suggests_something(jaxenvs_command, arguments, message):
    result = jaxenvs_command("list", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_info_shows_spec_spaces_fields_and_description(jaxenvs_command):
    result = jaxenvs_command("info", "CartPole-v1")
    assert result.code == 0
    for text in (
        "jaxenvs/CartPole-v1",
        "500 steps",
        "475",
        "gravity",
        "9.8",
        "'euler'",
        "static",
        "Discrete",
        "classic_control.cart_pole.CartPole",
    ):
        assert text in result.out


def test_info_shows_what_is_special(jaxenvs_command, counter_env):
    result = jaxenvs_command("info", counter_env)
    for text in ("pictures and text", "these tests", "ends at 3", "12 steps"):
        assert text in result.out


def test_info_of_a_class_without_a_docstring_ends_with_its_fields(jaxenvs_command, counter_env, monkeypatch):
    monkeypatch.setattr(type(jaxenvs.unwrap(jaxenvs.make(counter_env))), "__doc__", "")
    result = jaxenvs_command("info", counter_env)
    assert result.code == 0
    assert result.out.rstrip().endswith("--set name=value`.")


@pytest.mark.parametrize(
    ("id", "code", "message"),
    [
        ("own.py:Mine-v0", 2, "is a file"),
        ("CartPol-v1", 2, "Did you mean: `CartPole`?"),
        ("CartPole-v9", 2, "v9"),
        ("no id", 2, "Malformed"),
        ("Test/Absent-v0", 1, 'pip install "jaxenvs[absent]"'),
    ],
)
def test_info_on_a_wrong_id_says_what_is_right(jaxenvs_command, counter_env, id, code, message):
    result = jaxenvs_command("info", id)
    assert (result.code, result.out) == (code, "")
    assert message in result.err and "Traceback" not in result.err


def test_unversioned_id_means_the_latest_and_says_so(jaxenvs_command):
    result = jaxenvs_command("info", "CartPole")
    assert result.code == 0
    assert result.err.startswith("Note: Using the latest versioned environment `CartPole-v1`")


def test_list_of_the_catalog_makes_no_environment(jaxenvs_command, monkeypatch):
    """It would compile the models of all robots."""
    monkeypatch.setattr("jaxenvs.cli.list_envs.make", None)
    rows = json.loads(jaxenvs_command("list", "v5", "--family", "mujoco", "--json").out)
    assert len(rows) == 11 and not any(row["problem"] for row in rows)
    assert {row["id"]: row["action_space"] for row in rows}["Hopper-v5"] == "Box(3) in [-1, 1]"


def test_what_list_knows_of_the_catalog_is_so():
    assert json.loads(catalog_spaces.FILE.read_text()) == catalog_spaces.computed(), (
        "Run `python -m jaxenvs.cli.catalog_spaces`."
    )


def test_list_says_which_extra_is_missing(jaxenvs_command, monkeypatch):
    monkeypatch.setattr(importlib.import_module("jaxenvs.registration.spec"), "find_spec", lambda name: None)
    monkeypatch.setattr("jaxenvs.simulators.mujoco.model.importlib.util.find_spec", lambda name: None)
    (row,) = json.loads(jaxenvs_command("list", "Hopper-v5", "--json").out)
    assert row["problem"] == 'needs: pip install "jaxenvs[mujoco]"' and row["action_space"] is None


def test_an_id_registered_anew_is_not_taken_for_the_catalogs(jaxenvs_command, counter_env, monkeypatch):
    own = dataclasses.replace(jaxenvs.registry[counter_env], id="CartPole-v1")
    monkeypatch.setitem(jaxenvs.registry._specs, "CartPole-v1", own)
    (row,) = json.loads(jaxenvs_command("list", "CartPole-v1", "--family", own.family, "--json").out)
    assert row["action_space"] == "Box(1) in [-1, 2]"


def test_info_shows_the_hyper_parameters_of_the_learners_that_can_learn_it(jaxenvs_command):
    out = jaxenvs_command("info", "CartPole-v1").out
    rows = dict(line.split(maxsplit=1) for line in out.splitlines() if len(line.split()) == 3)
    assert rows["total_steps"].split() == ["150000", str(preset("CartPole-v1", "dqn").total_steps)]
    assert "target_entropy" not in out and "--set name=value" in out
