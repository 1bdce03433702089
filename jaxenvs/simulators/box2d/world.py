"""The state of a world."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.box2d.broad_phase import body_box
from jaxenvs.simulators.box2d.contacts import Contacts, no_contacts
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.settings import AABB_EXTENSION, F
from jaxenvs.simulators.box2d.vectors import Vector, cross, rotate, rotation, rounded


class World(PyTreeNode):
    """Everything that decides the next step, besides the ground and the forces.

    Attributes:
        position: (bodies, 2) float32 in m, centres of mass.
        angle: (bodies,) float32 in rad.
        velocity: (bodies, 2) float32 in m/s, of the centres of mass.
        angular_velocity: (bodies,) float32 in rad/s.
        sleep_time: (bodies,) float32 in s, how long each body has been at rest.
        awake: () bool; the bodies are joined, so they sleep and wake together.
        joint_impulse: (joints, 4) float32, of the last step, in the order of the model's joints: of the point (x, y) in
            N s, of the limit and of the motor in N m s.
        fat_box: (bodies, 4) float32 in m: left, bottom, right and top of each body's box in the broad phase. They
            decide which pairs exist, and in which order.
        contacts: with leading axis (bodies,).
        touched: (bodies,) bool, whether the last contact event of each body was a begin. A body that leaves one of two
            edges that it touches is not touched by this count.
        overflow: () bool, whether there have been more pairs or touching contacts than the model has room for. From
            then on the simulation is not Box2D's.
    """

    position: Array
    angle: Array
    velocity: Array
    angular_velocity: Array
    sleep_time: Array
    awake: Array
    joint_impulse: Array
    fat_box: Array
    contacts: Contacts
    touched: Array
    overflow: Array


def world_at_rest(model: Model, origin: Array, angle: Array) -> World:
    """A world just made: bodies at rest, no contacts.

    Args:
        model: the bodies.
        origin: (bodies, 2) float32 in m, where the origins of the bodies' frames lie.
        angle: (bodies,) float32 in rad.

    Raises:
        InvalidField: an array has not the shape that the model asks for.
    """
    count = len(model.bodies)
    origin, angle = jnp.asarray(origin, jnp.float32), jnp.asarray(angle, jnp.float32)
    check_shape("world_at_rest", "origin", origin, (count, 2))
    check_shape("world_at_rest", "angle", angle, (count,))
    sine, cosine = rotation(angle)
    position = origin + _to_centers(model, angle)
    boxes = [body_box(model, i, (position[i, 0], position[i, 1]), (sine[i], cosine[i]))[0] for i in range(count)]
    margin = np.array([-1, -1, 1, 1], np.float32) * AABB_EXTENSION
    return World(
        position=position,
        angle=angle,
        velocity=jnp.zeros((count, 2), jnp.float32),
        angular_velocity=jnp.zeros(count, jnp.float32),
        sleep_time=jnp.zeros(count, jnp.float32),
        awake=jnp.ones((), bool),
        joint_impulse=jnp.zeros((len(model.joints), 4), jnp.float32),
        fat_box=jnp.stack([jnp.stack(each) for each in boxes]) + margin[None],
        contacts=no_contacts(count, model.pairs),
        touched=jnp.zeros(count, bool),
        overflow=jnp.zeros((), bool),
    )


def check_shape(function: str, name: str, array: Any, shape: tuple[int, ...]) -> None:
    """Raises `InvalidField` if an argument has not the shape that a model asks for."""
    given = jnp.shape(array)
    if given != shape:
        advice = " Map over a batch: `jax.vmap`." if given[1:] == shape else ""
        raise InvalidField(f"{function}: `{name}` must have the shape {shape} for this model, got {given}.{advice}")


def with_impulse(model: Model, world: World, body: int, impulse: Array, point: Array, applied: Array) -> World:
    """The world after an impulse on a body, which wakes it (`b2Body::ApplyLinearImpulse`).

    Args:
        model: the bodies.
        world: before.
        body: the number of the body.
        impulse: (2,) float32 in N s.
        point: (2,) float32 in m, where it acts.
        applied: () bool; if it is false, the world stays as it is.

    Raises:
        InvalidField: there is no such body, or an array has another shape.
    """
    check_integer("with_impulse", "body", body, 0, len(model.bodies) - 1)
    impulse, point = jnp.asarray(impulse, jnp.float32), jnp.asarray(point, jnp.float32)
    for name, array, shape in (("impulse", impulse, (2,)), ("point", point, (2,)), ("applied", applied, ())):
        check_shape("with_impulse", name, array, shape)
    arm = point - world.position[body]
    torque = cross((arm[0], arm[1]), (impulse[0], impulse[1]), steady=True)
    kick, spin = rounded((model.inverse_masses[body] * impulse, model.inverse_inertias[body] * torque))
    mine = applied & (np.arange(len(model.bodies)) == body)
    return world.replace(
        velocity=world.velocity + jnp.where(mine[:, None], kick[None, :], F(0)),
        angular_velocity=world.angular_velocity + jnp.where(mine, spin, F(0)),
        awake=world.awake | applied,
    )


def origins(model: Model, world: World) -> Array:
    """(bodies, 2) float32 in m: where the origins of the bodies' frames lie (`b2Body::GetPosition`)."""
    return world.position - _to_centers(model, world.angle)


def _to_centers(model: Model, angle: Array) -> Array:
    """(bodies, 2) float32 in m: from the origins of the bodies' frames to their centres of mass."""
    local: Vector = (model.local_centers[:, 0], model.local_centers[:, 1])
    return jnp.stack(rotate(rotation(angle), local, steady=True), 1)
