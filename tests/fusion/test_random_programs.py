"""Random programs of many operations, as XLA computes them."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax import lax

from tests.fusion.comparison import both, differences

LANES = 21


def _position(pool, k):
    return pool[k % len(pool)].reshape(-1)[k % pool[k % len(pool)].size]


def _scatter(x, y, i, k):
    mode = ("drop", "clip")[k % 2]
    at = x.at[i] if k % 3 else x.at[(y.reshape(-1)[: x.shape[0]] % 11 - 3)]
    return (at.set, at.add, at.max, at.min)[k % 4](y.reshape(-1)[0], mode=mode)


def _loop(x, y, i, k):
    def body(carry):
        n, a, b = carry
        return n + 1, a.at[n + i % 3].add(b.reshape(-1)[k % b.size]), (b, b[::-1])[k % 2]

    result = lax.while_loop(lambda c: c[0] < jnp.abs(i) % 5, body, (jnp.int32(0), x, y))
    return result[1 + k % 2]


def _branch(x, y, i, k):
    inner = lambda: lax.cond(i % 3 == 0, lambda: x + 1, lambda: x.at[i].set(k))  # noqa: E731
    return lax.cond(i > k, inner, lambda: x[::-1])


def _choice(x, y, i, k):
    place = jnp.arange(x.shape[0], dtype=jnp.int32).reshape(-1, *(1,) * (x.ndim - 1))
    mixed = x * 7 + k
    costly = (mixed ^ (mixed >> 3)) % (k + 2) + mixed[::-1]
    return jnp.where((place < i % 5, x > k)[k % 2], costly, (y.reshape(-1)[0], x)[k % 2])


def _kept_or_new(x, y, i, k):
    return lax.cond(i > k % 9, lambda: (x * 2, x[::-1], x.at[0].set(i))[k % 3], lambda: x)


def _scan(x, y, i, k):
    carry, rows = lax.scan(
        lambda c, row: (c.at[row.reshape(-1)[0] % 7].add(i), row + c.reshape(-1)[0]), x, y, reverse=bool(k % 2)
    )
    return carry if k % 3 else rows


# Each of two arrays, a number of the lane and a number known now.
OPERATIONS = [
    lambda x, y, i, k: x + i,
    lambda x, y, i, k: x * 3 - k,
    lambda x, y, i, k: lax.rem(x, jnp.full_like(x, k - 2)) ^ i,
    lambda x, y, i, k: lax.div(x, lax.broadcast_in_dim(i, x.shape, ())),
    lambda x, y, i, k: lax.shift_left(x, jnp.full_like(x, 1) * i),
    lambda x, y, i, k: jnp.where(x > i, x, -x),
    lambda x, y, i, k: lax.rev(x, (k % x.ndim,)),
    lambda x, y, i, k: x.T,
    lambda x, y, i, k: x.reshape(-1),
    lambda x, y, i, k: x.reshape(-1, 2) if x.size % 2 == 0 else x[None],
    lambda x, y, i, k: x[k % x.shape[0] :],
    lambda x, y, i, k: jnp.concatenate([x.reshape(-1), y.reshape(-1)[:5]]),
    lambda x, y, i, k: lax.pad(x, i, ((k % 3 - 1, 1, k % 2),) + ((0, 0, 0),) * (x.ndim - 1)),
    lambda x, y, i, k: lax.dynamic_slice(x, (i,) + (0,) * (x.ndim - 1), (1 + k % x.shape[0], *x.shape[1:])),
    lambda x, y, i, k: lax.dynamic_update_slice(x, x[:1] * 2, (i,) + (0,) * (x.ndim - 1)),
    lambda x, y, i, k: x[y.reshape(-1)[:4] % 9 - 2],
    lambda x, y, i, k: x.at[i].get(mode="fill"),
    lambda x, y, i, k: lax.cumsum(x, k % x.ndim, bool(k % 2)),
    lambda x, y, i, k: lax.cummax(x, k % x.ndim, bool(k % 2)),
    lambda x, y, i, k: x.sum(k % x.ndim),
    lambda x, y, i, k: x.max(k % x.ndim),
    lambda x, y, i, k: lax.argmax(x, k % x.ndim, jnp.int32),
    lambda x, y, i, k: lax.sort((x % 5, x), dimension=k % x.ndim, num_keys=1)[1],
    lambda x, y, i, k: jnp.tensordot(x, x, (k % x.ndim, k % x.ndim)) if x.size <= 48 else x,
    lambda x, y, i, k: jnp.broadcast_to(x[:1], x.shape) + x,
    _scatter,
    _scatter,
    _loop,
    _branch,
    _scan,
    _choice,
    _kept_or_new,
]
STEPS = st.lists(
    st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)),
    min_size=3,
    max_size=14,
)


def of_steps(steps):
    """The program of a list of operations; each reads any of the arrays that are there."""

    def program(small, large, i):
        pool = [small, large, lax.cumsum(large)]
        for number, a, b, k in steps:
            x, y = pool[-1 - a % len(pool)], pool[-1 - b % len(pool)]
            result = OPERATIONS[number](x, y, i + pool[-1].reshape(-1)[0] % 3, k)
            if 0 < result.size <= 200:
                pool.append(result if result.ndim else result[None])
        return pool

    return program


def check(steps, seed, carried):
    random = np.random.default_rng(seed)
    small = random.integers(-9, 20, size=(LANES, 6)).astype(np.int32)
    large = random.integers(-9, 20, size=(LANES, 6, 8)).astype(np.int32)
    i = random.integers(-4, 12, size=LANES).astype(np.int32)
    assert not differences(*both(of_steps(steps), small, large, i, carried=carried))


@pytest.mark.parametrize("seed", range(6))
def test_programs_of_all_operations(seed):
    random = np.random.default_rng(seed)
    steps = [(int(n), *map(int, random.integers(0, 31, 3))) for n in random.permutation(len(OPERATIONS))[:15]]
    check(steps, seed, carried=bool(seed % 2))


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, seed=st.integers(0, 99), carried=st.booleans())
def test_random_programs(steps, seed, carried):
    check(steps, seed, carried)
