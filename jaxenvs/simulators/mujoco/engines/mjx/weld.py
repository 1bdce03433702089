"""Rows of the welds between bodies, which hold two frames together, as C MuJoCo 4 has them.

MJX 3.17 leaves out the acceleration that a weld asks for because its own directions turn, J̇ v. Without it, the hand of
the Fetch robot, which a weld leads, moves differently as soon as it turns. MJX also finds what moves a body by a pass
over the tree, which takes XLA long to compile for a long arm; here it is read from a table (see `tree`).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import constraint, math
from mujoco.mjx._src.types import DisableBit, EqType, ObjType

from jaxenvs.simulators.mujoco.engines.mjx.products import cross
from jaxenvs.simulators.mujoco.engines.mjx.tree import tree_of


class _Point(NamedTuple):
    """How each degree of freedom moves and turns a point of a body, (nv, 3), and how that changes, times qvel, (3,)."""

    straight: Array
    turning: Array
    straight_rate: Array
    turning_rate: Array


def weld_rows(model: Any, data: Any) -> tuple[Any, Array] | None:
    """The rows of all welds in MJX's form, and their J̇ v (rows,); None without welds.

    Welds between sites are MJX's own, without J̇ v.
    """
    welds = np.nonzero(np.asarray(model.eq_type) == EqType.WELD)[0]
    if model.opt.disableflags & DisableBit.EQUALITY or not welds.size:
        return None
    if (np.asarray(model.eq_objtype)[welds] == ObjType.SITE).any():
        rows = constraint._efc_equality_weld(model, data)
        return rows, jnp.zeros_like(rows.pos_aref)  # pyright: ignore[reportOptionalMemberAccess]  # there are welds

    def rows_of(bodies: Array, numbers: Array, solref: Array, solimp: Array, active: Array) -> Any:
        error, jacobian, rate = _weld(model, data, bodies, numbers)
        weight = jnp.repeat(jnp.asarray(model.body_invweight0)[bodies].sum(0), 3)
        zero = jnp.zeros_like(error)
        row = constraint._row(jacobian, error, math.norm(error), weight, solref, solimp, zero, zero)
        return jax.tree.map(lambda leaf: leaf * active, (row, rate))

    bodies = np.stack([model.eq_obj1id, model.eq_obj2id], axis=1)[welds]
    given = (jnp.asarray(model.eq_data), jnp.asarray(model.eq_solref), jnp.asarray(model.eq_solimp), data.eq_active)
    rows, rate = jax.vmap(rows_of)(jnp.asarray(bodies), *(values[welds] for values in given))
    return jax.tree.map(jnp.concatenate, (rows, rate))


def _weld(model: Any, data: Any, bodies: Array, numbers: Array) -> tuple[Array, Array, Array]:
    """The error (6,) of a weld, its Jacobian (6, nv), and the Jacobian's rate of change times qvel (6,)."""
    anchors = jnp.stack([numbers[3:6], numbers[0:3]])
    places = data.xpos[bodies] + jnp.einsum("bij,bj->bi", data.xmat[bodies], anchors)
    points = jax.vmap(lambda body, place: _point(model, data, body, place))(bodies, places)
    apart = _Point(*(part[0] - part[1] for part in points))

    pose, scale = numbers[6:10], numbers[10]
    spin = data.cvel[bodies][:, :3]
    slip = spin[0] - spin[1]
    first = math.quat_mul(data.xquat[bodies[0]], pose)
    first_rate = math.quat_mul(_rate(data.xquat[bodies[0]], spin[0]), pose)
    second, second_rate = math.quat_inv(data.xquat[bodies[1]]), math.quat_inv(_rate(data.xquat[bodies[1]], spin[1]))

    def turned(before: Array, axis: Array, after: Array) -> Array:
        return 0.5 * scale * math.quat_mul(math.quat_mul_axis(before, axis), after)[1:]

    error = jnp.concatenate([places[0] - places[1], scale * math.quat_mul(second, first)[1:]])
    turning = jax.vmap(lambda axis: turned(second, axis, first))(apart.turning)
    rate = (
        turned(second_rate, slip, first) + turned(second, apart.turning_rate, first) + turned(second, slip, first_rate)
    )
    jacobian = jnp.concatenate([apart.straight.T, turning.T])
    return error, jacobian, jnp.concatenate([apart.straight_rate, rate])


def _rate(quaternion: Array, spin: Array) -> Array:
    """(4,) the rate of change of an orientation (4,) that turns with `spin` (3,) rad/s, in the frame of the world."""
    return 0.5 * math.quat_mul(jnp.concatenate([jnp.zeros(1, spin.dtype), spin]), quaternion)


def _point(model: Any, data: Any, body: Array, place: Array) -> _Point:
    """A point of a body that is at `place` (3,)."""
    moves = jnp.asarray(tree_of(model).moves)[body][:, None]
    speed = moves * data.qvel[:, None]
    offset = place - data.subtree_com[jnp.asarray(np.asarray(model.body_rootid))[body]]
    velocity = data.cvel[body][3:] + cross(data.cvel[body][:3], offset)
    turn, move = data.cdof[:, :3], data.cdof[:, 3:]
    turn_dot, move_dot = data.cdof_dot[:, :3], data.cdof_dot[:, 3:]
    offsets, velocities = jnp.broadcast_to(offset, turn.shape), jnp.broadcast_to(velocity, turn.shape)
    straight_dot = move_dot + cross(turn_dot, offsets) + cross(turn, velocities)
    return _Point(
        moves * (move + cross(turn, offsets)), moves * turn, (speed * straight_dot).sum(0), (speed * turn_dot).sum(0)
    )
