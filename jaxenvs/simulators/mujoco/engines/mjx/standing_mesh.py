"""A mesh that stands on a plane, on the vertices where C MuJoCo finds its contacts in the model's reference pose.

MJX 3.17 refuses meshes with a margin on a plane. The base of the Fetch robot is one: it slides and never turns, so that
it always stands on the same vertices. Without these contacts, the robot's hand is up to 0.04 m elsewhere after a step.
Other contacts of meshes are left out.
"""

import copy
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import math
from mujoco.mjx._src.types import GeomType

from jaxenvs.simulators.mujoco.model import import_mujoco

_VERTICES = 4
_STANDS = 2
"""The bit of `contype` and `conaffinity` by which standing meshes touch planes, and nothing else."""


class Feet(NamedTuple):
    """The vertices that a mesh stands on.

    Attributes:
        vert: (4, 3) in the frame of its geom.
    """

    vert: Any


def prepare(mj_model: Any) -> tuple[Feet, ...]:
    """Limits the contacts of an `mujoco.MjModel`, which it changes, to those that are computed here.

    Returns:
        The vertices of each mesh that stands on a plane, in the order of the numbers that its geoms then have.
    """
    mujoco = import_mujoco()
    data = mujoco.MjData(mj_model)
    mujoco.mj_forward(mj_model, data)
    is_mesh = mj_model.geom_type == GeomType.MESH
    is_plane = mj_model.geom_type == GeomType.PLANE
    feet: dict[int, list[np.ndarray]] = {}
    for contact in data.contact[: data.ncon]:
        plane, mesh = contact.geom
        if is_plane[plane] and is_mesh[mesh]:
            vertex = contact.pos + 0.5 * contact.dist * contact.frame[:3]
            offset = vertex - data.geom_xpos[mesh]
            feet.setdefault(int(mesh), []).append(data.geom_xmat[mesh].reshape(3, 3).T @ offset)
    feet = {mesh: points for mesh, points in feet.items() if len(points) == _VERTICES}
    mj_model.geom_contype[is_mesh] = mj_model.geom_conaffinity[is_mesh] = 0
    mj_model.geom_dataid[is_mesh] = -1
    if feet:
        mj_model.geom_dataid[list(feet)] = np.arange(len(feet))
        mj_model.geom_contype[list(feet)] = _STANDS
        mj_model.geom_conaffinity[is_plane] |= _STANDS
    return tuple(Feet(np.array(points)) for points in feet.values())


def with_spheres(mj_model: Any, *, has_feet: bool) -> Any:
    """A copy with spheres in place of geoms that MJX cannot prepare, or need not.

    These are meshes, if there are feet: MJX takes a minute to prepare their hulls, which nothing uses then. And
    cylinders, if there is a box: MJX refuses such a model, and a function of this package collides the two.
    """
    bare = copy.copy(mj_model)
    is_mesh = (bare.geom_type == GeomType.MESH) & has_feet
    is_cylinder = (bare.geom_type == GeomType.CYLINDER) & (bare.geom_type == GeomType.BOX).any()
    bare.geom_type[is_mesh | is_cylinder] = GeomType.SPHERE
    bare.geom_dataid[is_mesh] = -1
    return bare


def plane_mesh(model: Any, data: Any, key: Any, geom: Array) -> tuple[Array, Array, Array]:
    """Distance (4 n,), position (4 n, 3) and frame (4 n, 3, 3) of the contacts of n planes and meshes, pair by pair."""
    vertices = jnp.asarray(model._impl.mesh_convex[int(key.data_ids[1])].vert, data.geom_xpos.dtype)
    plane, mesh = geom.T
    normal = data.geom_xmat[plane][:, :, 2]
    points = data.geom_xpos[mesh][:, None] + jnp.einsum("nij,vj->nvi", data.geom_xmat[mesh], vertices)
    distance = jnp.einsum("nvi,ni->nv", points - data.geom_xpos[plane][:, None], normal)
    position = points - 0.5 * distance[:, :, None] * normal[:, None]
    frames = jnp.stack([math.make_frame(each) for each in normal])
    frame = jnp.repeat(frames, _VERTICES, axis=0)
    return distance.reshape(-1), position.reshape(-1, 3), frame


plane_mesh.ncon = _VERTICES  # pyright: ignore[reportFunctionMemberAccess]  # MJX reads it from the function
