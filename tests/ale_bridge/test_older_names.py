"""The older names of games: found when asked for, with the options that they had, and in no list."""

import ale_py
import gymnasium
import pytest

import jaxenvs
from jaxenvs.errors import NameNotFound
from jaxenvs_ale_bridge.catalog import older_spec

SUFFIXES = ("", "Deterministic", "NoFrameskip", "-ram", "-ramDeterministic", "-ramNoFrameskip")


@pytest.mark.gymnasium
def test_every_older_name_of_gymnasium_is_here_with_the_same_options(catalog):
    gymnasium.register_envs(ale_py)
    entry_point = gymnasium.spec("ALE/Pong-v5").entry_point
    theirs = {id: s for id, s in gymnasium.registry.items() if s.entry_point == entry_point and s.namespace is None}
    assert len(theirs) == 62 * 2 * 2
    for id, spec in theirs.items():
        env = jaxenvs.make(id)
        base = jaxenvs.unwrap(env)
        for name in ("game", "frameskip", "repeat_action_probability", "full_action_space"):
            assert getattr(base, name) == spec.kwargs[name], (id, name)
        assert base.obs_type == "rgb"
        mean = 1 if base.frameskip == 1 else 3  # of 2, 3 and 4
        assert env.max_episode_steps * mean == spec.kwargs["max_num_frames_per_episode"]


@pytest.mark.parametrize("title", ["Breakout", "SpaceInvaders"])
@pytest.mark.parametrize("version", [0, 4])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_parts_of_a_name_are_options(catalog, title, suffix, version):
    env = jaxenvs.make(f"{title}{suffix}-v{version}")
    base = jaxenvs.unwrap(env)
    fixed = 3 if title == "SpaceInvaders" else 4
    skip = {"Deterministic": fixed, "NoFrameskip": 1, "": (2, 5)}[suffix.removeprefix("-ram")]
    assert base.frameskip == skip
    assert base.repeat_action_probability == {0: 0.25, 4: 0.0}[version]
    assert base.obs_type == ("ram" if suffix.startswith("-ram") else "rgb")
    assert env.max_episode_steps == 108_000 // (3 if skip == (2, 5) else skip)


def test_they_are_found_but_not_listed(catalog):
    assert "BreakoutNoFrameskip-v4" in catalog
    assert jaxenvs.spec("BreakoutNoFrameskip-v4").id == "BreakoutNoFrameskip-v4"
    assert "Breakout" not in jaxenvs.pprint_registry(disable_print=True, exclude_namespaces=["ALE", "MinAtar"])
    assert [id for id in catalog if "Breakout" in id and not id.startswith("MinAtar/")] == ["ALE/Breakout-v5"]


@pytest.mark.parametrize(
    "id", ["Breakout-v5", "Breakout-v1", "BreakoutNoFrameskip-v00", "BreakoutDeterministic-ram-v0", "Tetris-v0", "Pong"]
)
def test_other_names_are_not_taken_for_one(catalog, id):
    assert older_spec(id) is None
    assert id not in catalog


def test_a_name_that_never_was_points_at_the_game_of_today(catalog):
    with pytest.raises(NameNotFound, match="It exists in namespace `ALE`: `ALE/Tetris`"):
        jaxenvs.make("Tetris-v0")
