"""GridWorld of rlenvs: cross a square, around its puddles or through them."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_START = (0.2, 0.4)
_REWARD = -0.5
_SIZE, _MARGIN = 480, 20  # pixels

_PUDDLES = (
    # centre (x, y), standard deviations, and the rectangle that bounds the puddle; all in hundredths
    ((59.0, 39.0), (0.25 * 61, 0.25 * 21), (29, 89), (29, 49)),
    ((69.0, 19.5), (0.25 * 21, 0.25 * 60), (59, 79), (0, 49)),
)


class GridWorldState(PyTreeNode):
    """State of `GridWorld`.

    Attributes:
        x: () float32, from 0 on the left to 1.
        y: () float32, from 0 at the bottom to 1.
    """

    x: Array
    y: Array


class GridWorld(Env[GridWorldState, Array]):
    """Cross the unit square to its upper right corner in steps of a twentieth.

    With `has_puddles` there are two puddles. Each is a Gaussian of height 1 that is cut off before two standard
    deviations. One extends along x from 0.29 to 0.89 around (0.59, 0.39), the other along y from 0 to 0.49 around
    (0.69, 0.195). Where they overlap, their depths add up.

    Observation: (2,) float32.

        | index | meaning            | min | max | unit               |
        |-------|--------------------|-----|-----|--------------------|
        | 0     | x, from the left   | 0   | 1   | side of the square |
        | 1     | y, from the bottom | 0   | 1   | side of the square |

    Action: () int32. 0 up, 1 right, 2 down, 3 left. The edge of the square stops the agent.

    Reward: -0.5 per step. With `has_puddles`, minus the depth of the water at the new position, rounded to hundredths.

    Start: (0.2, 0.4).

    Episode end:
        Termination: the agent reaches (1, 1), which takes at least 28 steps.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Parameters:
        stride: length of a step, in sides of the square.
        has_puddles: whether there are puddles.

    Differences from the reference: the depth is that of the nearest hundredth. The reference truncates instead, and so
        takes 0.49999999999999994, the sum of its float64 steps to 0.5, for 0.49.

    Source: J. A. Boyan and A. W. Moore, "Generalization in Reinforcement Learning: Safely Approximating the Value
        Function", 1995; Kaixhin/rlenvs, `GridWorld.lua` of commit 3a39f0c, with `image.gaussian` of torch/image.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 8

    stride: ArrayLike = 0.05
    has_puddles: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the length of a step."""
        check_range(self, "stride", self.stride, 0, 1, above=True)

    @property
    def observation_space(self) -> Box:
        return Box(0.0, 1.0, (2,), np.float32)

    @property
    def action_space(self) -> Discrete:
        return Discrete(4)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -2.5 if self.has_puddles else -0.5, -0.5

    def reset(self, key: Key) -> tuple[GridWorldState, TimeStep[Array]]:
        """Puts the agent at the start."""
        check_key(key)
        x, y = (jnp.full((), value, jnp.float32) for value in _START)
        state = GridWorldState(x=x, y=y)
        return state, restart(self.observe(state))

    def step(self, state: GridWorldState, action: Array) -> tuple[GridWorldState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        stride = jnp.asarray(self.stride, state.x.dtype)
        right = jnp.where(action == 1, stride, jnp.where(action == 3, -stride, 0.0))
        up = jnp.where(action == 0, stride, jnp.where(action == 2, -stride, 0.0))
        state = GridWorldState(x=jnp.clip(state.x + right, 0.0, 1.0), y=jnp.clip(state.y + up, 0.0, 1.0))
        depth = puddle_depth(state.x, state.y) if self.has_puddles else 0.0
        terminated = (state.x >= 1.0) & (state.y >= 1.0)
        return state, transition(self.observe(state), _REWARD - depth, terminated)

    def observe(self, state: GridWorldState) -> Array:
        return jnp.stack([state.x, state.y]).astype(jnp.float32)

    def render(self, state: GridWorldState) -> Array:
        """(520, 520, 3) uint8: the square with its puddles, the goal in a corner, and the agent, a disc."""
        width = _SIZE + 2 * _MARGIN
        canvas = Canvas.blank(width, width, palette.MIST)
        canvas = canvas.image(self._picture_of_ground(), (_MARGIN, _MARGIN))
        middle = width / 2
        canvas = canvas.rectangle((middle, middle), (_SIZE + 4.0, _SIZE + 4.0), palette.STEEL, stroke=4.0)
        start = _on_picture(*_START)
        canvas = canvas.circle(start, 12.0, palette.SLATE, stroke=3.0)
        corner = _on_picture(1.0, 1.0)
        canvas = canvas.circle(corner, 17.0, palette.WHITE).circle(corner, 14.0, palette.TEAL)
        return canvas.circle(_on_picture(state.x, state.y), 10.0, palette.ORANGE).to_rgb()

    def _picture_of_ground(self) -> Array:
        """(480, 480, 3) uint8: sand, and water where it is deep."""
        sand = jnp.asarray(palette.SAND, jnp.float32)
        if not self.has_puddles:
            return jnp.broadcast_to(sand.astype(jnp.uint8), (_SIZE, _SIZE, 3))
        place = (jnp.arange(_SIZE, dtype=jnp.float32) + 0.5) / _SIZE
        x, y = jnp.meshgrid(place, place[::-1])
        share = jnp.clip(puddle_depth(x, y), 0.0, 1.0)[..., None]
        water = jnp.asarray(palette.BLUE, jnp.float32)
        return jnp.round(sand[None, None] + share * (water - sand)[None, None]).astype(jnp.uint8)


def puddle_depth(x: Array, y: Array) -> Array:
    """The depth of the water at positions, rounded to hundredths; float32, of their shape."""
    x, y = jnp.round(100.0 * x), jnp.round(100.0 * y)
    depth = jnp.zeros_like(x)
    for center, deviation, columns, rows in _PUDDLES:
        inside = (x >= columns[0]) & (x <= columns[1]) & (y >= rows[0]) & (y <= rows[1])
        far = ((x - center[0]) / deviation[0]) ** 2 + ((y - center[1]) / deviation[1]) ** 2
        depth = depth + jnp.where(inside, jnp.exp(-0.5 * far), 0.0)
    return depth


def _on_picture(x: Array | float, y: Array | float) -> tuple[Array | float, Array | float]:
    """The pixel at which a position lies in the picture."""
    return _MARGIN + _SIZE * x, _MARGIN + _SIZE * (1.0 - y)
