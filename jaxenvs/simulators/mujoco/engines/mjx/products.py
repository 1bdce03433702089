"""Products of vectors, quaternions, rotations and spatial vectors, each a contraction with a constant table.

A product written out by components becomes dozens of operations on slices, which take most of the time of XLA's CPU
compiler. As the outer product times a table of 0, 1 and -1, it is two operations with the same rounding.
"""

import itertools

import jax.numpy as jnp
import numpy as np
from jax import Array

_LEVI_CIVITA = np.zeros((3, 3, 3))
for _i, _j, _k in itertools.permutations(range(3)):
    _LEVI_CIVITA[_i, _j, _k] = np.linalg.det(np.eye(3)[[_i, _j, _k]])


def _quaternion_table() -> np.ndarray:
    table = np.zeros((4, 4, 4))
    table[0, range(4), range(4)] = table[range(4), 0, range(4)] = 1.0
    table[range(1, 4), range(1, 4), 0] = -1.0
    table[1:, 1:, 1:] += _LEVI_CIVITA
    return table


def _rotation_table() -> np.ndarray:
    """Table for (w, v) with itself: (w² - v·v) I + 2 v vᵀ + 2 w [v]ₓ."""
    table = np.zeros((4, 4, 3, 3))
    table[0, 0] = np.eye(3)
    for i in range(3):
        table[1 + i, 1 + i] -= np.eye(3)
        table[0, 1 + i] -= 2.0 * _LEVI_CIVITA[i]
        for j in range(3):
            table[1 + i, 1 + j, i, j] += 2.0
    return table.reshape(4, 4, 9)


def _motion_table() -> np.ndarray:
    table = np.zeros((6, 6, 6))
    table[:3, :3, :3] = table[:3, 3:, 3:] = table[3:, :3, 3:] = _LEVI_CIVITA
    return table


def _inertia_table() -> np.ndarray:
    """Table for (xx, yy, zz, xy, xz, yz, m c, m) with a motion (w, v): (I w + m c × v, m v - m c × w)."""
    table = np.zeros((10, 6, 6))
    for entry, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))):
        table[entry, i, j] = table[entry, j, i] = 1.0
    table[6:9, 3:, :3] = _LEVI_CIVITA
    table[6:9, :3, 3:] = -_LEVI_CIVITA
    table[9, range(3, 6), range(3, 6)] = 1.0
    return table


_QUATERNION, _ROTATION, _MOTION, _INERTIA = _quaternion_table(), _rotation_table(), _motion_table(), _inertia_table()
_SKEW = np.transpose(_LEVI_CIVITA, (0, 2, 1)).reshape(3, 9)
_FORCE = np.transpose(-_MOTION, (0, 2, 1))


def _contract(first: Array, second: Array, table: np.ndarray) -> Array:
    outer = first[..., :, None] * second[..., None, :]
    rows, columns, results = table.shape
    flat = outer.reshape(*outer.shape[:-2], rows * columns)
    return flat @ jnp.asarray(table.reshape(rows * columns, results), flat.dtype)


def cross(first: Array, second: Array) -> Array:
    """(..., 3) the vector product."""
    return _contract(first, second, _LEVI_CIVITA)


def multiply(first: Array, second: Array) -> Array:
    """(..., 4) the product of quaternions."""
    return _contract(first, second, _QUATERNION)


def to_matrix(quaternion: Array) -> Array:
    """(..., 3, 3) the rotation of a unit quaternion."""
    return _contract(quaternion, quaternion, _ROTATION).reshape(*quaternion.shape[:-1], 3, 3)


def skew(vector: Array) -> Array:
    """(..., 3, 3) the matrix that maps x to the vector product of `vector` and x."""
    return (vector @ jnp.asarray(_SKEW, vector.dtype)).reshape(*vector.shape, 3)


def apply(matrix: Array, vector: Array) -> Array:
    """(..., 3) the product of small matrices (..., 3, 3) and vectors (..., 3).

    Written out, as in `chain`: XLA's CPU backend takes several times as long for a product or a sum over three.
    """
    terms = [matrix[..., k] * vector[..., None, k] for k in range(3)]
    return terms[0] + terms[1] + terms[2]


def chain(first: Array, second: Array) -> Array:
    """(..., m, n) the product of matrices (..., m, 3) and (..., 3, n)."""
    terms = [first[..., :, k, None] * second[..., None, k, :] for k in range(3)]
    return terms[0] + terms[1] + terms[2]


def motion_cross(first: Array, second: Array) -> Array:
    """(..., 6) how a spatial motion moves another."""
    return _contract(first, second, _MOTION)


def force_cross(motion: Array, force: Array) -> Array:
    """(..., 6) how a spatial motion moves a force."""
    return _contract(motion, force, _FORCE)


def momentum(inertia: Array, motion: Array) -> Array:
    """(..., 6) of a spatial inertia (..., 10) in motion (..., 6)."""
    return _contract(inertia, motion, _INERTIA)
