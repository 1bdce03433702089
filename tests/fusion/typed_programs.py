"""Programs of random operations on arrays of all types: each reads what the ones before it computed.

Floats are only moved, compared and rounded to whole numbers, which is exact; what an addition or a product gives is put
out, but read by nothing, since XLA and a kernel round differently and a comparison would magnify it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

import jaxenvs
from jaxenvs.core.alone import bind
from tests.fusion import typed_operations
from tests.fusion.comparison import edges
from tests.fusion.typed_operations import TYPES, Pool

SHAPES = [(), (1,), (5,), (16,), (17,), (32,), (33,), (1, 6), (4, 4), (3, 11), (6, 8), (2, 3, 7)]
LARGEST = 220
Step = tuple[int, int, int, int, int]


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
    y, k, axis = p.like(x), p.number(), p.axis(x)
    choices: list[Callable[[], Any]] = [
        lambda: [x + y, x - y, x * y, lax.div(x, y)],
        lambda: [lax.nextafter(x, y), lax.rem(x, y)],
        lambda: [jnp.tanh(x), lax.logistic(y), jnp.sqrt(x), x**2],
        lambda: [lax.exp(lax.clamp(-9.0, x, 9.0)), lax.log1p(abs(x)), jnp.cbrt(x)],
        lambda: [lax.cumprod(jnp.sign(x), axis), lax.reduce_prod(jnp.sign(x), (axis,))],
        lambda: [lax.cumsum(jnp.sign(x), axis), lax.reduce_sum(jnp.sign(x), p.axes(x))],
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
    *typed_operations.OPERATIONS,
    *(_loop, _loop, _nested, _branch, _branch, _scan, _random, _called, _rounded, _empty, _shared, _shared),
]


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
