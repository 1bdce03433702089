"""The adapters for PettingZoo: they pass PettingZoo's own tests, and its wrappers and conversions work around them."""

import pickle
import re
import warnings
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import InvalidAction, InvalidField, JaxenvsError, WrapperOrderError
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.wrappers import ClipReward

pytest.importorskip("pettingzoo", reason="needs the extra pettingzoo")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # PettingZoo's tests import its games in its own old way
    import pettingzoo.test as theirs
from pettingzoo.utils import conversions, wrappers

from jaxenvs.adapters import PettingZooAECEnv, PettingZooParallelEnv

pytestmark = pytest.mark.gymnasium

TIC_TAC_TOE = "two_player/TicTacToe-v0"
IDS = [spec.id for spec in CATALOG if spec.id.startswith("two_player/")]
MARKED = [id if id == TIC_TAC_TOE else pytest.param(id, marks=pytest.mark.slow) for id in IDS]

SAID_OF_EVERY_BOARD_GAME = (
    "Observation space for each agent probably should be gymnasium.spaces.box or gymnasium.spaces.discrete",
    "Observation is not a NumPy array",
    "Observation numpy array is all zeros.",  # the empty board
    "Action mask numpy array is all zeros (no legal actions).",  # after the end
)
"""What `api_test` warns of, except for games that it knows by name. It says the same of PettingZoo's own tic-tac-toe
under another name, as `test_pettingzoos_own_game_gets_the_same_warnings` shows."""


def warnings_of(env, cycles=60):
    """The warnings of `api_test`, which raises an error if a check fails."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs.api_test(env, num_cycles=cycles)
    return {str(warning.message) for warning in caught}


@pytest.mark.parametrize("id", MARKED)
def test_pettingzoos_test_of_turns_passes(id):
    assert warnings_of(PettingZooAECEnv(id)) <= set(SAID_OF_EVERY_BOARD_GAME)


def test_pettingzoos_own_game_gets_the_same_warnings():
    tictactoe = pytest.importorskip("pettingzoo.classic.tictactoe.tictactoe", reason="needs pygame")
    theirs_renamed = tictactoe.raw_env()
    theirs_renamed.metadata = {**theirs_renamed.metadata, "name": "unknown"}
    found = warnings_of(theirs_renamed, cycles=300) | set(SAID_OF_EVERY_BOARD_GAME[3:])  # seen only now and then
    assert found == set(SAID_OF_EVERY_BOARD_GAME)


@pytest.mark.parametrize("id", MARKED)
def test_pettingzoos_other_tests_pass(id):
    theirs.parallel_api_test(PettingZooParallelEnv(id), num_cycles=60)
    theirs.seed_test(lambda: PettingZooAECEnv(id), num_cycles=20)
    theirs.parallel_seed_test(lambda: PettingZooParallelEnv(id), num_cycles=20)


@pytest.mark.parametrize("id", MARKED)
def test_pettingzoos_test_of_rendering_passes(id, monkeypatch):
    pygame = pytest.importorskip("pygame", reason="needs the extra human")
    monkeypatch.setattr(pygame.time, "Clock", lambda: SimpleNamespace(tick=lambda fps: None))  # no waiting
    theirs.render_test(lambda render_mode: PettingZooAECEnv(id, render_mode=render_mode))


def play(env, actions):
    """Plays actions in turn, and returns what `last` says before each of them and at the end."""
    seen = []
    for action in actions:
        seen.append(env.last())
        env.step(action)
    return [*seen, env.last()] if env.agents else seen


def test_a_game_is_that_of_the_environment():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env.reset(seed=0)
    rules = jaxenvs.make(TIC_TAC_TOE)
    state, timestep = rules.reset(jaxenvs.random.key(0))
    for action in (4, 0, 8, 2, 6, 1):
        observation, reward, terminated, truncated, info = env.last()
        np.testing.assert_array_equal(observation["observation"], timestep.observation)
        np.testing.assert_array_equal(observation["action_mask"], timestep.info["legal_action_mask"])
        assert (reward, terminated, truncated, info) == (0.0, False, False, {})
        assert env.agent_selection == f"player_{timestep.info['current_player']}"
        other = next(agent for agent in env.agents if agent != env.agent_selection)
        assert not env.observe(other)["action_mask"].any()
        np.testing.assert_array_equal(env.observe(other)["observation"], observation["observation"][..., ::-1])
        env.step(action)
        state, timestep = rules.step(state, action)
    assert bool(timestep.terminated) and env.rewards == {"player_0": -1.0, "player_1": 1.0}
    assert env.terminations == {"player_0": True, "player_1": True} and not any(env.truncations.values())
    returns = {}
    for agent in env.agent_iter():
        _, returns[agent], terminated, *_ = env.last()
        assert terminated and not env.observe(agent)["action_mask"].any()
        env.step(None)
    assert returns == {"player_0": -1.0, "player_1": 1.0} and env.agents == []


def test_dtypes_are_those_of_pettingzoos_games():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env.reset(seed=0)
    observation = env.observe("player_0")
    assert (observation["observation"].dtype, observation["action_mask"].dtype) == (np.bool_, np.int8)
    observation["observation"][:] = True  # a fresh array, which nothing else uses
    assert not env.observe("player_0")["observation"].any()
    assert env.observation_space("player_0") is not env.observation_space("player_1")  # each has its own generator
    assert env.metadata["name"] == str(env) == "two_player_TicTacToe_v0"
    assert env.metadata["render_modes"] == ["human", "rgb_array", "ansi"]


def test_an_illegal_action_loses():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env.reset(seed=0)
    play(env, [4, 4])
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0} and all(env.terminations.values())


def test_pettingzoos_wrappers_work():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env = wrappers.TerminateIllegalWrapper(env, illegal_reward=-5)
    env = wrappers.OrderEnforcingWrapper(wrappers.AssertOutOfBoundsWrapper(env))
    with pytest.raises(AttributeError, match="cannot be accessed before reset"):
        _ = env.agent_selection
    assert warnings_of(env) <= set(SAID_OF_EVERY_BOARD_GAME)
    env.reset(seed=0)
    with pytest.raises(AssertionError, match="not in action space"):
        env.step(9)
    play(env, [4, 4])
    assert env.rewards == {"player_0": 0, "player_1": -5.0}
    assert not env.unwrapped.observe("player_0")["action_mask"].any()
    env.reset()
    assert env.agents == ["player_0", "player_1"] and env.agent_selection == "player_0"


def test_pettingzoos_conversion_gives_what_the_parallel_adapter_gives():
    converted = conversions.turn_based_aec_to_parallel(PettingZooAECEnv(TIC_TAC_TOE))
    parallel = PettingZooParallelEnv(TIC_TAC_TOE)
    first = [env.reset(seed=3)[0] for env in (converted, parallel)]
    jax.tree.map(np.testing.assert_array_equal, *first)
    for turn, action in enumerate((0, 4, 1, 5, 2)):
        actions = {f"player_{turn % 2}": action, f"player_{1 - turn % 2}": 8}
        theirs_now, ours_now = converted.step(actions), parallel.step(actions)
        for a, b in zip(theirs_now[:4], ours_now[:4], strict=True):
            jax.tree.map(np.testing.assert_array_equal, a, b)
        if converted.agents:
            assert theirs_now[4] == ours_now[4]  # at the end PettingZoo leaves out whose turn it is
    assert converted.agents == parallel.agents == []
    assert ours_now[1] == {"player_0": 1.0, "player_1": -1.0}
    assert parallel.step({}) == ({}, {}, {}, {}, {})


def test_the_other_players_action_is_ignored_and_may_be_missing():
    env = PettingZooParallelEnv(TIC_TAC_TOE)
    _, infos = env.reset(seed=0)
    assert infos["player_1"] == {"active_agent": "player_0"}
    with pytest.raises(InvalidAction, match="It is the turn of 'player_0'"):
        env.step({"player_1": 4})
    observations, *_ = env.step({"player_0": 4, "player_1": "nonsense"})
    assert observations["player_0"]["observation"][1, 1].tolist() == [True, False]
    assert observations["player_1"]["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    observations, *_ = env.step({"player_1": 0})
    assert observations["player_1"]["observation"].sum() == 2


def test_a_time_limit_truncates():
    env = PettingZooAECEnv(TIC_TAC_TOE, max_episode_steps=2)
    env.reset(seed=0)
    play(env, [0, 1])
    assert all(env.truncations.values()) and not any(env.terminations.values())
    parallel = PettingZooParallelEnv(jaxenvs.TimeLimit(jaxenvs.make(TIC_TAC_TOE), 1))
    parallel.reset(seed=0)
    assert parallel.step({"player_0": 0})[3] == {"player_0": True, "player_1": True} and parallel.agents == []


def test_rendering_shows_the_position():
    text = PettingZooAECEnv(TIC_TAC_TOE, render_mode="ansi")
    text.reset(seed=0)
    play(text, [4, 0])
    without_colours = re.sub(r"\x1b\[[\d;]*m", "", text.render())
    assert [line.split() for line in without_colours.splitlines()[1:4]] == [
        ["3", "(O).", "."],
        ["2", ".", "X", "."],
        ["1", ".", ".", "."],
    ]
    picture = PettingZooParallelEnv(TIC_TAC_TOE, render_mode="rgb_array")
    picture.reset(seed=0)
    before = picture.render()
    picture.step({"player_0": 4})
    assert picture.render().shape == before.shape and (picture.render() != before).any()


def test_a_pickled_game_goes_on():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env.reset(seed=0)
    play(env, [4, 0])
    copy = pickle.loads(pickle.dumps(env))
    for each in (env, copy):
        each.step(8)
    assert copy.agent_selection == env.agent_selection
    jax.tree.map(np.testing.assert_array_equal, copy.last()[0], env.last()[0])


def test_games_without_a_seed_go_on_from_the_last_one():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    env.reset()
    assert env.agents
    env.close()
    with pytest.raises(JaxenvsError, match=r"Call env.reset\(\) to go on"):
        env.step(0)
    env.reset()
    env.step(0)
    assert env.agent_selection == "player_1"


class InTurn(CartPole):
    """Two players push in turn."""

    num_players = 2


@pytest.mark.parametrize("adapter", [PettingZooAECEnv, PettingZooParallelEnv])
@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ("CartPole-v1", InvalidField, "CartPole has one agent. Use `GymnasiumEnv`"),
        ("TicTacToe-v0", InvalidField, "TicTacToe has one agent"),
        (InTurn(), InvalidField, "InTurn is not played by the rules of a `jaxenvs.games.Game`, its field `game`"),
        (3, InvalidField, "takes an id or a jaxenvs.Env, got 3"),
        (jaxenvs.AutoReset(jaxenvs.make(TIC_TAC_TOE)), WrapperOrderError, "without AutoReset"),
        (ClipReward(jaxenvs.make(TIC_TAC_TOE), -0.5, 0.5), InvalidField, "ClipReward around TwoPlayerTicTacToe"),
    ],
    ids=["one agent", "against an opponent", "other rules", "a number", "resets itself", "a wrapper"],
)
def test_what_is_no_game_between_two_players_is_refused(adapter, argument, error, message):
    with pytest.raises(error, match=message):
        adapter(argument)


def test_wrong_calls_are_refused_and_change_nothing():
    env = PettingZooAECEnv(TIC_TAC_TOE)
    with pytest.raises(JaxenvsError, match=r"before calling env.reset\(\)"):
        env.observe("player_0")
    with pytest.raises(JaxenvsError, match="without agents"):
        env.step(0)
    with pytest.raises(JaxenvsError, match="non-negative integer, got -1"):
        env.reset(seed=-1)
    env.reset(seed=0)
    for action in (9, -1, 0.5, None, "4"):
        with pytest.raises(AssertionError, match="invalid"):
            env.step(action)
    assert env.agent_selection == "player_0" and env.observe("player_0")["action_mask"].all()
    with pytest.raises(InvalidField, match="has no render mode 'svg'"):
        PettingZooAECEnv(TIC_TAC_TOE, render_mode="svg")


@pytest.mark.parametrize("adapter", [PettingZooAECEnv, PettingZooParallelEnv])
def test_a_field_set_as_an_attribute_is_refused_since_it_would_have_no_effect(adapter):
    game = adapter("two_player/Go9x9-v0", max_episode_steps=9)
    for name in ("komi", "max_episode_steps"):
        with pytest.raises(AttributeError, match=f"`{name}` is a field of .*`{name}=0.5` after the id"):
            setattr(game, name, 0.5)
    game.title = "mine"
    assert game.title == "mine"
