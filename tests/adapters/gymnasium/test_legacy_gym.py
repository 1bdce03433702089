"""LegacyGym: scripts of 2016 run, and what they see is what Gymnasium's interface shows."""

import contextlib
import copy
import io

import gymnasium
import numpy as np
import pygame
import pytest

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv, LegacyGym
from jaxenvs.adapters.gymnasium.errors import InvalidAction, ResetNeeded
from jaxenvs.errors import InvalidField, UnregisteredEnv, WrapperOrderError

SCRIPT = """
env = gym.make('CartPole-v1')
env.seed(1)
for i_episode in range(3):
    observation = env.reset()
    for t in range(100):
        env.render()
        print(observation)
        action = env.action_space.sample()
        observation, reward, done, info = env.step(action)
        if done:
            print("Episode finished after {} timesteps".format(t+1))
            break
env.render(close=True)
env.close()
"""


class Gym:
    """The module `gym` of the script above."""

    make = LegacyGym


def test_a_script_of_2016_runs():
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(SCRIPT, {"gym": Gym})
    assert printed.getvalue().count("Episode finished after") == 3
    assert not pygame.display.get_init()  # the window is closed


CASES = {
    "an id": lambda: (LegacyGym("CartPole-v1"), gymnasium.make("jaxenvs/CartPole-v1")),
    "an environment": lambda: (
        LegacyGym(jaxenvs.make("CartPole-v1", max_episode_steps=9)),
        gymnasium.make("jaxenvs/CartPole-v1", max_episode_steps=9),
    ),
    "without a limit": lambda: (
        LegacyGym(jaxenvs.make("Blackjack-v1", max_episode_steps=-1)),
        gymnasium.make("jaxenvs/Blackjack-v1"),
    ),
    "Gymnasium's": lambda: (LegacyGym(gymnasium.make("MountainCar-v0")), gymnasium.make("MountainCar-v0")),
    "infos": lambda: (LegacyGym("Taxi-v4"), gymnasium.make("jaxenvs/Taxi-v4")),
}


@pytest.mark.parametrize("case", CASES)
def test_it_runs_in_step_with_the_gymnasium_env(case):
    old, new = CASES[case]()
    assert (old.action_space, old.observation_space) == (new.action_space, new.observation_space)
    new.action_space.seed(0)
    assert old.seed(5) == [5]
    same(old.reset(), new.reset(seed=5)[0])
    ends = []
    for _ in range(230):
        action = new.action_space.sample()
        observation, reward, done, info = old.step(action)
        expected, expected_reward, terminated, truncated, expected_info = new.step(action)
        same(observation, expected)
        assert (reward, done) == (float(expected_reward), terminated or truncated)
        assert (type(reward), type(done)) == (float, bool)
        assert info.pop("TimeLimit.truncated", None) == (not terminated if truncated else None)
        same(info, expected_info)
        if done:
            ends.append((terminated, truncated))
            same(old.reset(), new.reset()[0])
    assert ends


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        [same(a[key], b[key]) for key in a]
    else:
        np.testing.assert_array_equal(a, b)


class Ends(gymnasium.Env):
    """Ends when its action says so."""

    action_space = observation_space = gymnasium.spaces.Discrete(4)

    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 1, bool(action & 1), bool(action & 2), {"own": 1}


@pytest.mark.parametrize(
    ("action", "done", "info"),
    [
        (0, False, {"own": 1}),
        (1, True, {"own": 1}),
        (2, True, {"own": 1, "TimeLimit.truncated": True}),
        (3, True, {"own": 1, "TimeLimit.truncated": False}),
    ],
)
def test_the_info_tells_a_time_limit_as_gym_021_did(action, done, info):
    env = LegacyGym(Ends())
    env.reset()
    assert env.step(action) == (0, 1.0, done, info)


def test_an_id_has_its_time_limit_and_unwrapped_has_none():
    env = LegacyGym("MountainCar-v0")
    assert (env.spec.id, env.spec.max_episode_steps) == ("MountainCar-v0", 200)
    env.seed(0)
    env.reset()
    dones = [env.step(1)[2] for _ in range(200)]
    assert dones == [False] * 199 + [True]
    bare = env.unwrapped
    assert bare.step(1)[2] is False  # the same car, past the limit
    assert (bare.unwrapped, bare.spec) == (bare, env.spec)
    bare.seed(3)
    assert np.array_equal(env.reset(), start_of(3))


def start_of(seed):
    env = LegacyGym("MountainCar-v0")
    env.seed(seed)
    return env.reset()


def test_the_time_limit_is_read_and_set_where_gym_had_it():
    env = LegacyGym("CartPole-v1")
    assert env._max_episode_steps == 500 and env._elapsed_steps is None
    env._max_episode_steps = 3
    env.reset()
    assert [env.step(i % 2)[2] for i in range(3)] == [False, False, True]
    assert env._elapsed_steps == 3
    for bad in (0, 2.5, True):
        with pytest.raises(InvalidField, match="must be an integer of at least 1"):
            env._max_episode_steps = bad
    bare = LegacyGym(jaxenvs.make("CartPole-v1", max_episode_steps=-1))
    for use in (lambda: bare._max_episode_steps, lambda: setattr(bare, "_max_episode_steps", 3)):
        with pytest.raises(AttributeError, match="no attribute '_max_episode_steps'"):
            use()


def test_reset_takes_the_arguments_of_gym_022_to_025():
    env, other = LegacyGym("CartPole-v1"), LegacyGym("CartPole-v1")
    other.seed(7)
    first = other.reset()
    observation, info = env.reset(seed=7, return_info=True)
    np.testing.assert_array_equal(observation, first)
    assert info == {}
    np.testing.assert_array_equal(env.reset(), other.reset())  # the seed was for one reset, and those after it follow
    assert (env.reset(seed=7, options={"low": 0.0, "high": 0.0}) == 0).all()
    with pytest.raises(InvalidField, match="Seed must be a non-negative integer"):
        env.reset(seed=-1)


def test_a_seed_takes_effect_with_the_next_reset_and_is_used_once():
    env = LegacyGym("CartPole-v1")
    env.seed(1)
    first, second = env.reset(), env.reset()
    before = env.step(0)[0]
    env.seed(1)
    assert not np.array_equal(env.step(0)[0], before)
    assert np.array_equal(env.reset(), first)
    assert np.array_equal(env.reset(), second)
    assert not np.array_equal(first, second)
    drawn = env.seed()
    third = env.reset()
    assert env.seed(drawn[0]) == drawn
    assert np.array_equal(env.reset(), third)
    assert env.seed() != env.seed()


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(InvalidField, match="non-negative integer"):
        LegacyGym("CartPole-v1").seed(seed)


def test_render_takes_its_mode_at_the_call_and_opens_a_window_only_for_human():
    env = LegacyGym("FrozenLake-v1")
    env.reset()
    picture = env.render(mode="rgb_array")
    assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)
    assert "F" in env.render("ansi")
    assert not pygame.display.get_init()
    assert env.render() is None
    assert pygame.display.get_surface().get_size() == picture.shape[1::-1]
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)
    np.testing.assert_array_equal(shown, picture)
    twin = copy.deepcopy(env)
    env.close()
    assert not pygame.display.get_init()
    np.testing.assert_array_equal(twin.render("rgb_array"), picture)
    assert env.metadata["render.modes"] == env.metadata["render_modes"] == ["human", "rgb_array", "ansi"]
    assert env.metadata["video.frames_per_second"] == env.metadata["render_fps"]


def test_a_gymnasium_env_renders_as_it_was_made():
    env = LegacyGym(gymnasium.make("CartPole-v1", render_mode="rgb_array"))
    env.reset()
    assert env.render("rgb_array").shape == (400, 600, 3)
    assert env.render() is None  # our own window
    assert pygame.display.get_surface().get_size() == (600, 400)
    env.close()
    with pytest.raises(InvalidField, match=r'no render mode \'ansi\'. It has: "human", "rgb_array". Make it'):
        env.render("ansi")
    blind = LegacyGym(gymnasium.make("CartPole-v1"))
    with pytest.raises(
        InvalidField, match=r'It has: none. Make it with that mode: `gymnasium.make\(id, render_mode="human"'
    ):
        blind.render()
    texts = LegacyGym(gymnasium.make("FrozenLake-v1", render_mode="ansi"))
    texts.reset()
    assert isinstance(texts.render("ansi"), str)
    assert texts.metadata["render.modes"] == ["ansi"]


class Shows(Ends):
    """An environment that draws itself."""

    render_mode = "human"
    shown = 0

    def render(self):
        self.shown += 1


def test_a_gymnasium_env_made_for_humans_shows_itself():
    env = LegacyGym(Shows())
    env.reset()
    env.render()
    assert env.env.shown == 1
    assert env.metadata["render.modes"] == ["human"]


@pytest.mark.parametrize("make", [lambda: "CartPole-v1", Ends, lambda: GymnasiumEnv("CartPole-v1")])
def test_a_step_before_the_first_reset_is_refused(make):
    env = LegacyGym(make())
    with pytest.raises(ResetNeeded, match=r"env.step\(\) before calling env.reset\(\)"):
        env.step(0)
    with pytest.raises((ResetNeeded, InvalidField), match=r"env.render\(\) before|no render mode"):
        env.render("rgb_array")


def test_a_reset_of_the_part_is_none_of_the_whole():
    env = LegacyGym("CartPole-v1")
    bare = env.unwrapped
    bare.reset()
    bare.step(0)
    with pytest.raises(ResetNeeded):  # whose count of steps has not begun
        env.step(0)


def test_bad_actions_render_modes_and_environments_are_refused():
    env = LegacyGym("CartPole-v1")
    env.reset()
    with pytest.raises(InvalidAction, match="invalid"):
        env.step(2)
    with pytest.raises(InvalidField, match=r"no render mode 'ansi'. It has: \"human\", \"rgb_array\"\.$"):
        env.render("ansi")
    with pytest.raises(InvalidField, match=r"an id, a jaxenvs.Env or a gymnasium.Env, got 3 of type int"):
        LegacyGym(3)
    with pytest.raises(UnregisteredEnv, match="Did you mean"):
        LegacyGym("CartPool-v1")
    with pytest.raises(WrapperOrderError, match="AutoReset"):
        LegacyGym(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1")))


def test_the_small_things_of_the_old_interface():
    with LegacyGym("CartPole-v1") as env:
        env.reset()
        assert env.reward_range == (-float("inf"), float("inf"))
        assert str(env) == "<LegacyGym<CartPole-v1>>"
        assert env.step(env.action_space.sample())[1] == 1.0
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        env.step(0)
    assert str(LegacyGym(Ends())) == "<LegacyGym<Ends>>"
    assert LegacyGym(gymnasium.make("CartPole-v1")).spec.id == "CartPole-v1"
