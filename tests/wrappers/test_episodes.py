"""EpisodicLife and OpeningActions: where an episode begins and ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.spaces import Box
from jaxenvs.wrappers import AutoReset, ClipReward, EpisodeStatistics, EpisodicLife, OpeningActions, TimeLimit
from tests.wrappers.toy_envs import Counter, Game

KEY = jaxenvs.random.key(3)
STEPS = 80
ACTIONS = np.random.default_rng(0).integers(0, 3, STEPS).astype(np.int32)


def play(env, actions=ACTIONS):
    """The first timestep, and those that `actions` lead to."""

    @jax.jit
    def program(key, actions):
        state, first = env.reset(key)
        return first, jax.lax.scan(env.step, state, actions)[1]

    return jax.device_get(program(KEY, actions))


def games(env, ends_with_life):
    """A plain loop over `env`: what a learner sees of each step, whether or not a new game begins with each life.

    Yields:
        The observation, the one after a reset, reward, terminated, truncated, the game's return, whether it is over.
    """
    step, number = jax.jit(env.step), 0
    state, timestep = env.reset(jax.random.fold_in(KEY, number))
    lives, total = timestep.info["lives"], 0.0
    for action in ACTIONS:
        state, timestep = step(state, action)
        total += timestep.reward
        is_lost, lives = timestep.info["lives"] < lives, timestep.info["lives"]
        is_over = timestep.done or (is_lost and ends_with_life)
        final = opening = timestep.observation
        shown = total
        if is_over:
            number += 1
            state, start = env.reset(jax.random.fold_in(KEY, number))
            lives, total, opening = start.info["lives"], 0.0, start.observation
        yield final, opening, timestep.reward, timestep.terminated or is_lost, timestep.truncated, shown, timestep.done


@pytest.mark.parametrize("limit", [None, 5])
@pytest.mark.parametrize("ends_with_life", [False, True])
def test_a_lost_life_is_an_end_after_which_the_game_goes_on_around_auto_reset_and_not_inside(limit, ends_with_life):
    game = TimeLimit(Game(), limit) if limit else Game()
    if ends_with_life:
        env = AutoReset(EpisodicLife(game))
    else:
        # So that a life lost in the first step of a game counts, as it does in the loop.
        env = EpisodicLife(EpisodeStatistics(AutoReset(game, reset_info=True)))
    _, timesteps = play(ClipReward(env, -1, 1))
    rewards = play(env)[1].reward
    lives = games_over = 0
    for step, expected in enumerate(games(game, ends_with_life)):
        final, opening, reward, terminated, truncated, total, is_over = expected
        mine = jax.tree.map(lambda x, i=step: x[i], timesteps)
        if limit is None or not is_over:  # with `reset_info` a life lost in the limit's step goes unseen
            assert (mine.terminated, mine.truncated) == (terminated, truncated), step
        assert (mine.final_observation, mine.observation) == (final, opening)
        assert rewards[step] == reward
        lives, games_over = lives + int(terminated and not is_over), games_over + int(is_over)
        if not ends_with_life:
            assert mine.info["episode_return"] == total
            assert mine.info["completed_episodes"] == games_over
    assert lives > 5
    # If each life is a game of its own, only the limit ends a game: no life is the last one.
    assert (games_over > 2) == (limit is not None or not ends_with_life)


def test_without_the_opening_lives_a_game_after_the_first_begins_to_count_with_its_first_step():
    env = EpisodicLife(AutoReset(Game(danger=1.0)))
    first, timesteps = play(env)
    assert timesteps.terminated[: first.info["lives"]].all()
    began = np.flatnonzero(timesteps.info["lives"] == 0) + 1
    after = np.setdiff1d(np.arange(STEPS), began)
    assert timesteps.terminated[after].all() and not timesteps.terminated[began[:-1]].any()


def test_without_lives_it_says_so():
    with pytest.raises(InvalidField, match="reports `lives` in `info`; this one reports `time`"):
        EpisodicLife(Counter()).reset(KEY)


def test_opening_actions_are_taken_before_the_first_timestep_and_their_rewards_dropped():
    env = Counter(longest=6)
    opened = OpeningActions(env, (2, 1))
    lengths = set()
    for seed in range(12):
        key = jaxenvs.random.key(seed)
        state, start = env.reset(key)
        expected = state
        for action in (2, 1):
            expected, timestep = env.step(expected, jnp.int32(action))
        found, first = opened.reset(key)
        is_short = int(state.length) <= 2
        lengths.add(is_short)
        jax.tree.map(np.testing.assert_array_equal, found, state if is_short else expected)
        shown = start if is_short else timestep
        jax.tree.map(np.testing.assert_array_equal, first.observation, shown.observation)
        assert (first.reward, first.done, first.info["time"]) == (0, False, shown.info["time"])
        jax.tree.map(np.testing.assert_array_equal, first.final_observation, first.observation)
    assert lengths == {True, False}


class Continuous(Counter):
    @property
    def action_space(self):
        return Box(-1.0, 1.0, (), np.float32)


WRONG = [
    (lambda: OpeningActions(Counter(), ()), InvalidField, "one or more actions"),
    (lambda: OpeningActions(Counter(), 1), InvalidField, "must be a tuple"),
    (lambda: OpeningActions(Counter(), (1, 3)), InvalidField, "3 is not an action of Discrete"),
    (lambda: OpeningActions(Counter(), (True,)), InvalidField, "True is not an action"),
    (lambda: OpeningActions(Continuous(), (1,)), InvalidField, "needs a Discrete action space, got Box"),
    (lambda: OpeningActions(AutoReset(Counter()), (1,)), WrapperOrderError, "cannot go around AutoReset"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_wrong_opening_actions_are_refused(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)
