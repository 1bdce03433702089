"""`make_atari` in lockstep with Gymnasium's AtariPreprocessing and ale-py's AtariVectorEnv."""

import ale_py
import gymnasium
import jax
import numpy as np
import pytest
from ale_py.vector_env import AtariVectorEnv
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

import jaxenvs
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.wrappers import AutoReset, ClipReward, EpisodeStatistics, EpisodicLife
from jaxenvs_ale_bridge import make_atari
from tests.ale_bridge.raw import RawGame, wandering_actions

KEY = jaxenvs.random.key(0)


@pytest.fixture(autouse=True)
def both_know_the_games(catalog):
    gymnasium.register_envs(ale_py)


class Noops:
    """Stands for Gymnasium's generator: draws the number of no-ops that ours drew."""

    def __init__(self, count):
        self.count = count

    def integers(self, low, high):
        assert low <= self.count < high
        return self.count


def play(env, actions, key=KEY):
    """The first timestep, and those that `actions` lead to."""

    @jax.jit
    def program(key, actions):
        state, first = env.reset(key)
        return first, jax.lax.scan(env.step, state, actions)[1]

    return jax.device_get(program(key, actions))


def at(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)


def theirs(id, noops, num_stack=4, padding_type="reset", **options):
    """Gymnasium's, reset after as many no-ops."""
    env = AtariPreprocessing(gymnasium.make(id, frameskip=1, repeat_action_probability=0.0), **options)
    if num_stack > 1:
        env = FrameStackObservation(env, num_stack, padding_type=padding_type)
    env.reset(seed=0)
    env.unwrapped._np_random = Noops(noops)
    return env, env.reset()[0]


COUNTS = ("lives", "episode_frame_number")
"""The counts that are the same from Gymnasium, from AtariVectorEnv and from here."""

LIKE_GYMNASIUM = [
    ("ALE/Breakout-v5", {}, 300),
    ("ALE/SpaceInvaders-v5", {"screen_size": (80, 105), "frame_skip": 3}, 100),
    ("ALE/Qbert-v5", {"grayscale_obs": False, "noop_max": 0}, 60),
    (
        "ALE/Pacman-v5",
        {"screen_size": (64, 72), "grayscale_newaxis": True, "frame_skip": 1, "padding_type": "zero"},
        60,
    ),
    ("ALE/MsPacman-v5", {"scale_obs": True, "num_stack": 1}, 60),
]


@pytest.mark.gymnasium
@pytest.mark.parametrize(("id", "options", "steps"), LIKE_GYMNASIUM, ids=str)
def test_observations_and_rewards_are_those_of_atari_preprocessing(id, options, steps):
    env = make_atari(id, clip_reward=False, repeat_action_probability=0.0, **options)
    actions = wandering_actions(np.random.default_rng(1), steps, 1, env.action_space.n)[:, 0]
    first, timesteps = play(env, actions)
    noops = int(first.info["frame_number"]) - RawGame(jaxenvs.unwrap(env).game).ale.getFrameNumber()
    assert (noops > 0) == (options.get("noop_max", 30) > 0)
    twin, observation = theirs(id, noops, **options)
    assert env.observation_space.to_gymnasium() == twin.observation_space
    # Divided by 255 in the compiler's way: an ulp.
    tolerance = {"rtol": 1.2e-7 if options.get("scale_obs") else 0}
    np.testing.assert_allclose(first.observation, observation, **tolerance)
    for step, action in enumerate(actions):
        observation, reward, terminated, truncated, info = twin.step(action)
        mine = at(timesteps, step)
        assert (mine.reward, mine.terminated, mine.truncated) == (reward, terminated, truncated)
        assert [mine.info[name] for name in COUNTS] == [info[name] for name in COUNTS]
        if terminated:
            break
        np.testing.assert_allclose(mine.observation, observation, err_msg=f"step {step}", **tolerance)
    assert step > steps // 2


@pytest.mark.gymnasium
@pytest.mark.parametrize(
    "game", ["breakout", pytest.param("pong", marks=pytest.mark.slow), pytest.param("seaquest", marks=pytest.mark.slow)]
)
def test_observations_and_rewards_are_those_of_ale_pys_vector_environment(game):
    lanes, steps = 2, 200
    env = make_atari(f"ALE/{game.title()}-v5", noop_max=0, repeat_action_probability=0.0, padding_type="zero")
    twin = AtariVectorEnv(game, lanes, noop_max=0, use_fire_reset=False, autoreset_mode="SameStep")
    actions = wandering_actions(np.random.default_rng(2), steps, lanes, env.action_space.n)
    state, first = jax.jit(jax.vmap(env.reset))(jax.random.split(KEY, lanes))
    _, timesteps = jax.device_get(jax.jit(lambda s, a: jax.lax.scan(jax.vmap(env.step), s, a))(state, actions))
    observation, _ = twin.reset(seed=0)
    np.testing.assert_array_equal(first.observation, observation)
    over = np.zeros(lanes, bool)
    seen = np.zeros(lanes, int)
    for step in range(steps):
        mine = at(timesteps, step)
        observation, reward, terminated, _, infos = twin.step(actions[step])
        np.testing.assert_array_equal(mine.reward[~over], reward[~over])
        np.testing.assert_array_equal(mine.terminated[~over], terminated[~over])
        over |= terminated
        np.testing.assert_array_equal(mine.observation[~over], observation[~over], f"step {step}")
        for name in COUNTS:
            np.testing.assert_array_equal(mine.info[name][~over], infos[name][~over], f"step {step}")
        seen += ~over
        if over.all():
            break
    twin.close()
    assert (seen > 100).all()


@pytest.mark.gymnasium
def test_a_life_ends_with_the_frame_that_it_does_in_ale_pys_vector_environment():
    options = {"noop_max": 0, "repeat_action_probability": 0.0}
    env = AutoReset(
        make_atari("ALE/Breakout-v5", terminal_on_life_loss=True, clip_reward=False, padding_type="zero", **options)
    )
    twin = AtariVectorEnv(
        "breakout",
        1,
        use_fire_reset=False,
        reward_clipping=False,
        episodic_life=True,
        autoreset_mode="NextStep",
        **options,
    )
    actions = wandering_actions(np.random.default_rng(3), 150, 1, env.action_space.n)[:, 0]
    _, timesteps = play(env, actions)
    twin.reset(seed=0)
    for step, action in enumerate(actions):
        observation, reward, terminated, _, infos = twin.step(actions[step : step + 1])
        mine = at(timesteps, step)
        assert (mine.reward, mine.terminated) == (reward[0], terminated[0]), step
        assert [mine.info[name] for name in COUNTS] == [infos[name][0] for name in COUNTS], step
        if terminated:  # theirs spends a step on the reset
            observation, *_ = twin.step(np.array([action]))
        np.testing.assert_array_equal(mine.observation, observation[0], f"step {step}")
    frames = timesteps.info["episode_frame_number"][timesteps.terminated]
    assert len(frames) >= 2 and (frames % 4).any()


@pytest.mark.gymnasium
def test_inside_auto_reset_a_life_is_a_game_as_with_atari_preprocessing():
    options = {"noop_max": 0, "terminal_on_life_loss": True}
    env = AutoReset(make_atari("ALE/Breakout-v5", repeat_action_probability=0.0, **options))
    actions = wandering_actions(np.random.default_rng(3), 150, 1, env.action_space.n)[:, 0]
    first, timesteps = play(env, actions)
    twin, observation = theirs("ALE/Breakout-v5", 0, **options)
    np.testing.assert_array_equal(first.observation, observation)
    for step, action in enumerate(actions):
        observation, reward, terminated, truncated, info = twin.step(action)
        mine = at(timesteps, step)
        assert (mine.reward, mine.terminated, mine.truncated) == (reward, terminated, truncated), step
        assert [mine.info[name] for name in COUNTS] == [info[name] for name in COUNTS], step
        if terminated:
            assert info["lives"] == 4
            observation, _ = twin.reset(seed=0)  # without a seed theirs does not boot the console
        np.testing.assert_array_equal(mine.observation, observation, f"step {step}")
    assert timesteps.terminated.sum() >= 2


@pytest.mark.gymnasium
def test_around_auto_reset_the_game_goes_on_as_with_the_episodic_life_env_of_baselines():
    from stable_baselines3.common.atari_wrappers import EpisodicLifeEnv

    preprocessed = AtariPreprocessing(
        gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0), noop_max=0
    )
    twin = EpisodicLifeEnv(preprocessed)
    twin.reset(seed=0)
    actions, told, game_return = [], [], 0.0
    for action in wandering_actions(np.random.default_rng(9), 400, 1, 4)[:, 0]:
        observation, reward, terminated, _, _ = twin.step(action)
        game_return += reward
        actions.append(action)
        told.append((observation, reward, terminated))
        if twin.was_real_done:
            break
        if terminated:
            # Its reset does nothing for one step, which the learner is not told of.
            observation, _ = twin.reset()
            actions.append(0)
            told.append((observation, None, False))
    assert twin.was_real_done
    game = make_atari("ALE/Breakout-v5", noop_max=0, num_stack=1, clip_reward=False, repeat_action_probability=0.0)
    env = ClipReward(EpisodicLife(EpisodeStatistics(AutoReset(game))), -1, 1)
    _, timesteps = play(env, np.asarray(actions, np.int32))
    for step, (observation, reward, terminated) in enumerate(told):
        mine = at(timesteps, step)
        assert mine.terminated == terminated, step
        assert reward is None or mine.reward == np.clip(reward, -1, 1)
        if step < len(told) - 1:
            np.testing.assert_array_equal(mine.observation, observation, f"step {step}")
            np.testing.assert_array_equal(mine.final_observation, observation, f"step {step}")
    assert timesteps.terminated.sum() == 5
    assert timesteps.info["episode_return"][-1] == game_return > 1
    assert (timesteps.info["completed_episodes"][-2:] == [0, 1]).all()


def test_fire_begins_an_episode_where_the_game_has_it_in_second_place():
    options = {"noop_max": 0, "num_stack": 1, "repeat_action_probability": 0.0, "fire_reset": True}
    _, first = jax.jit(make_atari("ALE/Breakout-v5", **options).reset)(KEY)
    assert first.info["frame_number"] == 8
    plain = make_atari("ALE/Breakout-v5", **{**options, "fire_reset": False})
    _, after = play(plain, np.array([1, 2], np.int32))
    np.testing.assert_array_equal(first.observation, after.observation[-1])
    _, first = jax.jit(make_atari("ALE/MsPacman-v5", **options).reset)(KEY)
    assert first.info["frame_number"] == 0


def test_an_agent_is_evaluated_in_whole_games_with_their_own_rewards():
    options = {"noop_max": 3, "fire_reset": True, "num_stack": 2, "screen_size": 42}
    trained = make_atari("ALE/Breakout-v5", terminal_on_life_loss=True, **options)
    game = make_atari("ALE/Breakout-v5", clip_reward=False, **options)
    assert jaxenvs.evaluation(trained) == game
    continued = ClipReward(EpisodicLife(EpisodeStatistics(AutoReset(game))), -1, 1)
    assert jaxenvs.evaluation(continued) == EpisodeStatistics(AutoReset(game))


def test_the_time_limit_is_half_an_hour_of_play_whatever_the_frame_skip():
    for frame_skip in (1, 3, 4):
        env = make_atari("BreakoutNoFrameskip-v4", frame_skip=frame_skip)
        limit = next(w for w in wrappers_of(env) if isinstance(w, jaxenvs.TimeLimit))
        assert limit.max_episode_steps * frame_skip == 108_000
        assert jaxenvs.unwrap(env).repeat_action_probability == 0.0


WRONG = [
    ("ALE/Pong-v5", {"frame_skip": 0}, "`frame_skip` must be an integer of at least 1"),
    ("ALE/Pong-v5", {"num_stack": 0}, "`num_stack` must be an integer of at least 1"),
    ("ALE/Pong-v5", {"screen_size": (84, 84, 1)}, "`screen_size` must be a positive integer, or a pair"),
    ("ALE/Pong-v5", {"screen_size": 200}, "exceeds that of the images, (210, 160)"),
    ("ALE/Pong-v5", {"frameskip": 4}, "make_atari sets `frameskip` itself; give `frame_skip`"),
    ("ALE/Pong-v5", {"obs_type": "ram"}, "give `grayscale_obs`"),
    ("ALE/Pong-v5", {"padding_type": "custom"}, '`padding_type` must be "reset" or "zero"'),
    ("ALE/Pong-v5", {"stop_at_life_loss": True}, "give `terminal_on_life_loss`"),
    ("ALE/Pong-v5", {"sound_obs": True}, "leave out `sound_obs`"),
    ("CartPole-v1", {}, "make_atari is for the games of the ALE"),
]


@pytest.mark.parametrize(("id", "options", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_a_wrong_option_is_refused_with_what_would_be_right(id, options, message):
    with pytest.raises(InvalidField) as caught:
        make_atari(id, **options)
    assert message in str(caught.value)
