"""Swimmer of gymnax: swim to a goal between urchins."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box

_PRICKLE = 30.0  # how steeply an urchin's effect falls with the square of the distance


class SwimmerState(PyTreeNode):
    """State of `Swimmer`.

    Attributes:
        urchins: (num_urchins, 2) float32, x and y of each.
        position: (2,) float32, x and y of the swimmer.
        velocity: (2,) float32, in units/s.
        goal: (2,) float32, x and y.
    """

    urchins: Array
    position: Array
    velocity: Array
    goal: Array


class Swimmer(Env[SwimmerState, Array]):
    """A point that glides without friction is to stay at the goal, and off urchins. Not MuJoCo's: that is `Swimmer-v5`.

    Observation: (2 num_urchins + 6,) float32: x and y of each urchin, of the swimmer, its velocity, and x and y of the
        goal. Place and velocity of the swimmer have no bounds, all else lies in [-1, 1].

    Action: (2,) float32 in [-1, 1], the acceleration; what lies outside is not clipped.

    Reward: exp(-d^2 / 2) for the distance d from the goal after the step, times 1 - exp(-30 d^2) for each urchin.

    Start: swimmer, goal and urchins uniform in [-1, 1) along both axes, at rest. An urchin may sit on the goal.

    Episode end:
        Termination: none.
        Truncation: none here; 500 steps in the registered id.

    Attributes:
        dt: duration of a step, s.
        num_urchins: how many urchins there are.

    Differences from the reference: none, but for the bounds of the observation space.

    Source: the swimmer of ivy_gym, by way of gymnax 1.0.1, `Swimmer-misc`.

    Version history: v0, as in gymnax.
    """

    frames_per_second: ClassVar[int] = 20

    dt: ArrayLike = 0.05
    num_urchins: int = static(default=5)

    def check_fields(self) -> None:
        """Checks the number of urchins."""
        value = self.num_urchins
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidField(f"Swimmer: `num_urchins` must be an integer of at least 0, got {value!r}.")

    @property
    def observation_space(self) -> Box:
        """See the class."""
        ones, infinity = np.ones(2 * self.num_urchins), np.full(4, np.inf)
        high = np.concatenate([ones, infinity, np.ones(2)]).astype(np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Box:
        """(2,) float32: the acceleration."""
        return Box(-1.0, 1.0, (2,))

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 to 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[SwimmerState, TimeStep[Array]]:
        """Draws the places."""
        places = jax.random.uniform(check_key(key), (self.num_urchins + 2, 2), jnp.float32, -1.0, 1.0)
        state = SwimmerState(urchins=places[2:], position=places[0], velocity=jnp.zeros(2, jnp.float32), goal=places[1])
        return state, restart(self.observe(state))

    def step(self, state: SwimmerState, action: Array) -> tuple[SwimmerState, TimeStep[Array]]:
        """Accelerates for `dt` seconds."""
        action = self.action_space.validate(action)
        velocity = state.velocity + self.dt * action
        state = state.replace(position=state.position + self.dt * velocity, velocity=velocity)
        near = jnp.exp(-0.5 * jnp.sum(jnp.square(state.position - state.goal)))
        pricked = jnp.exp(-_PRICKLE * jnp.sum(jnp.square(state.urchins - state.position[None]), axis=-1))
        return state, transition(self.observe(state), near * jnp.prod(1.0 - pricked), False)

    def observe(self, state: SwimmerState) -> Array:
        """(2 num_urchins + 6,) float32."""
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
