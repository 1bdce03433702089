"""MountainCar: rock an underpowered car out of a valley."""

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
from jaxenvs.spaces import Box, Discrete


class MountainCar(Env[MountainCarState, Array]):
    """A car in a valley is too weak to climb the right hill at once; gather speed on the left one first.

    Observation: (2,) float32.

        | index | meaning             | min          | max          | unit            |
        |-------|---------------------|--------------|--------------|-----------------|
        | 0     | position of the car | min_position | max_position | length          |
        | 1     | velocity of the car | -max_speed   | max_speed    | length per step |

    Action: () int32. 0 accelerates to the left, 1 not at all, 2 to the right.

    Reward: -1 for every step.

    Start: position uniform in [start_low, start_high), velocity 0.

    Episode end:
        Termination: the position is at least `goal_position` and the velocity at least `goal_velocity`.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Parameters:
        goal_velocity: least velocity at the goal, length per step.
        goal_position: position at which the goal begins, length.
        min_position: left end of the valley, which stops the car, length.
        max_position: right end of the valley, length.
        max_speed: greatest speed, length per step.
        force: acceleration by the engine, length per step^2.
        gravity: acceleration on the steepest slope, length per step^2.
        start_low: lower end of the start range (Gymnasium's reset option `low`), length.
        start_high: upper end of the start range (Gymnasium's reset option `high`), length.

    Differences from the reference: start states are float32, so all arithmetic is.

    Source: A. W. Moore, "Efficient memory-based learning for robot control", 1990; R. S. Sutton and A. G. Barto,
        "Reinforcement Learning: An Introduction"; Gymnasium 1.4.0, `MountainCar-v0`.

    Version history:
        v0: first version.
    """

    reset_options: ClassVar[Mapping[str, str]] = {"low": "start_low", "high": "start_high"}

    goal_velocity: ArrayLike = 0.0
    goal_position: ArrayLike = 0.5
    min_position: ArrayLike = -1.2
    max_position: ArrayLike = 0.6
    max_speed: ArrayLike = 0.07
    force: ArrayLike = 0.001
    gravity: ArrayLike = 0.0025
    start_low: ArrayLike = -0.6
    start_high: ArrayLike = -0.4

    def check_fields(self) -> None:
        check_start_range("MountainCar", self.start_low, self.start_high)

    @property
    def observation_space(self) -> Box:
        high = vector(self.max_position, self.max_speed)
        return Box(vector(self.min_position, -1.0 * self.max_speed), high)

    @property
    def action_space(self) -> Discrete:
        """Accelerate to the left (0), not at all (1), to the right (2)."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, -1.0

    def reset(self, key: Key) -> tuple[MountainCarState, TimeStep[Array]]:
        """Draws the position; the car stands still."""
        position = jax.random.uniform(check_key(key), (), jnp.float32, self.start_low, self.start_high)
        state = MountainCarState(position, jnp.zeros((), jnp.float32))
        return state, restart(self.observe(state))

    def step(self, state: MountainCarState, action: Array) -> tuple[MountainCarState, TimeStep[Array]]:
        """Accelerates and rolls for one step."""
        action = self.action_space.validate(action)
        thrust = (action - 1).astype(state.velocity.dtype) * self.force
        state = drive(state, thrust, self.gravity, self.max_speed, self.min_position, self.max_position)
        terminated = (state.position >= self.goal_position) & (state.velocity >= self.goal_velocity)
        return state, transition(self.observe(state), -1.0, terminated)

    def observe(self, state: MountainCarState) -> Array:
        return jnp.stack([state.position, state.velocity]).astype(jnp.float32)

    def render(self, state: MountainCarState) -> Array:
        """(400, 600, 3) uint8: the car on the hills, and a flag at the goal."""
        return draw(state, self.goal_position)
