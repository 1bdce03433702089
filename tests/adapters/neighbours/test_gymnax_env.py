"""GymnaxEnv: gymnax's interface, its wrappers, and rejax's PPO on it."""

import copy
import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.envs.classic_control.pendulum import Pendulum
from jaxenvs.errors import (
    InvalidAction,
    InvalidField,
    InvalidKey,
    InvalidSpace,
    NameNotFound,
    NotDifferentiable,
    WrapperOrderError,
)
from jaxenvs.testing.trees import identical
from jaxenvs.wrappers import FrameStack, TransformAction

gymnax = pytest.importorskip("gymnax", reason="gymnax is not installed")
wrappers = pytest.importorskip("gymnax.wrappers", reason="gymnax is not installed")
pytestmark = pytest.mark.neighbours


def _actions(env, key, steps):
    space = env.action_space(env.default_params)
    return jax.vmap(space.sample)(jax.random.split(key, steps))


def _rollout(env, keys, actions, reset_key, params=None):
    observation, state = env.reset(reset_key, params)

    def body(state, x):
        observation, state, *rest = env.step(x[0], state, x[1], params)
        return state, (observation, *rest)

    return observation, jax.lax.scan(body, state, (keys, actions))


@pytest.mark.parametrize("id", ["CartPole-v1", "Pendulum-v1", "Blackjack-v1"])
def test_each_step_is_what_auto_reset_does_with_the_same_keys(id):
    view, ours = adapters.GymnaxEnv(id), jaxenvs.AutoReset(jaxenvs.make(id))
    steps = 250
    keys = jax.random.split(jax.random.key(1), steps)
    actions = _actions(view, jax.random.key(2), steps)
    start = jax.random.key(3)
    opening, (_, (observation, reward, terminated, truncated, info)) = jax.jit(
        lambda: _rollout(view, keys, actions, start)
    )()

    def with_keys(state, key):
        """Puts the two halves of the step's key where the view draws its transition and its next start from."""
        chance_key, start_key = jax.random.split(key)
        inner, base = state.inner, unwrap_state(ours, state)
        if getattr(base, "key", None) is not None:
            base = base.replace(key=jax.random.split(chance_key, 1)[0])
            inner = inner.replace(inner=base) if hasattr(inner, "elapsed") else base
        return state.replace(inner=inner, key=start_key, episodes=jnp.zeros((), jnp.int32))

    def body(state, x):
        return ours.step(with_keys(state, x[0]), x[1])

    inner, timestep = ours.env.reset(start)
    assert identical(timestep.observation, opening)
    _, expected = jax.lax.scan(body, ours.reset(start)[0].replace(inner=inner), (keys, actions))
    assert identical(observation, expected.observation)
    assert identical(info["final_observation"], expected.final_observation)
    assert identical((reward, terminated, truncated), (expected.reward, expected.terminated, expected.truncated))
    assert bool(expected.done.any())


def test_the_legacy_step_returns_five_values():
    view = adapters.GymnaxEnv("CartPole-v1", legacy_step_api=True, gravity=20.0)
    modern = adapters.GymnaxEnv("CartPole-v1", gravity=20.0)
    key = jax.random.key(0)
    _, state = view.reset(key)
    observation, _, reward, done, info = view.step(key, state, 1)
    again = modern.step(key, state, 1)
    assert identical((observation, reward, done), (again[0], again[2], again[3] | again[4]))
    assert {"discount", "terminated", "truncated", "final_observation"} <= set(info)


def test_an_end_by_time_and_an_end_of_the_task_are_told_apart():
    view = adapters.GymnaxEnv("CartPole-v1", max_episode_steps=3)
    params = view.default_params
    assert params.max_steps_in_episode == 3
    _, state = view.reset(jax.random.key(0), params)
    out = None
    for _ in range(3):
        out = view.step(jax.random.key(1), state, 1, params)
        state = out[1]
    assert (bool(out[3]), bool(out[4]), float(out[5]["discount"]), int(state.time)) == (False, True, 1.0, 0)
    fallen = state.replace(inner=state.inner.replace(theta=jnp.float32(1.0)))
    out = view.step(jax.random.key(1), fallen, 1, params)
    assert (bool(out[3]), bool(out[4]), float(out[5]["discount"])) == (True, False, 0.0)
    longer = view.step(jax.random.key(1), state.replace(time=jnp.int32(2)), 1, params.replace(max_steps_in_episode=9))
    assert not bool(longer[4])


def test_chance_and_starts_come_from_the_key_of_the_step():
    view = adapters.GymnaxEnv("FrozenLake-v1")
    _, state = view.reset(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 64)
    step = jax.vmap(view.step, in_axes=(0, None, None))
    assert len(set(np.asarray(step(keys, state, 2)[0]))) == 3  # the three ways to slip
    assert identical(step(keys, state, 2), step(keys, state, 2))
    cart = adapters.GymnaxEnv("CartPole-v1", max_episode_steps=1)
    _, state = cart.reset(jax.random.key(0))
    observation, *_, truncated, _ = jax.vmap(cart.step, in_axes=(0, None, None))(keys, state, 1)
    assert bool(truncated.all()) and len(np.unique(np.asarray(observation)[:, 0])) == 64


@pytest.mark.parametrize("id", ["CartPole-v1", "FrozenLake-v1"])
def test_raw_and_typed_keys_are_one(id):
    view = adapters.GymnaxEnv(id)
    results = []
    for key in (jax.random.key(5), jax.random.PRNGKey(5)):
        observation, state = view.reset(key)
        results.append((observation, view.step(key, state, 1)))
    assert identical(*results)


def test_params_are_the_numbers_of_the_environment():
    view = adapters.GymnaxEnv("CartPole-v1")
    params = view.default_params
    assert params.gravity == 9.8 and params.max_steps_in_episode == 500
    gravities = jnp.asarray([1.6, 9.8, 25.0])
    many = jax.vmap(lambda g: params.replace(gravity=g))(gravities)
    _, state = view.reset(jax.random.key(0), params)
    state = state.replace(inner=state.inner.replace(theta=jnp.float32(0.1)))
    speeds = jax.vmap(lambda p: view.step(jax.random.key(0), state, 1, p)[0][3])(many)
    assert len(np.unique(np.asarray(speeds))) == 3
    for copied in (pickle.loads(pickle.dumps(params)), copy.deepcopy(params)):
        assert copied == params and jax.tree.structure(copied) == jax.tree.structure(view.default_params)


NAMED_AS_IN_GYMNAX = {
    "CartPole-v1": {"masscart": "cart_mass", "length": "half_length", "theta_threshold_radians": "theta_threshold"},
    "Pendulum-v1": {"g": "gravity", "m": "mass", "l": "length", "dt": "tau"},
    "Acrobot-v1": {"link_com_pos_1": "link_com_1", "max_vel_2": "max_velocity_2", "available_torque": "torques"},
    "MountainCar-v0": {"goal_position": "goal_position"},
    "MountainCarContinuous-v0": {"power": "power"},
}


@pytest.mark.parametrize("id", NAMED_AS_IN_GYMNAX)
def test_params_answer_gymnaxs_names(id):
    params, (_, theirs) = adapters.GymnaxEnv(id).default_params, gymnax.make(id)
    for field in dataclasses.fields(theirs):
        np.testing.assert_allclose(getattr(params, field.name), getattr(theirs, field.name), err_msg=field.name)
    for name, own in NAMED_AS_IN_GYMNAX[id].items():
        doubled = jax.tree.map(lambda leaf: 2 * np.asarray(leaf), getattr(params, own))
        assert identical(params.replace(**{name: doubled}), params.replace(**{own: doubled}))


@pytest.mark.parametrize(
    ("id", "changes", "message"),
    [
        ("CartPole-v1", {"gravitation": 1.0}, "has no param `gravitation`. Did you mean: `gravity`"),
        ("CartPole-v1", {"total_mass": 1.0}, "`total_mass` follows from the other params and cannot be set"),
        ("CartPole-v1", {"masscart": 1.0, "cart_mass": 1.0}, "given twice"),
        ("MinAtar/Asterix-v1", {"ramping": False}, "has no param `ramping`. Its params are: sticky_action_prob"),
        ("bsuite/DeepSea-v0", {"deterministic": False}, r"GymnaxEnv\(id, deterministic=...\)"),
    ],
)
def test_a_name_that_is_no_param_is_refused_with_ours(id, changes, message):
    params = adapters.GymnaxEnv(id).default_params
    with pytest.raises(InvalidField, match=message):
        params.replace(**changes)
    if len(changes) == 1 and "total_mass" not in changes:
        with pytest.raises(AttributeError, match=message):
            getattr(params, next(iter(changes)))


@pytest.mark.usefixtures("default_numerics")
@pytest.mark.parametrize("id", ["Pendulum-v1", "Acrobot-v1"])
def test_gymnaxs_visualizer_draws_it(id):
    vis_gym = pytest.importorskip("gymnax.visualize.vis_gym", reason="the Visualizer's packages are not installed")
    view, (theirs, their_params) = adapters.GymnaxEnv(id), gymnax.make(id)
    params = view.default_params
    key = jax.random.key(1)
    _, state = view.reset(key, params)
    names = ["theta", "theta_dot", "last_u"] if id == "Pendulum-v1" else ["joint_angle1", "velocity_2"]
    _, their_state = theirs.reset(key, their_params)
    same = {name: getattr(state, name) for name in [*names, "joint_angle2", "velocity_1"] if hasattr(their_state, name)}
    frame = vis_gym.render_gym_frame(view.name, state, params)
    np.testing.assert_array_equal(frame, vis_gym.render_gym_frame(id, their_state.replace(**same), their_params))


def test_a_state_reads_through_to_the_environments():
    view = adapters.GymnaxEnv("CartPole-v1")
    _, state = view.reset(jax.random.key(0))
    assert state.x is state.inner.x and not hasattr(state, "y")
    assert identical(pickle.loads(pickle.dumps(state)), state) and identical(copy.deepcopy(state), state)


def test_gradients_stop_unless_asked_for():
    view = adapters.GymnaxEnv("Pendulum-v1")
    _, state = view.reset(jax.random.key(0))

    def speed(view, torque):
        return view.step(jax.random.key(0), state, jnp.asarray([torque]))[0][2]

    def final_speed(view, torque):
        return view.step(jax.random.key(0), state, jnp.asarray([torque]))[5]["final_observation"][2]

    for measure in (speed, final_speed):
        assert float(jax.grad(lambda u, m=measure: m(view, u))(0.5)) == 0
        assert float(jax.grad(lambda u, m=measure: m(view.with_transition_gradients(), u))(0.5)) != 0


@pytest.mark.parametrize(
    ("id", "fields", "reason"),
    [
        ("FrozenLake-v1", {}, "its state holds no real numbers"),
        ("MinAtar/Breakout-v1", {}, "its state holds no real numbers"),
        ("InvertedPendulum-v5", {"engine": "c"}, "derivative"),
    ],
)
def test_gradients_that_are_not_there_are_refused(id, fields, reason):
    view = adapters.GymnaxEnv(id, **fields)
    assert not view.supports_transition_gradients
    with pytest.raises(NotDifferentiable, match=f"{id} does not support transition gradients: .*{reason}"):
        view.with_transition_gradients()


def test_gradients_pass_a_batch_whose_resets_are_costly():
    class CostlyPendulum(Pendulum):
        """A Pendulum whose lanes AutoReset resets a few at a time, in a loop."""

        reset_is_costly = True

    view = adapters.GymnaxEnv(jaxenvs.TimeLimit(CostlyPendulum(), 5)).with_transition_gradients()
    keys = jax.random.split(jax.random.key(0), 3)
    _, states = jax.vmap(view.reset)(keys)

    def speeds(torques):
        return jax.vmap(view.step)(keys, states, torques)[0][:, 2].sum()

    assert (np.asarray(jax.grad(speeds)(jnp.full((3, 1), 0.5, jnp.float32))) > 0).all()


@pytest.mark.usefixtures("default_numerics")
@pytest.mark.parametrize(
    ("id", "observation", "action"),
    [
        ("CartPole-v1", "Box", "Discrete(2"),
        ("Pendulum-v1", "Box", "Box(low=-2.0, high=2.0, shape=(1,)"),
        ("Blackjack-v1", "Tuple", "Discrete(2"),
        ("Taxi-v4", "Discrete(500", "Discrete(6"),
    ],
)
def test_spaces_are_gymnaxs(id, observation, action):
    view = adapters.GymnaxEnv(id)
    spaces = view.observation_space(view.default_params), view.action_space(view.default_params)
    assert str(spaces[0]).startswith(observation) and str(spaces[1]).startswith(action)
    assert bool(spaces[0].contains(view.reset(jax.random.key(0))[0]))
    assert view.render(view.reset(jax.random.key(0))[1]).dtype == jnp.uint8


def test_the_space_of_observations_follows_the_params():
    view = adapters.GymnaxEnv("CartPole-v1")
    assert view.observation_space(view.default_params.replace(x_threshold=5.0)).high[0] == 10.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: adapters.GymnaxEnv("CartPol-v1"), NameNotFound, "Did you mean: `CartPole`"),
        (lambda: adapters.GymnaxEnv("CartPole-v1", gravitas=1.0), InvalidField, "has no field `gravitas`"),
        (lambda: adapters.GymnaxEnv(jaxenvs.make("CartPole-v1"), gravity=1.0), InvalidField, "go with an id"),
        (lambda: adapters.GymnaxEnv(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))), WrapperOrderError, "AutoReset"),
        (lambda: adapters.GymnaxEnv(3), InvalidField, "takes an id or a jaxenvs.Env, got 3"),
        (lambda: adapters.GymnaxEnv(_binary_actions()), InvalidSpace, "no space like MultiBinary"),
        (lambda: _view().step(jax.random.key(0), _state(), jnp.zeros(3, int)), InvalidAction, "shape"),
        (lambda: _view().step(7, _state(), 1), InvalidKey, "`step` takes"),
        (lambda: _view().reset(jax.random.split(jax.random.key(0))), InvalidKey, "one random key"),
        (lambda: _view().reset(jax.random.key(0), {"gravity": 3.0}), InvalidField, "takes its own params, got dict"),
        (lambda: _mixed_keys(), InvalidKey, "keys of one kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def _binary_actions():
    space = jaxenvs.spaces.MultiBinary(2)
    return TransformAction(jaxenvs.make("CartPole-v1"), _first, space=space)


def _first(action):
    return action[0].astype(jnp.int32)


def _view():
    return adapters.GymnaxEnv("CartPole-v1")


def _state():
    return _view().reset(jax.random.key(0))[1]


def _mixed_keys():
    view = adapters.GymnaxEnv("FrozenLake-v1")
    return view.step(jaxenvs.random.key(0), view.reset(jax.random.key(0))[1], 1)


@pytest.mark.usefixtures("default_numerics")
def test_gymnaxs_own_wrappers_run_on_it():
    view = adapters.GymnaxEnv(FrameStack(jaxenvs.make("CartPole-v1"), 2))
    wrapped = wrappers.LogWrapper(wrappers.FlattenObservationWrapper(view))
    params, steps = view.default_params, 60
    keys = jax.random.split(jax.random.key(0), steps)
    observation, (state, (observations, rewards, *_)) = jax.jit(
        lambda: _rollout(wrapped, keys, jnp.ones(steps, jnp.int32), jax.random.key(1), params)
    )()
    assert observation.shape == (8,) and observations.shape == (steps, 8) and float(rewards.sum()) == steps
    assert int(state.returned_episode_lengths) == float(state.returned_episode_returns) > 5
    sticky = wrappers.StickyActionWrapper(view, 0.5)
    _, state = sticky.reset(jax.random.key(0), params)
    assert len(sticky.step(jax.random.key(0), state, 1, params)) == 6


@pytest.mark.usefixtures("default_numerics")
def test_gymnaxs_bridge_to_gymnasium_takes_it():
    env = wrappers.GymnaxToGymWrapper(adapters.GymnaxEnv("CartPole-v1"), seed=0)
    observation, _ = env.reset(seed=1)
    assert env.observation_space.contains(np.asarray(observation))
    assert len(env.step(1)) == 5


@pytest.mark.usefixtures("default_numerics")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("id", "settings", "gain"),
    [
        (
            "CartPole-v1",
            {"total_timesteps": 65_536, "eval_freq": 32_768, "num_envs": 32, "num_steps": 64, "learning_rate": 0.002},
            60,  # seeds 0 to 3 gain 103 to 435
        ),
        (
            "Pendulum-v1",
            {"total_timesteps": 2_048, "eval_freq": 2_048, "num_envs": 8, "num_steps": 64, "num_minibatches": 4},
            None,
        ),
    ],
)
def test_rejaxs_ppo_trains_on_it(id, settings, gain):
    rejax = pytest.importorskip("rejax", reason="rejax is not installed")
    view = adapters.GymnaxEnv(id, legacy_step_api=True)
    algorithm = rejax.PPO.create(env=view, agent_kwargs={"hidden_layer_sizes": (32, 32)}, **settings)
    _, (lengths, returns) = jax.jit(algorithm.train)(jax.random.PRNGKey(0))
    means = np.asarray(returns).mean(axis=1)
    assert np.isfinite(means).all() and int(lengths.max()) <= view.default_params.max_steps_in_episode
    if gain is not None:
        assert means[1:].max() > means[0] + gain


def test_a_field_set_as_an_attribute_is_refused_since_it_would_have_no_effect():
    env = adapters.GymnaxEnv("CartPole-v1")
    with pytest.raises(AttributeError, match="`gravity` is a field of CartPole"):
        env.gravity = 500.0
