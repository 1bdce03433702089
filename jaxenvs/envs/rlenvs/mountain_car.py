"""MountainCar of rlenvs: it starts at rest, and the reward depends on the height."""

import math

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.trigonometry import sin
from jaxenvs.envs.classic_control import mountain_car
from jaxenvs.envs.classic_control.mountain_car import MountainCarState
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class MountainCar(Env[MountainCarState, Array]):
    """A car in a valley is too weak to climb the right hill at once; gather speed on the left one first.

    The motion is that of `MountainCar-v0`. The differences are that the start is always the same, that the velocity
    comes before the position in the observation, and that the reward depends on the height rather than being -1
    everywhere.

    Observation: (2,) float32.

        | index | meaning             | min   | max  | unit            |
        |-------|---------------------|-------|------|-----------------|
        | 0     | velocity of the car | -0.07 | 0.07 | length per step |
        | 1     | position of the car | -1.2  | 0.6  | length          |

    Action: () int32. 0 accelerates to the left, 1 not at all, 2 to the right.

    Reward: sin(3 position) - 1, for the position before the step. It ranges from -2 at the bottom of the valley to 0 at
        the height of the flag. The step into the goal earns the reward of the position it came from.

    Start: position `start_position`, velocity 0.

    Episode end:
        Termination: the position is at least 0.5.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Parameters:
        start_position: where the car starts, length.
        force: acceleration by the engine, length per step^2.
        gravity: acceleration on the steepest slope, length per step^2.

    Differences from the reference: these three numbers are not options there.

    Source: A. W. Moore, "Efficient memory-based learning for robot control", 1990; S. P. Singh and R. S. Sutton,
        "Reinforcement learning with replacing eligibility traces", 1996; Kaixhin/rlenvs, `MountainCar.lua` in its last
        version. (Older versions start at -5, outside the valley, and use the height as the slope.)

    Version history:
        v0: first version.
    """

    start_position: ArrayLike = -0.5
    force: ArrayLike = 0.001
    gravity: ArrayLike = 0.0025

    @property
    def _physics(self) -> mountain_car.MountainCar:
        """The same car, in the terms of classic control; the goal accepts cars of any velocity."""
        return mountain_car.MountainCar(force=self.force, gravity=self.gravity, goal_velocity=-math.inf)

    @property
    def observation_space(self) -> Box:
        space = self._physics.observation_space
        return Box(space.low[::-1], space.high[::-1])

    @property
    def action_space(self) -> Discrete:
        """Accelerate to the left (0), not at all (1), to the right (2)."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -2.0, 0.0

    def reset(self, key: Key) -> tuple[MountainCarState, TimeStep[Array]]:
        """Puts the car at its start, standing still; the key is not used."""
        check_key(key)
        state = MountainCarState(jnp.asarray(self.start_position, jnp.float32), jnp.zeros((), jnp.float32))
        return state, restart(self.observe(state))

    def step(self, state: MountainCarState, action: Array) -> tuple[MountainCarState, TimeStep[Array]]:
        """Accelerates and rolls for one step."""
        reward = sin(3.0 * state.position) - 1.0
        state, timestep = self._physics.step(state, self.action_space.validate(action))
        return state, transition(self.observe(state), reward, timestep.terminated)

    def observe(self, state: MountainCarState) -> Array:
        return jnp.stack([state.velocity, state.position]).astype(jnp.float32)

    def render(self, state: MountainCarState) -> Array:
        """(400, 600, 3) uint8: the car on the hills, and a flag at the goal."""
        return self._physics.render(state)
