"""DmEnvironment: dm_env's contract, its own tests included."""

import unittest

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.errors import InvalidAction, InvalidField, InvalidKey, InvalidSpace, NameNotFound, WrapperOrderError
from jaxenvs.wrappers import StickyAction, TransformObservation

test_utils = pytest.importorskip("dm_env.test_utils", reason="dm_env is not installed")
import dm_env  # noqa: E402  # what importorskip looks for
from dm_env import specs  # noqa: E402  # what importorskip looks for

pytestmark = pytest.mark.neighbours


class _Contract(test_utils.EnvironmentTestMixin, unittest.TestCase):
    """dm_env's own tests, on one environment; run below, with an id."""

    __test__ = False
    id = ""

    def make_object_under_test(self):
        return adapters.DmEnvironment(self.id, seed=0)

    def make_action_sequence(self):
        action = self.make_action()
        for _ in range(210):  # CartPole and FrozenLake fall, Blackjack sticks, Pendulum and Taxi run out of time
            yield action


@pytest.mark.parametrize("id", ["CartPole-v1", "Pendulum-v1", "Blackjack-v1", "FrozenLake-v1", "Taxi-v4"])
def test_dm_envs_own_tests_pass(id):
    case = type("Contract", (_Contract,), {"id": id})
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert result.testsRun >= 4 and result.wasSuccessful(), result.failures + result.errors


def test_an_end_of_the_task_has_discount_0_and_an_end_by_time_1():
    fallen = adapters.DmEnvironment("CartPole-v1", seed=0)
    late = adapters.DmEnvironment("Pendulum-v1", seed=0, max_episode_steps=3)
    seen = {}
    for name, env, action in (("fallen", fallen, 1), ("late", late, np.zeros(1, np.float32))):
        timestep = env.reset()
        types = []
        while not timestep.last():
            types.append(timestep.step_type)
            timestep = env.step(action)
        assert types[0] is dm_env.StepType.FIRST and set(types[1:]) == {dm_env.StepType.MID}
        seen[name] = timestep.discount
        assert env.step(None).first()  # whatever the action
    assert seen == {"fallen": 0.0, "late": 1.0}


def test_episodes_are_those_of_auto_reset():
    env, auto = adapters.DmEnvironment("CartPole-v1", seed=3), jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    state, expected = auto.reset(jaxenvs.random.key(3))
    timestep, step = env.reset(), jax.jit(auto.step)
    np.testing.assert_array_equal(timestep.observation, expected.observation)
    for _ in range(40):
        timestep = env.step(1)
        state, expected = step(state, 1)
        # One program has the fields as arguments, the other as constants, so floats may differ by a rounding.
        np.testing.assert_allclose(timestep.observation, expected.final_observation, rtol=1e-5, atol=1e-6)
        assert timestep.reward == expected.reward
        if timestep.last():
            np.testing.assert_array_equal(env.reset().observation, expected.observation)


def test_observations_are_fresh_numpy_arrays_and_info_is_a_property():
    env = adapters.DmEnvironment("Taxi-v4", seed=0)
    assert env.info == {}
    timestep = env.reset()
    assert type(timestep.observation) is np.ndarray and timestep.observation.dtype == np.int32
    assert env.info["action_mask"].shape == (6,)
    env.step(0)
    assert set(env.info) == {"prob", "action_mask"} and env.render().dtype == np.uint8
    timestep.observation[...] = 0


def test_specs_say_what_the_spaces_say():
    spec = adapters.DmEnvironment("CartPole-v1").observation_spec()
    assert spec.shape == (4,) and spec.maximum[1] == np.inf and spec.name == "observation"
    assert adapters.DmEnvironment("CartPole-v1").action_spec() == specs.DiscreteArray(2)
    hand = adapters.DmEnvironment("Blackjack-v1").observation_spec()
    assert isinstance(hand, tuple) and [part.num_values for part in hand] == [32, 11, 2]
    torque = adapters.DmEnvironment("Pendulum-v1").action_spec()
    assert (torque.shape, float(torque.minimum[0]), float(torque.maximum[0])) == ((1,), -2.0, 2.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adapters.DmEnvironment("CartPol-v1"), NameNotFound, "Did you mean: `CartPole`"),
        (lambda: adapters.DmEnvironment(object()), InvalidField, "takes an id or a jaxenvs.Env"),
        (lambda: adapters.DmEnvironment(jaxenvs.make("CartPole-v1"), gravity=1.0), InvalidField, "go with an id"),
        (
            lambda: adapters.DmEnvironment(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))),
            WrapperOrderError,
            "without AutoReset",
        ),
        (lambda: adapters.DmEnvironment("CartPole-v1", seed=0.5), InvalidKey, "must be an integer"),
        (lambda: adapters.DmEnvironment(_texts()), InvalidSpace, "no spec for Text"),
        (lambda: _stepped("CartPole-v1", 2), InvalidAction, "Discrete"),
        (lambda: _stepped("CartPole-v1", 0.5), InvalidAction, "integers"),
        (lambda: _stepped("CartPole-v1", np.zeros(3, int)), InvalidAction, "shape"),
        (lambda: _stepped("Pendulum-v1", np.array([np.nan])), InvalidAction, "Box"),
    ],
    ids=["id", "object", "fields", "AutoReset", "seed", "space", "range", "dtype", "batch", "NaN"],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _texts():
    space = jaxenvs.spaces.Text(3)
    return TransformObservation(jaxenvs.make("CartPole-v1"), _as_text, space=space)


def _as_text(observation):
    del observation
    space = jaxenvs.spaces.Text(3)
    return jax.tree.map(lambda s: jax.numpy.zeros(s.shape, s.dtype), jax.eval_shape(space.sample, jax.random.key(0)))


def _stepped(id, action):
    env = adapters.DmEnvironment(id, seed=0)
    env.reset()
    return env.step(action)


def test_the_callers_arrays_stay_the_callers():
    env = adapters.DmEnvironment(StickyAction(jaxenvs.make("Pendulum-v1"), 0.9), seed=0)
    twin = adapters.DmEnvironment(StickyAction(jaxenvs.make("Pendulum-v1"), 0.9), seed=0)
    action = np.ones(1, np.float32)
    for each in (env, twin):
        each.reset()
    env.step(action)
    twin.step(np.ones(1, np.float32))
    action[:] = -2.0
    for _ in range(3):
        np.testing.assert_array_equal(env.step(action).observation, twin.step(action.copy()).observation)


def test_a_refused_action_changes_nothing():
    env, twin = (adapters.DmEnvironment("CartPole-v1", seed=0) for _ in range(2))
    env.reset()
    twin.reset()
    with pytest.raises(InvalidAction):
        env.step(7)
    np.testing.assert_array_equal(env.step(1).observation, twin.step(1).observation)


def test_a_field_set_as_an_attribute_is_refused_since_it_would_have_no_effect():
    env = adapters.DmEnvironment("CartPole-v1", seed=0)
    with pytest.raises(AttributeError, match="`gravity` is a field of CartPole"):
        env.gravity = 500.0
