"""Contacts: MJX's colliders with nine of our own, and a limited number of contacts.

Every possible contact takes four rows of the constraint solver, touching or not, in every iteration. The Humanoids have
138 of them. Of each kind (by `condim`), the deepest `MAX_CONTACTS` are kept. No task of Gymnasium has more at once (at
most 11 with friction and 7 without were seen, in the Humanoids), so nothing is lost there. In a model that has more,
the shallowest exert no force. MJX does the same with a custom numeric of the model, `max_contact_points`, but reads it
at the wrong address if there are other numerics, and then finds no contact at all; numerics are not read here.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from mujoco.mjx._src import collision_driver
from mujoco.mjx._src.types import DisableBit, GeomType

from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco.engines.mjx.box_box import box_box
from jaxenvs.simulators.mujoco.engines.mjx.capsule_box import capsule_box
from jaxenvs.simulators.mujoco.engines.mjx.capsule_cylinder import capsule_cylinder
from jaxenvs.simulators.mujoco.engines.mjx.capsules import capsule_capsule, sphere_capsule
from jaxenvs.simulators.mujoco.engines.mjx.cylinder_box import cylinder_box
from jaxenvs.simulators.mujoco.engines.mjx.plane_capsule import plane_capsule
from jaxenvs.simulators.mujoco.engines.mjx.sphere_box import sphere_box
from jaxenvs.simulators.mujoco.engines.mjx.standing_mesh import plane_mesh

MAX_CONTACTS = 16
"""Greatest number of contacts of one dimension that are kept at a time."""

_OWN = {
    (GeomType.PLANE, GeomType.CAPSULE): plane_capsule,
    (GeomType.SPHERE, GeomType.CAPSULE): sphere_capsule,
    (GeomType.CAPSULE, GeomType.CAPSULE): capsule_capsule,
    (GeomType.CAPSULE, GeomType.CYLINDER): capsule_cylinder,
    (GeomType.CAPSULE, GeomType.BOX): capsule_box,
    (GeomType.SPHERE, GeomType.BOX): sphere_box,
    (GeomType.CYLINDER, GeomType.BOX): cylinder_box,
    (GeomType.BOX, GeomType.BOX): box_box,
    (GeomType.PLANE, GeomType.MESH): plane_mesh,
}


def collider_of(types: tuple[int, int]) -> Callable[..., Any]:
    """The function that collides two types of geoms: ours, or MJX's.

    Raises:
        InvalidField: there is none.
    """
    pair = GeomType(int(types[0])), GeomType(int(types[1]))
    found = _OWN.get(pair) or collision_driver._COLLISION_FUNC.get(pair)
    if found is None:
        names = " and a ".join(each.name.lower() for each in pair)
        raise InvalidField(f"The `mjx` engine cannot compute contacts of a {names}. Use `engine='c'`.")
    return found


def contact_dimensions(model: Any) -> np.ndarray:
    """(contacts,) int64, ascending: the dimension of each contact that `collide` gives for an `mujoco.MjModel`."""
    if model.opt.disableflags & DisableBit.CONTACT:
        return np.zeros(0, np.int64)
    counts: dict[int, int] = {}
    for key, pairs in collision_driver._geom_groups(model).items():
        count = getattr(collider_of(key.types), "ncon") * len(pairs)  # noqa: B009  # set on the function by MJX
        counts[int(key.condim)] = min(counts.get(int(key.condim), 0) + count, MAX_CONTACTS)
    return np.repeat(np.array(sorted(counts), np.int64), [counts[dimension] for dimension in sorted(counts)])


def collide(model: Any, data: Any) -> Any:
    """`data` with `_impl.contact` filled in: every possible contact, or the deepest of them."""
    if not data._impl.contact.dim.size:
        return data
    by_dimension: dict[int, list[Any]] = {}
    for key, contact in collision_driver._contact_groups(model, data).items():
        collider = collider_of(key.types)
        distance, position, frame = collider(model, data, key, contact.geom)
        repeats = distance.shape[0] // contact.geom.shape[0]
        if repeats > 1:
            # Colliders return the contacts pair by pair: those of pair 0, of pair 1 and so on.
            contact = jax.tree.map(lambda leaf, repeats=repeats: jnp.repeat(leaf, repeats, axis=0), contact)
        contact = contact.replace(dist=distance, pos=position, frame=frame)
        by_dimension.setdefault(int(key.condim), []).append(contact)

    kept = []
    for dimension in sorted(by_dimension):
        contact = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *by_dimension[dimension])
        if contact.dist.shape[0] > MAX_CONTACTS:
            _, deepest = jax.lax.top_k(contact.includemargin - contact.dist, MAX_CONTACTS)
            contact = jax.tree.map(lambda leaf, deepest=deepest: leaf[deepest], contact)
        kept.append(contact)
    return data.tree_replace({"_impl.contact": jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *kept)})
