"""Every model of Gymnasium's MuJoCo tasks compared with C MuJoCo, from states that C visits.

    pytest -m slow -s tests/simulators/mujoco/engines/mjx/test_parity.py

prints the table.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from jaxenvs.simulators.mujoco.engines.mjx import engine
from tests.simulators.mujoco.engines.mjx.reference import FIELDS, TASKS, load, parameters_of, state_at, step_all, visit

pytestmark = pytest.mark.slow

STATES = 150


class Row(NamedTuple):
    """Tolerances of one environment step from C's state.

    Attributes:
        qvel: of the velocity, in float64.
        cfrc_ext: of the contact forces, in float64.
        float32: of the velocity in float32, for nine states in ten. The others may have a contact that opens or closes
            within a rounding of its margin, where a velocity jumps.
        reason: what the float64 tolerance allows for.
    """

    qvel: float
    cfrc_ext: float
    float32: float
    reason: str = "rounding, which stiff constraints magnify"


PGS = "C stops its PGS solver early; C with Newton's method differs from it by as much"
ROWS = {
    "Ant": Row(1e-9, 1e-7, 1e-4),
    "HalfCheetah": Row(1e-9, 1e-6, 1e-2),
    "Hopper": Row(1e-10, 1e-6, 1e-4),
    "Humanoid": Row(1e-4, 5e-2, 1e-3, PGS),
    "HumanoidStandup": Row(1e-4, 5e-2, 1e-3, PGS),
    "InvertedDoublePendulum": Row(1e-10, 1e-8, 1e-4),
    "InvertedPendulum": Row(1e-10, 1e-8, 1e-5),
    "Pusher": Row(1e-9, 1e-8, 1e-4),
    "Reacher": Row(1e-10, 1e-8, 1e-4),
    "Swimmer": Row(1e-10, 1e-8, 1e-4),
    "Walker2d": Row(1e-9, 1e-6, 1e-3),
}
EPISODE = {"InvertedPendulum": 12, "InvertedDoublePendulum": 15, "Hopper": 40, "Walker2d": 40, "Humanoid": 20}
"""About as long as random controls keep the robot upright; beyond, states come that no task knows."""


def apart(ours, theirs):
    """(states,) the largest difference in each."""
    return np.abs(np.asarray(ours, np.float64) - theirs).reshape(len(theirs), -1).max(axis=1, initial=0.0)


@pytest.mark.parametrize("task", TASKS)
def test_a_step_agrees_with_c(task):
    handle, row = load(task), ROWS[task]
    visited = visit(handle.mj_model, TASKS[task][1], STATES, episode=EPISODE.get(task, 75))
    with jax.enable_x64(True):
        ours = step_all(handle, TASKS[task][1], visited)
    qvel = apart(ours.qvel, visited.next_qvel)
    forces = apart(ours.derived["cfrc_ext"], visited.fields["cfrc_ext"])
    rounded = apart(step_all(handle, TASKS[task][1], visited).qvel, visited.next_qvel)
    print(
        f"\n{task:22s} contacts {visited.contacts.max():2d}  qvel {qvel.max():.0e}  cfrc_ext {forces.max():.0e}"
        f"  float32: median {np.median(rounded):.0e}, 9 in 10 {np.quantile(rounded, 0.9):.0e}, max {rounded.max():.0e}"
    )
    assert qvel.max() < row.qvel
    assert forces.max() < row.cfrc_ext
    assert apart(ours.qpos, visited.next_qpos).max() < row.qvel
    for name in set(FIELDS) - {"cfrc_ext", "qfrc_constraint"}:
        assert apart(ours.derived[name], visited.fields[name]).max() < 10 * row.qvel
    assert np.quantile(rounded, 0.9) < row.float32


LENGTH = 100
NUDGE = 1e-14


def follow_c(model, qpos, qvel, ctrls, frames):
    """(steps, nq) where C goes."""
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = qpos, qvel
    path = []
    for ctrl in ctrls:
        data.ctrl[:] = ctrl
        mujoco.mj_step(model, data, nstep=frames)
        path.append(data.qpos.copy())
    return np.array(path)


@pytest.mark.parametrize("task", [task for task in TASKS if not task.startswith("Humanoid")])
def test_a_rollout_strays_no_further_than_c_does_from_itself(task):
    """(The Humanoids' part from C within some steps for the reason that their row gives.)"""
    handle, frames = load(task), TASKS[task][1]
    model, random = handle.mj_model, np.random.default_rng(3)
    qpos = model.qpos0 + random.uniform(-0.01, 0.01, model.nq)
    qvel = random.normal(size=model.nv) * 0.01
    ctrls = random.uniform(*model.actuator_ctrlrange.T, (LENGTH, model.nu)).astype(np.float32)
    theirs = follow_c(model, qpos, qvel, ctrls, frames)
    # How far C itself differs after a few changes that are smaller than any rounding; none of them is the worst case.
    nudges = NUDGE * np.array([1, -1, 10, -10])
    nudged = [follow_c(model, qpos, qvel * (1 + nudge) + nudge, ctrls, frames) for nudge in nudges]
    sensitivity = np.max([np.abs(path - theirs).max(axis=1) for path in nudged], axis=0)
    with jax.enable_x64(True):

        def step(state, ctrl):
            state = engine.step(handle, parameters_of(model), state, ctrl, frames, ())
            return state, state.qpos

        start = state_at(qpos, qvel, np.zeros(model.nv))
        _, ours = jax.jit(lambda ctrls: jax.lax.scan(step, start, ctrls))(jnp.asarray(ctrls, float))
    error = np.abs(np.asarray(ours) - theirs).max(axis=1)
    print(
        f"\n{task:22s} after 10, 50, 100 steps: "
        + ", ".join(f"{error[at]:.0e} (C {sensitivity[at]:.0e})" for at in (9, 49, 99))
    )
    assert (error < 1e-12 + 10 * np.maximum.accumulate(sensitivity)).all()
