"""Where bodies, joints, geoms and sites are (`mj_kinematics`).

Each joint, and each body without one, is a link: a motion relative to the link above it. All links are computed at once,
and then chained by doubling: joined with its parent, then with the link two above, four above, so that a chain of n takes
log2(n) rounds over all links and not n levels of code (see `tree`). A barrier between the rounds keeps XLA's CPU
compiler from fusing them.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src.types import JointType

_MINVAL = 1e-15


class _Links(NamedTuple):
    """Static lay-out of the links.

    Attributes:
        joint: (links,) its joint, or -1.
        body: (links,) its body.
        parent: (links,) the link above it; link 0 is the world.
        begins: (links,) bool, whether the body's place on its parent comes before the motion.
        last_of_body: (nbody,) the link that a body is fixed to.
    """

    joint: np.ndarray
    body: np.ndarray
    parent: np.ndarray
    begins: np.ndarray
    last_of_body: np.ndarray


def kinematics(model: Any, data: Any) -> Any:
    """`data` with the positions and orientations of everything, from its `qpos`."""
    joint_body = tuple(int(body) for body in model.jnt_bodyid)
    links = _links(joint_body, tuple(int(body) for body in model.body_parentid))
    quaternion, position = _joint_motions(model, data.qpos)
    has_joint = links.joint >= 0
    motion = (
        jnp.where(has_joint[:, None], quaternion[links.joint], jnp.array([1.0, 0.0, 0.0, 0.0])),
        jnp.where(has_joint[:, None], position[links.joint], 0.0),
    )
    # A free body is where its joint says, whatever its place on the world.
    free = has_joint & (np.asarray(model.jnt_type)[links.joint] == JointType.FREE)
    begins = (links.begins & ~free)[:, None]
    place = (
        jnp.where(begins, normalize(model.body_quat)[links.body], jnp.array([1.0, 0.0, 0.0, 0.0])),
        jnp.where(begins, model.body_pos[links.body], 0.0),
    )

    frames = join(place, motion)
    above = links.parent
    while above.any():
        frames = jax.lax.optimization_barrier(frames)
        frames = join((frames[0][above], frames[1][above]), frames)
        above = above[above]

    first_link = np.array([np.flatnonzero(links.joint == joint)[0] for joint in range(model.njnt)], np.int64)
    before = links.parent[first_link]
    quaternion, position = join(
        (frames[0][before], frames[1][before]), (place[0][first_link], place[1][first_link])
    )
    is_free = (np.asarray(model.jnt_type) == JointType.FREE)[:, None]
    anchor = jnp.where(is_free, frames[1][first_link], position + rotate(quaternion, model.jnt_pos))
    axis = jnp.where(is_free, jnp.array([0.0, 0.0, 1.0]), rotate(quaternion, model.jnt_axis))

    xquat, xpos = (frame[links.last_of_body] for frame in frames)
    data = data.replace(xanchor=anchor, xaxis=axis, xpos=xpos, xquat=xquat, xmat=to_matrix(xquat))
    for name, body, local_quat, local_pos in (
        ("xi", np.arange(model.nbody), model.body_iquat, model.body_ipos),
        ("geom_x", model.geom_bodyid, model.geom_quat, model.geom_pos),
        ("site_x", model.site_bodyid, model.site_quat, model.site_pos),
    ):
        quaternion, position = join((xquat[body], xpos[body]), (local_quat, local_pos))
        data = data.replace(**{f"{name}pos": position, f"{name}mat": to_matrix(quaternion)})
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
    joint, body, parent, begins = (np.array(column) for column in zip(*rows))
    return _Links(joint, body, parent, begins, np.array(last))


def _joint_motions(model: Any, qpos: Array) -> tuple[Array, Array]:
    """Each joint's rotation (njnt, 4) and translation (njnt, 3), in the frame before it."""
    kinds, addresses = np.asarray(model.jnt_type), np.asarray(model.jnt_qposadr)
    moved = qpos[addresses] - model.qpos0[addresses]
    half = 0.5 * jnp.where(kinds == JointType.HINGE, moved, 0.0)
    quaternion = jnp.concatenate([jnp.cos(half)[:, None], jnp.sin(half)[:, None] * model.jnt_axis], axis=1)
    slid = jnp.where((kinds == JointType.SLIDE)[:, None], moved[:, None] * model.jnt_axis, 0.0)
    given = np.isin(kinds, (JointType.FREE, JointType.BALL))
    if given.any():
        at = addresses[given] + np.where(kinds[given] == JointType.FREE, 3, 0)
        quaternion = quaternion.at[given].set(normalize(qpos[at[:, None] + np.arange(4)]))
    around = model.jnt_pos - rotate(quaternion, model.jnt_pos)
    position = around + slid
    free = kinds == JointType.FREE
    if free.any():
        position = position.at[free].set(qpos[addresses[free][:, None] + np.arange(3)])
    return quaternion, position


def join(outer: tuple[Array, Array], inner: tuple[Array, Array]) -> tuple[Array, Array]:
    """The frame `inner`, given in `outer`, as seen from where `outer` is given; frames are (..., 4) and (..., 3)."""
    return multiply(outer[0], inner[0]), outer[1] + rotate(outer[0], inner[1])


def multiply(first: Array, second: Array) -> Array:
    """(..., 4) product of quaternions."""
    w, v = first[..., :1], first[..., 1:]
    other_w, other_v = second[..., :1], second[..., 1:]
    scalar = w * other_w - jnp.sum(v * other_v, axis=-1, keepdims=True)
    return jnp.concatenate([scalar, w * other_v + other_w * v + jnp.cross(v, other_v)], axis=-1)


def rotate(quaternion: Array, vector: Array) -> Array:
    """(..., 3) `vector` turned by a unit quaternion."""
    w, v = quaternion[..., :1], quaternion[..., 1:]
    twice = 2.0 * jnp.cross(v, vector)
    return vector + w * twice + jnp.cross(v, twice)


def normalize(quaternion: Array) -> Array:
    """(..., 4) of length one; the identity for zero, as in C."""
    square = jnp.sum(quaternion * quaternion, axis=-1, keepdims=True)
    vanishes = square < _MINVAL * _MINVAL
    length = jnp.sqrt(jnp.where(vanishes, 1.0, square))
    return jnp.where(vanishes, jnp.array([1.0, 0.0, 0.0, 0.0]), quaternion / length)


def to_matrix(quaternion: Array) -> Array:
    """(..., 3, 3) of a unit quaternion."""
    w, x, y, z = (quaternion[..., index] for index in range(4))
    rows = (
        (w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z),
    )
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
