"""The car and the hills that all MountainCars share."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.trigonometry import cos
from jaxenvs.core.vector_state import VectorState

_STEEPNESS = 3.0
"""The hills' height is proportional to sin(3 position)."""
_AMPLITUDE, _LEVEL = 0.45, 0.55
"""Half the height of the hills, and their mean height; for the picture only."""


class MountainCarState(VectorState):
    """State of the car.

    Attributes:
        position: () float32, of the car along the valley.
        velocity: () float32, change of the position per step.
    """

    position: Array
    velocity: Array

    numbers = ("position", "velocity")


def drive(
    state: MountainCarState,
    thrust: Array,
    gravity: ArrayLike,
    max_speed: ArrayLike,
    min_position: ArrayLike,
    max_position: ArrayLike,
) -> MountainCarState:
    """Accelerates the car by `thrust` and the slope, and moves it by its new velocity.

    The left end stops the car: its velocity is lost there. The right end only holds its position.
    """
    velocity = state.velocity + (thrust - gravity * cos(_STEEPNESS * state.position))
    velocity = jnp.clip(velocity, jnp.negative(max_speed), max_speed)
    position = jnp.clip(state.position + velocity, min_position, max_position)
    stopped = (position == min_position) & (velocity < 0)
    return MountainCarState(position, jnp.where(stopped, 0.0, velocity))


def _height(x: np.ndarray) -> np.ndarray:
    return np.sin(_STEEPNESS * x) * _AMPLITUDE + _LEVEL


def draw(state: MountainCarState, goal_position: ArrayLike) -> Array:
    """(400, 600, 3) uint8: the car on the hills, and a flag at the goal."""
    position = state.position.astype(jnp.float32)
    goal = jnp.asarray(goal_position, jnp.float32)

    def on_hill(x: Array, along: float, above: float) -> tuple[Array, Array]:
        """The point `along` the slope and `above` it, seen from the hill's surface at `x`."""
        slope = _STEEPNESS * _AMPLITUDE * jnp.cos(_STEEPNESS * x)
        run = 1.0 / jnp.sqrt(1.0 + slope * slope)
        height = jnp.sin(_STEEPNESS * x) * _AMPLITUDE + _LEVEL
        return x + run * (along - slope * above), height + run * (slope * along + above)

    canvas = Canvas.blank(400, 600, palette.SKY, x_range=(-1.2, 0.6), y_range=(0.0, 1.2))
    canvas = canvas.circle((-0.93, 0.98), 0.09, palette.YELLOW_LIGHT)
    canvas = canvas.area_below(
        lambda x: 0.62 + 0.12 * np.sin(4.1 * x + 1.0) + 0.05 * np.sin(9 * x), palette.BLUE_LIGHT, opacity=0.5
    )
    canvas = canvas.area_below(_height, palette.GRASS).curve(_height, 0.012, palette.GRASS_DARK)

    foot = on_hill(goal, 0.0, 0.0)
    top = foot[0], foot[1] + 0.17
    cloth = [top, (top[0], top[1] - 0.07), (top[0] + 0.085, top[1] - 0.035)]
    canvas = canvas.polygon(cloth, palette.RED).line(foot, top, 0.01, palette.INK)

    body = [(-0.085, 0.032), (0.085, 0.032), (0.08, 0.066), (0.04, 0.07), (0.015, 0.1), (-0.045, 0.1), (-0.08, 0.068)]
    window = [(-0.058, 0.07), (0.018, 0.07), (0.004, 0.09), (-0.04, 0.09)]
    canvas = canvas.polygon([on_hill(position, *corner) for corner in body], palette.BLUE, corner_radius=0.009)
    canvas = canvas.polygon([on_hill(position, *corner) for corner in window], palette.WHITE)
    for along in (-0.05, 0.05):
        wheel = on_hill(position, along, 0.032)
        canvas = canvas.circle(wheel, 0.027, palette.INK).circle(wheel, 0.01, palette.SILVER)
    return canvas.to_rgb()
