"""RandomWalk of rlenvs: seven positions in a row, of which the rightmost one pays."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete

_START, _LAST = 3, 6
_GAP, _HEIGHT = 96, 160  # pixels


class RandomWalkState(PyTreeNode):
    """State of `RandomWalk`.

    Attributes:
        position: () int32, from 0 on the left to 6 on the right.
    """

    position: Array


class RandomWalk(Env[RandomWalkState, Array]):
    """Step left and right among seven positions in a row; both ends terminate, and the right one pays.

    This is a prediction task: an agent that steps either way with probability 1/2 reaches the right end from position i
    with probability i / 6. The walk is only as random as the agent, since the environment draws nothing.

    Observation: () int32, from 0 to 6: the position. The book's five states A to E are 1 to 5, and its terminal states
        are 0 and 6.

    Action: () int32. 0 left, 1 right.

    Reward: 1 for the step that reaches 6, else 0.

    Start: position 3, the book's C.

    Episode end:
        Termination: the agent reaches 0 or 6.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Differences from the reference: its observation space lists only 6 of the 7 positions. Here a step outwards from an
        end, after the episode is over, leaves the agent there; the reference keeps counting.

    Source: R. S. Sutton, "Learning to predict by the methods of temporal differences", 1988; R. S. Sutton and A. G.
        Barto, "Reinforcement Learning: An Introduction", 2018, example 6.2; Kaixhin/rlenvs, `RandomWalk.lua`.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 4

    @property
    def observation_space(self) -> Discrete:
        return Discrete(_LAST + 1)

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[RandomWalkState, TimeStep[Array]]:
        """Puts the agent in the middle."""
        check_key(key)
        state = RandomWalkState(position=jnp.full((), _START, jnp.int32))
        return state, restart(self.observe(state))

    def step(self, state: RandomWalkState, action: Array) -> tuple[RandomWalkState, TimeStep[Array]]:
        stride = jnp.where(self.action_space.validate(action) == 0, -1, 1).astype(jnp.int32)
        position = jnp.clip(state.position + stride, 0, _LAST)
        arrived = position == _LAST
        state = RandomWalkState(position=position)
        return state, transition(self.observe(state), arrived, arrived | (position == 0))

    def observe(self, state: RandomWalkState) -> Array:
        return state.position

    def render(self, state: RandomWalkState) -> Array:
        """(160, 672, 3) uint8: the positions as in the book, with squares for the ends, and the agent, a disc."""
        count = _LAST + 1
        canvas = Canvas.blank(_HEIGHT, count * _GAP, palette.PAPER)
        middle = _HEIGHT / 2 - 8.0
        xs = (np.arange(count) + 0.5) * _GAP
        canvas = canvas.line((xs[0], middle), (xs[-1], middle), 5.0, palette.SILVER)
        for x, color in ((xs[0], palette.STEEL), (xs[-1], palette.TEAL)):
            canvas = canvas.rectangle((x, middle), (44.0, 44.0), color, corner_radius=6.0)
        for x, name in zip(xs[1:-1], "ABCDE", strict=True):
            canvas = canvas.circle((x, middle), 30.0, palette.WHITE).circle(
                (x, middle), 30.0, palette.STEEL, stroke=3.0
            )
            canvas = canvas.text(name, (x, _HEIGHT - 14.0), 18.0, palette.SLATE, align="center")
        canvas = canvas.text("+1", (xs[-1], _HEIGHT - 14.0), 18.0, palette.TEAL_DARK, align="center")
        x = (state.position.astype(jnp.float32) + 0.5) * _GAP
        return canvas.circle((x, middle), 19.0, palette.ORANGE).to_rgb()
