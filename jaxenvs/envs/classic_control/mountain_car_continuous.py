"""MountainCarContinuous: rock an underpowered car out of a valley with little use of the engine."""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.envs._hill import MountainCarState, draw, drive
from jaxenvs.envs.classic_control._limits import check_start_range, vector
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box


class MountainCarContinuous(Env[MountainCarState, Array]):
    """A car in a valley is too weak to climb the right hill at once; its engine is throttled continuously.

    Observation: (2,) float32.

        | index | meaning             | min          | max          | unit            |
        |-------|---------------------|--------------|--------------|-----------------|
        | 0     | position of the car | min_position | max_position | length          |
        | 1     | velocity of the car | -max_speed   | max_speed    | length per step |

    Action: (1,) float32: the throttle, clipped to [min_action, max_action]; positive to the right.

    Reward: -0.1 times the square of the throttle before clipping, plus 100 for a step that terminates.

    Start: position uniform in [start_low, start_high), velocity 0.

    Episode end:
        Termination: the position is at least `goal_position` and the velocity at least `goal_velocity`.
        Truncation: none here; `make` adds a time limit of 999 steps.

    Parameters:
        goal_velocity: least velocity at the goal, length per step.
        goal_position: position at which the goal begins, length.
        min_position: left end of the valley, which stops the car, length.
        max_position: right end of the valley, length.
        max_speed: greatest speed, length per step.
        min_action: throttle at full power to the left.
        max_action: throttle at full power to the right.
        power: acceleration by the engine at throttle 1, length per step^2.
        gravity: acceleration on the steepest slope, length per step^2.
        start_low: lower end of the start range (Gymnasium's reset option `low`), length.
        start_high: upper end of the start range (Gymnasium's reset option `high`), length.

    Differences from the reference: none except rounding. Gymnasium starts in float64 and keeps its state in float32
        from the first step on; here it is float32 throughout.

    Source: A. W. Moore, "Efficient memory-based learning for robot control", 1990; Gymnasium 1.4.0,
        `MountainCarContinuous-v0`, after O. Sigaud.

    Version history:
        v0: first version.
    """

    reset_options: ClassVar[Mapping[str, str]] = {"low": "start_low", "high": "start_high"}

    goal_velocity: ArrayLike = 0.0
    goal_position: ArrayLike = 0.45
    min_position: ArrayLike = -1.2
    max_position: ArrayLike = 0.6
    max_speed: ArrayLike = 0.07
    min_action: ArrayLike = -1.0
    max_action: ArrayLike = 1.0
    power: ArrayLike = 0.0015
    gravity: ArrayLike = 0.0025
    start_low: ArrayLike = -0.6
    start_high: ArrayLike = -0.4

    def check_fields(self) -> None:
        check_start_range("MountainCarContinuous", self.start_low, self.start_high)

    @property
    def observation_space(self) -> Box:
        high = vector(self.max_position, self.max_speed)
        return Box(vector(self.min_position, -1.0 * self.max_speed), high)

    @property
    def action_space(self) -> Box:
        return Box(self.min_action, self.max_action, (1,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From the cost of full throttle to 100."""
        return -0.1, 100.0

    def reset(self, key: Key) -> tuple[MountainCarState, TimeStep[Array]]:
        """Draws the position; the car stands still."""
        position = jax.random.uniform(check_key(key), (), jnp.float32, self.start_low, self.start_high)
        state = MountainCarState(position, jnp.zeros((), jnp.float32))
        return state, restart(self.observe(state))

    def step(self, state: MountainCarState, action: Array) -> tuple[MountainCarState, TimeStep[Array]]:
        """Accelerates and rolls for one step."""
        throttle = self.action_space.validate(action)[0].astype(state.velocity.dtype)
        thrust = jnp.clip(throttle, self.min_action, self.max_action) * self.power
        state = drive(state, thrust, self.gravity, self.max_speed, self.min_position, self.max_position)
        terminated = (state.position >= self.goal_position) & (state.velocity >= self.goal_velocity)
        reward = jnp.where(terminated, 100.0, 0.0) - 0.1 * jnp.square(throttle)
        return state, transition(self.observe(state), reward, terminated)

    def observe(self, state: MountainCarState) -> Array:
        return jnp.stack([state.position, state.velocity]).astype(jnp.float32)

    def render(self, state: MountainCarState) -> Array:
        """(400, 600, 3) uint8: the car on the hills, and a flag at the goal."""
        return draw(state, self.goal_position)
