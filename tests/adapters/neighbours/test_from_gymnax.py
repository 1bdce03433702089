"""from_gymnax: gymnax's environments as ours: each transition equals that of gymnax."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs import adapters
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidAction, InvalidField, NameNotFound, RenderingUnavailable
from jaxenvs.testing import CHECKS
from jaxenvs.testing.subject import Subject

gymnax = pytest.importorskip("gymnax", reason="gymnax is not installed")
pytestmark = pytest.mark.neighbours


def _grey(state, params):
    """A picture for the check that needs one: a band whose brightness is the number of steps."""
    del params
    shade = (jnp.asarray(state.time, jnp.int32) % 200 + 50).astype(jnp.uint8)
    return jnp.zeros((8, 8, 3), jnp.uint8).at[:4].set(shade)


@pytest.mark.parametrize(
    ("id", "steps"), [("CartPole-v1", 600), ("Catch-bsuite", 1100), ("Breakout-MinAtar", 1100), ("FourRooms-misc", 600)]
)
def test_it_conforms(id, steps):
    env = adapters.from_gymnax(id, draw=_grey)
    reaches = {"terminated", "truncated"}
    subject = Subject(env, reaches=reaches, steps=steps, lanes=4)
    for check in CHECKS:
        check(subject)


@pytest.mark.parametrize("id", ["CartPole-v1", "Catch-bsuite", "Breakout-MinAtar", "Pendulum-v1", "FrozenLake-misc"])
def test_transitions_are_gymnaxs_own(id):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs, params = gymnax.make(id)
    env = adapters.from_gymnax(theirs, params)
    key, start_key = jax.random.split(jax.random.key(0))
    state, timestep = env.reset(jax.random.key(0))
    step = jax.jit(env.step)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        observation, their_state = theirs.reset_env(start_key, params)
        their_step = jax.jit(lambda key, state, action: theirs.step_env(key, state, action, params))
    np.testing.assert_array_equal(timestep.observation, observation)
    ended = False
    for action_key in jax.random.split(jax.random.key(1), 40):
        action = env.action_space.sample(action_key)
        key, step_key = jax.random.split(key)
        state, timestep = step(state, action)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            observation, their_state, reward, terminated, info = their_step(step_key, their_state, action)
            truncated = theirs.is_truncated(their_state, params)
        # The two programs may fuse differently, so floats may differ by a rounding.
        for ours, other in ((timestep.observation, observation), (timestep.reward, reward)):
            np.testing.assert_allclose(ours, other, rtol=1e-5, atol=1e-5)
        assert (bool(timestep.terminated), bool(timestep.truncated)) == (bool(terminated), bool(truncated))
        assert timestep.discount == (0.0 if terminated else 1.0)
        assert set(timestep.info) == set(info) - {"discount"}
        ended = ended or bool(timestep.done)
    assert ended or id == "Pendulum-v1"


def test_the_limit_is_a_number_among_the_params():
    params = gymnax.make("CartPole-v1")[1]
    env = adapters.from_gymnax("CartPole-v1", params.replace(max_steps_in_episode=2))
    state, _ = env.reset(jax.random.key(0))
    state, first = env.step(state, 1)
    state, second = env.step(state, 1)
    assert (bool(first.done), bool(second.truncated), bool(second.terminated)) == (False, True, False)
    assert not bool(unwrap(env).step(state, 1)[1].truncated)


def test_params_step_side_by_side_and_one_trace_serves_all():
    traces = []

    @jax.jit
    def step(env, state):
        traces.append(1)
        return env.step(state, 1)[1].observation

    params = gymnax.make("CartPole-v1")[1]
    envs = [adapters.from_gymnax("CartPole-v1", params.replace(gravity=g)) for g in (1.0, 9.8)]
    state = envs[0].reset(jax.random.key(0))[0]
    state = state.replace(inner=state.inner.replace(theta=jnp.float32(0.1)))
    assert float(step(envs[0], state)[3]) != float(step(envs[1], state)[3])
    assert len(traces) == 1


def test_it_trains_through_the_view_as_any_of_ours():
    """Round trip: gymnax's environment, as ours, behind gymnax's interface."""
    view = adapters.GymnaxEnv(adapters.from_gymnax("Catch-bsuite"))
    observation, state = view.reset(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 20)
    _, (rewards, ends) = jax.lax.scan(lambda s, k: _pick(view.step(k, s, 1)), state, keys)
    assert observation.shape == (10, 5)
    assert int(ends.sum()) == 2 and set(np.abs(np.asarray(rewards)[np.asarray(ends)])) == {1.0}


def _pick(out):
    return out[1], (out[2], out[3])


def test_equal_environments_are_equal_programs():
    one, two = (adapters.from_gymnax("Breakout-MinAtar") for _ in range(2))
    three = adapters.from_gymnax(gymnax.make("Breakout-MinAtar", use_minimal_action_set=False)[0])
    structures = [jax.tree.structure(env) for env in (one, two, three, pickle.loads(pickle.dumps(one)))]
    assert structures[0] == structures[1] == structures[3] != structures[2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: adapters.from_gymnax("CartPol-v1"), NameNotFound, "Did you mean: `CartPole-v1`"),
        (lambda: adapters.from_gymnax(jaxenvs.make("CartPole-v1")), InvalidField, "an environment of gymnax 1.0"),
        (lambda: _cart().reset(jax.random.key(0))[0] and _step(jnp.zeros(3, int)), InvalidAction, r"shape \(\)"),
        (lambda: _step(1.5), InvalidAction, "an integer from 0 to 1"),
        (lambda: _cart().render(_cart().reset(jax.random.key(0))[0]), RenderingUnavailable, "Pass a function"),
    ],
    ids=["unknown id", "ours", "batch of actions", "float action", "no picture"],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _cart():
    return adapters.from_gymnax("CartPole-v1")


def _step(action):
    return _cart().step(_cart().reset(jax.random.key(0))[0], action)
