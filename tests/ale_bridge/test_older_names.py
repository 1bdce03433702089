"""The older names of games: found when asked for, with the options that they had, and in no list."""

import ale_py
import gymnasium
import pytest

import jaxenvs
from jaxenvs.errors import NameNotFound
from jaxenvs.registration.atari import atari_ids
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


def test_the_ids_that_gymnasium_is_told_of_are_those_that_the_bridge_has(catalog):
    told = dict(atari_ids())
    games = {id: spec.max_episode_steps for id, spec in catalog.items() if id.startswith("ALE/")}
    assert {id: steps for id, steps in told.items() if id.startswith("ALE/")} == games and len(games) == 104
    older = {id: steps for id, steps in told.items() if not id.startswith("ALE/")}
    assert len(older) == 62 * len(SUFFIXES) * 2
    assert {id: older_spec(id).max_episode_steps for id in older} == older


@pytest.mark.gymnasium
@pytest.mark.parametrize(
    ("id", "frames"),
    [("jaxenvs/ALE-Breakout-v5", 4), ("jaxenvs/BreakoutNoFrameskip-v4", 1), ("jaxenvs/Breakout-ram-v4", None)],
)
def test_gymnasium_makes_them(catalog, id, frames):
    env = gymnasium.make(id)
    observation, _ = env.reset(seed=0)
    assert observation.shape == ((128,) if "-ram" in id else (210, 160, 3))
    assert env.unwrapped.step(1)[4]["frame_number"] in ((frames,) if frames else (2, 3, 4))
    env.close()
