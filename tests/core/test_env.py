"""The contract: an environment is a value, and `step` is a scan body."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from jax.typing import ArrayLike

import jaxenvs
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.errors import InvalidAction, InvalidField, InvalidKey, WrapperOrderError
from jaxenvs.random import check_key
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers import PixelObservation, ResizeObservation, TimeLimit

LANES = 16


class FallState(PyTreeNode):
    """Height and speed of `Fall`."""

    height: Array
    speed: Array


class Fall(Env[FallState, Array]):
    """A stone falls; the action pushes it up or not. The reward is the height, and the end the ground."""

    gravity: ArrayLike = 9.8
    size: int = static(default=1)

    @property
    def observation_space(self) -> Box:
        return Box(np.full((self.size,), -np.inf, np.float32), np.full((self.size,), np.inf, np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    def reset(self, key):
        height = jax.random.uniform(check_key(key), (), jnp.float32, 1.0, 2.0)
        state = FallState(height, jnp.zeros((), jnp.float32))
        return state, restart(self._observe(state))

    def step(self, state, action):
        action = self.action_space.validate(action)
        speed = state.speed + 0.1 * (action.astype(jnp.float32) - self.gravity)
        state = FallState(state.height + 0.1 * speed, speed)
        return state, transition(self._observe(state), state.height, state.height < 0)

    def _observe(self, state):
        return jnp.broadcast_to(state.height, (self.size,))

    def render(self, state):
        return jnp.zeros((2, 2, 3), jnp.uint8)


class Climb(Fall):
    """The same fields as Fall, and another program."""

    def _observe(self, state):
        return -jnp.broadcast_to(state.height, (self.size,))


def test_restart_opens_an_episode():
    timestep = restart(jnp.ones((2,), jnp.float32), {"a": jnp.int32(1)})
    assert timestep.observation is timestep.final_observation
    assert (timestep.reward.dtype, timestep.reward.shape, float(timestep.reward)) == (jnp.float32, (), 0.0)
    for flag in (timestep.terminated, timestep.truncated, timestep.done):
        assert (flag.dtype, flag.shape, bool(flag)) == (bool, (), False)
    assert float(timestep.discount) == 1.0
    assert set(timestep.info) == {"a"}
    assert restart(jnp.zeros(())).info == {}


@pytest.mark.parametrize("reward", [1, 1.0, True, np.float64(1), np.int8(1), jnp.int32(1), jnp.asarray(1.0)])
@pytest.mark.parametrize("terminated", [True, np.bool_(True), jnp.asarray(True), 1])
def test_transition_casts_reward_and_flag_and_never_truncates(reward, terminated):
    timestep = transition(jnp.zeros((), jnp.float32), reward, terminated)
    assert (timestep.reward.dtype, timestep.terminated.dtype) == (jnp.float32, bool)
    assert not timestep.reward.weak_type
    assert (float(timestep.reward), bool(timestep.terminated), bool(timestep.truncated)) == (1.0, True, False)
    assert float(timestep.discount) == 0.0
    with jax.enable_x64(True):
        assert transition(jnp.zeros(()), reward, terminated).reward.dtype == jnp.float32


def test_transition_copies_info():
    info = {"a": jnp.int32(1)}
    timestep = transition(jnp.zeros(()), 0.0, False, info)
    info["b"] = jnp.int32(2)
    assert set(timestep.info) == {"a"}


@pytest.mark.parametrize(("terminated", "truncated"), [(False, False), (False, True), (True, False), (True, True)])
def test_done_is_either_and_discount_regards_termination_alone(terminated, truncated):
    timestep = transition(jnp.zeros(()), 0.0, terminated).replace(truncated=jnp.asarray(truncated))
    assert bool(timestep.done) == (terminated or truncated)
    assert float(timestep.discount) == (0.0 if terminated else 1.0)


@pytest.mark.parametrize(
    "make", [Fall, lambda: jaxenvs.AutoReset(jaxenvs.TimeLimit(Fall(), 5))], ids=["bare", "wrapped"]
)
def test_step_is_a_scan_body_with_no_lambda(make):
    env = make()
    state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), LANES))
    actions = jnp.zeros((7, LANES), jnp.int32)
    state, trajectory = jax.lax.scan(jax.vmap(env.step), state, actions)
    assert isinstance(trajectory, TimeStep)
    assert trajectory.reward.shape == (7, LANES)
    assert trajectory.observation.shape == (7, LANES, *timestep.observation.shape[1:])


def test_each_lane_has_its_own_gravity():
    gravities = jnp.linspace(1.0, 20.0, LANES, dtype=jnp.float32)
    envs = jax.vmap(lambda g: Fall(gravity=g))(gravities)
    states = FallState(jnp.full((LANES,), 2.0), jnp.zeros((LANES,)))
    moved, _ = jax.vmap(lambda e, s, a: e.step(s, a))(envs, states, jnp.zeros((LANES,), jnp.int32))
    # One float32 product and sum: two roundings.
    np.testing.assert_allclose(moved.speed, -0.1 * gravities, rtol=3e-7)


def test_one_trace_serves_all_values():
    traces = []

    @jax.jit
    def step(env, state, action):
        traces.append(1)
        return env.step(state, action)

    env = jaxenvs.TimeLimit(Fall(), 5)
    state, _ = env.reset(jaxenvs.random.key(0))
    for gravity in (9.8, 1.6, 3.7):
        state, _ = step(env.replace(env=Fall(gravity=gravity)), state, jnp.int32(1))
    assert len(traces) == 1
    step(env.replace(env=Fall(size=2)), state, jnp.int32(1))
    assert len(traces) == 2


def test_gradient_reaches_a_parameter():
    env = Fall(gravity=2.0)
    state, _ = env.reset(jaxenvs.random.key(0))

    def total(env):
        return jax.lax.scan(env.step, state, jnp.zeros((3,), jnp.int32))[1].reward.sum()

    # Height falls by 0.01 g times 1, 3 and 6 (triangular numbers): the sum's slope is -0.1.
    gradient = jax.grad(total)(env)
    assert isinstance(gradient, Fall)
    np.testing.assert_allclose(gradient.gravity, -0.1, rtol=1e-6)  # a few float32 roundings
    assert total(Fall(gravity=2.0)) != total(Fall(gravity=3.0))


def test_an_environment_is_a_frozen_pytree():
    env = Fall(gravity=1.5, size=3)
    leaves, structure = jax.tree.flatten(env)
    assert leaves == [1.5]
    assert jax.tree.unflatten(structure, leaves) == env
    assert env.replace(gravity=2.0) == Fall(gravity=2.0, size=3) != env
    assert repr(env) == "Fall(gravity=1.5, size=3)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        env.gravity = 3.0


@pytest.mark.parametrize("nan", [float("nan"), np.float32("nan"), np.array([1.0, np.nan])])
def test_nan_parameter_is_refused(nan):
    with pytest.raises(InvalidField, match="Fall: field `gravity` is NaN; give it a number"):
        Fall(gravity=nan)
    with pytest.raises(InvalidField, match="field `gravity` is NaN"):
        Fall().replace(gravity=nan)


@pytest.mark.parametrize(
    "action", [0.0, jnp.zeros((1,), jnp.int32), jnp.float32(0), None, "left", jnp.zeros((2, 1), jnp.int32)]
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_bad_action_raises_before_tracing(action, wrapped):
    env = jaxenvs.AutoReset(jaxenvs.TimeLimit(Fall(), 5)) if wrapped else Fall()
    state, _ = env.reset(jaxenvs.random.key(0))
    with pytest.raises(InvalidAction):
        env.step(state, action)


@pytest.mark.parametrize("key", [0, None, jnp.zeros((4, 2), jnp.uint32)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_bad_key_raises(key, wrapped):
    env = jaxenvs.AutoReset(jaxenvs.TimeLimit(Fall(), 5)) if wrapped else Fall()
    with pytest.raises(InvalidKey):
        env.reset(key)


def test_env_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Env()
    with pytest.raises(TypeError, match="abstract"):
        jaxenvs.Wrapper(Fall())


@pytest.mark.parametrize(
    "wrapper", [jaxenvs.AutoReset, lambda env: jaxenvs.TimeLimit(env, 5)], ids=["AutoReset", "TimeLimit"]
)
def test_wrapping_something_else_says_how_to_do_it(wrapper):
    with pytest.raises(
        InvalidField, match=r"wraps an environment, got the string 'CartPole-v1'.*jaxenvs.make\('CartPole-v1'\)"
    ):
        wrapper("CartPole-v1")

    class Other:
        def step(self, action):
            """As Gymnasium's."""

    for wrong, got in (
        (Other(), "Other"),
        (Other, "the class Other"),
        (Fall, "the class Fall"),
        (Fall().step, "the function `step`"),
        (lambda: Fall(), "the function `<lambda>`"),
    ):
        with pytest.raises(InvalidField, match=rf"wraps a jaxenvs\.Env, got {got}\."):
            wrapper(wrong)


def test_wrappers_that_need_whole_episodes_refuse_auto_reset_inside():
    with pytest.raises(WrapperOrderError, match=r"Put it inside: `AutoReset\(TimeLimit\(env, \.\.\.\)\)`"):
        jaxenvs.TimeLimit(jaxenvs.AutoReset(Fall()), 5)
    with pytest.raises(WrapperOrderError, match="Drop one of them"):
        jaxenvs.AutoReset(jaxenvs.AutoReset(Fall()))


def test_unwrap_reaches_base_and_its_state():
    base = Fall()
    env = jaxenvs.AutoReset(jaxenvs.TimeLimit(base, 5))
    state, _ = env.reset(jaxenvs.random.key(0))
    assert jaxenvs.unwrap(env) is base
    assert isinstance(jaxenvs.unwrap_state(env, state), FallState)
    assert jaxenvs.unwrap(base) is base
    assert jaxenvs.unwrap_state(base, state.inner.inner) is state.inner.inner
    assert [type(w) for w in wrappers_of(env)] == [jaxenvs.AutoReset, jaxenvs.TimeLimit]
    assert np.array_equal(env.render(state), base.render(jaxenvs.unwrap_state(env, state)))


def test_injected_float64_state_steps_in_float64():
    with jax.enable_x64(True):
        state, _ = CartPole().reset(jaxenvs.random.key(0))
        wide = jax.tree.map(lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, state)
        moved, timestep = CartPole().step(wide, jnp.int32(1))
        assert moved.x.dtype == moved.theta_dot.dtype == jnp.float64
        assert timestep.observation.dtype == timestep.reward.dtype == jnp.float32


def stay(observation, key):
    return jnp.zeros((), jnp.int32)


def test_sizes_and_counts_may_be_numpy_integers():
    """They become Python's, so that programs are the same."""
    three = np.int64(3)
    env = TimeLimit(jaxenvs.make("NChain-v0", n=three), max_episode_steps=three)
    assert type(env.max_episode_steps) is type(jaxenvs.unwrap(env).n) is int
    assert jaxenvs.make("NChain-v0", n=three) == jaxenvs.make("NChain-v0", n=3)
    resized = ResizeObservation(PixelObservation(env), (three, np.int32(4)))
    assert [type(n) for n in resized.shape] == [int, int]
    _, trajectory = jaxenvs.rollout(env, stay, jaxenvs.random.key(0), num_steps=three, num_envs=np.uint8(2))
    assert trajectory.actions.shape == (3, 2)
    with pytest.raises(InvalidField, match="an integer of at least 1, got"):
        TimeLimit(env, max_episode_steps=np.float32(3))
    with pytest.raises(InvalidField, match="an integer of at least 1, got"):
        TimeLimit(env, max_episode_steps=np.True_)
