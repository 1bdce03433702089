"""What scripts for Gymnasium's environments write: its names of fields, and attributes that it has and we compute."""

import gymnasium
import numpy as np
import pytest

import jaxenvs
from jaxenvs import static
from jaxenvs.adapters import GymnasiumEnv, GymnasiumVectorEnv, LegacyGym
from jaxenvs.errors import InvalidField
from tests.adapters.comparing import assert_same, make_theirs
from tests.adapters.stable_baselines3.toys import Tenths

pytestmark = pytest.mark.gymnasium


def test_an_environment_is_made_with_gymnasiums_names_for_its_fields():
    assert gymnasium.make("Pendulum-v1", g=9.81).unwrapped.g == 9.81
    assert gymnasium.make("jaxenvs/Pendulum-v1", g=9.81).unwrapped.gravity == 9.81
    assert gymnasium.make_vec("jaxenvs/Pendulum-v1", 2, g=9.81).get_attr("gravity") == (9.81, 9.81)
    with pytest.raises(InvalidField, match="no field `g`"):
        gymnasium.make("jaxenvs/Pendulum-v1", g=9.81, gravity=1.0)


@pytest.mark.parametrize("env", ["CartPole-v1", jaxenvs.make("CartPole-v1")], ids=["id", "env"])
@pytest.mark.parametrize("adapter", [GymnasiumEnv, GymnasiumVectorEnv])
def test_a_seed_for_the_constructor_is_sent_to_reset(adapter, env):
    with pytest.raises(InvalidField, match=r"^\w+Env has no argument `seed`\. It is an argument of `reset`"):
        adapter(env, seed=0)


@pytest.mark.parametrize(
    ("id", "fields", "names"),
    [
        ("CartPole-v1", {}, ("total_mass", "polemass_length")),
        ("FrozenLake-v1", {"map_name": "8x8"}, ("desc", "initial_state_distrib", "nrow", "ncol")),
        ("CliffWalking-v1", {}, ("initial_state_distrib", "shape", "nA")),
        ("MountainCar-v0", {}, ("low", "high")),
        ("MountainCarContinuous-v0", {}, ("low_state", "high_state")),
        ("Taxi-v4", {}, ("initial_state_distrib", "locs")),
        ("FrozenLake-v1", {"map_name": None, "desc": ["SFF", "FFG"]}, ("desc", "nrow", "ncol")),
    ],
)
def test_attributes_that_gymnasium_computes(id, fields, names):
    mine, theirs = gymnasium.make(f"jaxenvs/{id}", **fields).unwrapped, make_theirs(id, **fields).unwrapped
    for name in names:
        several = gymnasium.make_vec(f"jaxenvs/{id}", 2, **fields).get_attr(name)
        for value in (getattr(mine, name), *several):
            np.testing.assert_array_equal(value, getattr(theirs, name), strict=True)
            assert type(value) is type(getattr(theirs, name))
    with pytest.raises(AttributeError, match="the environment computes it"):
        setattr(mine, names[-1], 7)


@pytest.mark.parametrize("id", ["FrozenLake-v1", "CliffWalking-v1", "Taxi-v4"])
def test_the_model_of_toy_text_comes_with_its_sizes(id):
    env = gymnasium.make(f"jaxenvs/{id}").unwrapped
    assert (env.nS, env.nA) == (env.observation_space.n, env.action_space.n) == (len(env.P), len(env.P[0]))
    assert LegacyGym(id).nS == env.nS


def test_another_environment_of_the_same_name_has_its_own_attributes():
    class FrozenLake(Tenths):
        desc: str = static(default="a lake of mine")

    env = GymnasiumEnv(FrozenLake())
    assert env.desc == "a lake of mine" and not hasattr(env, "nrow")
    with pytest.raises(AttributeError, match="no attribute `polemass_length`"):
        _ = GymnasiumEnv("rlenvs/CartPole-v0").polemass_length


def test_a_map_is_set_as_gymnasium_shows_it():
    env = gymnasium.make("jaxenvs/FrozenLake-v1").unwrapped
    desc = env.desc.copy()
    desc[0, 1] = b"H"
    env.desc = desc
    np.testing.assert_array_equal(env.desc, desc)
    assert env.env.desc[0] == "SHFF"


def test_what_the_environment_does_not_have_is_looked_for_in_its_state():
    env = gymnasium.make("jaxenvs/Pendulum-v1").unwrapped
    with pytest.raises(AttributeError, match=r"no attribute `angle`.*Its fields are: gravity.*in its `state`"):
        _ = env.angle
    vec_env = gymnasium.make_vec("jaxenvs/Pendulum-v1", 2)
    assert vec_env.get_attr("state") == (None, None)
    vec_env.reset(seed=3)
    for lane in range(2):
        env.reset(seed=3 + lane)
        assert_same(vars(vec_env.get_attr("state")[lane]), vars(env.state))
    assert vec_env.get_attr("unwrapped")[0].gravity == 10.0


def test_a_taxi_knows_the_legal_actions_of_every_state():
    mine, theirs = gymnasium.make("jaxenvs/Taxi-v4").unwrapped, make_theirs("Taxi-v4").unwrapped
    for state in range(0, 500, 3):
        assert_same(mine.action_mask(state), theirs.action_mask(state))
