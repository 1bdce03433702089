"""View: the mapping from the world's units to the frame."""

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas.shapes import XY, snap

Point: TypeAlias = Array | np.ndarray | Sequence[ArrayLike]
"""(x, y) in the view's units: a pair of numbers, traced or not, or an array of shape (2,)."""


@dataclasses.dataclass(frozen=True)
class View:
    """An affine map from the world to pixels, with the same scale in both directions.

    Attributes:
        scale: pixels per unit of the world.
        x_origin: pixel column of the world's x = 0.
        y_origin: pixel row of the world's y = 0.
        y_up: whether the world's y axis points up.
    """

    scale: float = 1.0
    x_origin: float = 0.0
    y_origin: float = 0.0
    y_up: bool = False

    @staticmethod
    def fit(height: int, width: int, x_range: tuple[float, float], y_range: tuple[float, float]) -> "View":
        """The view, with y pointing up, that shows both ranges completely, centred and as large as the frame allows."""
        (left, right), (bottom, top) = x_range, y_range
        if not (left < right and bottom < top):
            raise ValueError(f"A view needs ranges of (low, high), got x_range={x_range} and y_range={y_range}.")
        scale = min(width / (right - left), height / (top - bottom))
        return View(scale, width / 2 - scale * (left + right) / 2, height / 2 + scale * (bottom + top) / 2, True)

    @property
    def y_sign(self) -> float:
        """-1 if y points up, 1 if it points down like pixel rows."""
        return -1.0 if self.y_up else 1.0

    def point(self, point: Point) -> XY:
        """A point (x, y) of the world in pixels, snapped."""
        return snap(self.x(point[0])), snap(self.y(point[1]))

    def x(self, x: ArrayLike) -> Array:
        """Pixel column, in float32, of the world's `x`."""
        return jnp.asarray(x, jnp.float32) * self.scale + self.x_origin

    def y(self, y: ArrayLike) -> Array:
        """Pixel row, in float32, of the world's `y`."""
        return jnp.asarray(y, jnp.float32) * (self.y_sign * self.scale) + self.y_origin

    def length(self, length: ArrayLike) -> Array:
        """A length of the world in pixels, snapped."""
        return snap(jnp.asarray(length, jnp.float32) * self.scale)

    def half(self, length: ArrayLike) -> Array:
        """Half a length of the world in pixels, snapped."""
        return snap(jnp.asarray(length, jnp.float32) * (self.scale / 2))

    def columns(self, width: int) -> np.ndarray:
        """(width,) float32: the world's x at each pixel column's centre."""
        return ((np.arange(width) + 0.5 - self.x_origin) / self.scale).astype(np.float32)
