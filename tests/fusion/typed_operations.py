"""Operations on arrays of any type, chosen by numbers; see `typed_programs`."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from tests.fusion.comparison import edges

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32"]


class Pool:
    """What has been computed.

    Attributes:
        arrays: that operations may read.
        ends: floats that no operation reads.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays, self.ends = list(arrays), []
        self._numbers: Iterator[int] = iter(())

    def begin(self, numbers: Sequence[int]) -> None:
        """Begins a step of the program, which chooses by some numbers."""
        self._numbers = (37 * n + m for m in itertools.count() for n in numbers)

    def number(self) -> int:
        """The next of the numbers."""
        return next(self._numbers)

    def any(self, kinds: str = "biuf", rank: int = 0) -> Array:
        """An array of some kind of type."""
        found = [x for x in self.arrays if x.dtype.kind in kinds and x.ndim >= rank]
        return found[-1 - self.number() % len(found)]

    def like(self, x: Array) -> Array:
        """An array of the same type and shape."""
        found = [y for y in self.arrays if y.dtype == x.dtype and y.shape == x.shape]
        return found[-1 - self.number() % len(found)]

    def lane(self) -> Array:
        """A small integer that differs between lanes."""
        x = self.any("iu")
        return x.reshape(-1)[self.number() % x.size].astype(jnp.int32) % 7

    def index(self) -> Array:
        """An integer of any type and size."""
        x = self.any("iu")
        return x.reshape(-1)[self.number() % x.size]

    def indices(self) -> Array:
        """A few of them."""
        x = self.any("iu", 1)
        return x.reshape(-1)[: 1 + self.number() % 4]

    def axis(self, x: Array) -> int:
        """An axis of an array."""
        return self.number() % x.ndim

    def axes(self, x: Array) -> tuple[int, ...]:
        """Some of its axes."""
        number = self.number()
        return tuple(d for d in range(x.ndim) if number >> d & 1) or (0,)

    def flag(self) -> Array:
        """A bool."""
        x = self.any()
        y = x.reshape(-1)[self.number() % x.size]
        return y if y.dtype == bool else y > jnp.asarray(1, y.dtype)


def _unary(p: Pool) -> Any:
    x, k = p.any(), p.number()
    if x.dtype == bool:
        return ~x
    if x.dtype.kind == "f":
        names = ["neg", "abs", "sign", "floor", "ceil", "is_finite", "away", "even"]
        name = names[k % len(names)]
        if name in ("away", "even"):
            return lax.round(x, lax.RoundingMethod(int(name == "even")))
        return getattr(lax, name)(x)
    powers = [functools.partial(lax.integer_pow, y=n) for n in (0, 1, 2, 3, 5)]
    functions = [lax.bitwise_not, lax.population_count, lax.clz, lax.square, lax.sign, *powers]
    functions += [lax.neg, lax.abs] if x.dtype.kind == "i" else []
    return functions[k % len(functions)](x)


def _binary(p: Pool) -> Any:
    x = p.any()
    y = p.like(x)
    names = ["eq", "ne", "lt", "le", "gt", "ge", "max", "min"]
    if x.dtype.kind != "f":
        names += ["bitwise_and", "bitwise_or", "bitwise_xor"]
    if x.dtype.kind in "iu":
        names += ["add", "sub", "mul", "div", "rem", "shift_left", "shift_right_logical", "shift_right_arithmetic"]
    return getattr(lax, names[p.number() % len(names)])(x, y)


def _with_constant(p: Pool) -> Any:
    x, k = p.any("iu"), p.number()
    numbers = edges(str(x.dtype))
    y = jnp.full_like(x, numbers[k % len(numbers)])
    names = ["div", "rem", "shift_left", "shift_right_arithmetic", "max", "add", "mul", "lt", "bitwise_and"]
    pair = (x, y) if p.number() % 3 else (y, x)
    name = names[p.number() % len(names)]
    return x if name in ("div", "rem") and pair[0] is y else getattr(lax, name)(*pair)


def _convert(p: Pool) -> Any:
    x, new = p.any(), TYPES[p.number() % len(TYPES)]
    if x.dtype == jnp.float32 and new in ("int32", "uint32") and p.number() % 2:
        return lax.bitcast_convert_type(jnp.where(jnp.isnan(x), 0, x), new)  # NaN has bits of many kinds
    return lax.convert_element_type(x, new)


def _to_bytes(p: Pool) -> Any:
    x = p.any("iu")
    return lax.bitcast_convert_type(x, jnp.uint8)


def _choose(p: Pool) -> Any:
    x = p.any()
    k = p.number()
    if k % 4 == 0:
        return lax.select_n(p.lane() - 2, *(p.like(x) for _ in range(2 + p.number() % 4)))
    if k % 4 == 1 and x.dtype != bool:
        return lax.clamp(p.like(x), x, p.like(x))
    if k % 4 == 2:
        return jnp.where(p.flag(), x, p.like(x))
    return lax.select_n(p.like(x) == x, x, p.like(x))


def _padded(p: Pool, x: Array, axis: int) -> Array:
    config = [(0, 0, 0)] * x.ndim
    config[axis] = p.number() % 4 - min(2, x.shape[axis] // 2), p.number() % 3 - (x.shape[axis] > 3), p.number() % 3
    return lax.pad(x, p.like(x).reshape(-1)[0], config)


def _shape(p: Pool) -> Any:
    x, k = p.any(rank=1), p.number()
    axis = p.axis(x)
    size = x.shape[axis]
    choices: list[Callable[[], Any]] = [
        lambda: x.reshape(-1),
        lambda: x.reshape(-1, 2) if x.size % 2 == 0 else x[None],
        lambda: x.T,
        lambda: lax.rev(x, p.axes(x)),
        lambda: lax.slice_in_dim(x, p.number() % size, size, 1 + p.number() % 3, axis),
        lambda: _padded(p, x, axis),
        lambda: lax.concatenate([x, p.like(x), x], axis),
        lambda: jnp.stack([x, p.like(x)], axis),
        lambda: lax.split(x, (1, size - 1), axis) if size > 1 else x,
        lambda: lax.split(x, (0, size), axis),
        lambda: jnp.tile(x, (1,) * axis + (2,) + (1,) * (x.ndim - axis - 1)),
        lambda: jnp.broadcast_to(lax.index_in_dim(x, p.number() % size, axis), x.shape),
        lambda: jnp.unstack(x, axis=axis)[:3],
        lambda: x[..., None] if x.ndim < 3 else x.squeeze(tuple(d for d in range(x.ndim) if x.shape[d] == 1)),
        lambda: jnp.roll(x, p.lane(), axis),
        lambda: lax.broadcasted_iota(TYPES[1 + k % 7], x.shape, axis),
    ]
    return choices[k % len(choices)]()


def _slices(p: Pool) -> Any:
    x = p.any(rank=1)
    sizes = [1 + p.number() % n for n in x.shape]
    start = p.index()
    starts = [start if p.number() % 3 else jnp.zeros_like(start) for _ in x.shape]
    if p.number() % 2:
        return lax.dynamic_slice(x, starts, sizes)
    part = lax.slice(p.like(x), [0] * x.ndim, sizes)
    return lax.dynamic_update_slice(x, part, starts)


def _gather(p: Pool) -> Any:
    x, k = p.any(rank=1), p.number()
    mode = ("fill", "clip", "promise_in_bounds")[k % 3]
    i, j = p.indices(), p.lane()
    if mode == "promise_in_bounds":
        i, j = i.astype(jnp.int32) % x.shape[0] % x.shape[-1], j % min(x.shape)
    signed = i.astype(jnp.int32) if i.dtype == jnp.uint32 else i
    choices: list[Callable[[], Any]] = [
        lambda: x.at[signed].get(mode=mode),
        lambda: x.at[..., signed].get(mode=mode),
        lambda: x.at[j, ..., signed[0]].get(mode=mode) if x.ndim > 1 else x.at[j].get(mode=mode),
        lambda: (
            x.at[signed[0]].get(mode=mode, fill_value=np.ones((), x.dtype).item()) if mode == "fill" else x.at[j].get()
        ),
        lambda: jax.vmap(lambda row, at: row.at[at % row.size if mode == "promise_in_bounds" else at].get(mode=mode))(
            x.reshape(len(x), -1), p.like(x).reshape(len(x), -1)[:, 0].astype(jnp.int32)
        ),
        lambda: jnp.take_along_axis(x, jnp.argsort(x, axis=0), 0),
    ]
    return choices[p.number() % len(choices)]()


def _scatter(p: Pool) -> Any:
    x, k = p.any(rank=1), p.number()
    mode = ("drop", "clip", "promise_in_bounds")[k % 3]
    i = p.indices().astype(jnp.int32)
    if mode == "promise_in_bounds":
        i = jnp.arange(len(i), dtype=jnp.int32) % x.shape[0] % x.shape[-1]
    at = [x.at[i], x.at[..., i], x.at[i[0]], x.at[(i[0],) * x.ndim]][p.number() % 4]
    # XLA's own kernel may read the value again from where it has just written to (JAX 0.10).
    value = lax.optimization_barrier(p.like(x).reshape(-1)[0])
    names = ["set", "max", "min"] + (["add", "multiply"] if x.dtype.kind in "iu" else [])
    if p.number() % 5 == 0 and x.ndim > 1:
        rows = p.lane() + jnp.arange(x.shape[0], dtype=jnp.int32)
        return jax.vmap(lambda row, at: row.at[at].set(value, mode=mode))(x, rows % min(x.shape))
    if p.number() % 7 == 0 and names[-1] == "multiply":
        return x.at[i % x.shape[0]].set(p.like(x)[: len(i)] if len(x) >= len(i) else value)
    return getattr(at, names[p.number() % len(names)])(value, mode=mode)


def _reduce(p: Pool) -> Any:
    x = p.any(rank=1)
    axes, axis = p.axes(x), p.axis(x)
    names = ["max", "min", *(["and", "or", "xor"] if x.dtype.kind != "f" else [])]
    names += ["sum", "prod"] if x.dtype.kind in "iu" else []
    name = names[p.number() % len(names)]
    choices: list[Callable[[], Any]] = [
        lambda: getattr(lax, f"reduce_{name}")(x, axes),
        lambda: getattr(lax, f"reduce_{name}")(x, axes),
        lambda: lax.argmax(x, axis, (jnp.int32, jnp.uint8)[p.number() % 2]),
        lambda: lax.argmin(x, axis, jnp.int32),
        lambda: lax.cummax(x, axis, bool(p.number() % 2)) if x.dtype != bool else x,
        lambda: lax.cummin(x, axis, bool(p.number() % 2)) if x.dtype != bool else x,
        lambda: lax.cumsum(x, axis, bool(p.number() % 2)) if x.dtype.kind in "iu" else x,
        lambda: lax.cumprod(x, axis, bool(p.number() % 2)) if x.dtype.kind in "iu" else x,
    ]
    return choices[p.number() % len(choices)]()


def _sort(p: Pool) -> Any:
    x = p.any(rank=1)
    others = [y for y in p.arrays if y.shape == x.shape][-3:]
    return lax.sort((x, *others), dimension=p.axis(x), num_keys=1 + p.number() % (1 + len(others)))


def _product(p: Pool) -> Any:
    x = p.any("iu", 1)
    y = p.like(x)
    kind = {"preferred_element_type": jnp.int32} if x.dtype.itemsize == 1 else {}
    axis = p.axis(x)
    batch = [d for d in range(x.ndim) if d != axis and p.number() % 2][:1]
    return lax.dot_general(x, y, (([axis], [axis]), (batch, batch)), **kind)


OPERATIONS = [
    _unary, _unary, _binary, _binary, _binary, _with_constant, _convert, _convert, _to_bytes, _choose, _choose, _shape,
    _shape, _shape, _slices, _slices, _gather, _gather, _scatter, _scatter, _reduce, _reduce, _sort, _product,
]  # fmt: skip
"""Functions of a pool, which return an array or several."""
