"""A test for each of our corrections of MJX, where it differs from C MuJoCo or is too slow on a CPU."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from mujoco import mjx

from jaxenvs.simulators.mujoco.engines.mjx import cholesky, engine
from jaxenvs.simulators.mujoco.engines.mjx.advance import integrate_positions
from jaxenvs.simulators.mujoco.engines.mjx.collision import MAX_CONTACTS
from jaxenvs.simulators.mujoco.engines.mjx.compiled_model import compile_model
from jaxenvs.simulators.mujoco.engines.mjx.constraints import Rows
from jaxenvs.simulators.mujoco.engines.mjx.newton import Problem, minimise
from jaxenvs.simulators.mujoco.engines.mjx.promotion import with_usual_promotion
from tests.simulators.mujoco.engines.mjx.models import CREATURE, PAIR
from tests.simulators.mujoco.engines.mjx.reference import compile_xml, parameters_of, state_at, step_all, visit


def test_slow_rotations_are_not_lost():
    handle = compile_xml(PAIR.format(other=""))
    qpos, qvel = np.array([0.0, 0, 0, 0.8, 0, 0.6, 0]), np.array([0.0, 0, 0, 2e-9, -1e-9, 3e-9])
    expected = qpos.copy()
    mujoco.mj_integratePos(handle.mj_model, expected, qvel, handle.mj_model.opt.timestep)
    with jax.enable_x64(True):
        model, _ = compile_model(handle).on_device()
        ours = with_usual_promotion(integrate_positions)(model, jnp.asarray(qpos), jnp.asarray(qvel))
    assert np.abs(expected - qpos).max() > 1e-12
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-16)


def test_an_island_that_is_at_its_minimum_stays_there_while_another_moves():
    rows = Rows(jnp.eye(2, dtype=jnp.float32), 100 * jnp.ones(2, jnp.float32), jnp.array([1.0, 5.0]), *bounds(2))
    linked = rows._replace(jacobian=jnp.array([[1.0, 1e-3], [0.0, 1.0]]))
    problem = Problem(jnp.eye(2), jnp.zeros(2), rows, jnp.float32(1e-4), jnp.eye(2))
    rest = 100.0 / 101.0
    start = jnp.array([rest + 5e-7, 0.0])  # the first is as near as the tolerance asks for
    solve = jax.jit(with_usual_promotion(minimise))
    alone = solve(problem, start)
    assert alone[0] == start[0]
    np.testing.assert_allclose(alone[1], 500.0 / 101.0, rtol=1e-6)
    assert solve(problem._replace(rows=linked), start)[0] != start[0]


def bounds(count):
    """Those of equalities."""
    return -jnp.full(count, jnp.inf), jnp.full(count, jnp.inf)


WELDED = """
<mujoco>
  <option timestep="0.005" gravity="0 0 -3"/>
  <default><geom contype="0" conaffinity="0"/></default>
  <worldbody>
    <body name="base"><joint axis="0 1 0"/><geom type="box" size="0.1 0.2 0.3"/>
      <body pos="0.2 0 0.3"><joint axis="1 0 0"/><joint axis="0 0 1"/><geom type="box" size="0.05 0.2 0.1"/></body>
    </body>
    <body name="led" pos="0.1 0 0.5"><freejoint/><geom type="box" size="0.05 0.1 0.2"/></body>
  </worldbody>
  <equality><weld body1="base" body2="led" solref="0.1 1" torquescale="0.7"/></equality>
</mujoco>
"""


@pytest.mark.slow
def test_a_weld_turns_as_in_c():
    handle = compile_xml(WELDED)
    visited = visit(handle.mj_model, 3, 20, noise=0.5)
    with jax.enable_x64(True):
        ours = step_all(handle, 3, visited, ())
    assert np.abs(visited.next_qvel).max() > 2.0
    np.testing.assert_allclose(ours.qpos, visited.next_qpos, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.qvel, visited.next_qvel, rtol=0, atol=1e-9)


SPINNING = """
<mujoco>
  <option timestep="0.01" integrator="RK4" gravity="0 0 0"/>
  <worldbody>
    <body><freejoint/><geom type="box" size="0.1 0.2 0.3"/>
      <body pos="0.2 0 0.3"><joint type="ball"/><geom type="box" size="0.05 0.2 0.1" pos="0.1 0.1 0"/></body>
    </body>
  </worldbody>
</mujoco>
"""


def test_runge_kutta_turns_free_and_ball_joints_as_c_does():
    handle = compile_xml(SPINNING)
    visited = visit(handle.mj_model, 5, 10, noise=0.5)
    with jax.enable_x64(True):
        ours = step_all(handle, 5, visited, ())
    assert np.abs(visited.next_qvel).max() > 5.0
    np.testing.assert_allclose(ours.qpos, visited.next_qpos, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.qvel, visited.next_qvel, rtol=0, atol=1e-11)


def chain(links):
    body = '<body pos="0 0 -0.1"><joint type="hinge" axis="0 1 0" damping="0.1"/><geom size="0.03"/>'
    joints = body * links + "</body>" * links
    return f'<mujoco><default><geom contype="0" conaffinity="0"/></default><worldbody>{joints}</worldbody></mujoco>'


def test_a_program_does_not_grow_with_the_depth_of_the_tree():
    def size(links):
        handle = compile_xml(chain(links))
        zeros = np.zeros(links)
        step = jax.jit(
            lambda: engine.step(
                handle, parameters_of(handle.mj_model), state_at(zeros, zeros, zeros), jnp.zeros(0), 1, ()
            )
        )
        return len(step.lower().as_text().splitlines())

    assert size(24) < 1.02 * size(12)


PILE = """
<mujoco>
  <option timestep="0.002"/>
  <custom><numeric name="max_contact_points" data="1"/></custom>
  <default><geom condim="{condim}"/></default>
  <worldbody>
    <geom type="plane" size="9 9 1"/>
    {bodies}
  </worldbody>
</mujoco>
"""


@pytest.mark.parametrize("condim", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_contacts_beyond_the_cap_cost_nothing_and_lose_nothing(condim):
    """Twelve capsules may have 24 contacts with the floor alone, of which no more than 16 are made to touch."""
    bodies = "".join(
        f'<body pos="{x} 0 {0.099 if x < 8 else 3}"><freejoint/>'
        '<geom type="capsule" size="0.1 0.2" euler="0 90 0" contype="0" conaffinity="1"/></body>'
        for x in range(12)
    )
    handle = compile_xml(PILE.format(bodies=bodies, condim=condim))
    visited = visit(handle.mj_model, 2, 10, noise=0.0)
    assert 12 < visited.contacts.max() <= MAX_CONTACTS
    assert compile_model(handle).data._impl.contact.dim.shape == (MAX_CONTACTS,)
    with jax.enable_x64(True):
        ours = step_all(handle, 2, visited, ())
    np.testing.assert_allclose(ours.qvel, visited.next_qvel, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_models_that_ask_for_pgs_are_solved_to_the_same_answer():
    handle = compile_xml(CREATURE.format(integrator="Euler", solver="PGS"))
    with pytest.raises(NotImplementedError):
        mjx.put_model(handle.mj_model, impl="jax")
    precise = copy.copy(handle.mj_model)
    precise.opt.iterations, precise.opt.tolerance = 3000, 0.0
    visited = visit(precise, 1, 40)
    with jax.enable_x64(True):
        ours = step_all(handle, 1, visited, ())
    np.testing.assert_allclose(ours.qvel, visited.next_qvel, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 9, 23])
def test_linear_equations_are_solved_to_rounding_and_differentiated(size):
    random = np.random.default_rng(size)
    root = random.normal(size=(size, size))
    matrix, vector = root @ root.T + 0.1 * np.eye(size), random.normal(size=size)
    with jax.enable_x64(True):
        solve = jax.jit(cholesky.solve)
        np.testing.assert_allclose(solve(matrix, vector), np.linalg.solve(matrix, vector), rtol=1e-9)
        np.testing.assert_allclose(
            jax.jit(jax.jacobian(cholesky.solve, argnums=1))(matrix, vector),
            np.linalg.inv(matrix),
            rtol=1e-7,
            atol=1e-9,
        )


def test_nothing_is_left_to_lapack():
    """XLA's threads wait for each other in it: the cause of the deadlock of large batches on few cores."""
    handle = compile_xml(CREATURE.format(integrator="Euler", solver="Newton"))
    visited = visit(handle.mj_model, 1, 4)

    def height(ctrl):
        state = state_at(*(column[0] for column in visited[:3]))
        return engine.step(handle, parameters_of(handle.mj_model), state, ctrl, 1, ()).qvel[2]

    program = jax.jit(jax.vmap(jax.grad(height))).lower(jnp.asarray(visited.ctrl, jnp.float32)).as_text()
    assert "cholesky" not in program and "lapack" not in program and "triangular_solve" not in program
    assert "stablehlo.while" in program


@pytest.mark.slow
def test_a_thousand_half_cheetahs_do_not_hang_on_two_cores():
    code = """
import numpy as np
from tests.simulators.mujoco.engines.mjx.reference import TASKS, load, step_all, visit
visited = visit(load("HalfCheetah").mj_model, 5, 64)
batch = visited._replace(**{name: np.tile(getattr(visited, name), (16, 1)) for name in visited._fields[:4]})
for _ in range(5):
    assert np.isfinite(np.asarray(step_all(load("HalfCheetah"), 5, batch, ()).qvel)).all()
"""
    settings = {**os.environ, "PJRT_NPROC": "2", "JAX_PLATFORMS": "cpu"}
    settings["PYTHONPATH"] = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], env=settings, check=True, timeout=600)
