"""The engine `warp` compared with the others. Its kernels take minutes to compile, and also run on the processor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, InvalidField, NotDifferentiable
from jaxenvs.simulators.mujoco import simulation
from jaxenvs.testing.trees import identical

LANES = 4


def make(id, engine, **fields):
    return jaxenvs.unwrap(jaxenvs.make(id, engine=engine, **fields))


def actions_of(env, step):
    return jax.vmap(env.action_space.sample)(jax.random.split(jaxenvs.random.key(step), LANES))


def begin(env):
    return jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), LANES))[0]


def test_a_missing_warp_is_named(monkeypatch):
    find = simulation.importlib.util.find_spec
    monkeypatch.setattr(simulation.importlib.util, "find_spec", lambda name: None if name == "warp" else find(name))
    with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[warp\]"'):
        make("Hopper-v5", "warp")


# Greatest differences over so many steps, about ten times the observed ones. The Ant and the Humanoid land after two,
# and Warp's contacts have other edges than C's.
STEPS = {"Ant-v5": 2, "Humanoid-v5": 2}
TOLERANCES = {
    "InvertedPendulum-v5": 1e-5,
    "HalfCheetah-v5": 1e-3,
    "Hopper-v5": 1e-3,
    "Swimmer-v5": 1e-4,
    "Reacher-v5": 1e-4,
    "Pusher-v5": 1e-3,
    "Ant-v5": 1e-4,
    "Humanoid-v5": 5e-2,
}


@pytest.mark.slow
@pytest.mark.parametrize("id", TOLERANCES)
def test_it_follows_c_mujoco(id):
    pytest.importorskip("warp")
    reference, env = make(id, "c"), make(id, "warp")
    expected, state = begin(reference), begin(env)
    for step in range(STEPS.get(id, 3)):
        action = actions_of(env, step)
        expected, expected_timestep = jax.jit(jax.vmap(reference.step))(expected, action)
        state, timestep = jax.jit(jax.vmap(env.step))(state, action)
        for name in ("observation", "reward"):
            difference = np.abs(getattr(timestep, name) - getattr(expected_timestep, name)).max()
            assert difference < TOLERANCES[id], f"{name} after {step + 1} steps"


@pytest.mark.slow
def test_lanes_may_be_nested_and_have_parameters_of_their_own():
    pytest.importorskip("warp")
    env = make("HalfCheetah-v5", "warp")
    state, action = begin(env), actions_of(env, 0)
    masses = env.parameters.body_mass[None] * jnp.linspace(0.5, 2.0, LANES, dtype=jnp.float32)[:, None]

    def step(mass, state, action):
        return env.replace(parameters=env.parameters.replace(body_mass=mass)).step(state, action)

    flat = jax.vmap(step)(masses, state, action)
    each = [jax.jit(step)(*jax.tree.map(lambda x, i=i: x[i], (masses, state, action))) for i in range(LANES)]
    np.testing.assert_allclose(flat[1].observation, [timestep.observation for _, timestep in each], atol=1e-5)
    reference = make("HalfCheetah-v5", "c")
    parameters = reference.parameters.replace(body_mass=masses[0])
    start, _ = reference.state_at(state.qpos[0], state.qvel[0])
    _, expected = reference.replace(parameters=parameters).step(start, action[0])
    np.testing.assert_allclose(flat[1].observation[0], expected.observation, atol=1e-3)

    grid = jax.tree.map(lambda x: x.reshape(2, 2, *x.shape[1:]), (masses, state, action))
    nested = jax.vmap(jax.vmap(step))(*grid)
    assert identical(jax.tree.map(lambda x: x.reshape(LANES, *x.shape[2:]), nested), flat)
    outer_masses = jax.vmap(jax.vmap(step, in_axes=(None, 0, 0)))(masses[::2], *grid[1:])
    first = jax.vmap(step, in_axes=(None, 0, 0))(masses[0], *jax.tree.map(lambda x: x[:2], (state, action)))
    np.testing.assert_allclose(outer_masses[1].observation[0], first[1].observation, atol=1e-5)


@pytest.mark.slow
def test_what_it_cannot_do_is_said():
    pytest.importorskip("warp")
    env = make("HalfCheetah-v5", "warp")
    state, action = jax.tree.map(lambda x: x[0], (begin(env), actions_of(env, 0)))
    with pytest.raises(NotDifferentiable, match='engine="mjx"'):
        jax.grad(lambda action: env.step(state, action)[1].reward)(action)
    with jax.enable_x64(True), pytest.raises(InvalidField, match="float32"):
        make("HalfCheetah-v5", "warp", precision="float64")
