"""Inertias, velocities and the forces that follow from them (`mj_comPos`, `mj_crb`, `mj_comVel`, `mj_rne`).

Spatial vectors are MuJoCo's: rotation first, then translation, about the centre of mass of the body's whole tree.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src.types import DisableBit, JointType

from jaxenvs.simulators.mujoco.engines.mjx.products import cross, force_cross, momentum, motion_cross
from jaxenvs.simulators.mujoco.engines.mjx.tree import tree_of

_MINVAL = 1e-15


def add_inertias(model: Any, data: Any) -> Any:
    """`data` with centres of mass, spatial inertias, motion axes and the inertia matrix M, from its positions."""
    tree = tree_of(model)
    mass = jnp.asarray(tree.under) @ model.body_mass
    moment = jnp.asarray(tree.under) @ (model.body_mass[:, None] * data.xipos)
    massless = mass[:, None] < _MINVAL
    subtree_com = jnp.where(massless, data.xipos, moment / jnp.where(massless, 1.0, mass[:, None]))

    root = np.asarray(model.body_rootid)
    cinert = _spatial_inertia(model, data, data.xipos - subtree_com[root])
    cdof = _motion_axes(model, data, subtree_com)
    below = jnp.asarray(tree.moves).T @ cinert  # (nv, 10): everything that a degree of freedom moves
    lower = (momentum(below, cdof) @ cdof.T) * tree.above
    inertia = lower + jnp.tril(lower, -1).T + jnp.diag(model.dof_armature)
    return data.replace(subtree_com=subtree_com, cdof=cdof).tree_replace({"_impl.cinert": cinert, "_impl.M": inertia})


def _spatial_inertia(model: Any, data: Any, offset: Array) -> Array:
    """(nbody, 10): the inertia about the tree's centre (xx, yy, zz, xy, xz, yz), mass times offset, and mass."""
    own = jnp.einsum("bij,bj,bkj->bik", data.ximat, model.body_inertia, data.ximat)
    square = jnp.sum(offset * offset, axis=1)[:, None, None]
    parallel = square * jnp.eye(3) - offset[:, :, None] * offset[:, None, :]
    total = own + model.body_mass[:, None, None] * parallel
    entries = total[:, np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])]
    return jnp.concatenate([entries, model.body_mass[:, None] * offset, model.body_mass[:, None]], axis=1)


def _motion_axes(model: Any, data: Any, subtree_com: Array) -> Array:
    """(nv, 6): how the tree moves for a unit speed of each degree of freedom."""
    joint = np.asarray(model.dof_jntid)
    kinds = np.asarray(model.jnt_type)[joint]
    within = np.arange(model.nv, dtype=np.int32) - np.asarray(model.jnt_dofadr)[joint]
    body = np.asarray(model.dof_bodyid)
    # Free and ball joints rotate about the axes of the body; a free joint moves along those of the world.
    of_body = np.isin(kinds, (JointType.BALL, JointType.FREE))
    translates = (kinds == JointType.SLIDE) | ((kinds == JointType.FREE) & (within < 3))
    axis = jnp.where(of_body[:, None], data.xmat[body, :, within % 3], data.xaxis[joint])
    along_world = np.eye(3)[within % 3] * ((kinds == JointType.FREE) & (within < 3))[:, None]
    straight = jnp.where((kinds == JointType.FREE)[:, None], along_world, axis)
    offset = subtree_com[np.asarray(model.body_rootid)[body]] - data.xanchor[joint]
    turn = jnp.where(translates[:, None], 0.0, axis)
    move = jnp.where(translates[:, None], straight, cross(axis, offset))
    return jnp.concatenate([turn, move], axis=1)


def add_velocities(model: Any, data: Any) -> Any:
    """`data` with the bodies' spatial velocities and how the motion axes change, from `qvel`."""
    tree = tree_of(model)
    along = data.cdof * data.qvel[:, None]
    cvel = jnp.asarray(tree.moves) @ along
    turning = jnp.asarray(tree.turned_by) @ along
    cdof_dot = motion_cross(turning, data.cdof)
    return data.replace(cvel=cvel, cdof_dot=cdof_dot)


def bias_force(model: Any, data: Any) -> Array:
    """(nv,) Coriolis, centrifugal and gravitational force, by the recursive Newton-Euler method."""
    moves = jnp.asarray(tree_of(model).moves)
    no_gravity = bool(model.opt.disableflags & DisableBit.GRAVITY)
    upward = jnp.concatenate([jnp.zeros(3), jnp.zeros(3) if no_gravity else -model.opt.gravity])
    acceleration = upward + moves @ (data.cdof_dot * data.qvel[:, None])
    inertia, velocity = data._impl.cinert, data.cvel
    force = momentum(inertia, acceleration) + force_cross(velocity, momentum(inertia, velocity))
    force = force.at[0].set(0.0)
    return jnp.sum(data.cdof * (moves.T @ force), axis=1)
