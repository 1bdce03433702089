"""The table of games and the ids, against ale-py's own."""

import importlib
import importlib.util
import tomllib
from pathlib import Path

import ale_py
import gymnasium
import pytest
from ale_py import roms

import jaxenvs
import jaxenvs.testing
from jaxenvs.errors import DependencyNotInstalled, NameNotFound
from jaxenvs.registry.registry import registry
from jaxenvs_ale_bridge import GAMES, AleEnv, register_all
from jaxenvs_ale_bridge import env as env_module
from jaxenvs_ale_bridge.games import ACTION_MEANINGS, TWO_PLAYER_GAMES
from tests.ale_bridge.raw import RawGame

SOME = ("breakout", "lost_luggage", "pacman", "pitfall2")
EVERY_GAME = [name if name in SOME else pytest.param(name, marks=pytest.mark.slow) for name in GAMES]


@pytest.fixture
def catalog(monkeypatch):
    """The registry with the bridge's ids, as after its entry point was loaded."""
    monkeypatch.setattr(registry, "_specs", {k: v for k, v in registry._specs.items() if not k.startswith("ALE/")})
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    register_all()
    return registry


@pytest.mark.parametrize("name", EVERY_GAME)
def test_what_is_known_of_a_game_is_what_its_rom_says(name):
    game, ale = GAMES[name], RawGame(name).ale
    assert (game.height, 160) == ale.getScreenDims()
    assert game.minimal_actions == tuple(action.value for action in ale.getMinimalActionSet())
    assert game.legal_actions == tuple(action.value for action in ale.getLegalActionSet())
    assert game.modes == tuple(ale.getAvailableModes())
    assert game.difficulties == tuple(ale.getAvailableDifficulties())
    assert ale.getRAMSize() == 128 and ale.getAudioSize() == 512


def test_the_names_of_actions_are_ale_pys():
    assert tuple(ale_py.Action(value).name for value in range(18)) == ACTION_MEANINGS


def test_every_rom_is_a_game_or_needs_two_players():
    assert {*GAMES, *TWO_PLAYER_GAMES} == set(roms.get_all_rom_ids())
    assert len(GAMES) == 104


@pytest.mark.gymnasium
def test_every_id_of_gymnasium_is_here_with_the_same_options(catalog):
    gymnasium.register_envs(ale_py)
    theirs = {id: spec for id, spec in gymnasium.registry.items() if id.startswith("ALE/")}
    assert {id for id in catalog if id.startswith("ALE/")} == set(theirs)
    for id, spec in theirs.items():
        env = jaxenvs.make(id)
        limit = spec.kwargs["max_num_frames_per_episode"]
        assert env.max_episode_steps * spec.kwargs["frameskip"] == limit
        for name in ("game", "frameskip", "repeat_action_probability", "full_action_space"):
            assert getattr(jaxenvs.unwrap(env), name) == spec.kwargs[name], (id, name)


def test_options_go_through_make_and_a_misspelt_game_is_pointed_out(catalog):
    env = jaxenvs.make("ALE/SpaceInvaders-v5", obs_type="ram", mode=3)
    assert env.observation_space.shape == (128,)
    assert jaxenvs.unwrap(env).action_meanings == ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")
    with pytest.raises(NameNotFound, match="Did you mean: `Breakout`"):
        jaxenvs.make("ALE/Brekout-v5")


def test_registering_twice_changes_nothing(catalog):
    before = dict(catalog)
    register_all()
    assert dict(catalog) == before


def test_the_package_names_its_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, _, function = project["entry-points"]["jaxenvs.envs"]["ale"].partition(":")
    assert getattr(importlib.import_module(module), function) is register_all
    assert any(requirement.startswith("ale-py") for requirement in project["optional-dependencies"]["atari"])


def test_without_ale_py_the_message_says_what_to_install(catalog, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ale_py" else find_spec(name))
    env_module._check_installed.cache_clear()
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[atari\]"'):
        AleEnv(game="pong")
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[atari\]"'):
        jaxenvs.make("ALE/Pong-v5")


CONFORMING = ("adventure", "klax", "pitfall2", "qbert", "skiing", "yars_revenge")
"""Games whose screens, actions or snapshots are out of the ordinary."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFORMING)
def test_ids_conform(name):
    env = jaxenvs.TimeLimit(AleEnv(game=name), max_episode_steps=100)
    jaxenvs.testing.check_env(env, reaches={"truncated"}, steps=110, lanes=3)
