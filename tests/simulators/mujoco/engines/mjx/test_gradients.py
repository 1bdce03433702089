"""Derivatives of short rollouts, against finite differences."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.mujoco.engines.mjx import engine
from tests.simulators.mujoco.engines.mjx.models import CREATURE, PENDULUM
from tests.simulators.mujoco.engines.mjx.reference import compile_xml, parameters_of, state_at

STEPS = 6


def rollout(handle, qpos, qvel):
    """The last velocity's square as a function of the controls and the parameters."""

    def end(ctrls, parameters):
        state = state_at(qpos, qvel, np.zeros(handle.mj_model.nv))
        state, _ = jax.lax.scan(lambda s, c: (engine.step(handle, parameters, s, c, 2, ()), None), state, ctrls)
        return jnp.sum(state.qvel * state.qvel) + jnp.sum(state.qpos)

    return end


def differences(function, at, step=1e-6):
    """Central differences with respect to every number of a pytree."""
    flat, shape = jax.flatten_util.ravel_pytree(at)
    moves = jnp.concatenate([jnp.eye(flat.size), -jnp.eye(flat.size)]) * step
    ends = jax.jit(jax.vmap(lambda move: function(shape(flat + move))))(moves)
    return shape((ends[: flat.size] - ends[flat.size :]) / (2 * step))


CASES = [
    pytest.param([2.98, -0.3], [1.0, 0.4], id="held by a joint's limit"),
    pytest.param([0.5, -0.3], [0.2, 0.4], id="free"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("qpos", "qvel"), CASES)
def test_gradients_reach_actions_and_parameters_in_both_directions(qpos, qvel):
    handle = compile_xml(PENDULUM)
    with jax.enable_x64(True):
        end = rollout(handle, qpos, qvel)
        ctrls = jnp.asarray(np.random.default_rng(0).uniform(-0.8, 0.8, (STEPS, 1)))
        own = parameters_of(handle.mj_model)
        at = ctrls, own.gravity, own.body_mass, own.dof_damping

        def of(at):
            return end(at[0], own.replace(gravity=at[1], body_mass=at[2], dof_damping=at[3]))

        ones = jax.tree.map(jnp.ones_like, at)
        reverse, (_, forward) = jax.jit(lambda at: (jax.grad(of)(at), jax.jvp(of, (at,), (ones,))))(at)
        for ours, theirs in zip(reverse, differences(of, at)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
            assert np.abs(ours).max() > 1e-3
        np.testing.assert_allclose(forward, sum(jnp.sum(leaf) for leaf in reverse), rtol=1e-9)


@pytest.mark.slow
def test_gradients_pass_through_contacts_that_stay():
    handle = compile_xml(CREATURE.format(integrator="Euler", solver="Newton"))
    qpos = handle.mj_model.qpos0.copy()
    qpos[2] = 0.385  # the leg stands a little in the floor
    with jax.enable_x64(True):
        end = rollout(handle, qpos, np.zeros(handle.mj_model.nv))
        own = parameters_of(handle.mj_model)
        at = jnp.zeros((STEPS, 3)), own.body_mass

        def of(at):
            return end(at[0], own.replace(body_mass=at[1]))

        reverse = jax.jit(jax.grad(of))(at)
        for ours, theirs in zip(reverse, differences(of, at)):
            assert np.isfinite(ours).all()
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)
