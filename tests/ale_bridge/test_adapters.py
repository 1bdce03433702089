"""The games behind the interfaces of other libraries, with and without preprocessing."""

import ale_py
import gymnasium
import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv, LegacyGym, StableBaselines3VecEnv
from jaxenvs_ale_bridge import make_atari

GAME = "ALE/Breakout-v5"
ACTIONS = (1, 2, 3, 0, 2)
LANES = 2


def raw():
    return jaxenvs.make(GAME, obs_type="ram", repeat_action_probability=0.0)


def preprocessed():
    return make_atari(GAME, noop_max=0, repeat_action_probability=0.0)


KINDS = pytest.mark.parametrize(("make", "shape"), [(raw, (128,)), (preprocessed, (4, 84, 84))])


@pytest.fixture(autouse=True)
def ids(catalog):
    return catalog


def expected(env):
    """What the actions lead to, by the environment itself; with no chance, whatever the key."""
    state, first = jax.jit(env.reset)(jaxenvs.random.key(0))
    timesteps = jax.jit(lambda state: jax.lax.scan(env.step, state, np.asarray(ACTIONS, np.int32))[1])(state)
    return np.asarray(first.observation), jax.device_get(timesteps)


@pytest.mark.gymnasium
@KINDS
def test_gymnasium(make, shape):
    env = GymnasiumEnv(make(), render_mode="rgb_array")
    first, timesteps = expected(make())
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation) and observation.shape == shape
    np.testing.assert_array_equal(observation, first)
    assert info["lives"] == 5
    for step, action in enumerate(ACTIONS):
        observation, reward, terminated, truncated, info = env.step(action)
        np.testing.assert_array_equal(observation, timesteps.observation[step])
        assert (reward, terminated, truncated) == (timesteps.reward[step], False, False)
        assert info["frame_number"] == 4 * (step + 1)
    assert env.render().shape == (210, 160, 3)
    env.close()


@pytest.mark.gymnasium
@KINDS
def test_gymnasium_vector(make, shape):
    envs = GymnasiumVectorEnv(make(), num_envs=LANES)
    first, timesteps = expected(make())
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (LANES, *shape) and observations.dtype == np.uint8
    np.testing.assert_array_equal(observations, np.stack([first] * LANES))
    for step, action in enumerate(ACTIONS):
        observations, _, terminated, truncated, infos = envs.step(np.full(LANES, action))
        np.testing.assert_array_equal(observations, np.stack([timesteps.observation[step]] * LANES))
        assert not terminated.any() and not truncated.any()
        np.testing.assert_array_equal(infos["lives"], [5] * LANES)
    envs.close()


@KINDS
def test_stable_baselines3(make, shape):
    from stable_baselines3.common.preprocessing import is_image_space, is_image_space_channels_first

    envs = StableBaselines3VecEnv(make(), num_envs=LANES, seed=0)
    first, timesteps = expected(make())
    assert is_image_space(envs.observation_space) == (len(shape) == 3)
    if len(shape) == 3:
        assert is_image_space_channels_first(envs.observation_space)  # so its convolutions take the stack as it is
    np.testing.assert_array_equal(envs.reset(), np.stack([first] * LANES))
    for step, action in enumerate(ACTIONS):
        observations, _, dones, infos = envs.step(np.full(LANES, action))
        np.testing.assert_array_equal(observations, np.stack([timesteps.observation[step]] * LANES))
        assert not dones.any() and infos[0]["lives"] == 5
    envs.close()


def gymnasiums(env):
    return gymnasium.wrappers.AtariPreprocessing(env, noop_max=5, terminal_on_life_loss=True)


def stable_baselines3s(env):
    atari_wrappers = pytest.importorskip("stable_baselines3.common.atari_wrappers")
    return atari_wrappers.AtariWrapper(env, noop_max=5)


@pytest.mark.gymnasium
@pytest.mark.parametrize("wrap", [gymnasiums, stable_baselines3s])
def test_wrappers_for_ale_pys_environments_work_around_ours(wrap):
    gymnasium.register_envs(ale_py)
    options = {"frameskip": 1, "repeat_action_probability": 0.0}
    ours, theirs = (wrap(gymnasium.make(id, **options)) for id in (f"jaxenvs/{GAME.replace('/', '-')}", GAME))
    assert ours.unwrapped.get_action_meanings() == theirs.unwrapped.get_action_meanings()
    observation, _ = ours.reset(seed=3)
    np.testing.assert_array_equal(observation, theirs.reset(seed=3)[0])
    for action in ACTIONS * 3:
        mine, expected = ours.step(action), theirs.step(action)
        np.testing.assert_array_equal(mine[0], expected[0])
        assert mine[1:4] == expected[1:4]
    for name in ("lives", "getEpisodeFrameNumber", "getScreenGrayscale", "getScreenRGB", "getScreenDims"):
        np.testing.assert_array_equal(*(getattr(env.unwrapped.ale, name)() for env in (ours, theirs)), name)


@pytest.mark.gymnasium
def test_a_script_for_openai_gym_finds_what_atari_wrappers_ask_for():
    env = LegacyGym("PongNoFrameskip-v4")
    assert env.unwrapped.get_action_meanings()[:2] == ["NOOP", "FIRE"]
    env.seed(0)
    assert env.reset().shape == (210, 160, 3) and env.unwrapped.ale.lives() == 0
    observation, reward, done, info = env.step(0)
    assert observation.dtype == np.uint8 and (reward, done) == (0, False) and info["lives"] == 0


@pytest.mark.gymnasium
def test_what_there_is_no_emulator_for_is_refused_with_what_there_is():
    env = gymnasium.make("jaxenvs/ALE-Breakout-v5")
    with pytest.raises(AttributeError, match="before the first env"):
        _ = env.unwrapped.ale
    with pytest.raises(ValueError, match="Disable frame-skipping in the original env"):
        gymnasium.wrappers.AtariPreprocessing(env)
    env.reset(seed=0)
    with pytest.raises(AttributeError, match=r"`ale.saveScreenPNG` is missing: .*make_atari"):
        env.unwrapped.ale.saveScreenPNG("screen.png")
