"""A space that defines `sample` and `contains` has everything else; `test_laws.py` has these spaces as well."""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import jaxenvs
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv
from jaxenvs.errors import InvalidAction, InvalidKey, InvalidMask, InvalidSpace
from jaxenvs.random import check_key, key
from jaxenvs.spaces import Box, Dict, Space
from jaxenvs.testing import CHECKS, Subject, check_env
from tests.spaces.own_spaces import Even, Placed, Simplex


@pytest.mark.parametrize(
    ("space", "x", "message"),
    [
        (Simplex(3), [0.5, 0.5], r"float32 of shape \(3,\)"),
        (Simplex(3), {"weights": 1}, "float32"),
        (Simplex(3), [0.5, 0.5, 0.5], r"Expected an element of Simplex\(count=3\)"),
        (Even(4), [1, 2], "Expected an element of Even"),
        (Even(4), [0.5, 2.0], "int32 of shape"),
        (Placed(), {"place": [1.0, 0.0]}, "Expected an element of Placed"),
        (Placed(), {"place": [1.0, 1.0], "colour": 3}, "Expected an element of Placed"),
    ],
)
def test_what_is_no_element_is_refused(space, x, message):
    with pytest.raises(InvalidAction, match=message):
        space.validate(x)
    assert not space.contains(x)


def test_lists_become_an_element():
    element = Simplex(2).validate([0.25, 0.75])
    assert element.dtype == jnp.float32 and Simplex(2).contains([0.25, 0.75])
    element = Placed().validate({"place": [1.0, 0.0], "colour": 3})
    assert (element["place"].dtype, element["colour"].dtype) == (jnp.float32, jnp.uint8)


class Masked(Space[Array]):
    """Takes a mask, and no probabilities."""

    def sample(self, key, mask=None):
        return jnp.asarray(1 if mask is None else mask, jnp.int32)

    def contains(self, x):
        return x < 4


def test_a_space_without_masks_says_so():
    assert Simplex(2).contains(Simplex(2).sample(key(0), mask=None))
    for given in ("mask", "probability"):
        with pytest.raises(InvalidMask, match="takes no mask and no probability"):
            Simplex(2).sample(key(0), **{given: np.ones(2, np.int8)})
    assert Masked().sample(key(0), mask=2) == 2 and Dict(a=Masked()).sample(key(0), mask={"a": 3})["a"] == 3
    with pytest.raises(InvalidMask, match="takes no probability"):
        Masked().sample(key(0), probability=0.5)
    with pytest.raises(InvalidKey, match="takes a random key, and got none"):
        Simplex(2).sample()


def test_contains_is_asked_only_about_what_has_the_form_of_an_element():
    inside = jax.jit(Simplex(2).contains)
    assert inside(jnp.asarray([0.5, 0.5])) and not inside(jnp.asarray([0.5, 0.6]))
    assert not inside(jnp.asarray([0.5, 0.5, 0.0])) and not inside(jnp.asarray([1, 0])[None])
    assert not Simplex(2).contains(np.array([np.nan, 0.5], np.float32))
    assert not Placed().contains(3)


def test_a_space_of_several_arrays_flattens_and_says_what_gymnasium_lacks():
    space = Placed()
    x = space.sample(key(0))
    assert space.flat_size == 3 and space.flat_dtype == np.float32 and space.flatten(x).shape == (3,)
    assert space.contains(space.unflatten(space.flatten(x)))
    assert repr(space) == "Placed()"
    with pytest.raises(InvalidSpace, match="Define `to_gymnasium`"):
        space.to_gymnasium()


def test_gymnasium_draws_elements_and_knows_the_bounds():
    twin = Even(6).to_gymnasium()
    assert isinstance(twin, gymnasium.spaces.Box) and (twin.low == 0).all() and (twin.high == 6).all()
    twin.seed(3)
    drawn = [twin.sample() for _ in range(8)]
    assert all((x % 2 == 0).all() for x in drawn) and len({tuple(x) for x in drawn}) > 1
    assert twin.contains(np.array([2, 4])) and not twin.contains(np.array([2, 3]))


class Portfolio(jaxenvs.Env):
    """Weights of three shares, of which one pays."""

    @property
    def observation_space(self):
        return Dict({"last": Simplex(3), "time": Box(0, np.inf, ())})

    @property
    def action_space(self):
        return Simplex(3)

    def reset(self, key):
        state = {"weights": jnp.full(3, 1 / 3, jnp.float32), "time": jnp.zeros((), jnp.float32), "key": check_key(key)}
        return state, jaxenvs.restart(self.observe(state))

    def step(self, state, action):
        action = self.action_space.validate(action)
        next_key, pay_key = jax.random.split(state["key"])
        pays = jax.random.randint(pay_key, (), 0, 3, jnp.int32)
        state = {"weights": action, "time": state["time"] + 1, "key": next_key}
        return state, jaxenvs.transition(self.observe(state), action[pays], state["time"] >= 5)

    def observe(self, state):
        return {"last": state["weights"], "time": state["time"]}


CHECKED = [check for check in CHECKS if check.name in ("spaces", "same_types", "bad_action_refused", "in_spaces")]


@pytest.mark.parametrize(
    "check", [*CHECKED, pytest.param(lambda subject: check_env(subject.env), marks=pytest.mark.slow)]
)
def test_an_environment_with_own_spaces_passes_the_checks(check):
    check(Subject(Portfolio(), steps=30, lanes=2))


def test_gymnasiums_adapters_take_own_spaces():
    env = GymnasiumEnv(Portfolio())
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    observation, *_ = env.step(env.action_space.sample())
    assert env.observation_space.contains(observation)
    with pytest.raises(InvalidAction, match="Simplex"):
        env.step(np.array([0.5, 0.6, 0.7], np.float32))


def test_batches_of_own_spaces_are_arrays():
    envs = GymnasiumVectorEnv(Portfolio(), num_envs=3)
    observations, _ = envs.reset(seed=0)
    assert observations["last"].shape == (3, 3)
    actions = np.stack([envs.single_action_space.sample() for _ in range(3)])
    observations, *_ = envs.step(actions)
    np.testing.assert_array_equal(observations["last"], actions)
    with pytest.raises(InvalidAction, match="Simplex"):
        envs.step(2 * actions)


def test_stable_baselines3_reads_own_spaces_flattened():
    pytest.importorskip("stable_baselines3", reason="needs the extra `sb3`")
    from jaxenvs.adapters import StableBaselines3VecEnv

    def normalised(numbers):
        return jnp.abs(numbers) / jnp.abs(numbers).sum()

    env = jaxenvs.wrappers.TransformAction(Portfolio(), normalised, Box(0.01, 1, (3,)))
    envs = StableBaselines3VecEnv(jaxenvs.wrappers.FlattenObservation(env), num_envs=2)
    assert envs.reset().shape == (2, 4)
    observations, *_ = envs.step(np.ones((2, 3), np.float32))
    np.testing.assert_allclose(observations[:, :3], 1 / 3, rtol=1e-6)
