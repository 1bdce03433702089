"""GymnasiumEnv: every id behind `gymnasium.Env`."""

import copy
import importlib
import json
import pickle
import warnings

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv
from jaxenvs.adapters.gymnasium.registration import gymnasium_id
from jaxenvs.errors import InvalidAction, InvalidField, JaxenvsError, NameNotFound, WrapperOrderError
from jaxenvs.testing.trees import identical
from tests.adapters.comparing import assert_same
from tests.adapters.conftest import GYMNASIUM_IGNORES
from tests.adapters.ids import IDS, MARKED

pytestmark = pytest.mark.gymnasium

GYMNASIUMS_OWN = [id for id in IDS if id in gymnasium.registry]
BOX2D = [id for id in GYMNASIUMS_OWN if "box2d" in str(jaxenvs.spec(id).entry_point)]
"""Their programs take long to compile. `info` has an entry here, and CarRacing has one way to draw its observation."""

SAME_TYPES = [
    pytest.param(id, marks=pytest.mark.slow if id in BOX2D else ())
    for id in GYMNASIUMS_OWN
    if jaxenvs.spec(id).extra != "mujoco"
]
"""Gymnasium's robots have observations in float64, ours in float32: see `tests/parity/test_mujoco.py`."""


def class_of(id):
    module, _, name = str(jaxenvs.spec(id).entry_point).partition(":")
    return getattr(importlib.import_module(module), name)


WITH_TEXT = [id for id in IDS if issubclass(class_of(id), jaxenvs.RendersText)]


def make(id, **kwargs):
    return gymnasium.make(gymnasium_id(id), **kwargs)


@pytest.mark.parametrize("id", MARKED)
def test_gymnasiums_checker_finds_nothing_to_say(id):
    env = make(id, render_mode="rgb_array").unwrapped
    with warnings.catch_warnings():
        for message in GYMNASIUM_IGNORES:
            warnings.filterwarnings("ignore", f".*{message}")
        check_env(env)  # any other warning is an error
    env.close()


@pytest.mark.parametrize("id", SAME_TYPES)
def test_spaces_spec_and_types_are_those_of_gymnasiums_own(id):
    """The same spaces, limit, threshold, speed of animation, and kinds of values, whatever the seed.

    Gymnasium's toy text mixes int and float in `reward` and `prob`; here they are always float.
    """
    if id in BOX2D:
        pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    mine, theirs = make(id), gymnasium.make(id)
    assert mine.observation_space == theirs.observation_space
    assert mine.action_space == theirs.action_space
    assert mine.spec.max_episode_steps == theirs.spec.max_episode_steps
    assert mine.spec.reward_threshold == theirs.spec.reward_threshold
    assert mine.metadata["render_fps"] == theirs.metadata["render_fps"]
    assert set(mine.metadata["render_modes"]) >= set(theirs.metadata["render_modes"]) - {"state_pixels"}
    theirs.action_space.seed(0)
    action = theirs.action_space.sample()

    def kinds(value):
        if isinstance(value, np.ndarray):
            return value.dtype, value.shape, value.flags.writeable
        return "number" if type(value) in (int, float) else type(value)

    def kinds_of(result):
        return jax.tree.map(kinds, result, is_leaf=lambda leaf: isinstance(leaf, np.ndarray))

    (first, info), my_step = mine.reset(seed=0), mine.step(action)
    if id in BOX2D:
        own = "lap_finished" if id == "CarRacing-v3" else "overflow"  # Gymnasium has the former only in a last step
        assert info.pop(own) is my_step[-1].pop(own) is False
    assert kinds_of((first, info)) == kinds_of(theirs.reset(seed=0))
    their_step = theirs.step(action)
    assert type(my_step[1]) is float  # Gymnasium's own return int and np.float64 here and there
    assert kinds_of(my_step[:1] + my_step[2:]) == kinds_of(their_step[:1] + their_step[2:])


@pytest.mark.parametrize("id", ["CartPole-v1", "Blackjack-v1", "Taxi-v4"])
def test_episodes_are_those_of_auto_reset_from_the_key_of_the_seed(id):
    env, pure = GymnasiumEnv(id), jaxenvs.AutoReset(jaxenvs.make(id, max_episode_steps=-1))
    step = jax.jit(pure.step)
    state, timestep = jax.jit(pure.reset)(jaxenvs.random.key(7))
    space = pure.observation_space
    assert_same(env.reset(seed=7)[0], space.element_to_gymnasium(timestep.observation))
    env.action_space.seed(0)
    for _ in range(30):
        action = env.action_space.sample()
        state, timestep = step(state, pure.action_space.element_from_gymnasium(action))
        observation, reward, terminated, truncated, _ = env.step(action)
        assert (reward, terminated, truncated) == (
            float(timestep.reward),
            bool(timestep.terminated),
            bool(timestep.truncated),
        )
        assert_same(observation, space.element_to_gymnasium(timestep.final_observation))
        if terminated:
            assert_same(env.reset()[0], space.element_to_gymnasium(timestep.observation))


def test_the_same_seed_gives_the_same_episodes_and_no_seed_gives_others():
    env = make("CartPole-v1")
    first, second = env.reset(seed=3)[0], env.reset()[0]
    assert not np.array_equal(first, second)
    assert_same(env.reset(seed=3)[0], first)
    assert_same(env.reset()[0], second)
    starts = {GymnasiumEnv("CartPole-v1").reset()[0].tobytes() for _ in range(3)}
    assert len(starts) == 3


def test_the_time_limit_is_gymnasiums_and_applied_once():
    env = make("Pendulum-v1", max_episode_steps=4)
    names = []
    layer = env
    while layer is not layer.unwrapped:
        names.append(type(layer).__name__)
        layer = layer.env
    assert names == ["TimeLimit", "OrderEnforcing", "PassiveEnvChecker"]
    assert isinstance(layer, GymnasiumEnv) and layer.env == jaxenvs.unwrap(layer.env)
    env.reset(seed=0)
    ends = [env.step(np.zeros(1, np.float32))[2:4] for _ in range(4)]
    assert ends == [(False, False)] * 3 + [(False, True)]


@pytest.mark.parametrize(
    ("id", "options", "low", "high"),
    [
        ("CartPole-v1", {"low": 0.2, "high": 0.3}, 0.2, 0.3),
        ("MountainCar-v0", {"low": -0.5, "high": -0.45}, -0.5, 0.0),
        ("MountainCarContinuous-v0", {"low": -0.5, "high": -0.45}, -0.5, 0.0),
        ("Pendulum-v1", {"x_init": 0.1, "y_init": 0.05}, -0.1, 1.0),
        ("Acrobot-v1", {"low": 0.05, "high": 0.09}, 0.0, 1.0),
    ],
)
def test_reset_options_hold_for_one_episode(id, options, low, high):
    env = make(id)
    plain = env.reset(seed=1)[0]
    chosen, _ = env.reset(seed=1, options=options)
    assert not np.array_equal(plain, chosen)
    assert (chosen >= low).all() and (chosen <= high).all()
    assert_same(env.reset(seed=1)[0], plain)


def test_fields_are_keyword_arguments():
    env = make("CartPole-v1", gravity=0.0)
    assert float(env.unwrapped.env.gravity) == 0.0
    env.reset(seed=0, options={"low": 0.1, "high": 0.1001})
    before = env.unwrapped.state.theta_dot
    env.step(1), env.step(0)
    assert float(env.unwrapped.state.theta_dot) == pytest.approx(float(before), abs=5e-3)


@pytest.mark.parametrize("id", MARKED)
def test_the_spec_survives_json(id):
    spec = gymnasium.spec(gymnasium_id(id))
    assert EnvSpec.from_json(spec.to_json()) == spec
    made = make(id)
    again = gymnasium.make(EnvSpec.from_json(made.spec.to_json()))
    assert again.spec.kwargs["env"] == id and identical(again.unwrapped.env, made.unwrapped.env)


def test_the_spec_keeps_fields():
    spec = EnvSpec.from_json(make("CartPole-v1", gravity=1.6, render_mode="rgb_array").spec.to_json())
    assert json.loads(spec.to_json())["kwargs"] == {"env": "CartPole-v1", "gravity": 1.6, "render_mode": "rgb_array"}
    assert float(gymnasium.make(spec).unwrapped.env.gravity) == pytest.approx(1.6)


@pytest.mark.parametrize("twin_of", [lambda env: pickle.loads(pickle.dumps(env)), copy.deepcopy])
def test_a_copy_goes_on_from_the_same_state(twin_of):
    env = make("FrozenLake-v1")
    env.reset(seed=0)
    env.step(1)
    twin = twin_of(env)
    for action in (2, 1, 0, 3):
        assert_same(env.step(action), twin.step(action))
    assert_same(env.reset(), twin.reset())
    fresh = twin_of(GymnasiumEnv("FrozenLake-v1"))
    assert_same(fresh.reset(seed=5), GymnasiumEnv("FrozenLake-v1").reset(seed=5))


def test_results_are_the_callers_to_keep_and_change():
    env = make("CartPole-v1")
    first = env.reset(seed=0)[0]
    kept = first.copy()
    second = env.step(0)[0]
    assert second.flags.writeable and not np.shares_memory(first, second)
    second[:] = 99.0
    assert_same(first, kept)
    twin = make("CartPole-v1")
    twin.reset(seed=0), twin.step(0)
    assert_same(env.step(1), twin.step(1))


def test_a_saved_state_can_be_gone_back_to():
    env = GymnasiumEnv("CartPole-v1")
    env.reset(seed=0)
    saved = env.state
    first = env.step(1)
    env.state = saved
    assert_same(env.step(1), first)
    with pytest.raises(InvalidField, match="a state of this environment"):
        env.state = (1, 2)


@pytest.mark.parametrize("id", ["CartPole-v1", "FrozenLake-v1"])
def test_pictures(id):
    env = make(id, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.flags.writeable
    assert picture.std() > 0
    frames = make(id, render_mode="rgb_array_list")
    frames.reset(seed=0)
    frames.step(0)
    collected = frames.render()
    assert len(collected) == 2
    np.testing.assert_array_equal(collected[0], picture)


@pytest.mark.parametrize("id", WITH_TEXT)
def test_text(id):
    env = make(id, render_mode="ansi")
    env.reset(seed=0)
    assert isinstance(env.render(), str) and "\n" in env.render()


def test_a_window_opens_with_the_first_reset_alone():
    import pygame

    pygame.display.quit()
    make("CartPole-v1", render_mode="rgb_array").reset(seed=0)
    env = make("CartPole-v1", render_mode="human")
    assert not pygame.display.get_init()
    env.reset(seed=0)
    env.step(0)
    assert env.render() is None
    window = pygame.display.get_surface()
    assert window.get_size() == (600, 400)
    twin = make("CartPole-v1", render_mode="rgb_array")
    twin.reset(seed=0), twin.step(0)
    np.testing.assert_array_equal(pygame.surfarray.array3d(window).swapaxes(0, 1), twin.render())
    env.close()
    assert not pygame.display.get_init()


def test_render_without_a_mode_says_how_to_choose_one():
    env = GymnasiumEnv("CartPole-v1")
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="without specifying any render mode"):
        assert env.render() is None


BAD_ACTIONS = [
    ("CartPole-v1", 2, "must lie in Discrete"),
    ("CartPole-v1", -1, "must lie in Discrete"),
    ("CartPole-v1", 0.5, "must be integers"),
    ("CartPole-v1", "left", "must be integers"),
    ("CartPole-v1", None, "must be integers"),
    ("CartPole-v1", [0], "must be a number"),
    ("CartPole-v1", 2**40, "cannot hold"),
    ("Pendulum-v1", 0.5, r"shape \(1,\)"),
    ("Pendulum-v1", np.zeros(2), r"shape \(1,\)"),
    ("Pendulum-v1", [float("nan")], "must lie in Box"),
    ("Pendulum-v1", ["left"], "must be floats"),
]


@pytest.mark.parametrize(("id", "action", "message"), BAD_ACTIONS, ids=repr)
def test_a_bad_action_raises_and_changes_nothing(id, action, message):
    env, twin = GymnasiumEnv(id), GymnasiumEnv(id)
    env.reset(seed=0), twin.reset(seed=0)
    for expected in (AssertionError, InvalidAction, gymnasium.error.InvalidAction):
        with pytest.raises(expected, match=message):
            env.step(action)
    good = env.action_space.sample()
    assert_same(env.step(good), twin.step(good))


@pytest.mark.parametrize("kind", [int, np.int8, np.uint64, np.array, np.bool_])
def test_any_integer_will_do(kind):
    env, twin = GymnasiumEnv("CartPole-v1"), GymnasiumEnv("CartPole-v1")
    env.reset(seed=0), twin.reset(seed=0)
    assert_same(env.step(kind(1)), twin.step(1))


def test_a_force_beyond_the_bounds_is_the_environments_affair_as_in_gymnasium():
    env, twin = make("Pendulum-v1").unwrapped, make("Pendulum-v1").unwrapped
    env.reset(seed=0), twin.reset(seed=0)
    assert_same(env.step(np.array([5.0])), twin.step([2.0]))
    assert_same(env.step(np.array([1e300])), twin.step([2.0]))  # beyond float32, and no warning


def test_order_of_calls():
    env = GymnasiumEnv("CartPole-v1", render_mode="rgb_array")
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"Cannot call env.step\(\) before calling env.reset\(\)"):
        env.step(0)
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"render\(\) before"):
        env.render()
    env.reset(seed=0)
    env.close()
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match=r"after env.close\(\)"):
        env.step(0)
    env.reset(seed=0)
    env.step(0)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.array, jax.numpy.float32, int])
def test_a_reset_option_is_any_number_and_others_are_ignored(kind):
    env = GymnasiumEnv("CartPole-v1")
    observation, _ = env.reset(seed=0, options={"low": kind(0), "high": kind(0), "scenario": "windy", "mask": [1, 2]})
    assert_same(observation, np.zeros(4, np.float32))
    lake = GymnasiumEnv("FrozenLake-v1")  # it has no options
    assert_same(lake.reset(seed=0, options={"low": kind(0)}), lake.reset(seed=0))


BAD_RESETS = [
    ({"options": {"hihg": 1.0}}, InvalidField, "no reset option `hihg`. Did you mean: `high`"),
    ({"options": {"low": "a"}}, InvalidField, "must be a number"),
    ({"options": {"low": np.zeros(4)}}, InvalidField, r"must be a number, got array.* an array of shape \(4,\)"),
    ({"options": {"low": np.zeros(1)}}, InvalidField, r"an array of shape \(1,\)"),
    ({"options": {"low": np.array("a")}}, InvalidField, "must be a number"),
    ({"options": {"low": True}}, InvalidField, "must be a number"),
    ({"options": {"low": 1.0, "high": 0.0}}, ValueError, "start_low"),
    ({"options": {"low": float("nan")}}, ValueError, "NaN"),
    ({"seed": -1}, gymnasium.error.Error, "greater or equal to zero"),
    ({"seed": "a"}, gymnasium.error.Error, "[Ss]eed must be a python integer"),
]


@pytest.mark.parametrize(("kwargs", "error", "message"), BAD_RESETS, ids=repr)
def test_a_bad_reset_raises_and_changes_nothing(kwargs, error, message):
    env, twin = GymnasiumEnv("CartPole-v1"), GymnasiumEnv("CartPole-v1")
    env.reset(seed=0), twin.reset(seed=0)
    with pytest.raises(error, match=message):
        env.reset(**kwargs)
    assert_same(env.step(0), twin.step(0))
    assert_same(env.reset(), twin.reset())


def test_seeds_of_any_size():
    env = GymnasiumEnv("CartPole-v1")
    big = env.reset(seed=2**80 + 1)[0]
    assert_same(env.reset(seed=2**80 + 1)[0], big)


BAD_CONSTRUCTIONS = [
    (lambda: GymnasiumEnv("CartPol-v1"), NameNotFound, "Did you mean: `CartPole`"),
    (lambda: GymnasiumEnv("CartPole-v1", gravty=1.0), InvalidField, "Did you mean: `gravity`"),
    (lambda: GymnasiumEnv("CartPole-v1", render_mode="ansi"), InvalidField, 'It has "human", "rgb_array" and None'),
    (lambda: GymnasiumEnv("CartPole-v1", render_mode="rgb_array_list"), InvalidField, "collects frames"),
    (lambda: GymnasiumEnv(jaxenvs.make("CartPole-v1"), gravity=1.0), InvalidField, "go with an id"),
    (lambda: GymnasiumEnv(3), InvalidField, "takes an id or a jaxenvs.Env"),
    (
        lambda: GymnasiumEnv(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))),
        WrapperOrderError,
        "GymnasiumEnv, or the library it is for, begins the next",
    ),
]


@pytest.mark.parametrize(("construct", "error", "message"), BAD_CONSTRUCTIONS)
def test_a_bad_construction_says_what_to_do(construct, error, message):
    with pytest.raises(error, match=message) as raised:
        construct()
    assert isinstance(raised.value, JaxenvsError)


def test_instances_share_one_program():
    first = GymnasiumEnv("CartPole-v1")
    first.reset(seed=0)
    compiled = first._programs.begin_episode._cache_size()
    for gravity in (1.0, 2.0):
        GymnasiumEnv("CartPole-v1", gravity=gravity).reset(seed=0)
    assert first._programs.begin_episode._cache_size() == compiled
