"""Vectors in the plane as pairs of scalars, and rotations as pairs (sine, cosine) (`b2Math.h`).

Pairs of scalars rather than arrays of shape (2,): a batch then computes with one contiguous array for each coordinate,
and XLA gets programs without slices.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Scalar: TypeAlias = Any
"""() float32, an array or a NumPy scalar."""
Vector: TypeAlias = tuple[Scalar, Scalar]
"""(x, y)."""
Rotation: TypeAlias = tuple[Scalar, Scalar]
"""(sine, cosine)."""

T = TypeVar("T")


def add(a: Vector, b: Vector) -> Vector:
    """The sum of two vectors."""
    return a[0] + b[0], a[1] + b[1]


def subtract(a: Vector, b: Vector) -> Vector:
    """The difference of two vectors."""
    return a[0] - b[0], a[1] - b[1]


def scale(factor: Scalar, a: Vector) -> Vector:
    """A vector times a number."""
    return factor * a[0], factor * a[1]


def negate(a: Vector) -> Vector:
    """A vector the other way round."""
    return -a[0], -a[1]


def dot(a: Vector, b: Vector) -> Scalar:
    """The scalar product."""
    return a[0] * b[0] + a[1] * b[1]


def cross(a: Vector, b: Vector) -> Scalar:
    """The cross product of two vectors, a scalar."""
    return a[0] * b[1] - a[1] * b[0]


def turn(speed: Scalar, arm: Vector) -> Vector:
    """The velocity of the end of an arm that turns: the cross product of a scalar and a vector."""
    return -speed * arm[1], speed * arm[0]


def normalize(a: Vector) -> Vector:
    """The unit vector in the direction of `a`."""
    inverse = 1.0 / jnp.sqrt(dot(a, a))
    return a[0] * inverse, a[1] * inverse


def rotation(angle: Scalar) -> Rotation:
    """The rotation by an angle in rad."""
    return jnp.sin(angle), jnp.cos(angle)


def rotate(q: Rotation, a: Vector) -> Vector:
    """A vector of the body's frame in the world's (`b2Mul`)."""
    return q[1] * a[0] - q[0] * a[1], q[0] * a[0] + q[1] * a[1]


def rotate_back(q: Rotation, a: Vector) -> Vector:
    """A vector of the world's frame in the body's (`b2MulT`)."""
    return q[1] * a[0] + q[0] * a[1], q[1] * a[1] - q[0] * a[0]


def transform(p: Vector, q: Rotation, a: Vector) -> Vector:
    """A point of the body's frame in the world's."""
    return add(rotate(q, a), p)


def choose(condition: Any, a: T, b: T) -> T:
    """`a` if `condition`, else `b`, for any two trees of scalars."""
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), a, b)


def components(points: Array) -> Vector:
    """The last axis of an array, of size 2, as a pair."""
    return points[..., 0], points[..., 1]


def at(values: Sequence[T], index: Any) -> T:
    """`values[index]` for a traced index: a chain of choices, which costs less than a gather, and fuses."""
    chosen = values[0]
    for number, value in enumerate(values[1:], 1):
        chosen = choose(index == number, value, chosen)
    return chosen


def first_least(values: Sequence[Scalar]) -> tuple[Array, Scalar]:
    """The index of the first of the least values, () int32, and that value."""
    index, least = jnp.zeros_like(values[0], jnp.int32), values[0]
    for number, value in enumerate(values[1:], 1):
        less = value < least
        index, least = jnp.where(less, jnp.int32(number), index), jnp.where(less, value, least)
    return index, least


def least_of(values: Sequence[Scalar]) -> Scalar:
    """The least of the values."""
    return reduce(jnp.minimum, values)


def greatest_of(values: Sequence[Scalar]) -> Scalar:
    """The greatest of the values."""
    return reduce(jnp.maximum, values)


def of(table: np.ndarray, index: Any) -> Scalar:
    """An entry of a constant table, (n,), which the index chooses by comparisons with the rarer values."""
    if isinstance(index, int):
        return table[index]
    values, counts = np.unique(table, return_counts=True)
    usual = values[np.argmax(counts)]
    chosen = jnp.full(jnp.shape(index), usual, table.dtype)
    for number, value in enumerate(table):
        if value != usual:
            chosen = jnp.where(index == number, value, chosen)
    return chosen


def vector_of(table: np.ndarray, index: Any) -> Vector:
    """The same for a table of vectors, (n, 2)."""
    return of(table[:, 0], index), of(table[:, 1], index)
