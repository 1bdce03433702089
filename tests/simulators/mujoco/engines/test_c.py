"""The engine `c` is a pure function, whatever it stepped before and however it is called."""

import os
import pickle
import subprocess
import sys

import gymnasium
import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import ForkedProcess
from jaxenvs.simulators.mujoco.engines import c_batch
from jaxenvs.simulators.mujoco.parameters import subtree_masses
from jaxenvs.testing.trees import identical, to_host

IDS = ["Ant-v5", "Hopper-v5"]
"""One that our own threads step, and one that MuJoCo's own threads step."""


def make(id, **options):
    return jaxenvs.unwrap(jaxenvs.make(id, engine="c", **options))


def after_steps(env, lanes, steps=30, seed=0):
    """States some way into episodes, and an action for each."""

    def body(states, key):
        keys = jax.random.split(key, lanes)
        return jax.vmap(env.step)(states, jax.vmap(env.action_space.sample)(keys))[0], None

    reset_key, key, action_key = jax.random.split(jaxenvs.random.key(seed), 3)
    states, _ = jax.vmap(env.reset)(jax.random.split(reset_key, lanes))
    states, _ = jax.jit(lambda s, k: jax.lax.scan(body, s, k))(states, jax.random.split(key, steps))
    return states, jax.vmap(env.action_space.sample)(jax.random.split(action_key, lanes))


def lane(tree, number):
    return jax.tree.map(lambda x: x[number], tree)


@pytest.mark.parametrize("id", ["Hopper-v5", pytest.param("Ant-v5", marks=pytest.mark.slow)])
def test_lanes_may_change_places_and_axes(id):
    env = make(id)
    states, actions = after_steps(env, 6)
    step = jax.jit(jax.vmap(env.step))
    expected = to_host(step(states, actions))
    order = np.array([3, 0, 5, 1, 4, 2])
    swapped = step(*jax.tree.map(lambda x: x[order], (states, actions)))
    assert identical(swapped, jax.tree.map(lambda x: x[order], expected))
    grid = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), (states, actions))
    nested = jax.jit(jax.vmap(jax.vmap(env.step)))(*grid)
    assert identical(jax.tree.map(lambda x: x.reshape(6, *x.shape[2:]), nested), expected)
    turned = jax.jit(jax.vmap(jax.vmap(env.step), in_axes=1, out_axes=1))(*grid)
    assert identical(jax.tree.map(lambda x: x.reshape(6, *x.shape[2:]), turned), expected)
    state, timestep = env.step(lane(states, 2), actions[2])  # rewards are XLA's, which may round them otherwise here
    assert identical((state, timestep.observation), lane((expected[0], expected[1].observation), 2))
    assert float(timestep.reward) == pytest.approx(float(expected[1].reward[2]), rel=1e-6)
    one_action = jax.jit(jax.vmap(env.step, in_axes=(0, None)))(states, actions[1])
    assert identical(lane(one_action, 1), lane(expected, 1))


@pytest.mark.parametrize("id", IDS)
def test_a_state_is_all_there_is(id):
    """Other work in between changes nothing, and neither does a device with its own memory."""
    env = make(id)
    states, actions = after_steps(env, 3)
    step = jax.jit(jax.vmap(env.step))
    expected = to_host(step(states, actions))
    after_steps(env, 3, seed=9)
    c_batch._scratch.clear()
    assert identical(step(states, actions), expected)


def test_devices_other_than_the_processor_give_the_same(monkeypatch):
    env = make("Hopper-v5")
    states, actions = after_steps(env, 4)
    expected = to_host(jax.jit(jax.vmap(env.step))(states, actions))
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *args, cpu, default: default(*args))
    assert identical(jax.jit(lambda s, a: jax.vmap(env.step)(s, a))(states, actions), expected)


STEP_ELSEWHERE = """
import pickle, sys, jax
env, state, action = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(jax.device_get(jax.jit(env.step)(state, action))))
"""


def test_a_pickled_state_goes_on_in_another_process():
    env = make("Hopper-v5")
    states, actions = after_steps(env, 1)
    state, action = lane(states, 0), actions[0]
    given = pickle.dumps((env, state, action))
    command = [sys.executable, "-c", STEP_ELSEWHERE]
    run = subprocess.run(command, input=given, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert identical(pickle.loads(run.stdout), env.step(state, action))


def test_a_forked_process_gets_an_error(monkeypatch):
    env = make("Hopper-v5")
    states, actions = after_steps(env, 1)
    pid = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: pid)
    with pytest.raises(ForkedProcess, match="spawn"):
        env.step(lane(states, 0), actions[0])


@pytest.mark.parametrize("id", IDS)
def test_an_unstable_lane_harms_no_other(id, monkeypatch, tmp_path):
    """MuJoCo resets a simulation with unusable numbers to its reference, as in Gymnasium."""
    monkeypatch.chdir(tmp_path)  # where MuJoCo writes its warning
    env = make(id)
    states, actions = after_steps(env, 5)
    step = jax.jit(jax.vmap(env.step))
    expected = to_host(step(states, actions))
    broken = states.replace(
        qpos=states.qpos.at[1, 2].set(jnp.nan), qvel=states.qvel.at[2, 0].set(jnp.inf).at[3, 1].set(1e30)
    )
    result = to_host(step(broken, actions))
    for number in (0, 4):
        assert identical(lane(result, number), lane(expected, number))
    theirs = gymnasium.make(id).unwrapped
    theirs.reset(seed=0)
    for number in (1, 2, 3):
        theirs.data.qpos[:], theirs.data.qvel[:] = broken.qpos[number], broken.qvel[number]
        observation = theirs.step(np.asarray(actions[number]))[0]
        assert np.isfinite(observation).all()
        np.testing.assert_array_equal(result[1].observation[number], np.float32(observation))


def randomized(env):
    """Parameters that differ in every field, and a function that writes them into a model of Gymnasium's."""
    heavier = env.parameters.body_mass * np.float32(1.3)
    changed = env.parameters.replace(
        gravity=np.array([0.5, 0.0, -5.0], np.float32),
        body_mass=heavier,
        body_inertia=env.parameters.body_inertia * np.float32(1.2),
        geom_friction=env.parameters.geom_friction * np.float32(0.4),
        dof_damping=env.parameters.dof_damping * np.float32(1.5) + np.float32(0.1),
        dof_armature=env.parameters.dof_armature + np.float32(0.05),
        actuator_gear=env.parameters.actuator_gear * np.float32(0.7),
        actuator_gainprm=env.parameters.actuator_gainprm * np.float32(0.9),
    )

    def edit(model):
        # A parameter that equals the model's own, rounded, is the model's own.
        for name in ("body_mass", "body_inertia", "geom_friction", "dof_damping", "dof_armature", "actuator_gear"):
            _edit(getattr(model, name), getattr(changed, name))
        _edit(model.actuator_gainprm, changed.actuator_gainprm)
        _edit(model.opt.gravity, changed.gravity)
        model.body_subtreemass[:] = subtree_masses(model.body_mass[None], model.body_parentid, np)[0]

    return changed, edit


def _edit(own, given):
    own[...] = np.where(np.float32(own) == given, own, given)


@pytest.mark.parametrize("id", ["Ant-v5", "Humanoid-v5", "Hopper-v5", "Reacher-v5"])
def test_parameters_are_those_of_an_edited_model(id):
    plain = make(id)
    changed, edit = randomized(plain)
    env = plain.replace(parameters=changed)
    theirs = gymnasium.make(id).unwrapped
    theirs.reset(seed=0)
    edit(theirs.model)
    state, _ = jax.jit(env.reset)(jaxenvs.random.key(0))
    mujoco.mj_resetData(theirs.model, theirs.data)
    theirs.set_state(np.float64(state.qpos), np.float64(state.qvel))
    usual, timestep = state, None
    step, step_usual = jax.jit(env.step), jax.jit(plain.step)
    generator = np.random.default_rng(0)
    for _ in range(20):
        action = np.float32(generator.uniform(env.action_space.low, env.action_space.high))
        observation, reward, *_ = theirs.step(action)
        state, timestep = step(state, action)
        usual, _ = step_usual(usual, action)
        np.testing.assert_array_equal(timestep.observation, np.float32(observation))
        assert float(timestep.reward) == pytest.approx(reward, rel=1e-5, abs=1e-5)
    assert np.abs(np.asarray(state.qvel) - np.asarray(usual.qvel)).max() > 1e-3


@pytest.mark.parametrize("id", IDS)
def test_each_lane_has_its_own_parameters(id):
    env = make(id)
    states, actions = after_steps(env, 3)
    factors = np.array([1.0, 1.5, 0.5], np.float32)
    masses = factors[:, None] * env.parameters.body_mass[None]
    gravities = factors[:, None] * env.parameters.gravity[None]

    def step(mass, gravity, state, action):
        return env.replace(parameters=env.parameters.replace(body_mass=mass, gravity=gravity)).step(state, action)

    together = to_host(jax.jit(jax.vmap(step))(masses, gravities, states, actions))
    step_alone = jax.jit(step)
    for number in range(3):
        alone = step_alone(masses[number], gravities[number], lane(states, number), actions[number])
        assert identical(alone, lane(together, number))
    assert identical(lane(together, 0), jax.jit(env.step)(lane(states, 0), actions[0]))
    gaps = np.abs(np.diff(together[0].qvel, axis=0)).max(axis=1)
    assert (gaps > 1e-6).all()


def test_domain_randomize_draws_masses_for_each_episode():
    def randomize(key, env):
        factor = jax.random.uniform(key, (), jnp.float32, 0.5, 2.0)
        return env.replace(parameters=env.parameters.replace(body_mass=env.parameters.body_mass * factor))

    env = jaxenvs.AutoReset(jaxenvs.wrappers.DomainRandomize(jaxenvs.make("Hopper-v5", engine="c"), randomize))
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), 4))
    start = states
    actions = jnp.ones((120, 4, 3), jnp.float32)
    states, timesteps = jax.jit(lambda s, a: jax.lax.scan(jax.vmap(env.step), s, a))(states, actions)
    assert np.asarray(timesteps.terminated).any(axis=0).all()
    masses = [
        np.asarray(jaxenvs.unwrap(env.env.drawn(s.inner)).parameters.body_mass).sum(axis=1) for s in (start, states)
    ]
    assert len(np.unique(np.concatenate(masses))) == 8


def test_numbers_put_into_a_state_count_and_others_keep_their_last_bits():
    env = make("Hopper-v5")
    states, actions = after_steps(env, 1)
    state, action = lane(states, 0), actions[0]
    exact = np.asarray(state.exact, np.float64).sum(0)
    assert np.array_equal(np.float32(exact[1:7]), state.qpos) and (exact[1:7] != np.float64(state.qpos)).any()
    untouched, _ = env.step(state.replace(qpos=state.qpos + 0.0), action)
    assert identical(untouched, env.step(state, action)[0])
    moved, _ = env.step(state.replace(qpos=state.qpos.at[0].add(1.0)), action)
    assert float(moved.qpos[0]) == pytest.approx(float(untouched.qpos[0]) + 1.0, abs=1e-6)
    assert np.array_equal(moved.qpos[1:], untouched.qpos[1:])  # nothing here depends on where along x it is


def test_a_state_of_another_engine_is_refused():
    env = make("Hopper-v5")
    states, actions = after_steps(env, 1)
    with pytest.raises(ValueError, match="another engine"):
        env.step(lane(states, 0).replace(exact=None), actions[0])
