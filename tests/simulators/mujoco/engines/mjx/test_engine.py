"""The engine's two functions: their results, the agreement with C MuJoCo, and what they reject."""

import copy
import functools
from importlib import metadata

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from mujoco.mjx._src import collision_driver, collision_primitive, constraint, forward, scan, smooth, solver, support
from mujoco.mjx._src.types import GeomType

from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.simulators.mujoco.engines.mjx import engine
from tests.simulators.mujoco.engines.mjx.models import CREATURE, PENDULUM
from tests.simulators.mujoco.engines.mjx.reference import (
    FIELDS,
    Handle,
    compile_xml,
    load,
    parameters_of,
    state_at,
    step_all,
    visit,
)

CREATURES = {
    integrator: compile_xml(CREATURE.format(integrator=integrator, solver="Newton")) for integrator in ("RK4", "Euler")
}
DOUBLE = compile_xml(PENDULUM)


def largest(ours, theirs):
    return np.abs(np.asarray(ours, np.float64) - theirs).max(initial=0.0)


@pytest.mark.parametrize(
    "integrator", [pytest.param(name, marks=[] if name == "RK4" else [pytest.mark.slow]) for name in CREATURES]
)
def test_a_step_follows_c_with_every_kind_of_joint_and_contact(integrator):
    handle = CREATURES[integrator]
    visited = visit(handle.mj_model, 2, 120, episode=40)
    assert visited.contacts.max() >= 3  # or it would not be about contacts
    with jax.enable_x64(True):
        ours = step_all(handle, 2, visited)
    assert largest(ours.qpos, visited.next_qpos) < 1e-10
    assert largest(ours.qvel, visited.next_qvel) < 1e-8
    for name in FIELDS:
        assert largest(ours.derived[name], visited.fields[name]) < 1e-8 * max(1.0, np.abs(visited.fields[name]).max())
    assert np.ptp(np.abs(visited.fields["cfrc_ext"])) > 1.0


@pytest.mark.slow
def test_a_task_of_gymnasiums_follows_c_in_either_precision():
    handle = load("InvertedPendulum")
    visited = visit(handle.mj_model, 2, 60, episode=12)
    with jax.enable_x64(True):
        assert largest(step_all(handle, 2, visited, ()).qvel, visited.next_qvel) < 1e-10
    assert largest(step_all(handle, 2, visited, ()).qvel, visited.next_qvel) < 1e-5


def test_the_initial_state_is_that_of_set_state():
    handle = CREATURES["RK4"]
    model, data = handle.mj_model, mujoco.MjData(handle.mj_model)
    data.qpos += np.random.default_rng(0).uniform(-0.05, 0.05, model.nq)
    data.qvel[:] = np.random.default_rng(1).normal(size=model.nv)
    mujoco.mj_forward(model, data)
    with jax.enable_x64(True):
        initial = jax.jit(lambda *at: engine.initial(handle, parameters_of(model), *at, FIELDS))
        state = initial(jnp.asarray(data.qpos), jnp.asarray(data.qvel))
    for name in ("qpos", "qvel", "act", "qacc_warmstart", "time"):
        np.testing.assert_array_equal(getattr(state, name), getattr(data, name))
    for name in FIELDS:
        assert state.derived[name].shape == getattr(data, name).shape
        assert largest(state.derived[name], getattr(data, name)) < 1e-8


def test_states_have_strong_types_that_a_step_keeps():
    handle = DOUBLE
    model = handle.mj_model
    begin = jax.eval_shape(
        lambda: engine.initial(handle, parameters_of(model), jnp.zeros(2), jnp.zeros(2), ("xpos", "xmat"))
    )
    after = jax.eval_shape(
        lambda state: engine.step(handle, parameters_of(model), state, jnp.zeros(1), 2, ("xpos", "xmat")), begin
    )
    assert jax.tree.leaves(begin) == jax.tree.leaves(after)
    assert {(leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(after)} == {(jnp.dtype("float32"), False)}
    assert after.derived["xmat"].shape == (model.nbody, 9)


def test_float32_states_stay_so_where_x64_is_on():
    handle = CREATURES["RK4"]  # with a tendon, for which MJX gives float64
    with jax.enable_x64(True):
        zeros = jnp.zeros(handle.mj_model.nv, jnp.float32)
        state = state_at(handle.mj_model.qpos0, zeros, zeros)
        state = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), state)
        after = jax.eval_shape(
            lambda state: engine.step(handle, parameters_of(handle.mj_model), state, jnp.zeros(3), 1, ("xpos",)), state
        )
    assert {leaf.dtype for leaf in jax.tree.leaves(after)} == {jnp.dtype("float32")}


@functools.cache
def step_lanes(handle):
    """A step of lanes with different parameters, compiled once for the tests below."""

    def step(parameters, qpos, qvel, warm_start, ctrl):
        return engine.step(handle, parameters, state_at(qpos, qvel, warm_start), ctrl, 2, FIELDS)

    return jax.jit(jax.vmap(step))


LANES = 120


def test_parameters_stand_in_for_the_models_fields_lane_by_lane():
    """As if the fields of C's model were overwritten without `mj_setConst`."""
    handle = CREATURES["Euler"]
    random = np.random.default_rng(0)
    visited = visit(handle.mj_model, 2, LANES)
    with jax.enable_x64(True):
        parameters = jax.tree.map(
            lambda leaf: jnp.asarray(np.asarray(leaf) * random.uniform(0.7, 1.4, (LANES, *leaf.shape))),
            parameters_of(handle.mj_model),
        )
        ours = step_lanes(handle)(parameters, *map(jnp.asarray, visited[:4]))
    for lane in range(10, 14):
        model = copy.copy(handle.mj_model)
        model.opt.gravity = np.asarray(parameters.gravity[lane])
        for name in ("body_mass", "geom_friction", "dof_damping", "actuator_gear"):
            getattr(model, name)[:] = np.asarray(getattr(parameters, name)[lane])
        data = mujoco.MjData(model)
        for name, column in zip(("qpos", "qvel", "qacc_warmstart", "ctrl"), visited[:4]):
            getattr(data, name)[:] = column[lane]
        mujoco.mj_step(model, data, nstep=2)
        assert largest(ours.qvel[lane], data.qvel) < 1e-8
    assert largest(ours.qvel[10:14], visited.next_qvel[10:14]) > 1e-3  # the parameters matter


def test_an_unstable_lane_leaves_its_neighbours_alone():
    handle = CREATURES["Euler"]
    visited = visit(handle.mj_model, 2, LANES)
    broken = visited.qvel.copy()
    broken[3] = np.nan
    broken[5] = 1e30
    with jax.enable_x64(True):
        own = jax.tree.map(lambda leaf: jnp.stack([leaf] * LANES), parameters_of(handle.mj_model))
        alone, together = (
            step_lanes(handle)(own, *map(jnp.asarray, visited._replace(qvel=qvel)[:4]))
            for qvel in (visited.qvel, broken)
        )
    assert np.isnan(np.asarray(together.qvel[3])).all()
    for ours, theirs in zip(jax.tree.leaves(together), jax.tree.leaves(alone)):
        kept = np.delete(np.arange(LANES), [3, 5])
        np.testing.assert_array_equal(ours[kept], theirs[kept])


def test_stock_mjx_in_the_same_process_is_as_it_was():
    """MJX's modules, including their table of colliders, are not modified."""
    handle = CREATURES["Euler"]
    arguments = (parameters_of(handle.mj_model), *map(jnp.asarray, (handle.mj_model.qpos0, np.zeros(12))))
    jax.eval_shape(lambda *at: engine.initial(handle, *at, ("xpos",)), *arguments)
    table = collision_driver._COLLISION_FUNC
    assert table[GeomType.PLANE, GeomType.CAPSULE] is collision_primitive.plane_capsule
    assert table[GeomType.CAPSULE, GeomType.CYLINDER].__module__ == "mujoco.mjx._src.collision_sdf"
    for module in (collision_driver, constraint, forward, scan, smooth, solver, support):
        owners = {getattr(value, "__module__", "") or "" for value in vars(module).values()}
        assert not [owner for owner in owners if owner.startswith("jaxenvs")], module


def test_unknown_names_are_refused_with_a_hint():
    arguments = (DOUBLE, parameters_of(DOUBLE.mj_model), jnp.zeros(2), jnp.zeros(2))
    with pytest.raises(InvalidField, match=r"does not compute 'xpoz'\. Did you mean: `xpos`"):
        engine.initial(*arguments, ("xpoz",))
    wrong = arguments[1].replace(body_mass=jnp.zeros(7))
    with pytest.raises(InvalidField, match=r"'body_mass' with shape \(7,\) has no counterpart"):
        engine.initial(arguments[0], wrong, *arguments[2:], ())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cone": mujoco.mjtCone.mjCONE_ELLIPTIC}, "elliptic friction cones"),
        ({"integrator": mujoco.mjtIntegrator.mjINT_IMPLICITFAST}, "an implicit integrator"),
        ({"noslip_iterations": 3}, "noslip"),
        ({"enableflags": mujoco.mjtEnableBit.mjENBL_OVERRIDE}, "cannot compute this model"),
    ],
    ids=str,
)
def test_models_that_the_engine_cannot_compute_are_refused_before_tracing(change, named):
    model = copy.copy(DOUBLE.mj_model)
    for name, value in change.items():
        setattr(model.opt, name, value)
    with pytest.raises(InvalidField, match=f"{named}.*engine='c'"):
        engine.initial(Handle(model), parameters_of(model), jnp.zeros(2), jnp.zeros(2), ())


@pytest.mark.parametrize("name", ["mujoco", "mujoco-mjx"])
def test_versions_that_were_not_tested_are_refused(name, monkeypatch):
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda asked: "9.9.1" if asked == name else version(asked))
    model = copy.copy(DOUBLE.mj_model)
    with pytest.raises(DependencyNotInstalled, match=rf"{name} .* 9\.9\.1 that is installed. Run `pip install"):
        engine.initial(Handle(model), parameters_of(model), jnp.zeros(2), jnp.zeros(2), ())
