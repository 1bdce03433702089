"""Swimmer of gymnax: swim to a goal between urchins."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box

_PRICKLE = 30.0  # how steeply an urchin's effect falls with the square of the distance


class SwimmerState(PyTreeNode):
    """State of `Swimmer`.

    Attributes:
        urchins: (num_urchins, 2) float32, x and y of each urchin.
        position: (2,) float32, x and y of the swimmer.
        velocity: (2,) float32, velocity of the swimmer, in lengths/s.
        goal: (2,) float32, x and y of the goal.
    """

    urchins: Array
    position: Array
    velocity: Array
    goal: Array


class Swimmer(Env[SwimmerState, Array]):
    """Keep a point that glides without friction at the goal and away from urchins. For MuJoCo's, see `Swimmer-v5`.

    Observation: (2 num_urchins + 6,) float32; n is `num_urchins`.

        | index      | meaning                               | min  | max | unit     |
        |------------|---------------------------------------|------|-----|----------|
        | 0 to 2n-1  | x and y of each urchin                | -1   | 1   | length   |
        | 2n, 2n+1   | x and y of the swimmer                | -inf | inf | length   |
        | 2n+2, 2n+3 | velocity of the swimmer along x and y | -inf | inf | length/s |
        | 2n+4, 2n+5 | x and y of the goal                   | -1   | 1   | length   |

    Action: (2,) float32 in [-1, 1]: the acceleration along x and y. Values outside are not clipped.

    Reward: exp(-d^2 / 2), where d is the distance from the goal after the step, times 1 - exp(-30 e^2) for each urchin
        at distance e.

    Start: swimmer, goal and urchins uniform in [-1, 1) along both axes, at rest. An urchin may be on the goal.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 500 steps.

    Parameters:
        dt: duration of a step, s.
        num_urchins: number of urchins.

    Differences from the reference: none except the bounds of the observation space.

    Source: the swimmer of ivy_gym, by way of gymnax 1.0.1, `Swimmer-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 20

    dt: ArrayLike = 0.05
    num_urchins: int = static(default=5)

    def check_fields(self) -> None:
        check_integer(self, "num_urchins", self.num_urchins, 0)

    @property
    def observation_space(self) -> Box:
        ones, infinity = np.ones(2 * self.num_urchins), np.full(4, np.inf)
        high = np.concatenate([ones, infinity, np.ones(2)]).astype(np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Box:
        return Box(-1.0, 1.0, (2,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[SwimmerState, TimeStep[Array]]:
        places = jax.random.uniform(check_key(key), (self.num_urchins + 2, 2), jnp.float32, -1.0, 1.0)
        state = SwimmerState(urchins=places[2:], position=places[0], velocity=jnp.zeros(2, jnp.float32), goal=places[1])
        return state, restart(self.observe(state))

    def step(self, state: SwimmerState, action: Array) -> tuple[SwimmerState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        velocity = state.velocity + self.dt * action
        state = state.replace(position=state.position + self.dt * velocity, velocity=velocity)
        near = jnp.exp(-0.5 * jnp.sum(jnp.square(state.position - state.goal)))
        pricked = jnp.exp(-_PRICKLE * jnp.sum(jnp.square(state.urchins - state.position[None]), axis=-1))
        return state, transition(self.observe(state), near * jnp.prod(1.0 - pricked), False)

    def observe(self, state: SwimmerState) -> Array:
        return jnp.concatenate([state.urchins.reshape(-1), state.position, state.velocity, state.goal])

    def render(self, state: SwimmerState) -> Array:
        """(480, 480, 3) uint8: the water with urchins, the goal, and the swimmer with its velocity."""
        canvas = Canvas.blank(480, 480, palette.SKY, x_range=(-1.5, 1.5), y_range=(-1.5, 1.5))
        canvas = canvas.rectangle((0.0, 0.0), (2.0, 2.0), palette.BLUE_LIGHT, corner_radius=0.05, opacity=0.6)
        for radius, color in ((0.16, palette.YELLOW_LIGHT), (0.1, palette.YELLOW), (0.045, palette.WHITE)):
            canvas = canvas.circle(state.goal, radius, color)
        for i in range(self.num_urchins):
            x, y = state.urchins[i, 0], state.urchins[i, 1]
            spikes = (0.16, 0.0), (0.0, 0.16), (0.113, 0.113), (0.113, -0.113)
            for dx, dy in spikes:
                canvas = canvas.line((x - dx, y - dy), (x + dx, y + dy), 0.022, palette.PURPLE_DARK)
            canvas = canvas.circle((x, y), 0.1, palette.PURPLE)
        ahead = state.position + 0.5 * state.velocity
        canvas = canvas.line(state.position, ahead, 0.035, palette.RED_DARK)
        canvas = canvas.circle(state.position, 0.085, palette.INK)
        return canvas.circle(state.position, 0.07, palette.ORANGE).to_rgb()
