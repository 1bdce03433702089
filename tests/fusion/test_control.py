"""Branches and loops that pass arrays on, and arrays without elements."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from tests.fusion.comparison import both, differences

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")
LANES = 21


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    numbers = random.integers(0, 100, (2, LANES, 40)).astype(np.int32)
    return *numbers, random.integers(0, 4, LANES).astype(np.int32), np.zeros((LANES, 0), np.int32)


def nothing():
    return jnp.zeros(0, jnp.int32)


@pytest.mark.parametrize("carried", [False, True])
def test_several_branches_only_pass_on_what_there_is(arrays, carried):
    """The memory of what one passes on is not that of the result while another still reads it."""

    def function(x, y, i, _):
        x, y, z = lax.cumsum(x), lax.cumsum(y), lax.cummax(x)
        swapped = lax.cond(i > 1, lambda x, y: (x, y), lambda x, y: (y, x), x * 2, y * 2)
        return (
            lax.cond(i > 0, lambda x, y: x, lambda x, y: y, x, y),
            lax.switch(i, [lambda *a: a[0], lambda *a: a[1], lambda *a: a[2], lambda *a: a[0] + 1], z, y + 1, x + 1),
            swapped,
        )

    assert not differences(*both(function, *arrays, carried=carried))


@pytest.mark.parametrize("carried", [False, True])
def test_arrays_without_elements_beside_others(arrays, carried):
    """In branches, loops, parts of arrays, states and what each step is given."""

    def function(x, y, i, empty):
        return (
            lax.cond(i > 1, lambda: (x + 1, nothing()), lambda: (y, empty)),
            lax.scan(lambda c, row: ((c[0] + row, c[1]), (row * 2, nothing())), (i, nothing()), x),
            lax.scan(lambda c, row: (c + row.sum(), row), i, jnp.zeros((5, 0), jnp.int32)),
            lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] + 1, c[2][::-1]), (i, x, empty)),
            lax.split(x, (0, 5, 35)),
            lax.split(x[:8], (3, 0, 5)),
            jnp.concatenate([empty, x[:3], empty + 1]),
            empty.sum() + i,
            x[empty],
            x.at[empty].set(3),
        )

    assert not differences(*both(function, *arrays, carried=carried))
    assert not differences(*both(lambda empty, x: (empty, x + 1), arrays[-1], arrays[0], carried=carried))


def test_reductions_of_nothing():
    names = ["and", "or", "xor", "sum", "prod", "max", "min"]

    def function(x):
        return [getattr(lax, f"reduce_{name}")(x[:0], (0,)) for name in names]

    for dtype in (np.uint8, np.int16):
        assert not differences(*both(function, np.zeros((LANES, 2, 3), dtype)))


@pytest.mark.parametrize("carried", [False, True])
def test_mapped_loops_go_on_while_one_of_them_does(arrays, carried):
    """Within a lane, a loop that is mapped has a condition for each of its elements, also at the second level."""
    x, y, *_ = arrays

    def count(row, n):
        return lax.while_loop(
            lambda c: c[1] < n % 5, lambda c: (c[0][::-1] + n, c[1] + 1, c[2] * 2), (row, 0, n.astype(jnp.float32))
        )

    def function(x, y):
        rows, numbers = x.reshape(4, 10), y[:4]
        key = jax.random.key(3)
        drawn = jax.vmap(
            lambda n: lax.while_loop(
                lambda c: c[1] < n % 3, lambda c: (jax.random.fold_in(c[0], n), c[1] + 1), (key, 0)
            )
        )(numbers)
        twice = jax.vmap(jax.vmap(lambda row, n: count(row, n)[:2]))
        return (
            jax.vmap(count)(rows, numbers),
            twice(x.reshape(2, 4, 5), y[:8].reshape(2, 4)),
            jax.random.key_data(drawn[0]),
        )

    assert not differences(*both(function, x, y, carried=carried))


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_the_sign_of_a_sum_of_zeros(size):
    """XLA begins with +0, but for one number alone."""
    zeros = np.full((LANES, size), -0.0, np.float32)
    ones = np.ones((LANES, size), np.float32)

    def function(x, y):
        rows, longer = jnp.stack([y] * 3), jnp.tile(x, 40)
        return {
            "sums": (x.sum(), (rows * x[None]).sum(1), (longer.reshape(40, size) * y[None]).sum(1)),
            "cumulative": (lax.cumsum(x), lax.cumsum(rows * x[None], 1), lax.cumsum(longer.reshape(40, size), 1)),
            "products": (x @ y, rows @ x, jnp.outer(longer, y)),
        }

    assert not differences(*both(function, zeros, ones))


def test_what_is_computed_again_for_derivatives_is_fused():
    def step(x):
        return jax.checkpoint(lambda x: checkpoint_name(x * x, "square") + 1)(x)

    assert not differences(*both(step, np.arange(LANES, dtype=np.float32)))
