"""Vectors in the plane as pairs of arrays, and rotations as pairs (sine, cosine) (`b2Math.h`).

Pairs rather than arrays of shape (2,): a batch then computes with one contiguous array for each coordinate, and XLA
gets programs without slices. All functions are elementwise, for arrays of any shape, unless they say otherwise.

A compiler may contract a product and a sum into one operation, which rounds once. Of a sum of two products, either can
be the one, and which it is depends on shapes and on what is computed beside it. With `steady`, functions round both
products first, so that every program gives the same bits. That costs an operation a product. It is used in what is
computed once in a step, and not in the passes of the solver, where no program was seen to differ.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

Scalar: TypeAlias = Any
"""float32, an array of any shape or a NumPy scalar."""
Vector: TypeAlias = tuple[Scalar, Scalar]
"""(x, y)."""
Rotation: TypeAlias = tuple[Scalar, Scalar]
"""(sine, cosine)."""

T = TypeVar("T")


_LOWEST = np.float32(-1e38)
"""Below every number here."""


def rounded(tree: T) -> T:
    """The same numbers above -1e38; a product among them is rounded before it goes into a sum (see above)."""
    return jax.tree.map(lambda x: jnp.maximum(x, _LOWEST), tree)


def _product(a: Scalar, b: Scalar, steady: bool) -> Scalar:
    return rounded(a * b) if steady else a * b


def between(a: Scalar, b: Scalar, share: Scalar) -> Scalar:
    """The number so far from `a` to `b`, steady."""
    return rounded((np.float32(1) - share) * a) + rounded(share * b)


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


def dot(a: Vector, b: Vector, *, steady: bool = False) -> Scalar:
    """The scalar product."""
    return _product(a[0], b[0], steady) + _product(a[1], b[1], steady)


def cross(a: Vector, b: Vector, *, steady: bool = False) -> Scalar:
    """The cross product of two vectors, a scalar."""
    return _product(a[0], b[1], steady) - _product(a[1], b[0], steady)


def turn(speed: Scalar, arm: Vector) -> Vector:
    """The velocity of the end of an arm that turns: the cross product of a scalar and a vector."""
    return -speed * arm[1], speed * arm[0]


def normalize(a: Vector, *, steady: bool = False) -> Vector:
    """The unit vector in the direction of `a`."""
    inverse = 1.0 / jnp.sqrt(dot(a, a, steady=steady))
    return a[0] * inverse, a[1] * inverse


def rotation(angle: Scalar) -> Rotation:
    """The rotation by an angle in rad."""
    return jnp.sin(angle), jnp.cos(angle)


def rotate(q: Rotation, a: Vector, *, steady: bool = False) -> Vector:
    """A vector of the body's frame in the world's (`b2Mul`)."""
    x = _product(q[1], a[0], steady) - _product(q[0], a[1], steady)
    return x, _product(q[0], a[0], steady) + _product(q[1], a[1], steady)


def rotate_back(q: Rotation, a: Vector) -> Vector:
    """A vector of the world's frame in the body's (`b2MulT`)."""
    return q[1] * a[0] + q[0] * a[1], q[1] * a[1] - q[0] * a[0]


def transform(p: Vector, q: Rotation, a: Vector, *, steady: bool = False) -> Vector:
    """A point of the body's frame in the world's."""
    return add(rotate(q, a, steady=steady), p)


def choose(condition: Any, a: T, b: T) -> T:
    """`a` if `condition`, else `b`, for any two trees of scalars."""
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), a, b)


def up(tree: T) -> T:
    """The same arrays with a new first axis of size 1."""
    return jax.tree.map(lambda x: jnp.asarray(x)[None], tree)


def parts(x: Array) -> list[Array]:
    """The entries of an array along its first axis, which is short."""
    return [lax.index_in_dim(x, number, 0, keepdims=False) for number in range(x.shape[0])]


def fold(operation: Callable[[Array, Array], Array], x: Array) -> Array:
    """Reduces the first axis, which is short.

    A chain of operations fuses with what precedes and follows it, and compiles much faster than a reduction.
    """
    return reduce(operation, parts(x))


_SHORT = 16
"""Up to so many entries are folded rather than reduced."""


def greatest(x: Array) -> Array:
    """The greatest along the first axis."""
    return fold(jnp.maximum, x) if x.shape[0] <= _SHORT else jnp.max(x, 0)


def any_of(flags: Array) -> Array:
    """Whether any is set along the first axis."""
    return fold(jnp.logical_or, flags) if flags.shape[0] <= _SHORT else jnp.any(flags, 0)


def least(values: Array) -> tuple[Array, Array]:
    """Along the first axis, which is short: the index of the first of the least values, int32, and that value."""
    first, *others = parts(values)
    index, smallest = jnp.zeros(first.shape, jnp.int32), first
    for number, value in enumerate(others, 1):
        less = value < smallest
        index, smallest = jnp.where(less, jnp.int32(number), index), jnp.where(less, value, smallest)
    return index, smallest


def at(tree: T, index: Array) -> T:
    """The entries of arrays at an index into their first axis, which is short.

    A chain of choices rather than a gather. `index` has the other axes of the arrays, or axes that fit them.
    """
    longest = max(x.shape[0] for x in jax.tree.leaves(tree))
    here = [index == number for number in range(longest)]

    def take(x: Array) -> Array:
        chosen, *others = parts(x)
        for number, value in enumerate(others, 1):
            chosen = jnp.where(here[number], value, chosen)
        return jnp.broadcast_to(chosen, jnp.broadcast_shapes(chosen.shape, index.shape))

    return jax.tree.map(take, tree)


def of(table: np.ndarray, index: Any) -> Scalar:
    """Entries of a constant table, (n, ...), which the index chooses by comparisons with the rarer values.

    Returns:
        The axes of the table after the first, and then those of `index`.
    """
    if isinstance(index, int | np.integer):
        return table[index]
    rows, inverse, counts = np.unique(table, return_inverse=True, return_counts=True, axis=0)
    inverse = inverse.reshape(-1)
    shape = (*table.shape[1:], *index.shape)

    def spread(row: np.ndarray) -> Array:
        return jnp.broadcast_to(jnp.asarray(row.reshape(row.shape + (1,) * index.ndim)), shape)

    usual = int(np.argmax(counts))
    chosen = spread(rows[usual])
    for number, row in enumerate(rows):
        if number != usual:
            members = [index == i for i in np.flatnonzero(inverse == number).tolist()]
            here = jnp.broadcast_to(reduce(jnp.logical_or, members), shape)
            chosen = jnp.where(here, spread(row), chosen)
    return chosen


def vector_of(table: np.ndarray, index: Any) -> Vector:
    """The same for a table of vectors, (n, ..., 2)."""
    return of(table[..., 0], index), of(table[..., 1], index)
