"""MountainCar of bsuite: rock an underpowered car out of a valley before time runs out."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._hill import MountainCarState, draw, drive
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_MIN_POSITION, _MAX_POSITION, _MAX_SPEED = -1.2, 0.6, 0.07
_START_LOW, _START_HIGH = -0.6, -0.4


class TimedMountainCarState(PyTreeNode):
    """State of `MountainCar`.

    Attributes:
        car: position and velocity, each () float32.
        elapsed: () int32, steps since reset.
    """

    car: MountainCarState
    elapsed: Array


class MountainCar(Env[TimedMountainCarState, Array]):
    """A car in a valley is too weak to climb the right hill at once; gather speed on the left one first.

    Observation: (1, 3) float32.

        | index | meaning                           | min   | max  | unit            |
        |-------|-----------------------------------|-------|------|-----------------|
        | 0     | position of the car               | -1.2  | 0.6  | length          |
        | 1     | velocity of the car               | -0.07 | 0.07 | length per step |
        | 2     | steps since the start / max_steps | 0     | inf  |                 |

    Action: () int32. 0 accelerates to the left, 1 not at all, 2 to the right.

    Reward: -1 for every step.

    Start: position uniform in [-0.6, -0.4), velocity 0.

    Episode end:
        Termination: the position is at least `goal_position`, or `max_steps` steps were taken. The observation includes
            the number of steps, so running out of them is a termination as well.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        max_steps: number of steps after which an episode ends.
        goal_position: position at which the goal begins, length.
        force: acceleration by the engine, length per step^2.
        gravity: acceleration on the steepest slope, length per step^2.

    Differences from the reference: all arithmetic is in float32.

    Source: A. W. Moore, "Efficient memory-based learning for robot control", 1990; bsuite 0.3.6, `MountainCar`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    max_steps: ArrayLike = 1000
    goal_position: ArrayLike = 0.5
    force: ArrayLike = 0.001
    gravity: ArrayLike = 0.0025

    def check_fields(self) -> None:
        check_range(self, "max_steps", self.max_steps, 1)

    @property
    def observation_space(self) -> Box:
        low = np.array([[_MIN_POSITION, -_MAX_SPEED, 0.0]], np.float32)
        return Box(low, np.array([[_MAX_POSITION, _MAX_SPEED, np.inf]], np.float32))

    @property
    def action_space(self) -> Discrete:
        """Accelerate to the left, not at all, to the right."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, -1.0

    def reset(self, key: Key) -> tuple[TimedMountainCarState, TimeStep[Array]]:
        """Draws the position; the car stands still."""
        position = jax.random.uniform(check_key(key), (), jnp.float32, _START_LOW, _START_HIGH)
        car = MountainCarState(position, jnp.zeros((), jnp.float32))
        state = TimedMountainCarState(car, elapsed=jnp.zeros((), jnp.int32))
        return state, restart(self.observe(state))

    def step(self, state: TimedMountainCarState, action: Array) -> tuple[TimedMountainCarState, TimeStep[Array]]:
        """Accelerates and rolls for one step."""
        action = self.action_space.validate(action)
        thrust = (action - 1).astype(state.car.velocity.dtype) * self.force
        car = drive(state.car, thrust, self.gravity, _MAX_SPEED, _MIN_POSITION, _MAX_POSITION)
        state = TimedMountainCarState(car, state.elapsed + 1)
        is_late = state.elapsed.astype(jnp.float32) >= jnp.asarray(self.max_steps, jnp.float32)
        return state, transition(self.observe(state), -1.0, (car.position >= self.goal_position) | is_late)

    def observe(self, state: TimedMountainCarState) -> Array:
        time = state.elapsed.astype(jnp.float32) / jnp.asarray(self.max_steps, jnp.float32)
        return jnp.stack([x.astype(jnp.float32) for x in (state.car.position, state.car.velocity, time)])[None]

    def render(self, state: TimedMountainCarState) -> Array:
        """(400, 600, 3) uint8: the car on the hills, and a flag at the goal."""
        return draw(state.car, self.goal_position)
