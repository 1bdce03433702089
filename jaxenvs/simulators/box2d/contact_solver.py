"""Sequential impulses at the contacts of bodies with the static ground (`b2ContactSolver.cpp`).

The ground does not move, so shape A has neither mass nor velocity, and what follows is the part of body B.
"""

import dataclasses
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxenvs.core.varying import varying_as
from jaxenvs.simulators.box2d.collision import Manifold, origin_of
from jaxenvs.simulators.box2d.joints import at_place, put_at_place
from jaxenvs.simulators.box2d.lanes import keep
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import (
    LINEAR_SLOP,
    MAX_CONDITION_NUMBER,
    MAX_LINEAR_CORRECTION,
    POLYGON_RADIUS,
    F,
)
from jaxenvs.simulators.box2d.vectors import (
    Scalar,
    Vector,
    add,
    at,
    choose,
    cross,
    dot,
    negate,
    of,
    rotate,
    rotation,
    scale,
    subtract,
    transform,
    turn,
)

T = TypeVar("T")

Impulses = tuple[Scalar, Scalar, Scalar, Scalar]
"""Normal and tangential impulse of the first point, then of the second, N s."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ContactConstraint:
    """What the velocity solver needs of a contact (`b2ContactVelocityConstraint`).

    Attributes:
        normal: from the ground towards the body.
        arms: from the centre of mass to each point, m.
        friction: () coefficient.
        is_block: () bool, whether both points are solved together.
        normal_masses: of each point, kg; 0 for a point that is not solved.
        tangent_masses: of each point, kg.
        block: k11, k12, k22 of the matrix of both points, 1/kg.
        block_inverse: the same of its inverse, kg.
        impulses: what the solver starts with.
    """

    normal: Vector
    arms: tuple[Vector, Vector]
    friction: Array
    is_block: Array
    normal_masses: tuple[Array, Array]
    tangent_masses: tuple[Array, Array]
    block: tuple[Array, Array, Array]
    block_inverse: tuple[Array, Array, Array]
    impulses: Impulses


def constraint(
    model: Model,
    body: Array,
    center: Vector,
    angle: Scalar,
    manifold: Manifold,
    impulses: Impulses,
    friction: Array,
) -> ContactConstraint:
    """Masses and arms at the body's pose (`InitializeVelocityConstraints`, `b2WorldManifold::Initialize`).

    Args:
        model: the bodies.
        body: int32 indices.
        center: the centres of mass in m.
        angle: rad.
        manifold: of the contacts.
        impulses: to warm start with.
        friction: coefficient.
    """
    inverse_mass = of(model.inverse_masses, body)
    inverse_inertia = of(model.inverse_inertias, body)
    q = keep(rotation(angle))
    p = origin_of(model, body, center, q)
    is_edge = manifold.edge_is_face
    normal = choose(is_edge, manifold.normal, rotate(q, manifold.normal))
    plane = choose(is_edge, manifold.plane_point, transform(p, q, manifold.plane_point))
    arms = []
    for clip in manifold.clip_points:
        point = choose(is_edge, transform(p, q, clip), clip)
        on_face = add(point, scale(POLYGON_RADIUS - dot(subtract(point, plane), normal), normal))
        on_other = subtract(point, scale(POLYGON_RADIUS, normal))
        arms.append(subtract(scale(F(0.5), add(on_face, on_other)), center))
    normal, arms = keep((choose(is_edge, normal, negate(normal)), arms))
    tangent = (normal[1], -normal[0])
    rn = [cross(arm, normal) for arm in arms]
    rt = [cross(arm, tangent) for arm in arms]
    k11, k12, k22 = (inverse_mass + inverse_inertia * rn[i] * rn[j] for i, j in ((0, 0), (0, 1), (1, 1)))
    determinant = k11 * k22 - k12 * k12
    # A matrix that cannot be inverted well leaves the second point out.
    is_block = (manifold.points == 2) & (k11 * k11 < MAX_CONDITION_NUMBER * determinant)
    inverse = 1 / jnp.where(determinant == 0, F(1), determinant)
    solved = (manifold.points > 0, is_block)

    def if_solved(point: int, value: Array) -> Array:
        return jnp.where(solved[point], value, F(0))

    return ContactConstraint(
        normal=normal,
        arms=(arms[0], arms[1]),
        friction=friction,
        is_block=is_block,
        normal_masses=(if_solved(0, 1 / k11), if_solved(1, 1 / k22)),
        tangent_masses=(
            if_solved(0, 1 / (inverse_mass + inverse_inertia * rt[0] * rt[0])),
            if_solved(1, 1 / (inverse_mass + inverse_inertia * rt[1] * rt[1])),
        ),
        block=(k11, k12, k22),
        block_inverse=(inverse * k22, -inverse * k12, inverse * k11),
        impulses=(
            if_solved(0, impulses[0]),
            if_solved(0, impulses[1]),
            if_solved(1, impulses[2]),
            if_solved(1, impulses[3]),
        ),
    )


def friction(model: Model, body: Array, edge: Array) -> Array:
    """float32: the mixed coefficient of a body and an edge of the ground (`b2MixFriction`)."""
    return jnp.sqrt(of(model.frictions, body) * of(model.edge_frictions, edge))


def warm_start(
    contact: ContactConstraint, inverse_mass: Scalar, inverse_inertia: Scalar, v: Vector, w: Scalar
) -> tuple[Vector, Scalar]:
    """Applies the impulses that a contact starts with (`b2ContactSolver::WarmStart`)."""
    tangent = (contact.normal[1], -contact.normal[0])
    for number, arm in enumerate(contact.arms):
        along, across = contact.impulses[2 * number : 2 * number + 2]
        impulse = add(scale(along, contact.normal), scale(across, tangent))
        w = w + inverse_inertia * cross(arm, impulse)
        v = add(v, scale(inverse_mass, impulse))
    return v, w


def _solve_velocity(
    contact: ContactConstraint,
    inverse_mass: Scalar,
    inverse_inertia: Scalar,
    v: Vector,
    w: Scalar,
    impulses: Impulses,
) -> tuple[Vector, Scalar, Impulses]:
    """One pass over a contact: friction, then the normal impulses (`SolveVelocityConstraints`).

    Two points are a linear complementarity problem of four cases, of which the first that fits is taken.
    """
    normal = contact.normal
    tangent = (normal[1], -normal[0])
    n1, t1, n2, t2 = impulses

    def rub(
        v: Vector, w: Scalar, arm: Vector, old: Scalar, pressure: Scalar, mass: Scalar
    ) -> tuple[Vector, Scalar, Scalar]:
        slip = dot(add(v, turn(w, arm)), tangent)
        limit = contact.friction * pressure
        new = keep(jnp.maximum(-limit, jnp.minimum(old - mass * slip, limit)))
        impulse = scale(new - old, tangent)
        return add(v, scale(inverse_mass, impulse)), w + inverse_inertia * cross(arm, impulse), new

    v, w, t1 = rub(v, w, contact.arms[0], t1, n1, contact.tangent_masses[0])
    v, w, t2 = rub(v, w, contact.arms[1], t2, n2, contact.tangent_masses[1])
    vn1, vn2 = (keep(dot(add(v, turn(w, arm)), normal)) for arm in contact.arms)
    alone = jnp.maximum(n1 - contact.normal_masses[0] * vn1, F(0))

    k11, k12, k22 = contact.block
    i11, i12, i22 = contact.block_inverse
    b1, b2 = vn1 - (k11 * n1 + k12 * n2), vn2 - (k12 * n1 + k22 * n2)
    both1, both2 = -(i11 * b1 + i12 * b2), -(i12 * b1 + i22 * b2)
    first, second = -contact.normal_masses[0] * b1, -contact.normal_masses[1] * b2
    case1 = (both1 >= 0) & (both2 >= 0)
    case2 = (first >= 0) & (k12 * first + b2 >= 0)
    case3 = (second >= 0) & (k12 * second + b1 >= 0)
    case4 = (b1 >= 0) & (b2 >= 0)
    x1 = jnp.where(case1, both1, jnp.where(case2, first, jnp.where(case3 | case4, F(0), n1)))
    x2 = jnp.where(case1, both2, jnp.where(case2, F(0), jnp.where(case3, second, jnp.where(case4, F(0), n2))))
    x1, x2 = keep((jnp.where(contact.is_block, x1, alone), jnp.where(contact.is_block, x2, n2)))

    d1, d2 = scale(x1 - n1, normal), scale(x2 - n2, normal)
    v = add(v, scale(inverse_mass, add(d1, d2)))
    w = w + inverse_inertia * (cross(contact.arms[0], d1) + cross(contact.arms[1], d2))
    v, w = keep((v, w))
    return v, w, (x1, t1, x2, t2)


def _solve_position(
    model: Model, body: Array, manifold: Manifold, center: Vector, angle: Scalar, baumgarte: Scalar
) -> tuple[Vector, Scalar, Scalar]:
    """One pass that pushes the points of a contact out (`SolvePositionConstraints`, `SolveTOIPositionConstraints`).

    Returns:
        The centre of mass in m, the angle in rad, and the least separation in m that was met, at most 0.
    """
    inverse_mass = of(model.inverse_masses, body)
    inverse_inertia = of(model.inverse_inertias, body)
    least = jnp.zeros_like(angle)
    for number, clip in enumerate(manifold.clip_points):
        q = keep(rotation(angle))
        p = origin_of(model, body, center, q)
        on_body = transform(p, q, clip)
        turned, plane = rotate(q, manifold.normal), transform(p, q, manifold.plane_point)
        from_edge = dot(subtract(on_body, manifold.plane_point), manifold.normal)
        from_side = dot(subtract(clip, plane), turned)
        separation = jnp.where(manifold.edge_is_face, from_edge, from_side) - POLYGON_RADIUS - POLYGON_RADIUS
        point = choose(manifold.edge_is_face, on_body, clip)
        normal = choose(manifold.edge_is_face, manifold.normal, negate(turned))
        exists = manifold.points > number
        least = jnp.where(exists, jnp.minimum(least, separation), least)
        arm = subtract(point, center)
        error = jnp.maximum(-MAX_LINEAR_CORRECTION, jnp.minimum(baumgarte * (separation + LINEAR_SLOP), F(0)))
        normal, arm = keep((normal, arm))
        rn = cross(arm, normal)
        impulse = scale(-error / (inverse_mass + inverse_inertia * rn * rn), normal)
        center = choose(exists, add(center, scale(inverse_mass, impulse)), center)
        angle = jnp.where(exists, angle + inverse_inertia * cross(arm, impulse), angle)
    return center, angle, least


def used_places(manifolds: Manifold) -> Array:
    """() int32: how many places, which are filled in order, have a contact of any item."""
    return jnp.max(jnp.sum(manifolds.points > 0, 0, dtype=jnp.int32))


def velocity_pass(
    contacts: ContactConstraint,
    masses: tuple[Array, Array],
    v: Vector,
    w: Array,
    impulses: Impulses,
    used: Array,
    body: Array | None = None,
) -> tuple[Vector, Array, Impulses]:
    """One pass over the contacts of each item, one place after the other.

    Args:
        contacts: (places, items).
        masses: inverse masses of the items and inverse moments of inertia.
        v: (items,) velocities in m/s.
        w: (items,) angular velocities in rad/s.
        impulses: (places, items).
        used: () int32, as `used_places` counts.
        body: (places, lanes) int32, of which body each contact is, if the items are lanes; velocities have then a first
            axis of bodies, and masses have places.
    """

    def solve_one(place: Array, state: Any) -> Any:
        v, w, impulses = state
        contact, old = at_place((contacts, impulses), place)
        if body is None:
            v, w, new = _solve_velocity(contact, *masses, v, w, old)
        else:
            (mass, inertia), mine = at_place((masses, body), place)
            own_v, own_w, new = _solve_velocity(contact, mass, inertia, *at((v, w), mine), old)
            v, w = _with_body((v, w), (own_v, own_w), mine)
        return v, w, put_at_place(impulses, place, new)

    return lax.fori_loop(0, used, solve_one, (v, w, impulses))


def position_pass(
    model: Model,
    body: Array,
    manifolds: Manifold,
    center: Vector,
    angle: Array,
    baumgarte: Scalar,
    used: Array,
) -> tuple[Vector, Array, Array]:
    """The same for positions; the last result is the least separation of each item in m, at most 0.

    `body` is (items,), or (places, lanes) for lanes.
    """

    def solve_one(place: Array, state: Any) -> Any:
        center, angle, least = state
        manifold = at_place(manifolds, place)
        if body.ndim == 1:
            center, angle, separation = keep(_solve_position(model, body, manifold, center, angle, baumgarte))
        else:
            mine = at_place(body, place)
            pose = at((center, angle), mine)
            own, turned, separation = keep(_solve_position(model, mine, manifold, *pose, baumgarte))
            center, angle = _with_body((center, angle), (own, turned), mine)
        return center, angle, jnp.minimum(least, separation)

    start = varying_as(angle, (center, angle, jnp.zeros_like(manifolds.normal[0][0])))
    return lax.fori_loop(0, used, solve_one, start)


def warm_start_pass(
    contacts: ContactConstraint, masses: tuple[Array, Array], v: Vector, w: Array, used: Array, body: Array
) -> tuple[Vector, Array]:
    """`warm_start` for the contacts of lanes; the arguments are those of `velocity_pass`."""

    def start_one(place: Array, motion: tuple[Vector, Array]) -> tuple[Vector, Array]:
        contact, (mass, inertia), mine = at_place((contacts, masses, body), place)
        return _with_body(motion, warm_start(contact, mass, inertia, *at(motion, mine)), mine)

    return lax.fori_loop(0, used, start_one, (v, w))


def _with_body(every: T, own: T, body: Array) -> T:
    """Arrays (bodies, lanes) with new entries for one body of each lane."""

    def put(x: Array, new: Array) -> Array:
        here = lax.broadcasted_iota(jnp.int32, x.shape, 0) == body[None]
        return jnp.where(here, new[None], x)

    return jax.tree.map(put, every, own)
