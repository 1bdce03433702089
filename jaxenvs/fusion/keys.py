"""Operations on random keys as arithmetic on their words."""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr


def _mapped(function: Callable[..., Any], dimensions: int) -> Callable[..., Any]:
    """The function for arrays of keys."""
    for _ in range(dimensions):
        function = jax.vmap(function)
    return function


def _implementation(aval: Any) -> Any:
    return aval.dtype._impl  # JAX has no public way to an implementation's functions


def _bits(eqn: Any) -> Callable[..., Any]:
    (key,) = (v.aval for v in eqn.invars)
    draw, width, shape = _implementation(key).random_bits, eqn.params["bit_width"], tuple(eqn.params["shape"])
    return _mapped(lambda words: draw(words, width, shape), key.ndim)


def _split(eqn: Any) -> Callable[..., Any]:
    (key,) = (v.aval for v in eqn.invars)
    split, shape = _implementation(key).split, tuple(eqn.params["shape"])
    return _mapped(lambda words: split(words, shape), key.ndim)


def _fold_in(eqn: Any) -> Callable[..., Any]:
    key, data = (v.aval for v in eqn.invars)
    fold_in = _implementation(key).fold_in
    if key.shape == data.shape:
        return _mapped(fold_in, key.ndim)
    return lambda words, numbers: _mapped(fold_in, len(eqn.outvars[0].aval.shape))(
        jnp.broadcast_to(words, eqn.outvars[0].aval.shape + words.shape[key.ndim :]),
        jnp.broadcast_to(numbers, eqn.outvars[0].aval.shape),
    )


def _seed(eqn: Any) -> Callable[..., Any]:
    (seed,) = (v.aval for v in eqn.invars)
    return _mapped(_implementation(eqn.outvars[0].aval).seed, seed.ndim)


def _clone(eqn: Any) -> Callable[..., Any]:
    del eqn
    return lambda words: words


# Rotations of Threefry with 2 words of 32 bits and 20 rounds (J. Salmon and others, "Parallel random numbers: as easy
# as 1, 2, 3", 2011), and the constant of its key schedule.
_ROTATIONS = (13, 15, 26, 6), (17, 29, 16, 24)
_PARITY = 0x1BD11BDA


def _threefry(eqn: Any) -> Callable[..., Any]:
    del eqn

    def rotated(x: Array, distance: int) -> Array:
        return (x << np.uint32(distance)) | (x >> np.uint32(32 - distance))

    def hashed(first: Array, second: Array, x: Array, y: Array) -> tuple[Array, Array]:
        schedule = [first, second, first ^ second ^ np.uint32(_PARITY)]
        x, y = x + schedule[0], y + schedule[1]
        for number in range(5):
            for distance in _ROTATIONS[number % 2]:
                x = x + y
                y = rotated(y, distance) ^ x
            x = x + schedule[(number + 1) % 3]
            y = y + schedule[(number + 2) % 3] + np.uint32(number + 1)
        return x, y

    return functools.partial(hashed)


def _counters(eqn: Any) -> Callable[..., Any]:
    """The numbers of an array's elements, as two words each, the upper ones first."""
    shape = tuple(eqn.params["shape"])
    size = math.prod(shape)

    def counters() -> tuple[Array, Array]:
        return jnp.zeros(shape, jnp.uint32), jax.lax.iota(jnp.uint32, size).reshape(shape)

    return counters


OPERATIONS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "random_bits": _bits,
    "random_split": _split,
    "random_fold_in": _fold_in,
    "random_seed": _seed,
    "random_clone": _clone,
    "threefry2x32": _threefry,
    "iota_2x32_shape": _counters,
}
"""For each primitive, the function of words that an equation of it computes."""


_programs: dict[Any, ClosedJaxpr] = {}


def program(eqn: Any, words: tuple[jax.ShapeDtypeStruct, ...]) -> ClosedJaxpr:
    """The program of an equation of `OPERATIONS` for words of given shapes, which is traced once."""
    avals = tuple(v.aval for v in (*eqn.invars, *eqn.outvars))
    shape, x64 = eqn.params.get("shape"), jax.config.read("jax_enable_x64")
    which = eqn.primitive.name, avals, words, shape, eqn.params.get("bit_width"), x64
    if which not in _programs:
        _programs[which] = jax.make_jaxpr(OPERATIONS[eqn.primitive.name](eqn))(*words)
    return _programs[which]
