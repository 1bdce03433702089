"""What the two environments make of a game, whatever its rules are."""

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv
from jaxenvs.envs.board.hex import Hex, TwoPlayerHex
from jaxenvs.envs.board.tic_tac_toe import TicTacToe, TwoPlayerTicTacToe
from jaxenvs.errors import InvalidField
from jaxenvs.games import Game, Position
from jaxenvs.games.opponents import Opponent, RandomOpponent, uniform_action
from jaxenvs.random import Key
from jaxenvs.wrappers import ScaleReward

KEY = jaxenvs.random.key(0)
NOTHING_LEGAL = [False] * 9


class First(Opponent):
    """Takes the first legal action."""

    def choose(self, game: Game[Any], position: Position, legal: jax.Array, key: Key) -> jax.Array:
        return jnp.argmax(legal).astype(jnp.int32)


class Stubborn(Opponent):
    """Always takes action 0, which is legal once."""

    def choose(self, game: Game[Any], position: Position, legal: jax.Array, key: Key) -> jax.Array:
        return jnp.zeros((), jnp.int32)


step = jax.jit(lambda env, state, action: env.step(state, action))
reset = jax.jit(lambda env, key: env.reset(key))


def played(env, actions):
    """The timesteps after each action, and the last state."""
    state, timestep = reset(env, KEY)
    timesteps = [timestep]
    for action in actions:
        state, timestep = step(env, state, jnp.int32(action))
        timesteps.append(timestep)
    return timesteps, state


def same(one, two):
    return all(
        np.array_equal(a, b)
        for a, b in zip(map(as_data, jax.tree.leaves(one)), map(as_data, jax.tree.leaves(two)), strict=True)
    )


def as_data(leaf):
    return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf


def test_players_alternate_and_the_winner_is_rewarded():
    timesteps, _ = played(TwoPlayerTicTacToe(), [0, 3, 1, 4, 2])
    assert [int(timestep.info["current_player"]) for timestep in timesteps] == [0, 1, 0, 1, 0, 1]
    assert [float(timestep.reward) for timestep in timesteps] == [0, 0, 0, 0, 0, 1]
    assert [bool(timestep.terminated) for timestep in timesteps] == [False] * 5 + [True]
    assert timesteps[-1].info["rewards"].tolist() == [1, -1]
    assert timesteps[-1].info["legal_action_mask"].tolist() == NOTHING_LEGAL


def test_a_draw_rewards_nobody():
    timesteps, _ = played(TwoPlayerTicTacToe(), [0, 1, 2, 4, 3, 5, 7, 6, 8])
    assert timesteps[-1].terminated and timesteps[-1].reward == 0 and timesteps[-1].info["rewards"].tolist() == [0, 0]


@pytest.mark.parametrize("actions", [[4, 4], [0, 4, 4]], ids=["second", "first"])
def test_an_illegal_action_loses_for_the_player_who_takes_it(actions):
    timesteps, state = played(TwoPlayerTicTacToe(), actions)
    loser = (len(actions) - 1) % 2
    assert timesteps[-1].terminated and timesteps[-1].reward == -1
    assert timesteps[-1].info["rewards"].tolist() == ([-1, 1] if loser == 0 else [1, -1])
    assert timesteps[-1].info["legal_action_mask"].tolist() == NOTHING_LEGAL
    assert state.position.marks.sum() == len(actions) - 1 and state.last_action == actions[-2]


@pytest.mark.parametrize("action", [-1, 9, 2**31 - 1])
def test_a_number_that_is_no_action_is_illegal_where_it_is_traced(action):
    for env in (TwoPlayerTicTacToe(), TicTacToe()):
        timesteps, state = played(env, [action])
        assert timesteps[-1].terminated and timesteps[-1].reward == -1 and not state.position.marks.any()


@pytest.mark.parametrize(
    ("env", "actions"),
    [
        (TwoPlayerTicTacToe(), [0, 3, 1, 4, 2]),
        (TwoPlayerTicTacToe(), [4, 4]),
        (TicTacToe(custom_opponent=First()), [0, 0]),
    ],
    ids=["won", "illegal", "against an opponent"],
)
def test_nothing_changes_after_the_end(env, actions):
    timesteps, state = played(env, actions)
    for action in (8, 0, 5):
        after, timestep = step(env, state, jnp.int32(action))
        assert timestep.terminated and timestep.reward == 0 and not timestep.info["legal_action_mask"].any()
        assert np.array_equal(timestep.observation, timesteps[-1].observation)
        assert same(after.position, state.position) and after.last_action == state.last_action
        if "rewards" in timestep.info:
            assert timestep.info["rewards"].tolist() == [0, 0]
        state = after


def test_the_opponent_answers_within_the_step():
    timesteps, state = played(TicTacToe(custom_opponent=First()), [4])
    assert state.position.marks.tolist() == [[False] * 4 + [True] + [False] * 4, [True] + [False] * 8]
    assert state.last_action == 0 and state.position.player == 0
    assert timesteps[-1].info["legal_action_mask"].tolist() == [False, True, True, True, False, True, True, True, True]


def test_the_opponent_does_not_move_after_the_agent_has_won():
    timesteps, state = played(TicTacToe(custom_opponent=First()), [3, 4, 5])
    assert timesteps[-1].terminated and timesteps[-1].reward == 1
    assert state.position.marks.sum(axis=1).tolist() == [3, 2] and state.last_action == 5


def test_the_agent_loses_if_the_opponent_wins():
    timesteps, state = played(TicTacToe(custom_opponent=First()), [3, 4, 8])
    assert timesteps[-1].terminated and timesteps[-1].reward == -1 and state.last_action == 2


def test_an_illegal_action_of_the_agent_loses_before_the_opponent_moves():
    timesteps, state = played(TicTacToe(custom_opponent=First()), [4, 4])
    assert timesteps[-1].terminated and timesteps[-1].reward == -1
    assert state.position.marks.sum() == 2 and state.last_action == 0


def test_an_illegal_action_of_the_opponent_wins_for_the_agent():
    timesteps, state = played(TicTacToe(custom_opponent=Stubborn()), [4, 8])
    assert timesteps[-1].terminated and timesteps[-1].reward == 1
    assert state.position.marks.sum(axis=1).tolist() == [2, 1] and state.last_action == 8


def test_the_agent_may_move_second():
    env = TicTacToe(custom_opponent=First(), agent_moves_first=False)
    timesteps, state = played(env, [4])
    first = timesteps[0]
    assert first.observation[..., 1].ravel().tolist() == [True] + [False] * 8 and not first.observation[..., 0].any()
    assert not first.info["legal_action_mask"][0] and first.reward == 0 and not first.terminated
    assert state.position.marks[1].tolist() == [False] * 4 + [True] + [False] * 4 and state.position.player == 1
    timesteps, _ = played(env, [4, 8])
    assert timesteps[-1].terminated and timesteps[-1].reward == -1  # the opponent has the top row


def test_resigning_loses_and_ends_the_game():
    env = TicTacToe(custom_opponent=First(), can_resign=True)
    timesteps, state = played(env, [4, 9])
    assert env.action_space.n == 10 and timesteps[0].info["legal_action_mask"].shape == (10,)
    assert timesteps[1].info["legal_action_mask"][9] and timesteps[-1].reward == -1 and timesteps[-1].terminated
    assert not timesteps[-1].info["legal_action_mask"].any()
    assert state.position.marks.sum() == 2 and state.position.winner == 1
    after, timestep = step(env, state, jnp.int32(8))
    assert timestep.reward == 0 and timestep.terminated and same(after.position, state.position)


def test_hex_does_not_have_the_errors_of_gym():
    """There, the opponent moved after the agent's winning move, and a game that was resigned could be played on."""
    env = Hex(size=2, custom_opponent=First(), can_resign=True)
    timesteps, state = played(env, [3, 1])
    assert timesteps[-1].terminated and timesteps[-1].reward == 1
    assert env.game.stones(state.position).sum(axis=(1, 2)).tolist() == [2, 1]
    _, state = played(env, [4])
    _, timestep = step(env, state, jnp.int32(0))
    assert timestep.terminated and timestep.reward == 0 and not env.game.stones(state.position).any()


def test_swapping_comes_before_resigning_in_hex():
    env = Hex(size=2, swap=True, can_resign=True, custom_opponent=First(), agent_moves_first=False)
    timesteps, state = played(env, [4])
    assert timesteps[0].info["legal_action_mask"].tolist() == [False, True, True, True, True, True]
    # The stone on a1 is the agent's now, and the opponent has answered on b1.
    assert env.game.stones(state.position).reshape(2, 4).tolist() == [
        [False, True, False, False],
        [True, False, False, False],
    ]
    assert timesteps[-1].info["legal_action_mask"].tolist() == [False, False, True, True, False, True]


@pytest.mark.parametrize("make", [Hex, TwoPlayerHex])
def test_a_field_of_the_rules_is_checked_when_an_environment_is_made(make):
    with pytest.raises(InvalidField, match="`size` must be an integer from 2 to 26, got 1"):
        make(size=1)


def test_an_unknown_opponent_is_refused():
    with pytest.raises(InvalidField, match="opponent"):
        TicTacToe(opponent="strong")
    with pytest.raises(InvalidField, match="A player of your own goes into `custom_opponent`"):
        TicTacToe(opponent=RandomOpponent())
    with pytest.raises(InvalidField, match="`custom_opponent` must be of the class Opponent, got the function"):
        TicTacToe(custom_opponent=lambda game, position, legal, key: 0)


@pytest.fixture(scope="module")
def rollouts():
    """600 steps of random legal actions in each of 8 lanes, with and against, under AutoReset."""

    def play(env):
        env = jaxenvs.AutoReset(env)

        def move(state, key):
            legal = state.inner.legal_action_mask
            action = jax.vmap(uniform_action)(legal, jax.random.split(key, 8))
            state, timestep = jax.vmap(env.step)(state, action)
            return state, (timestep, legal, action)

        state, _ = jax.vmap(env.reset)(jax.random.split(KEY, 8))
        return jax.lax.scan(move, state, jax.random.split(jaxenvs.random.key(5), 600))[1]

    return {type(env): jax.jit(play)(env) for env in (TicTacToe(), TwoPlayerTicTacToe())}


def test_rewards_of_the_players_sum_to_zero(rollouts):
    timestep, _, _ = rollouts[TwoPlayerTicTacToe]
    rewards = np.asarray(timestep.info["rewards"])
    assert (rewards.sum(axis=-1) == 0).all() and set(rewards.ravel().tolist()) == {-1.0, 0.0, 1.0}
    assert (rewards[~np.asarray(timestep.terminated)] == 0).all()


@pytest.mark.parametrize("shell", [TicTacToe, TwoPlayerTicTacToe])
def test_games_begin_again_and_go_on_with_legal_actions(rollouts, shell):
    timestep, legal, action = (jax.tree.map(np.asarray, part) for part in rollouts[shell])
    assert np.take_along_axis(legal, action[..., None], axis=-1).all()
    assert legal.any(axis=-1).all()
    assert timestep.terminated.sum() > 400 and not timestep.truncated.any()
    begins = timestep.observation[timestep.terminated]
    assert not begins.any() and legal[1:][timestep.terminated[:-1]].all()
    assert timestep.final_observation[timestep.terminated].any(axis=(1, 2, 3)).all()


def test_random_play_against_a_random_opponent_wins_as_often_as_is_known(rollouts):
    """Of random games, the first player wins 58.5 % and the second 28.8 %."""
    timestep, _, _ = rollouts[TicTacToe]
    rewards = np.asarray(timestep.reward)[np.asarray(timestep.terminated)]
    assert len(rewards) > 1000
    assert abs((rewards == 1).mean() - 0.585) < 0.06 and abs((rewards == -1).mean() - 0.288) < 0.06


def test_an_opponent_draws_other_moves_in_other_episodes():
    env = TicTacToe(agent_moves_first=False)
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, 64))
    assert set(np.asarray(states.last_action).tolist()) == set(range(9))


def test_a_time_limit_truncates_a_game():
    env = jaxenvs.TimeLimit(TwoPlayerTicTacToe(), max_episode_steps=2)
    state, _ = env.reset(KEY)
    state, timestep = env.step(state, jnp.int32(0))
    assert not timestep.truncated
    state, timestep = env.step(state, jnp.int32(1))
    assert timestep.truncated and not timestep.terminated and timestep.info["rewards"].tolist() == [0, 0]


def test_evaluation_keeps_the_game_and_the_opponent():
    env = TicTacToe(custom_opponent=First(), can_resign=True)
    stack = jaxenvs.evaluation(ScaleReward(env, 2.0))
    assert jax.tree.structure(stack) == jax.tree.structure(env)


@pytest.mark.gymnasium
@pytest.mark.parametrize("id", ["TicTacToe-v0", "two_player/TicTacToe-v0"])
def test_gymnasium_accepts_it_and_samples_by_the_mask(id):
    env = GymnasiumEnv(jaxenvs.make(id))
    check_env(env, skip_render_check=True)
    env.action_space.seed(0)
    _, info = env.reset(seed=1)
    for _ in range(9):
        mask = info["legal_action_mask"]
        assert mask.shape == (9,) and mask.dtype == np.bool_
        _, _, terminated, _, info = env.step(env.action_space.sample(mask=mask.astype(np.int8)))
        if terminated:
            break
    assert terminated and not info["legal_action_mask"].any()
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
