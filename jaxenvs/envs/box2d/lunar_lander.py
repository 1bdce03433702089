"""LunarLander: set a spacecraft down on the pad between two flags."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.box2d._lunar_lander_picture import picture
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
    with_impulse,
    world_at_rest,
)
from jaxenvs.simulators.box2d.vectors import dot, rotate, rotation, rounded
from jaxenvs.spaces import Box, Discrete

_FPS = 50
_SCALE = 30.0
"""Pixels of Gymnasium's picture per metre."""
_WIDTH, _HEIGHT = 600 / _SCALE, 400 / _SCALE
"""Size of the visible part of the world, m."""
_CHUNKS = 11
_PAD_HEIGHT = _HEIGHT / 4
_INITIAL_FORCE = 1000.0
"""Greatest force in the first step, in either direction, N."""
_MAIN_POWER, _SIDE_POWER = 13.0, 0.6
_MAIN_ENGINE_Y = 4 / _SCALE
_SIDE_ENGINE_AWAY, _SIDE_ENGINE_HEIGHT = 12 / _SCALE, 14 / _SCALE
# Gymnasium's code has 17 here, where the name of its constant says 14, so the engines' places depend on the angle.
_SIDE_ENGINE_HEIGHT_IN_X = 17 / _SCALE
_LEG_AWAY, _LEG_DOWN, _LEG_WIDTH, _LEG_HEIGHT = 20 / _SCALE, 18 / _SCALE, 2 / _SCALE, 8 / _SCALE
_LEG_TORQUE, _LEG_SPEED, _LEG_ANGLE = 40.0, 0.3, 0.05
_LANDER, _LEGS = 0, (1, 2)
_SIDES = (-1, 1)
"""Of the legs: the first leg stands on the right."""


def _leg_joint(leg: int) -> RevoluteJoint:
    side = _SIDES[leg]
    lower, upper = ((0.9 - 0.5, 0.9), (-0.9, -0.9 + 0.5))[leg]
    return RevoluteJoint(
        body_a=_LANDER,
        body_b=_LEGS[leg],
        anchor_a=(0.0, 0.0),
        anchor_b=(side * _LEG_AWAY, _LEG_DOWN),
        lower_angle=lower,
        upper_angle=upper,
        reference_angle=side * _LEG_ANGLE,  # taken from the bodies, since the definition was given both
    )


_OUTLINE = ((-14, 17), (-17, 0), (-17, -10), (17, -10), (17, 0), (14, 17))
_LEG = Body(box(_LEG_WIDTH, _LEG_HEIGHT), density=1.0)
MODEL = Model(
    bodies=(Body(polygon([(x / _SCALE, y / _SCALE) for x, y in _OUTLINE]), density=5.0, friction=0.1), _LEG, _LEG),
    joints=(_leg_joint(1), _leg_joint(0)),
    edge_friction=(0.2, *(0.1,) * (_CHUNKS - 1)),
    time_step=1 / _FPS,
    velocity_iterations=6 * 30,
    position_iterations=2 * 30,
)
"""The lander, then its legs; the ground is the floor, then the terrain from left to right."""

_CHUNK_X = np.array([_WIDTH / (_CHUNKS - 1) * i for i in range(_CHUNKS)], np.float32)


class LunarLanderState(PyTreeNode):
    """State of `LunarLander`.

    Attributes:
        world: lander (body 0) and legs (bodies 1 and 2).
        terrain: (11,) float32 in m, height of the ground at equal distances from the left to the right side.
        crashed: () bool, whether the lander itself has touched the ground.
        shaping: () float32, the potential whose differences are the reward.
        wind_index: (2,) int32, phases of the wind and of the turbulence; None without wind.
        engines: (2,) float32, power of the main engine, and of the side engine with the sign of its direction, in the
            last step; for the picture only.
        key: () key that the engines' dispersion is drawn from.
    """

    world: World
    terrain: Array
    crashed: Array
    shaping: Array
    wind_index: Array | None
    engines: Array
    key: Key


class LunarLander(Env[LunarLanderState, Array]):
    """A spacecraft falls towards the moon; set it down on the pad between the flags, gently and with little fuel.

    Observation: (8,) float32. Lengths are in half widths of the picture (10 m), or half heights (6.67 m).

        | index | meaning                                                  | min   | max  | unit      |
        |-------|----------------------------------------------------------|-------|------|-----------|
        | 0     | horizontal position, 0 in the middle                     | -2.5  | 2.5  | 10 m      |
        | 1     | height of the lander's origin above its place on the pad | -2.5  | 2.5  | 6.67 m    |
        | 2     | horizontal velocity                                      | -10   | 10   | 5 m/s     |
        | 3     | vertical velocity, positive upwards                      | -10   | 10   | 7.5 m/s   |
        | 4     | angle, positive to the left                              | -2 pi | 2 pi | rad       |
        | 5     | angular velocity                                         | -10   | 10   | 2.5 rad/s |
        | 6     | 1 if the first leg (the right one) is on the ground      | 0     | 1    |           |
        | 7     | 1 if the second leg is on the ground                     | 0     | 1    |           |

    Action: () int32. 0 does nothing, 1 fires the side engine that pushes to the left, 2 the main engine, 3 the
        side engine that pushes to the right. With
        `continuous`, (2,) float32 within [-1, 1], clipped: the main engine fires if the first number is above 0, with a
        power of 0.5 + 0.5 times that number; a side engine fires if the second is beyond -0.5 (left) or 0.5 (right),
        with its absolute value as power.

    Reward: the change of a potential, less 0.3 times the power of the main engine and 0.03 times that of a side engine.
        The potential is -100 times the distance from the pad, -100 times the speed, -100 times the absolute angle (all
        in the units of the observation), and 10 for each leg on the ground. The reward of a step that terminates is
        -100 instead, or 100 if the lander has come to rest.

    Start: the lander at the top of the picture, in the middle. A force of up to 1000 N in each direction, uniform, acts
        in a first step that `reset` takes. Heights of the terrain are uniform up to half the picture, smoothed, with a
        flat pad in the middle.

    Episode end:
        Termination: the lander's body has touched the ground; it is beyond a side of the picture; or it has come to
            rest (Box2D puts it to sleep), which alone counts as a landing.
        Truncation: none here; `make` adds a time limit of 1000 steps.

    Info: `overflow`, () bool: whether there have been more contacts than the simulation has room for, from when on it
        differs from Box2D. Eagerly, `step` raises instead. None of 32,000 recorded steps needed as much room.

    Parameters:
        gravity: acceleration upwards, m/s^2, between -12 and 0.
        enable_wind: whether there is wind, which stops while a leg is on the ground.
        wind_power: greatest force of the wind, N; up to 20 is recommended.
        turbulence_power: greatest torque of the wind, N m; up to 2 is recommended.
        continuous: whether actions are numbers.
        solver: "exact" makes all 180 passes over the velocities, as Box2D does, unless they change nothing at all;
            "converged" also ends them, in free flight, when they change by no more than about one rounding.

    Differences from the reference: float32 throughout, where Gymnasium computes engines and rewards in float64. Kept,
        because they change behaviour: the side engines' places depend on the angle (17 where 14 was meant); a leg that
        leaves one of two edges that it stands on counts as in the air; a lander that comes to rest after a crash gets
        100; steps after a crash continue.

    Source: O. Klimov; Gymnasium 1.4.0, `LunarLander-v3`, on Box2D 2.3.

    Version history:
        v3: the wind's phase is drawn at every reset, and a reset makes a new world.
        v2: counts fuel; wind and turbulence.
    """

    frames_per_second: ClassVar[int] = _FPS
    reset_is_costly: ClassVar[bool] = True

    gravity: ArrayLike = -10.0
    enable_wind: bool = static(default=False)
    wind_power: ArrayLike = 15.0
    turbulence_power: ArrayLike = 1.5
    continuous: bool = static(default=False)
    solver: Solver = static(default="converged")

    def check_fields(self) -> None:
        """Checks gravity and solver."""
        check_range(self, "gravity", self.gravity, -12.0, 0.0, above=True, below=True)
        check_choice(self, "solver", self.solver, ("exact", "converged"))

    @property
    def observation_space(self) -> Box:
        high = np.array([2.5, 2.5, 10.0, 10.0, 2 * math.pi, 10.0, 1.0, 1.0], np.float32)
        low = np.array([-2.5, -2.5, -10.0, -10.0, -2 * math.pi, -10.0, 0.0, 0.0], np.float32)
        return Box(low, high)

    @property
    def action_space(self) -> Box | Discrete:
        """Nothing (0), left (1), main (2) or right engine (3); or the powers of main and side engines."""
        return Box(-1.0, 1.0, (2,)) if self.continuous else Discrete(4)

    def reset(self, key: Key) -> tuple[LunarLanderState, TimeStep[Array]]:
        """Draws terrain, wind and the force of the first step, which it takes."""
        terrain_key, force_key, wind_key, key = jax.random.split(check_key(key), 4)
        heights = jax.random.uniform(terrain_key, (_CHUNKS + 1,), jnp.float32, 0.0, _HEIGHT / 2)
        middle = _CHUNKS // 2
        heights = heights.at[middle - 2 : middle + 3].set(_PAD_HEIGHT)
        # The height on the left of the first is the last, as in Gymnasium, whose index -1 wraps.
        terrain = 0.33 * (jnp.roll(heights, 1) + heights + jnp.roll(heights, -1))[:_CHUNKS]
        force = jax.random.uniform(force_key, (2,), jnp.float32, -_INITIAL_FORCE, _INITIAL_FORCE)
        wind_index = jax.random.randint(wind_key, (2,), -9999, 9999, jnp.int32) if self.enable_wind else None
        x, y = _WIDTH / 2, _HEIGHT
        places = np.array([[x, y], *([x - side * _LEG_AWAY, y] for side in _SIDES)], np.float32)
        angles = np.array([0.0, *(side * _LEG_ANGLE for side in _SIDES)], np.float32)
        state = LunarLanderState(
            world=world_at_rest(MODEL, jnp.asarray(places), jnp.asarray(angles)),
            terrain=terrain,
            crashed=jnp.zeros((), bool),
            shaping=jnp.zeros((), jnp.float32),
            wind_index=wind_index,
            engines=jnp.zeros(2, jnp.float32),
            key=key,
        )
        wind, torque, wind_index = self._wind(state)
        drive = self._drive(force + jnp.stack([wind, jnp.zeros((), jnp.float32)]), torque)
        world, _ = step(MODEL, state.world, ground(terrain), drive, self.solver, airborne=True)
        state = state.replace(world=world, wind_index=wind_index)
        state = state.replace(shaping=_shaping(_readings(world)))
        return state, restart(self.observe(state), {"overflow": world.overflow})

    def step(self, state: LunarLanderState, action: Array) -> tuple[LunarLanderState, TimeStep[Array]]:
        """Fires the engines and lets 1/50 s pass."""
        action = self.action_space.validate(action)
        key, dispersion_key = jax.random.split(state.key)
        dispersion = rounded(jax.random.uniform(dispersion_key, (2,), jnp.float32, -1.0, 1.0) * (1 / _SCALE))
        return self.advance(state.replace(key=key), action, dispersion)

    def advance(
        self, state: LunarLanderState, action: Array, dispersion: Array
    ) -> tuple[LunarLanderState, TimeStep[Array]]:
        """`step`, with the engines' dispersion given: (2,) float32 in m, uniform within +-1/30."""
        state, drive = self.thrust(state, action, dispersion)
        return self.settle(state, *step(MODEL, state.world, ground(state.terrain), drive, self.solver))

    def thrust(self, state: LunarLanderState, action: Array, dispersion: Array) -> tuple[LunarLanderState, Drive]:
        """The part of `advance` before the world moves: engines and wind."""
        wind, torque, wind_index = self._wind(state)
        main, side = self._powers(action)
        world = _fire(state.world, main, side, dispersion)
        if wind_index is not None:  # a force wakes the lander, even if it is 0
            world = world.replace(awake=world.awake | _in_the_wind(state.world))
        drive = self._drive(jnp.stack([wind, jnp.zeros((), jnp.float32)]), torque)
        return state.replace(world=world, wind_index=wind_index, engines=jnp.stack([main, side])), drive

    def settle(self, state: LunarLanderState, world: World, began: Array) -> tuple[LunarLanderState, TimeStep[Array]]:
        """The part of `advance` after the world has moved: observation, reward and end.

        Args:
            state: as `thrust` returned it.
            world: where the bodies are now.
            began: (3,) bool, which of them have begun to touch the ground.
        """
        if not isinstance(world.overflow, Tracer) and bool(world.overflow):
            raise OverflowError(
                "LunarLander: the lander touches more of the ground than the simulation has room for. Please report the"
                " state before this step."
            )
        state = state.replace(world=world, crashed=state.crashed | began[_LANDER])
        readings = _readings(world)
        shaping = _shaping(readings)
        main, side = state.engines
        fuel = rounded((0.30 * main, 0.03 * jnp.abs(side)))
        reward = shaping - state.shaping - fuel[0] - fuel[1]
        lost, landed = state.crashed | (jnp.abs(readings[0]) >= 1.0), ~world.awake
        reward = jnp.where(landed, 100.0, jnp.where(lost, -100.0, reward))
        state = state.replace(shaping=shaping)
        return state, transition(self.observe(state), reward, lost | landed, {"overflow": world.overflow})

    def observe(self, state: LunarLanderState) -> Array:
        """(8,) float32: pose and motion of the lander, and which legs are on the ground."""
        return _readings(state.world)

    def render(self, state: LunarLanderState) -> Array:
        """(400, 600, 3) uint8: terrain, flags, lander, legs and the flames of the last step."""
        return picture(MODEL, state.world, state.terrain, state.engines)

    def _drive(self, force: Array, torque: Array) -> Drive:
        """Forces on the lander, (2,) in N and () in N m, and the springs of the legs."""
        still = jnp.zeros((), jnp.float32)
        return Drive(
            gravity=jnp.asarray(self.gravity, jnp.float32),
            force=jnp.stack([force, jnp.zeros(2, jnp.float32), jnp.zeros(2, jnp.float32)]),
            torque=jnp.stack([torque, still, still]),
            motor_speed=jnp.array([_LEG_SPEED * _SIDES[1], _LEG_SPEED * _SIDES[0]], jnp.float32),
            max_motor_torque=jnp.full(2, _LEG_TORQUE, jnp.float32),
        )

    def _wind(self, state: LunarLanderState) -> tuple[Array, Array, Array | None]:
        """The wind's force in N and torque in N m, and the next phases."""
        index = state.wind_index
        if index is None:
            return jnp.zeros((), jnp.float32), jnp.zeros((), jnp.float32), None
        blows = _in_the_wind(state.world)
        phase = index.astype(jnp.float32)
        slow, fast = rounded((0.02 * phase, math.pi * 0.01 * phase))
        strength = jnp.tanh(jnp.sin(slow) + jnp.sin(fast))
        greatest = jnp.stack(
            [jnp.asarray(self.wind_power, jnp.float32), jnp.asarray(self.turbulence_power, jnp.float32)]
        )
        blow = jnp.where(blows, rounded(strength * greatest), 0.0)
        return blow[0], blow[1], index + blows.astype(jnp.int32)

    def _powers(self, action: Array) -> tuple[Array, Array]:
        """The power of the main engine, and that of a side engine, negative for the left one, () float32 each."""
        if not self.continuous:
            return (action == 2).astype(jnp.float32), jnp.where((action == 1) | (action == 3), action - 2, 0).astype(
                jnp.float32
            )
        throttle, lateral = jnp.clip(action.astype(jnp.float32), -1.0, 1.0)
        return (
            jnp.where(throttle > 0, (throttle + 1.0) * 0.5, 0.0),
            jnp.where(jnp.abs(lateral) > 0.5, lateral, 0.0),
        )


def _in_the_wind(world: World) -> Array:
    """() bool: there is no wind while a leg is on the ground."""
    return ~jnp.any(world.touched[_LEGS[0] :])


def ground(terrain: Array) -> Array:
    """(11, 2, 2) float32 in m: the ends of the floor and of the ten edges above it, from (11,) heights."""
    points = jnp.stack([jnp.asarray(_CHUNK_X), terrain], 1)
    floor = jnp.array([[[0.0, 0.0], [_WIDTH, 0.0]]], jnp.float32)
    return jnp.concatenate([floor, jnp.stack([points[:-1], points[1:]], 1)])


def _readings(world: World) -> Array:
    """What the observation and the reward are made of: (8,) float32."""
    x, y = origins(MODEL, world)[_LANDER]
    vx, vy = world.velocity[_LANDER]
    legs = [world.touched[leg].astype(jnp.float32) for leg in _LEGS]
    # Each has one constant factor: without jit there is no compiler that makes one of two, or of a division.
    return jnp.stack(
        [
            (x - _WIDTH / 2) * (2 / _WIDTH),
            (y - (_PAD_HEIGHT + _LEG_DOWN)) * (2 / _HEIGHT),
            vx * (_WIDTH / 2 / _FPS),
            vy * (_HEIGHT / 2 / _FPS),
            world.angle[_LANDER],
            world.angular_velocity[_LANDER] * (20.0 / _FPS),
            *legs,
        ]
    ).astype(jnp.float32)


def _shaping(readings: Array) -> Array:
    """The potential of a state, by its readings.

    Everything before the world moves and after it is steady (see `vectors`): potentials are near 200 and their
    differences near 1, so a last bit of a potential is many of the reward's.
    """
    # Rounded, since XLA multiplies constant factors of two numbers with each other when it sees both.
    x, y, vx, vy, angle, _, first, second = rounded(readings)
    distance, speed = (jnp.sqrt(dot(way, way, steady=True)) for way in ((x, y), (vx, vy)))
    distance, speed, tilt = rounded((100.0 * distance, 100.0 * speed, 100.0 * jnp.abs(angle)))
    return -distance - speed - tilt + 10.0 * first + 10.0 * second


def _fire(world: World, main: Array, side: Array, dispersion: Array) -> World:
    """The impulses of the engines, given their powers as `_powers` returns them."""
    q = rotation(world.angle[_LANDER])
    x, y = origins(MODEL, world)[_LANDER]

    far, off = _MAIN_ENGINE_Y + 2.0 * dispersion[0], dispersion[1]
    ox, oy = rotate(q, (-off, -far), steady=True)
    impulse = jnp.stack([-ox, -oy]) * _MAIN_POWER * main
    world = with_impulse(MODEL, world, _LANDER, impulse, jnp.stack([x + ox, y + oy]), main > 0)

    off = rounded(3.0 * dispersion[1]) + jnp.sign(side) * _SIDE_ENGINE_AWAY
    ox, oy = rotate(q, (-off, -dispersion[0]), steady=True)
    impulse = jnp.stack([-ox, -oy]) * _SIDE_POWER * jnp.abs(side)
    right, up = rounded((q[0] * _SIDE_ENGINE_HEIGHT_IN_X, q[1] * _SIDE_ENGINE_HEIGHT))
    return with_impulse(MODEL, world, _LANDER, impulse, jnp.stack([x + ox - right, y + oy + up]), side != 0)
