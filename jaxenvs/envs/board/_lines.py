"""Pieces in a line, for the pictures that mark them."""

import jax.numpy as jnp
from jax import Array


def in_line(pieces: Array, length: int) -> Array:
    """(rows, columns) bool: the pieces that belong to a row, a column or a diagonal of at least `length` of them.

    Args:
        pieces: (rows, columns) bool, those of one player.
        length: how many pieces are a line.
    """
    found = jnp.zeros_like(pieces)
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        begins = pieces
        for step in range(1, length):
            begins = begins & _moved(pieces, -step * down, -step * across)
        for step in range(length):
            found = found | _moved(begins, step * down, step * across)
    return found


def _moved(cells: Array, down: int, across: int) -> Array:
    """The cells moved by so many rows and columns; what enters at the edges is False."""
    rows, columns = cells.shape
    padded = jnp.pad(cells, ((max(down, 0), max(-down, 0)), (max(across, 0), max(-across, 0))))
    return padded[max(-down, 0) : max(-down, 0) + rows, max(-across, 0) : max(-across, 0) + columns]
