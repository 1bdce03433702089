"""The car of CarRacing: a hull on four wheels, whose tyres push it (Gymnasium's `car_dynamics.py`)."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.simulators.box2d import Body, Drive, Model, RevoluteJoint, Solver, polygon
from jaxenvs.simulators.box2d.island import Moving, moving_of, solve
from jaxenvs.simulators.box2d.lanes import over_lanes
from jaxenvs.simulators.box2d.settings import F

FPS = 50
_SIZE = 0.02
"""Metres per unit of the drawing below."""
_ENGINE_POWER = 1e8 * _SIZE * _SIZE
_WHEEL_INERTIA = 4000 * _SIZE * _SIZE
_ROAD_GRIP = 1e6 * _SIZE * _SIZE
"""Greatest force of a tyre on the road, N."""
_GRASS_GRIP = 0.6 * _ROAD_GRIP
_STIFFNESS = 205000 * _SIZE * _SIZE
"""Force of a tyre per speed at which it slides, N s/m."""
WHEEL_RADIUS, WHEEL_WIDTH = 27 * _SIZE, 14 * _SIZE
"""Half the length and half the width of a wheel seen from above, m."""
_WHEELS = ((-55, 80), (55, 80), (-55, -82), (55, -82))
_HULL = (
    ((-60, 130), (60, 130), (60, 110), (-60, 110)),
    ((-15, 120), (15, 120), (20, 20), (-20, 20)),
    ((25, 20), (50, -10), (50, -40), (20, -90), (-20, -90), (-50, -40), (-50, -10), (-25, 20)),
    ((-50, -120), (50, -120), (50, -90), (-50, -90)),
)
_STEERING_TORQUE = 180 * 900 * _SIZE * _SIZE
_GREATEST_ANGLE = 0.4
"""Of a wheel, to either side, rad."""
_STEERING_GAIN, _STEERING_SPEED = 50.0, 3.0
_BRAKE = 15.0
"""By how much a brake slows a wheel in a step, rad/s."""
_BLOCKED = F(0.9)
"""Above this brake a wheel stands still. Gymnasium compares with the float64 0.9, which lies between this float32 and
the next."""
_GAS_CHANGE = 0.1
"""Greatest increase of gas in a step."""


def _scaled(points: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    return [(x * _SIZE, y * _SIZE) for x, y in points]


_HULL_SHAPES = tuple(polygon(_scaled(points)) for points in _HULL)
_TYRE = polygon([(x * WHEEL_WIDTH, y * WHEEL_RADIUS) for x, y in ((-1, 1), (1, 1), (1, -1), (-1, -1))])


def _axle(wheel: int) -> RevoluteJoint:
    (place,) = _scaled((_WHEELS[wheel],))
    return RevoluteJoint(0, wheel + 1, place, (0.0, 0.0), -_GREATEST_ANGLE, _GREATEST_ANGLE)


MODEL = Model(
    bodies=(Body(_HULL_SHAPES[0], density=1.0, further=_HULL_SHAPES[1:]), *(Body(_TYRE, density=0.1),) * 4),
    joints=tuple(_axle(wheel) for wheel in (3, 2, 1, 0)),
    edge_friction=(),
    time_step=1 / FPS,
    velocity_iterations=6 * 30,
    position_iterations=2 * 30,
)
"""The hull, then the wheels: front left, front right, rear left, rear right."""

POLYGONS = (*((wheel + 1, _TYRE) for wheel in range(4)), *((0, shape) for shape in _HULL_SHAPES))
"""Body and shape of each polygon, those of the wheels first."""


class Car(PyTreeNode):
    """A car.

    Attributes:
        position: (5, 2) float32 in m, centres of mass: hull, front left, front right, rear left and rear right wheel.
        angle: (5,) float32 in rad; 0 faces up.
        velocity: (5, 2) float32 in m/s.
        angular_velocity: (5,) float32 in rad/s.
        sleep_time: (5,) float32 in s, how long each body has been at rest.
        joint_impulse: (4, 4) float32, of the last step, from the last wheel to the first.
        spin: (4,) float32 in rad/s, how fast each wheel rolls.
        phase: (4,) float32 in rad, how far it has rolled.
        gas: () float32, how far the accelerator is down, from 0 to 1.
        on_road: (4,) bool, whether each wheel touched a tile at the start of the last step.
    """

    position: Array
    angle: Array
    velocity: Array
    angular_velocity: Array
    sleep_time: Array
    joint_impulse: Array
    spin: Array
    phase: Array
    gas: Array
    on_road: Array


def parked(angle: Array, place: Array) -> Car:
    """A car at rest.

    Args:
        angle: () float32 in rad.
        place: (2,) float32 in m, of the hull's origin.
    """
    # Wheels begin beside the hull as if it faced up, whatever its angle is; the joints pull them into place.
    offsets = np.array([(0.0, 0.0), *_scaled(_WHEELS)], np.float32)
    angles = jnp.full(5, angle, jnp.float32)
    sine, cosine = jnp.sin(angles), jnp.cos(angles)
    x, y = MODEL.local_centers[:, 0], MODEL.local_centers[:, 1]
    return Car(
        position=place[None] + offsets + jnp.stack([cosine * x - sine * y, sine * x + cosine * y], 1),
        angle=angles,
        velocity=jnp.zeros((5, 2), jnp.float32),
        angular_velocity=jnp.zeros(5, jnp.float32),
        sleep_time=jnp.zeros(5, jnp.float32),
        joint_impulse=jnp.zeros((4, 4), jnp.float32),
        spin=jnp.zeros(4, jnp.float32),
        phase=jnp.zeros(4, jnp.float32),
        gas=jnp.zeros((), jnp.float32),
        on_road=jnp.zeros(4, bool),
    )


def origins(car: Car) -> Array:
    """(5, 2) float32 in m: where the origins of the bodies' frames lie."""
    sine, cosine = jnp.sin(car.angle), jnp.cos(car.angle)
    x, y = MODEL.local_centers[:, 0], MODEL.local_centers[:, 1]
    return car.position - jnp.stack([cosine * x - sine * y, sine * x + cosine * y], 1)


@partial(compiled_once, static_argnames="solver")
def drive(car: Car, steering: Array, gas: Array, brake: Array, solver: Solver) -> Car:
    """The car 1/50 s later, except for `on_road`, which it reads.

    Args:
        car: before.
        steering: () float32 in rad, angle that the front wheels turn to.
        gas: () float32, clipped to [0, 1].
        brake: () float32; above 0.9, the wheels are blocked.
        solver: when the passes over the velocities stop.
    """
    gas = car.gas + jnp.minimum(jnp.clip(gas, 0.0, 1.0) - car.gas, _GAS_CHANGE)
    apart = steering * np.array([1, 1, 0, 0], np.float32) - (car.angle[1:] - car.angle[0])
    motor_speed = jnp.sign(apart) * jnp.minimum(_STEERING_GAIN * jnp.abs(apart), _STEERING_SPEED)
    spin, phase, force = _tyres(car, gas, brake)
    push = Drive(
        gravity=jnp.zeros((), jnp.float32),
        force=jnp.concatenate([jnp.zeros((1, 2), jnp.float32), force]),
        torque=jnp.zeros(5, jnp.float32),
        motor_speed=motor_speed[::-1],
        max_motor_torque=jnp.full(4, _STEERING_TORQUE, jnp.float32),
    )
    moving = moving_of(car, awake=jnp.ones((), bool))  # the motors wake a car that has fallen asleep
    moved = over_lanes(partial(_solve, solver))(moving, push)
    return car.replace(
        position=moved.position,
        angle=moved.angle,
        velocity=moved.velocity,
        angular_velocity=moved.angular_velocity,
        sleep_time=moved.sleep_time,
        joint_impulse=moved.joint_impulse,
        spin=spin,
        phase=phase,
        gas=gas,
    )


def _solve(solver: Solver, moving: Moving, push: Drive) -> Moving:
    return solve(MODEL, solver, moving, push, None, moving.awake)[0]


def _tyres(car: Car, gas: Array, brake: Array) -> tuple[Array, Array, Any]:
    """Spin in rad/s and phase in rad of each wheel after a step, and the forces of the tyres, (4, 2) in N."""
    dt = 1 / FPS
    limit = jnp.where(car.on_road, _ROAD_GRIP, _GRASS_GRIP)
    sine, cosine = jnp.sin(car.angle[1:]), jnp.cos(car.angle[1:])
    vx, vy = car.velocity[1:, 0], car.velocity[1:, 1]
    forward, sideways = cosine * vy - sine * vx, cosine * vx + sine * vy
    wheel_gas = gas * np.array([0, 0, 1, 1], np.float32)  # the rear wheels drive
    spin = car.spin + dt * _ENGINE_POWER * wheel_gas / _WHEEL_INERTIA / (jnp.abs(car.spin) + 5.0)
    slowed = spin - jnp.sign(spin) * jnp.minimum(_BRAKE * brake, jnp.abs(spin))
    spin = jnp.where(brake > _BLOCKED, 0.0, jnp.where(brake > 0, slowed, spin))
    phase = car.phase + spin * dt
    along = (spin * WHEEL_RADIUS - forward) * _STIFFNESS
    across = -sideways * _STIFFNESS
    force = jnp.sqrt(along * along + across * across)
    share = jnp.where(force > limit, limit / jnp.where(force > limit, force, 1.0), 1.0)
    along, across = along * share, across * share
    spin = spin - dt * along * WHEEL_RADIUS / _WHEEL_INERTIA
    return spin, phase, jnp.stack([across * cosine - along * sine, across * sine + along * cosine], 1)
