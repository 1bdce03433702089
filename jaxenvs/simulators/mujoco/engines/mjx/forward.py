"""One evaluation of the dynamics, from positions, velocities and controls to accelerations, like `mj_forward`.

The order and the functions are MJX's, without what no step needs (cameras, lights, sensors, and external forces on
bodies), and with the corrections of this package.
"""

from typing import Any

import jax.numpy as jnp
from mujoco.mjx._src import forward as mjx_forward
from mujoco.mjx._src import passive, smooth

from jaxenvs.simulators.mujoco.engines.mjx import cholesky
from jaxenvs.simulators.mujoco.engines.mjx.collision import collide
from jaxenvs.simulators.mujoco.engines.mjx.constraints import constraint_rows
from jaxenvs.simulators.mujoco.engines.mjx.dynamics import add_inertias, add_velocities, bias_force
from jaxenvs.simulators.mujoco.engines.mjx.kinematics import kinematics
from jaxenvs.simulators.mujoco.engines.mjx.newton import Problem, force_of, minimise
from jaxenvs.simulators.mujoco.engines.mjx.tree import tree_of


def forward(model: Any, data: Any) -> Any:
    """`data` with everything that follows from its `qpos`, `qvel`, `act`, `ctrl` and `qacc_warmstart`."""
    data = kinematics(model, data)
    data = add_inertias(model, data)
    data = smooth.tendon(model, data)
    data = smooth.tendon_armature(model, data)
    data = smooth.transmission(model, data)
    data = collide(model, data)

    data = data.tree_replace(
        {
            "_impl.actuator_velocity": data._impl.actuator_moment @ data.qvel,
            "_impl.ten_velocity": data._impl.ten_J @ data.qvel,
        }
    )
    data = add_velocities(model, data)
    data = passive.passive(model, data)
    data = data.replace(qfrc_bias=bias_force(model, data))
    data = smooth.tendon_bias(model, data)
    data = mjx_forward.fwd_actuation(model, data)

    inertia = data._impl.M
    qfrc_smooth = data.qfrc_passive - data.qfrc_bias + data.qfrc_actuator + data.qfrc_applied
    qacc_smooth = cholesky.solve(inertia, qfrc_smooth)
    data = data.replace(qfrc_smooth=qfrc_smooth, qacc_smooth=qacc_smooth)
    rows = constraint_rows(model, data)
    if rows is None:
        return data.replace(qacc=qacc_smooth, qfrc_constraint=jnp.zeros_like(qacc_smooth))
    trees = jnp.asarray(tree_of(model).trees, inertia.dtype)
    qacc = minimise(Problem(inertia, qacc_smooth, rows, model.opt.tolerance, trees), data.qacc_warmstart)
    force = force_of(rows, rows.jacobian @ qacc - rows.reference)
    data = data.replace(qacc=qacc, qfrc_constraint=force @ rows.jacobian)
    return data.tree_replace({"_impl.efc_force": force})
