"""The fields of the robots' environments: Gymnasium's options, as leaves if they are numbers."""

import dataclasses
import inspect

import gymnasium
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

import jaxenvs
from jaxenvs.core.pytree import is_static
from jaxenvs.envs.mujoco.ant import Ant
from jaxenvs.envs.mujoco.hopper import Hopper
from jaxenvs.envs.mujoco.inverted_pendulum import InvertedPendulum
from jaxenvs.errors import InvalidField, NotDifferentiable
from jaxenvs.registration.catalog import CATALOG

IDS = [spec.id for spec in CATALOG if spec.extra == "mujoco"]


def options_of(theirs):
    """The options of a class of Gymnasium's and of its base, but for how it is shown in a window."""
    names = {
        name
        for cls in (type(theirs), gymnasium.envs.mujoco.MujocoEnv)
        for name in inspect.signature(cls.__init__).parameters
    }
    return names - {"self", "kwargs", "model_path", "observation_space", "render_mode"}


@pytest.mark.parametrize("id", IDS)
def test_every_option_of_gymnasiums_is_a_field_with_its_default(id):
    theirs, ours = gymnasium.make(id).unwrapped, jaxenvs.unwrap(jaxenvs.make(id))
    fields = {field.name: field for field in dataclasses.fields(ours)}
    options = options_of(theirs)
    assert options <= set(fields)
    assert set(fields) - options == {"engine", "precision", "parameters", "shadow_size"}
    for name, parameter in inspect.signature(type(theirs).__init__).parameters.items():
        if name in fields and name != "default_camera_config" and name in options:
            assert fields[name].default == parameter.default, name
            numbers = np.ravel(parameter.default)
            is_real = all(isinstance(x, float) for x in numbers) or "weight" in name
            assert is_static(fields[name]) != is_real, name


def test_numbers_may_differ_from_lane_to_lane():
    env = Ant(engine="c")
    state, _ = env.reset(jaxenvs.random.key(0))
    action = jnp.ones((8,), jnp.float32)

    def step(weight, low):
        return env.replace(ctrl_cost_weight=weight, healthy_z_range=(low, 5.0)).step(state, action)[1]

    timesteps = jax.jit(jax.vmap(step))(jnp.float32([0.5, 1.0, 2.0]), jnp.float32([0.1, 0.1, 3.0]))
    np.testing.assert_allclose(timesteps.info["reward_ctrl"], [-4, -8, -16])
    assert timesteps.terminated.tolist() == [False, False, True]


def test_a_derivative_reaches_the_weights():
    env = Hopper(engine="c")
    state, _ = env.reset(jaxenvs.random.key(0))
    action = jnp.ones((3,), jnp.float32)
    slope = jax.grad(lambda weight: env.replace(ctrl_cost_weight=weight).step(state, action)[1].reward)(0.5)
    assert float(slope) == -3.0
    with pytest.raises(NotDifferentiable, match='engine="mjx"'):
        jax.grad(lambda action: env.step(state, action)[1].reward)(action)


def test_another_model_brings_parameters_of_its_own():
    env = Hopper(engine="c")
    cheetah = env.replace(xml_file="half_cheetah.xml")
    assert cheetah == Hopper(engine="c", xml_file="half_cheetah.xml")
    heavy = env.replace(parameters=env.parameters.replace(body_mass=2 * env.parameters.body_mass))
    assert heavy.replace(reset_noise_scale=0.0).parameters == heavy.parameters
    with pytest.raises(InvalidField, match="say what they should be now"):
        heavy.replace(xml_file="half_cheetah.xml")
    assert heavy.replace(xml_file="half_cheetah.xml", parameters=None).parameters == cheetah.parameters


def test_a_state_can_be_put_anywhere():
    env = InvertedPendulum(engine="c")
    state, timestep = env.state_at(jnp.float32([0.3, 0.25]), jnp.float32([1.0, -1.0]))
    np.testing.assert_array_equal(timestep.observation, np.float32([0.3, 0.25, 1.0, -1.0]))
    assert float(timestep.reward) == 0.0 and not timestep.terminated
    _, timestep = env.step(state, jnp.zeros((1,), jnp.float32))
    assert timestep.terminated and float(timestep.reward) == 0.0


@pytest.mark.parametrize("id", IDS)
def test_info_says_the_same_things_at_reset_as_after_a_step(id):
    env = jaxenvs.make(id)
    state, opening = jax.eval_shape(env.reset, jaxenvs.random.key(0))
    _, later = jax.eval_shape(env.step, state, jax.ShapeDtypeStruct(env.action_space.shape, jnp.float32))
    assert opening.info == later.info


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"default_camera_config": {"distance": "far"}}, "cannot set 'distance' to 'far'"),
        ({"default_camera_config": {"distance": np.nan}}, "cannot set 'distance' to nan"),
        ({"default_camera_config": {"lookat": ("a", "b", "c")}}, "cannot set 'lookat'"),
        ({"default_camera_config": {"trackbodyid": 99}}, "`trackbodyid` 99, of 5 bodies"),
        ({"default_camera_config": [1]}, "must be dictionaries"),
        ({"visual_options": {"contacts": True}}, "`visual_options` cannot set 'contacts' to True"),
        ({"visual_options": {99: True}}, "`visual_options` cannot set 99"),
        ({"visual_options": {3: "yes"}}, "`visual_options` cannot set 3 to 'yes'"),
        ({"visual_options": 3}, "must be dictionaries"),
        ({"camera_id": "0"}, "`camera_id` must be an integer, got '0'; `camera_name` takes a name"),
        ({"camera_name": "up"}, "no camera named"),
        ({"forward_reward_weight": "1"}, "`forward_reward_weight` must be a number"),
    ],
    ids=str,
)
def test_a_wrong_option_is_refused_at_construction(fields, message):
    with pytest.raises(InvalidField, match=message):
        jaxenvs.make("Hopper-v5", **fields)


def test_options_of_what_is_drawn_are_members_of_mujocos_enumeration_or_their_numbers():
    contact = mujoco.mjtVisFlag.mjVIS_CONTACTPOINT
    for flag in (contact, int(contact), np.int64(int(contact))):
        Hopper(engine="c", visual_options={flag: True})
