"""PPO plays Atari in one compiled program; scores relative to people's."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.training import PPO, preset
from jaxenvs.wrappers import ClipReward, EpisodeStatistics, EpisodicLife
from jaxenvs_ale_bridge import GAMES, human_normalized_score, make_atari
from jaxenvs_ale_bridge.scores import RANDOM_AND_HUMAN

pytestmark = pytest.mark.usefixtures("catalog")
KEY = jaxenvs.random.key(0)
SHORT = {"num_envs": 3, "num_steps": 8, "num_epochs": 2, "num_minibatches": 2, "hidden_sizes": (16,)}


def with_lives(id):
    """As DeepMind trained: a lost life ends credit, the game goes on, and statistics are of games."""
    game = make_atari(id, clip_reward=False)
    return ClipReward(EpisodicLife(EpisodeStatistics(jaxenvs.AutoReset(game))), -1, 1)


@pytest.mark.parametrize(
    "id, build",
    [
        pytest.param("ALE/Pong-v5", functools.partial(make_atari, screen_size=48), id="Pong", marks=pytest.mark.slow),
        pytest.param("ALE/Breakout-v5", with_lives, id="Breakout"),
    ],
)
def test_ppo_learns_in_one_program(id, build):
    """Two updates, twice: the workers are at other states the second time, and all comes out the same."""
    env = build(id)
    learner = preset(id, "ppo", total_steps=48, **SHORT)
    train = jax.jit(learner.train)
    state, metrics = train(env, KEY)
    again, metrics_again = train(env, KEY)
    jax.tree.map(np.testing.assert_array_equal, (state.agent, metrics), (again.agent, metrics_again))
    first = jax.jit(learner.init)(env, KEY).agent
    assert jax.tree.all(jax.tree.map(lambda x: bool(jnp.isfinite(x).all()), state.agent))
    moved = jax.tree.map(lambda new, old: bool((new != old).any()), state.agent.actor, first.actor)
    assert jax.tree.all(moved)
    np.testing.assert_array_equal(metrics.env_steps, [24, 48])
    policy = learner.policy(env, state.agent)
    action = jax.jit(lambda key: policy(env.observation_space.sample(key), key))(KEY)
    assert env.action_space.contains(action)


def test_the_preset_is_for_every_game():
    learner = preset("ALE/Zaxxon-v5", "ppo")
    assert isinstance(learner, PPO) and learner.hidden_sizes == (512,)
    assert preset("CartPole-v1", "ppo").hidden_sizes == PPO().hidden_sizes


def test_scores_are_measured_from_random_play_to_a_person():
    assert len(RANDOM_AND_HUMAN) == 57 and RANDOM_AND_HUMAN.keys() <= GAMES.keys()
    for game, (low, high) in RANDOM_AND_HUMAN.items():
        assert low < high
        assert human_normalized_score(game, low) == 0 and human_normalized_score(game, high) == 1
    assert human_normalized_score("breakout", 401.2) == pytest.approx(
        13.87, abs=0.01
    )  # DQN's, 1,327 % in the paper's table
    np.testing.assert_allclose(human_normalized_score("pong", np.array([-20.7, 14.6])), [0, 1])


@pytest.mark.parametrize(
    "game, message", [("brekout", "Did you mean: `breakout`"), ("tetris", "No human scores for tetris")]
)
def test_games_without_scores_are_refused(game, message):
    with pytest.raises(InvalidField, match=message):
        human_normalized_score(game, 1.0)
