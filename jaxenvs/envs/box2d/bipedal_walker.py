"""BipedalWalker: make a robot with two legs walk to the far end of the terrain."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core.checks import check_choice
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.box2d import _bipedal_terrain as terrains
from jaxenvs.envs.box2d._bipedal_lidar import fractions
from jaxenvs.envs.box2d._bipedal_start import INITIAL_FORCE, first_world
from jaxenvs.envs.box2d._bipedal_terrain import SCALE, STEP, Terrain
from jaxenvs.envs.box2d._bipedal_walker_picture import picture
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.box2d import (
    Body,
    Drive,
    Model,
    RevoluteJoint,
    Solver,
    World,
    box,
    origins,
    polygon,
    step,
)
from jaxenvs.spaces import Box

_FPS = 50
_WIDTH, _HEIGHT = 600 / SCALE, 400 / SCALE
"""Size of the visible part of the world, m."""
_TORQUE = 80.0
"""Greatest torque of a motor, N m."""
_HIP_SPEED, _KNEE_SPEED = 4.0, 6.0
"""Greatest speeds of the motors, rad/s."""
_ENERGY = 0.00035
"""Reward that a N m of torque costs in a step."""
_LEG_DOWN, _LEG_WIDTH, _LEG_HEIGHT = -8 / SCALE, 8 / SCALE, 34 / SCALE
_LEG_ANGLE = 0.05
_FRICTION = 2.5
_FINISH = (terrains.POINTS - terrains.GRASS) * STEP
"""Where the episode ends, m."""
_OUTLINE = ((-30, 9), (6, 9), (34, 1), (34, -8), (-30, -8))
_HULL, _UPPER, _LOWER = 0, (1, 3), (2, 4)
_SIDES = (-1, 1)
"""Of the legs."""


def _hip(leg: int) -> RevoluteJoint:
    return RevoluteJoint(
        body_a=_HULL,
        body_b=_UPPER[leg],
        anchor_a=(0.0, _LEG_DOWN),
        anchor_b=(0.0, _LEG_HEIGHT / 2),
        lower_angle=-0.8,
        upper_angle=1.1,
        reference_angle=_SIDES[leg] * _LEG_ANGLE,  # taken from the bodies, since the definition was given both
    )


def _knee(leg: int) -> RevoluteJoint:
    return RevoluteJoint(
        body_a=_UPPER[leg],
        body_b=_LOWER[leg],
        anchor_a=(0.0, -_LEG_HEIGHT / 2),
        anchor_b=(0.0, _LEG_HEIGHT / 2),
        lower_angle=-1.6,
        upper_angle=-0.1,
    )


_IN_ORDER_OF_ACTION = np.array([2, 3, 1, 0])
"""The place in the model's joints of first hip, first knee, second hip and second knee."""
_SPEEDS = np.array([_HIP_SPEED, _KNEE_SPEED] * 2, np.float32)


def _model(hardcore: bool) -> Model:
    parts = terrains.NEAR_EDGES + (terrains.NEAR_BOXES if hardcore else 0)
    upper = Body(box(_LEG_WIDTH / 2, _LEG_HEIGHT / 2), density=1.0)
    lower = Body(box(0.8 * _LEG_WIDTH / 2, _LEG_HEIGHT / 2), density=1.0)
    hull = Body(polygon([(x / SCALE, y / SCALE) for x, y in _OUTLINE]), density=5.0, friction=0.1)
    return Model(
        bodies=(hull, upper, lower, upper, lower),
        joints=(_knee(1), _hip(1), _hip(0), _knee(0)),
        edge_friction=(_FRICTION,) * parts,
        time_step=1 / _FPS,
        velocity_iterations=6 * 30,
        position_iterations=2 * 30,
        pairs=12 if hardcore else 8,
        touching=5 if hardcore else 4,
        together=10,
        boxes=terrains.NEAR_BOXES if hardcore else 0,
    )


MODEL, HARDCORE_MODEL = _model(False), _model(True)
"""The hull, then upper and lower part of each leg; the ground is a window of the terrain."""


class BipedalWalkerState(PyTreeNode):
    """State of `BipedalWalker`.

    Attributes:
        world: hull (body 0), first leg (bodies 1 and 2) and second leg (bodies 3 and 4). Numbers of the ground are
            those of the whole terrain.
        terrain: the ground of the episode.
        lidar: (10,) float32, what the lidar measured.
        fallen: () bool, whether the hull has touched the ground.
    """

    world: World
    terrain: Terrain
    lidar: Array
    fallen: Array


class BipedalWalker(Env[BipedalWalkerState, Array]):
    """A robot with two legs; walk to the far end of the terrain, 89 m away, and do not fall.

    Observation: (24,) float32. Velocities are scaled as in Gymnasium and may leave the bounds, which are Gymnasium's.

        | index | meaning                                            | min | max | unit        |
        |-------|----------------------------------------------------|-----|-----|-------------|
        | 0     | angle of the hull, positive if it leans backwards  | -pi | pi  | rad         |
        | 1     | angular velocity of the hull                       | -5  | 5   | 25 rad/s    |
        | 2     | horizontal velocity of the hull                    | -5  | 5   | 8.33 m/s    |
        | 3     | vertical velocity of the hull                      | -5  | 5   | 12.5 m/s    |
        | 4     | angle of the first hip                             | -pi | pi  | rad         |
        | 5     | its speed                                          | -5  | 5   | 4 rad/s     |
        | 6     | angle of the first knee plus 1                     | -pi | pi  | rad         |
        | 7     | its speed                                          | -5  | 5   | 6 rad/s     |
        | 8     | 1 if the first lower leg is on the ground          | 0   | 5   |             |
        | 9-13  | the same five numbers of the second leg            |     |     |             |
        | 14-23 | lidar: distance to the ground along ten rays, from | -1  | 1   | 5.33 m      |
        |       | straight down to nearly straight ahead             |     |     |             |

    Action: (4,) float32 within [-1, 1], clipped: first hip, first knee, second hip, second knee. The sign is the
        direction in which a motor turns (hips with up to 4 rad/s, knees with 6), the absolute value its greatest torque
        in units of 80 N m.

    Reward: 130/30 per metre forwards, less 5 times the growth of the hull's absolute angle, less 0.028 times the sum
        of the absolute actions. It adds up to about 300 at the far end. A step in which the robot has fallen, or is
        left of the start of the terrain, has -100 instead.

    Start: the robot stands on a flat pad, with straight hull. A force of up to 5 N to either side, uniform, acts in a
        first step that `reset` takes. What that step does was computed by Box2D beforehand: it depends only on the
        force, and is linear in it on either side of 0, up to 5e-6.

    Episode end:
        Termination: the hull has touched the ground; the hull is left of the terrain's start, or has passed the finish
            10 steps of the terrain before its end.
        Truncation: none here; `make` adds a time limit of 1600 steps, 2000 for the hardcore version.

    Info: `overflow`, () bool: whether there have been more contacts than the simulation has room for, from when on it
        differs from Box2D. Eagerly, `step` raises instead.

    Parameters:
        hardcore: whether there are pits, stumps and stairs.
        solver: "exact" makes all 180 passes over the velocities, as Box2D does, unless one changes nothing at all;
            "converged" ends them, in free flight, when they change by no more than about one rounding.

    Differences from the reference: float32 throughout, where Gymnasium computes terrain and reward in float64. Kept,
        because they change behaviour: the legs start half a metre too high, and the first step pulls them into their
        joints; a lower leg that leaves one of two edges that it stands on counts as in the air; the knees and upper
        legs may touch the ground; the sign of an action alone decides the speed of a motor, so the smallest action
        asks for full speed; the finish gives no reward of its own; steps after a fall continue.

    Source: O. Klimov; Gymnasium 1.4.0, `BipedalWalker-v3`, on Box2D 2.3.

    Version history:
        v3: the lidar measures the closest part of the ground.
        v2: counts energy.
        v1: legs report contact with the ground; stronger motors; more friction.
    """

    frames_per_second: ClassVar[int] = _FPS
    reset_is_costly: ClassVar[bool] = True

    hardcore: bool = static(default=False)
    solver: Solver = static(default="converged")

    def check_fields(self) -> None:
        """Checks the solver."""
        check_choice(self, "solver", self.solver, ("exact", "converged"))

    @property
    def observation_space(self) -> Box:
        leg = [math.pi, 5.0, math.pi, 5.0]
        high = [math.pi, 5.0, 5.0, 5.0, *leg, 5.0, *leg, 5.0, *[1.0] * 10]
        low = [-value for value in high]
        low[8] = low[13] = 0.0
        return Box(np.array(low, np.float32), np.array(high, np.float32))

    @property
    def action_space(self) -> Box:
        """First hip, first knee, second hip, second knee."""
        return Box(-1.0, 1.0, (4,))

    @property
    def model(self) -> Model:
        """Bodies and joints, with room for the ground near them."""
        return HARDCORE_MODEL if self.hardcore else MODEL

    def reset(self, key: Key) -> tuple[BipedalWalkerState, TimeStep[Array]]:
        """Draws terrain, clouds and the force of the first step, which it takes."""
        terrain_key, cloud_key, force_key = jax.random.split(check_key(key), 3)
        heights, boxes = terrains.generate(terrains.draw(terrain_key), self.hardcore)
        force = jax.random.uniform(force_key, (), jnp.float32, -INITIAL_FORCE, INITIAL_FORCE)
        return self.start(Terrain(heights, boxes, terrains.clouds(cloud_key)), force)

    def start(self, terrain: Terrain, force: Array) -> tuple[BipedalWalkerState, TimeStep[Array]]:
        """`reset`, with the terrain and the force of the first step given, () float32 in N."""
        state = BipedalWalkerState(
            world=first_world(self.model, force, terrains.BOXES if self.hardcore else 0),
            terrain=terrain,
            lidar=jnp.zeros(10, jnp.float32),
            fallen=jnp.zeros((), bool),
        )
        state = self._measured(state)
        return state, restart(self.observe(state), {"overflow": state.world.overflow})

    def step(self, state: BipedalWalkerState, action: Array) -> tuple[BipedalWalkerState, TimeStep[Array]]:
        """Sets the motors and lets 1/50 s pass."""
        action = self.action_space.validate(action).astype(jnp.float32)
        new = self._moved(state, self._drive(action))
        if not isinstance(new.world.overflow, Tracer) and bool(new.world.overflow):
            raise OverflowError(
                "BipedalWalker: the robot touches more of the ground than the simulation has room for. Please report"
                " the state before this step."
            )
        x, before = (origins(self.model, each.world)[_HULL, 0] for each in (new, state))
        tilt, tilt_before = (jnp.abs(each.world.angle[_HULL]) for each in (new, state))
        energy = _ENERGY * _TORQUE * jnp.sum(jnp.minimum(jnp.abs(action), 1.0))
        reward = 130 / SCALE * (x - before) - 5.0 * (tilt - tilt_before) - energy
        lost = new.fallen | (x < 0)
        reward = jnp.where(lost, -100.0, reward)
        return new, transition(self.observe(new), reward, lost | (x > _FINISH), {"overflow": new.world.overflow})

    def observe(self, state: BipedalWalkerState) -> Array:
        """(24,) float32: hull, joints, contact of the legs, lidar."""
        world, model = state.world, self.model
        vx, vy = world.velocity[_HULL]
        hull = [
            world.angle[_HULL],
            2.0 * world.angular_velocity[_HULL] / _FPS,
            0.3 * vx * _WIDTH / _FPS,
            0.3 * vy * _HEIGHT / _FPS,
        ]
        legs = []
        for leg in (0, 1):
            for place, scale, shift in ((2 * leg, _HIP_SPEED, 0.0), (2 * leg + 1, _KNEE_SPEED, 1.0)):
                joint = model.joints[_IN_ORDER_OF_ACTION[place]]
                a, b = joint.body_a, joint.body_b
                legs.append(world.angle[b] - world.angle[a] - np.float32(joint.reference_angle) + shift)
                legs.append((world.angular_velocity[b] - world.angular_velocity[a]) / scale)
            legs.append(world.touched[_LOWER[leg]].astype(jnp.float32))
        return jnp.concatenate([jnp.stack([*hull, *legs]), state.lidar])

    def render(self, state: BipedalWalkerState) -> Array:
        """(400, 600, 3) uint8: sky, clouds, terrain, the robot and its lidar."""
        return picture(self.model, state.world, state.terrain, state.lidar)

    def _drive(self, action: Array) -> Drive:
        """The motors."""
        bodies = len(self.model.bodies)
        order = np.argsort(_IN_ORDER_OF_ACTION)
        return Drive(
            gravity=jnp.float32(-10.0),
            force=jnp.zeros((bodies, 2), jnp.float32),
            torque=jnp.zeros(bodies, jnp.float32),
            motor_speed=(jnp.asarray(_SPEEDS) * jnp.sign(action))[order],
            max_motor_torque=(_TORQUE * jnp.minimum(jnp.abs(action), 1.0))[order],
        )

    def _moved(self, state: BipedalWalkerState, drive: Drive) -> BipedalWalkerState:
        """The state a time step later."""
        model, world = self.model, state.world
        part = terrains.window(state.terrain, origins(model, world)[_HULL, 0])
        edge = terrains.to_window(part, world.contacts.edge, self.hardcore)
        # Setting a motor wakes the bodies that it moves.
        world = world.replace(contacts=world.contacts.replace(edge=edge), awake=jnp.ones_like(world.awake))
        world, began = step(model, world, part.ground, drive, self.solver, grounded=True)
        edge = terrains.from_window(part, world.contacts.edge, self.hardcore)
        world = world.replace(contacts=world.contacts.replace(edge=edge))
        return self._measured(state.replace(world=world, fallen=state.fallen | began[_HULL]))

    def _measured(self, state: BipedalWalkerState) -> BipedalWalkerState:
        """The state with what the lidar measures."""
        return state.replace(lidar=fractions(state.terrain, *origins(self.model, state.world)[_HULL]))
