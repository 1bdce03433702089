"""The board of Go as one row of points with a margin, so that the four neighbours of a point are at fixed distances.

The rows of the board follow each other with one point of margin after each; a row of margin lies above and below. So a
board of 3 by 3 has 5 * 4 points:

    . . . .
    a b c .
    d e f .
    g h i .
    . . . .

The neighbours of all points are then four slices of the same array, which compilers turn into vector instructions.
Arrays over all points have the suffix "points" in their shape, those without the two outer rows "inner points".
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode, static

BLACK, WHITE, EMPTY, MARGIN = 0, 1, 2, 3
"""What is on a point. The first two are also the numbers of the players."""


class Layout(PyTreeNode, kw_only=True):
    """Where the points of a board are in the row.

    Attributes:
        size: rows and columns of the board.
    """

    size: int = static()

    @property
    def stride(self) -> int:
        """The distance from a point to the one below it, which is also the number of the first point of the board."""
        return self.size + 1

    @property
    def num_points(self) -> int:
        """The length of the row: the points of the board, and the margin."""
        return (self.size + 2) * self.stride

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """The distances from a point to its neighbours."""
        return -self.stride, -1, 1, self.stride

    @property
    def indices(self) -> np.ndarray:
        """(points,) int16: the number of each point."""
        return np.arange(self.num_points, dtype=np.int16)

    def empty(self) -> np.ndarray:
        """(points,) int8: the board without stones."""
        board = np.full((self.size + 2, self.stride), MARGIN, np.int8)
        board[1:-1, :-1] = EMPTY
        return board.ravel()

    def point_of(self, action: Array) -> Array:
        """() int32: the point of an action from 0 to size * size - 1."""
        return (action // self.size + 1) * self.stride + action % self.size

    def inner(self, plane: Array) -> Array:
        """(..., inner points): an array without the outer rows."""
        return plane[..., self.stride : -self.stride]

    def neighbours(self, plane: Array) -> list[Array]:
        """Four arrays (..., inner points): what is above, left, right and below of each."""
        end = self.num_points - self.stride
        return [plane[..., self.stride + step : end + step] for step in self.steps]

    def with_margin(self, inner: Array) -> Array:
        """(points,): a plane of inner points, with zeros in the outer rows."""
        return jnp.pad(inner, self.stride)

    def square(self, plane: Array) -> Array:
        """(size, size): a plane without any margin."""
        return self.square_of_inner(self.inner(plane))

    def square_of_inner(self, inner: Array) -> Array:
        """(size, size): a plane of inner points, without the margin."""
        return inner.reshape(self.size, self.stride)[:, : self.size]


def any_of(conditions: Sequence[Array]) -> Array:
    """Whether any of some conditions of one shape holds."""
    return functools.reduce(jnp.logical_or, conditions)
