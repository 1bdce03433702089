"""The positions and orientations of bodies, joints, geoms and sites (`mj_kinematics`).

Each joint, and each body without one, is a link: a motion relative to the link above it. All links are computed at
once, and then chained by doubling: each is joined with the link above, then with that two above, then four above. So a
chain of n links takes log2(n) rounds of the same code over all links, rather than n levels of code (see `tree`).
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src.types import JointType

from jaxenvs.simulators.mujoco.engines.mjx.products import apply, chain, multiply, to_matrix

_MINVAL = 1e-15


class _Links(NamedTuple):
    """Static layout of the links.

    Attributes:
        joint: (links,) the joint of each link, or -1.
        body: (links,) the body of each link.
        parent: (links,) the link above it; link 0 is the world.
        begins: (links,) bool, whether the body's position on its parent comes before the motion.
        last_of_body: (nbody,) the link that a body is fixed to.
        above: (rounds, links) the link to join with in each round: one above, two above, four above.
    """

    joint: np.ndarray
    body: np.ndarray
    parent: np.ndarray
    begins: np.ndarray
    last_of_body: np.ndarray
    above: np.ndarray


class _Frames(NamedTuple):
    """Frames of n objects: orientation as quaternion (n, 4) and as matrix (n, 3, 3), and position (n, 3).

    Matrices are cheaper to chain, and quaternions cost nothing if they are not read in the end.
    """

    quaternion: Array
    matrix: Array
    position: Array

    def at(self, index: np.ndarray | Array) -> "_Frames":
        return _Frames(*(part[index] for part in self))


def kinematics(model: Any, data: Any) -> Any:
    """`data` with the positions and orientations of everything, from its `qpos`."""
    joint_body = tuple(int(body) for body in model.jnt_bodyid)
    links = _links(joint_body, tuple(int(body) for body in model.body_parentid))
    kinds = np.asarray(model.jnt_type)
    has_joint = links.joint >= 0
    motion = _where(has_joint, _joint_motions(model, data.qpos).at(links.joint))
    # A free body is where its joint says, whatever its position on the world.
    free = has_joint & (kinds[links.joint] == JointType.FREE)
    place = _where(links.begins & ~free, _frames(normalize(model.body_quat), model.body_pos).at(links.body))
    frames, _ = jax.lax.scan(_join_with_above, _join(place, motion), jnp.asarray(links.above))

    first_link = np.array([np.flatnonzero(links.joint == joint)[0] for joint in range(model.njnt)], np.int32)
    before = _join(frames.at(links.parent[first_link]), place.at(first_link))
    is_free = (kinds == JointType.FREE)[:, None]
    anchor = jnp.where(is_free, frames.position[first_link], before.position + apply(before.matrix, model.jnt_pos))
    axis = jnp.where(is_free, jnp.array([0.0, 0.0, 1.0]), apply(before.matrix, model.jnt_axis))

    bodies = frames.at(links.last_of_body)
    data = data.replace(xanchor=anchor, xaxis=axis, xpos=bodies.position, xquat=bodies.quaternion, xmat=bodies.matrix)
    for name, body, quaternion, position in (
        ("xi", np.arange(model.nbody, dtype=np.int32), model.body_iquat, model.body_ipos),
        ("geom_x", np.asarray(model.geom_bodyid), model.geom_quat, model.geom_pos),
        ("site_x", np.asarray(model.site_bodyid), model.site_quat, model.site_pos),
    ):
        parts = _join(bodies.at(body), _frames(quaternion, position))
        data = data.replace(**{f"{name}pos": parts.position, f"{name}mat": parts.matrix})
    return data


@lru_cache(maxsize=64)
def _links(joint_body: tuple[int, ...], parents: tuple[int, ...]) -> _Links:
    rows = [(-1, 0, 0, False)]
    last = [0]
    for body in range(1, len(parents)):
        above = last[parents[body]]
        joints = [joint for joint, owner in enumerate(joint_body) if owner == body] or [-1]
        for order, joint in enumerate(joints):
            rows.append((joint, body, above, order == 0))
            above = len(rows) - 1
        last.append(above)
    # int32 is the type of an index with x64 on and off, and these arrays are kept for both.
    joint, body, parent = (np.array(column, np.int32) for column in list(zip(*rows))[:3])
    begins = np.array([row[3] for row in rows])
    rounds = [parent]
    while rounds[-1].any():
        rounds.append(rounds[-1][rounds[-1]])
    return _Links(
        joint, body, parent, begins, np.array(last, np.int32), np.array(rounds[:-1], np.int32).reshape(-1, len(rows))
    )


def _frames(quaternion: Array, position: Array) -> _Frames:
    return _Frames(quaternion, to_matrix(quaternion), position)


def _where(condition: np.ndarray, frames: _Frames) -> _Frames:
    """The frames, or that of the world if the static condition does not hold."""
    return _Frames(
        jnp.where(condition[:, None], frames.quaternion, jnp.array([1.0, 0.0, 0.0, 0.0])),
        jnp.where(condition[:, None, None], frames.matrix, jnp.eye(3)),
        jnp.where(condition[:, None], frames.position, 0.0),
    )


def _join(outer: _Frames, inner: _Frames) -> _Frames:
    """The frames `inner`, given relative to `outer`, in the frame in which `outer` is given."""
    return _Frames(
        multiply(outer.quaternion, inner.quaternion),
        chain(outer.matrix, inner.matrix),
        outer.position + apply(outer.matrix, inner.position),
    )


def _join_with_above(frames: _Frames, above: Array) -> tuple[_Frames, None]:
    return _join(frames.at(above), frames), None


def _joint_motions(model: Any, qpos: Array) -> _Frames:
    """Each joint's motion in the frame before it."""
    kinds, addresses = np.asarray(model.jnt_type), np.asarray(model.jnt_qposadr)
    moved = qpos[addresses] - model.qpos0[addresses]
    half = 0.5 * jnp.where(kinds == JointType.HINGE, moved, 0.0)
    quaternion = jnp.concatenate([jnp.cos(half)[:, None], jnp.sin(half)[:, None] * model.jnt_axis], axis=1)
    slid = jnp.where((kinds == JointType.SLIDE)[:, None], moved[:, None] * model.jnt_axis, 0.0)
    free = kinds == JointType.FREE
    given = free | (kinds == JointType.BALL)
    if given.any():
        at = addresses[given] + np.where(free[given], 3, 0)
        quaternion = quaternion.at[given].set(normalize(qpos[at[:, None] + np.arange(4)]))
    matrix = to_matrix(quaternion)
    position = model.jnt_pos - apply(matrix, model.jnt_pos) + slid
    if free.any():
        position = position.at[free].set(qpos[addresses[free][:, None] + np.arange(3)])
    return _Frames(quaternion, matrix, position)


def normalize(quaternion: Array) -> Array:
    """(..., 4) of length one; the identity for zero, as in C."""
    square = jnp.sum(quaternion * quaternion, axis=-1, keepdims=True)
    vanishes = square < _MINVAL * _MINVAL
    length = jnp.sqrt(jnp.where(vanishes, 1.0, square))
    return jnp.where(vanishes, jnp.array([1.0, 0.0, 0.0, 0.0]), quaternion / length)
