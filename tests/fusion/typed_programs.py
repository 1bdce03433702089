"""Programs of random operations on arrays of all types: each reads what the ones before it computed.

Floats are only moved, compared and rounded to whole numbers, which is exact; what an addition or a product gives is put
out, but read by nothing, since XLA and a kernel round differently and a comparison would magnify it.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

import jaxenvs
from jaxenvs.core.alone import bind
from tests.fusion.comparison import edges

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32"]
SHAPES = [(), (1,), (5,), (16,), (17,), (32,), (33,), (1, 6), (4, 4), (3, 11), (6, 8), (2, 3, 7)]
LARGEST = 220
Step = tuple[int, int, int, int, int]


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

    def flag(self) -> Array:
        """A bool."""
        x = self.any()
        y = x.reshape(-1)[self.number() % x.size]
        return y if y.dtype == bool else y > jnp.asarray(1, y.dtype)


def _axis(p: Pool, x: Array) -> int:
    return p.number() % x.ndim


def _axes(p: Pool, x: Array) -> tuple[int, ...]:
    k = p.number()
    return tuple(d for d in range(x.ndim) if k >> d & 1) or (0,)


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


def _bytes(p: Pool) -> Any:
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
    axis = _axis(p, x)
    size = x.shape[axis]
    choices: list[Callable[[], Any]] = [
        lambda: x.reshape(-1),
        lambda: x.reshape(-1, 2) if x.size % 2 == 0 else x[None],
        lambda: x.T,
        lambda: lax.rev(x, _axes(p, x)),
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
    axes, axis = _axes(p, x), _axis(p, x)
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
    return lax.sort((x, *others), dimension=_axis(p, x), num_keys=1 + p.number() % (1 + len(others)))


def _product(p: Pool) -> Any:
    x = p.any("iu", 1)
    y = p.like(x)
    kind = {"preferred_element_type": jnp.int32} if x.dtype.itemsize == 1 else {}
    axis = _axis(p, x)
    batch = [d for d in range(x.ndim) if d != axis and p.number() % 2][:1]
    return lax.dot_general(x, y, (([axis], [axis]), (batch, batch)), **kind)


def _loop(p: Pool) -> Any:
    x, count, k = p.any(rank=1), p.lane(), p.number()
    y, flag = p.like(x), p.flag()

    def body(carry: Any) -> Any:
        n, a, b, taken = carry
        new = a.at[n % a.shape[0]].set(b.reshape(-1)[k % b.size])
        new = lax.cond(taken, lambda: new, lambda: a[::-1]) if k % 3 == 0 else new
        return n + 1, (b if k % 5 == 0 else new), (a if k % 5 == 0 else (b, b[::-1], new)[k % 3]), ~taken

    done = lax.while_loop(lambda c: (c[0] < count) & (c[3] | (k % 4 > 0)), body, (jnp.int32(0), x, y, flag))
    return done[1:3]


def _nested(p: Pool) -> Any:
    x, count, k = p.any(rank=1), p.lane(), p.number()
    inner_count = p.lane() % 3

    def outer(n: Any, carry: Any) -> Any:
        a, b = carry
        b = lax.fori_loop(0, inner_count + n % 2, lambda m, b: b.at[(m + n) % len(b)].set(a.reshape(-1)[0]), b)
        return lax.cond((n + count) % 2 == 0, lambda: (b, a), lambda: (a.at[n % len(a)].set(b[k % len(b)]), b))

    return lax.fori_loop(0, (3, count)[k % 2], outer, (x, p.like(x)))


def _branch(p: Pool) -> Any:
    x = p.any(rank=1)
    y, z, k, i = p.like(x), p.like(x), p.number(), p.lane()
    branches: list[Callable[[], Any]] = [
        lambda: (x, y),
        lambda: (y, x),
        lambda: (y, z),
        lambda: (x[::-1], y),
        lambda: (x.at[i].set(y.reshape(-1)[0]) if x.ndim == 1 else x, z),
        lambda: lax.cond(i > 2, lambda: (z, x), lambda: (x[::-1], y[::-1])),
        lambda: (z, jnp.zeros_like(x)),
    ]
    count = 2 + k % 3
    some = [branches[(k // 3 + n * (1 + k % 2)) % len(branches)] for n in range(count)]
    return lax.switch(i - 1, some) if count > 2 else lax.cond(i > 3, *some)


def _scan(p: Pool) -> Any:
    x = p.any(rank=1)
    rows, k, i = p.any(rank=1), p.number(), p.lane()

    def body(carry: Any, row: Any) -> Any:
        a, n = carry
        is_picked = row.reshape(-1)[k % row.size] > jnp.asarray(0, row.dtype)
        changed = lambda: a.at[(n + i) % len(a)].set(a[0])  # noqa: E731
        a = lax.cond(is_picked, changed, lambda: a) if k % 2 else a[::-1]
        return (a, n + 1), ((row, a) if k % 3 else row[None])

    return jax.tree.leaves(lax.scan(body, (x, jnp.int32(0)), rows, reverse=bool(k % 5 == 0)))


def _random(p: Pool) -> Any:
    k = p.number()
    seed = p.lane()
    key = jaxenvs.random.key(3) if k % 2 else jax.random.key(3)
    key = jax.random.fold_in(key, seed)
    keys = jax.random.split(key, 3)
    key = keys[p.lane() % 3] if k % 3 else lax.cond(seed > 2, lambda: keys[0], lambda: keys[2])
    choices: list[Callable[[], Any]] = [
        lambda: jax.random.bits(key, (3,), (jnp.uint8, jnp.uint16, jnp.uint32)[k % 3]),
        lambda: jax.random.randint(key, (2, 2), -5, 100),
        lambda: jax.random.permutation(key, 9),
        lambda: jax.random.bernoulli(key, 0.3, (4,)),
        lambda: jax.random.choice(key, 7, (3,), replace=False),
        lambda: jax.random.uniform(key, (5,)),
        lambda: jax.vmap(lambda key: jax.random.bits(key, (2,)))(jax.random.split(key, (2,))),
    ]
    return choices[p.number() % len(choices)]()


def _called(p: Pool) -> Any:
    x, k = p.any("iu", 1), p.number()
    y = p.like(x)
    f = jax.jit(lambda x, y: lax.cumsum(x, x.ndim - 1) * y)
    relu = jax.custom_jvp(lambda x: lax.max(x, jnp.zeros_like(x)))
    relu.defjvp(lambda x, t: (x[0], t[0]))
    return [f(x, y), f(y[::-1], x)[0], relu(x), jax.checkpoint(f)(x, x)][k % 4]


def _long(x: Array, y: Array) -> list[Array]:
    """A function with a loop and a branch."""

    def body(carry: Any) -> Any:
        n, a = carry
        return n + 1, lax.cond(n > 1, lambda: a[::-1], lambda: a.at[n % len(a)].set(y[-1]))

    count = jnp.sum(x > y, dtype=jnp.int32) % 4
    longer = lax.while_loop(lambda c: c[0] < count, body, (jnp.int32(0), x))[1]
    return [longer, lax.sort(y, dimension=0), lax.cummax(x), y[:0]]


_of_lanes = jax.vmap(_long)


@jax.custom_batching.custom_vmap
def _alone(x: Array, y: Array) -> list[Array]:
    return [z[0] for z in bind(_of_lanes, x[None], y[None])]


@_alone.def_vmap
def _of_many(lanes: int, mapped: Any, x: Array, y: Array) -> Any:
    x, y = (
        a if is_mapped else jnp.broadcast_to(a, (lanes, *a.shape)) for a, is_mapped in zip((x, y), mapped, strict=True)
    )
    results = _of_lanes(x, y)
    return results, [True] * len(results)


_written_once = jax.jit(_alone)


def _shared(p: Pool) -> Any:
    """Calls of a function that a kernel may write once."""
    x, k, flag = p.any("iu", 1), p.number(), p.flag()
    y = p.like(x)
    a, b, c, _ = _written_once(x, y)
    if k % 3 == 0:
        a = lax.cond(flag, lambda: _written_once(b, a)[0], lambda: c)
    if k % 3 == 1:
        a = lax.fori_loop(0, p.lane() % 3, lambda _, a: _written_once(a, b)[0], a)
    return [a, b, c]


def _rounded(p: Pool) -> Any:
    """Floats that nothing reads."""
    x = p.any("f", 1)
    y, k, axis = p.like(x), p.number(), _axis(p, x)
    choices: list[Callable[[], Any]] = [
        lambda: [x + y, x - y, x * y, lax.div(x, y)],
        lambda: [lax.nextafter(x, y), lax.rem(x, y)],
        lambda: [jnp.tanh(x), lax.logistic(y), jnp.sqrt(x), x**2],
        lambda: [lax.exp(lax.clamp(-9.0, x, 9.0)), lax.log1p(abs(x)), jnp.cbrt(x)],
        lambda: [lax.cumprod(jnp.sign(x), axis), lax.reduce_prod(jnp.sign(x), (axis,))],
        lambda: [lax.cumsum(jnp.sign(x), axis), lax.reduce_sum(jnp.sign(x), _axes(p, x))],
        lambda: [jnp.linalg.norm(jnp.sign(x), axis=axis), jnp.mean(jnp.sign(x))],
        lambda: [lax.dot_general(jnp.sign(x), jnp.sign(y), (([axis], [axis]), ([], [])))],
    ]
    p.ends += choices[k % len(choices)]()
    return []


def _empty(p: Pool) -> Any:
    x, flag = p.any(rank=1), p.flag()
    nothing = x[:0]
    a, b = lax.cond(flag, lambda: (x, nothing), lambda: (x[::-1], nothing))
    c, d = lax.scan(lambda c, row: (c.at[0].set(row.reshape(-1)[0].astype(c.dtype)), nothing), a, p.any(rank=1))
    return [a, c, jnp.concatenate([b, x, d[0]])]


OPERATIONS = [
    _unary, _unary, _binary, _binary, _binary, _with_constant, _convert, _convert, _bytes, _choose, _choose, _shape,
    _shape, _shape, _slices, _slices, _gather, _gather, _scatter, _scatter, _reduce, _reduce, _sort, _product, _loop,
    _loop, _nested, _branch, _branch, _scan, _random, _called, _rounded, _empty, _shared, _shared,
]  # fmt: skip


def program(steps: Sequence[Step]) -> Callable[..., Any]:
    """The program of a list of steps, as a function of arrays of one lane."""

    def run(*arrays: Array) -> Any:
        pool = Pool(arrays)
        for number, *numbers in steps:
            pool.begin(numbers)
            results = OPERATIONS[number % len(OPERATIONS)](pool)
            for x in results if isinstance(results, list | tuple) else [results]:
                if 0 < x.size <= LARGEST and x.ndim <= 3 and str(x.dtype) in TYPES:
                    pool.arrays.append(x)
        return pool.arrays, pool.ends

    return run


def stepping(steps: Sequence[Step]) -> Callable[[Any, Any], Any]:
    """A step whose state becomes the last arrays that have its types and shapes, or others of the state."""
    run = program(steps)

    def step(state: list[Array], _: Any) -> Any:
        arrays, ends = run(*state)
        computed = arrays[len(state) :]
        after = []
        for number, x in enumerate(state):
            like = [y for y in [*state, *computed] if y.dtype == x.dtype and y.shape == x.shape]
            after.append(like[-1 - number % min(2, len(like))])
        return after, (computed, ends)

    return step


def inputs(seed: int, lanes: int) -> list[np.ndarray]:
    """Arrays of some types and shapes, with numbers at the edges of their types."""
    random = np.random.default_rng(seed)
    types, found = ["float32", *random.choice(TYPES[:-1], 2, replace=False)], []
    for number, dtype in enumerate(types):
        for shape in (SHAPES[(seed + number) % len(SHAPES)], SHAPES[(seed * 5 + 3 * number + 7) % len(SHAPES)]):
            numbers = edges(dtype)
            some = random.choice(numbers, (lanes, *shape))
            if dtype not in ("bool", "float32"):  # small ones as well, for positions
                some = np.where(random.random(some.shape) < 0.6, random.integers(0, 9, some.shape), some)
            found.append(some.astype(dtype))
    found.append(random.integers(0, 9, (lanes, 5)).astype(np.int32))
    found.append(random.integers(-3, 9, (lanes, 5, 8)).astype(np.int32))
    return found
