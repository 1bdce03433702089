"""Rows of the constraint problem, as C MuJoCo makes them.

Equalities except welds, friction losses and limits are MJX's. Contacts are our own: their impedance is computed once
per contact rather than per row, and their Jacobians from a table of which joint moves which geom rather than by a pass
over the tree each.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import constraint
from mujoco.mjx._src.types import DisableBit

from jaxenvs.simulators.mujoco.engines.mjx.products import apply, chain, skew
from jaxenvs.simulators.mujoco.engines.mjx.tree import tree_of
from jaxenvs.simulators.mujoco.engines.mjx.weld import weld_rows

_MINVAL = 1e-15
"""MuJoCo's `mjMINVAL`."""


class Rows(NamedTuple):
    """Constraints on the acceleration: row i pulls with `clip(-D (J qacc - aref), lower, upper)`.

    Attributes:
        jacobian: (rows, nv), J.
        stiffness: (rows,), D: the inverse of the regularisation.
        reference: (rows,), aref: the acceleration at which the row rests.
        lower: (rows,) least force: minus infinity for equalities, minus the loss for friction, 0 for others.
        upper: (rows,) greatest force: infinity, except for friction.
    """

    jacobian: Array
    stiffness: Array
    reference: Array
    lower: Array
    upper: Array


def constraint_rows(model: Any, data: Any) -> Rows | None:
    """All rows in MuJoCo's order, contacts last; None if the model can have none."""
    if model.opt.disableflags & DisableBit.CONSTRAINT:
        return None
    blocks = [_joint_rows(model, data, kind, rows(model, data)) for kind, rows in _JOINT_ROWS]
    welds = weld_rows(model, data)
    if welds is not None:
        rows = _joint_rows(model, data, "equality", welds[0])
        assert rows is not None
        blocks.insert(_AFTER_CONNECTS, rows._replace(reference=rows.reference - welds[1]))
    contact = data._impl.contact
    blocks += [
        _contact_rows(model, data, jax.tree.map(lambda leaf, at=contact.dim == dim: leaf[at], contact), dim)
        for dim in sorted({int(dim) for dim in contact.dim})
    ]
    blocks = [block for block in blocks if block is not None]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *blocks) if blocks else None


_JOINT_ROWS = (
    ("equality", constraint._efc_equality_connect),
    ("equality", constraint._efc_equality_joint),
    ("equality", constraint._efc_equality_tendon),
    ("friction", constraint._efc_friction),
    ("limit", constraint._efc_limit_ball),
    ("limit", constraint._efc_limit_slide_hinge),
    ("limit", constraint._efc_limit_tendon),
)

_AFTER_CONNECTS = 1
"""The place of the welds among these: after the first."""


def _joint_rows(model: Any, data: Any, kind: str, rows: Any) -> Rows | None:
    """MJX's rows with their stiffness, reference and bounds."""
    if rows is None:
        return None
    stiffness, damping, impedance = jax.vmap(lambda *row: constraint._kbi(model, *row))(
        rows.solref, rows.solimp, rows.pos_imp
    )
    unbounded = jnp.full_like(impedance, jnp.inf)
    lower, upper = {
        "equality": (-unbounded, unbounded),
        "friction": (-rows.frictionloss, rows.frictionloss),
        "limit": (jnp.zeros_like(impedance), unbounded),
    }[kind]
    return Rows(
        rows.J,
        1.0 / jnp.maximum(rows.invweight * (1.0 - impedance) / impedance, _MINVAL),
        -damping * (rows.J @ data.qvel) - stiffness * impedance * rows.pos_aref,
        lower,
        upper,
    )


def _contact_rows(model: Any, data: Any, contact: Any, dimension: int) -> Rows:
    """Rows of the contacts of one dimension: one each without friction, else two per direction of friction."""
    moves = jnp.asarray(tree_of(model).moves[np.asarray(model.geom_bodyid)])
    sides = moves[contact.geom[:, 1]] - moves[contact.geom[:, 0]]  # (contacts, nv): 1, -1 or 0

    # (contacts, nv, 3): how the second body's point moves relative to the first's, for a unit speed of each dof.
    angular, linear = data.cdof[:, :3], data.cdof[:, 3:]
    offset = contact.pos[:, None] - data.subtree_com[np.asarray(model.body_rootid)[model.dof_bodyid]]
    moved = (linear + apply(skew(angular), offset)) * sides[:, :, None]
    directions = chain(contact.frame, jnp.swapaxes(moved, 1, 2))
    if dimension > 3:
        turned = angular * sides[:, :, None]
        directions = jnp.concatenate([directions, chain(contact.frame, jnp.swapaxes(turned, 1, 2))], axis=1)

    bodies = jnp.asarray(model.geom_bodyid)[contact.geom]
    weight = jnp.sum(model.body_invweight0[bodies, 0], axis=1)
    if dimension == 1:
        jacobian = directions[:, :1]
    else:
        friction = contact.friction[:, : dimension - 1, None]
        sideways = directions[:, 1:dimension] * friction
        edges = jnp.stack([directions[:, :1] + sideways, directions[:, :1] - sideways], axis=2)
        jacobian = edges.reshape(edges.shape[0], 2 * (dimension - 1), edges.shape[3])
        first = friction[:, 0, 0] * friction[:, 0, 0]
        weight = weight * (1.0 + first) * 2.0 * first / model.opt.impratio

    gap = contact.dist - contact.includemargin
    touches = gap < 0.0
    jacobian = jacobian * touches[:, None, None]
    stiffness, damping, impedance = jax.vmap(lambda *row: constraint._kbi(model, *row))(
        contact.solref, contact.solimp, gap
    )
    regularisation = jnp.maximum(weight * (1.0 - impedance) / impedance, _MINVAL)
    spring = stiffness * impedance * jnp.where(touches, gap, 0.0)
    count, edges_each, nv = jacobian.shape
    jacobian = jacobian.reshape(count * edges_each, nv)
    each = lambda values: jnp.repeat(values, edges_each)  # noqa: E731  # used three times in the next lines
    zero = jnp.zeros(count * edges_each, jacobian.dtype)
    return Rows(
        jacobian,
        each(1.0 / regularisation),
        -each(damping) * (jacobian @ data.qvel) - each(spring),
        zero,
        jnp.full_like(zero, jnp.inf),
    )
