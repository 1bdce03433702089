"""Loops and branches that lanes leave and take at different times, over arrays that are changed in place.

An array of 40 elements lies in memory, so that its last reader may write over it; nobody else may notice.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxenvs
from jaxenvs.fusion import call
from jaxenvs.fusion import scan as scan_lanes
from tests.fusion.comparison import both, differences

LANES = 37


def own(numbers):
    """An array in memory that one variable alone refers to."""
    return lax.cumsum(numbers)


def one_step_puts_out_what_it_carries(numbers, i):
    before = own(numbers)
    after, rows = lax.scan(lambda c, _: (c.at[i].set(7), c), before, None, length=1)
    return after.at[0].set(3), rows, before


def carry_of_few_steps_is_read_afterwards(numbers, i):
    before = own(numbers)
    after, firsts = lax.scan(lambda c, _: (c.at[i].add(7), c[0]), before, None, length=3)
    return after.at[0].set(3), firsts, before


def branches_that_pass_on_the_same(numbers, i):
    before = own(numbers)
    same = lax.cond(i > 0, lambda: before, lambda: before)
    return same.at[0].set(5), before + 1


def branch_in_a_loop_changes_what_is_outside(numbers, i):
    before = own(numbers)

    def body(carry):
        k, total = carry
        return k + 1, total + lax.cond(k % 2 == 0, lambda: before.at[i].add(k).sum(), lambda: k)

    return lax.while_loop(lambda c: c[0] < jnp.abs(i) % 7, body, (jnp.int32(0), jnp.int32(0)))


def loop_swaps_its_arrays(numbers, i):
    def body(carry):
        k, a, b = carry
        a = a.at[k * 3 + i % 4].add(k)
        return k + 1, b.at[k].set(a[(k + i) % 40]), a

    return lax.while_loop(lambda c: c[0] < jnp.abs(i) % 7, body, (jnp.int32(0), numbers, numbers * 2))


def nested_branches_change_what_a_loop_carries(numbers, i):
    def body(carry):
        k, a = carry
        inner = lambda: lax.cond(k % 2 == 0, lambda: a.at[k + 1].set(-i), lambda: a)  # noqa: E731
        return k + 1, lax.cond(k % 3 == i % 3, lambda: a.at[k].set(i), inner)

    return lax.while_loop(lambda c: (c[0] < 9) & (c[1][c[0]] < 50), body, (jnp.int32(0), numbers))


def loop_in_a_scan(numbers, i):
    def outer(carry, row):
        def inner(c):
            return c[0] + 1, c[1].at[c[0]].set(row + c[0])

        _, carry = lax.while_loop(lambda c: c[0] < jnp.abs(row) % 5, inner, (jnp.int32(0), carry))
        return carry, carry[:3] + i

    return lax.scan(outer, numbers, numbers, reverse=True)


def views_of_what_is_changed(numbers, i):
    before = own(numbers)
    first, second = lax.sort((before, before), num_keys=1)
    rows = own(numbers).reshape(8, 5)
    turned = own(numbers)[::-1]
    changed = turned.at[i].set(4)
    alone = own(numbers)[None]
    one, other = lax.sort((alone, alone), dimension=0)
    return (
        first.at[0].set(9),
        second,
        rows.at[3].set(1),
        rows,
        turned + 1,
        changed,
        changed.at[2].set(8),
        one.at[0, 0].set(1),
        other,
    )


def one_of_several_branches(numbers, i):
    arrays = [lambda: numbers, lambda: numbers.at[0].set(1), lambda: own(numbers), lambda: numbers[::-1]]
    pairs = [lambda: (numbers[0], i), lambda: (numbers.sum(), i + 1), lambda: (numbers[1], i * 2)]
    return lax.switch(i % 5 - 1, arrays), lax.switch(i % 5 - 1, pairs)


def old_state_is_put_out(numbers, i):
    before = own(numbers)
    return numbers, numbers[::-1], numbers + 1, before, before[::2], numbers.at[i].set(0)


def lanes_leave_at_their_own_time(numbers, i):
    del numbers

    def body(carry):
        n, k, largest = carry
        return jnp.where(n % 2 == 0, n // 2, 3 * n + 1), k + 1, largest.at[k % 4].max(n)

    start = (jnp.abs(i) + 1, jnp.int32(0), jnp.zeros(4, jnp.int32))
    return lax.while_loop(lambda c: (c[0] > 1) & (c[1] < 200), body, start)


def counted_loop_of_branches(numbers, i):
    before = own(numbers)

    def body(k, a):
        return lax.cond(a[k] > i, lambda: a.at[k].add(before[k]), lambda: a.at[0].set(before[i]))

    return lax.fori_loop(0, 12, body, before), before


def loop_over_pieces(numbers, i):
    def body(_, carry):
        a, b = carry
        return jnp.concatenate([a[1:], b[:1]]), jnp.where(a > b, a, b[::-1])

    return lax.fori_loop(0, jnp.abs(i) % 4, body, (numbers, numbers + 3))


FUNCTIONS = [
    one_step_puts_out_what_it_carries, carry_of_few_steps_is_read_afterwards, branches_that_pass_on_the_same,
    branch_in_a_loop_changes_what_is_outside, loop_swaps_its_arrays, nested_branches_change_what_a_loop_carries,
    loop_in_a_scan, views_of_what_is_changed, one_of_several_branches, old_state_is_put_out,
    lanes_leave_at_their_own_time, counted_loop_of_branches, loop_over_pieces,
]  # fmt: skip


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_memory_keeps_what_others_read(function, carried):
    random = np.random.default_rng(1)
    numbers = random.integers(-9, 60, size=(LANES, 40)).astype(np.int32)
    i = random.integers(-5, 50, size=LANES).astype(np.int32)
    assert not differences(*both(function, numbers, i, carried=carried))


def test_state_moves_between_its_arrays():
    def step(state, _):
        a, b, k = state
        changed = a.at[k % 40].add(b[(k * 7) % 40])
        return (b[::-1], changed, k + 1), (a, b[::2], a[::-1] + 1, changed)

    random = np.random.default_rng(1)
    a, b = (jnp.asarray(random.integers(-9, 60, size=(LANES, 40)), jnp.int32) for _ in range(2))
    state = a, b, jnp.arange(LANES)
    fused = jax.jit(lambda c: scan_lanes(step, c, None, 5))(state)
    expected = jax.jit(lambda c: lax.scan(lambda c, _: jax.vmap(lambda c: step(c, None))(c), c, None, 5))(state)
    assert not differences(fused, expected)


def keeps_or_begins_again(a, b, k):
    seen, total = a[k % 40], a.sum()
    return (lax.cond(k % 3 == 0, lambda: b * 2 + seen, lambda: a), b.at[k % 40].add(total), k + 1), seen


def puts_out_what_it_had(a, b, k):
    before = a * 2
    return (lax.cond(k % 3 == 0, lambda: b[::-1], lambda: a), b + 1, k + 1), (before, a[::2])


def reads_in_one_branch_and_writes_in_the_other(a, b, k):
    a = lax.switch(k % 3, [lambda: a.at[k % 40].set(-k), lambda: a[::-1] + 1, lambda: a])
    b, seen = lax.cond(k % 2 == 0, lambda: (b.at[k % 40].add(5), b[3]), lambda: (a, b[7]))
    return (a, b, k + 1), seen


def loops_over_its_state(a, b, k):
    def body(carry):
        n, x = carry
        return n + 1, lax.cond(n % 2 == 0, lambda: x.at[n].add(k), lambda: x)

    _, a = lax.while_loop(lambda c: c[0] < k % 5, body, (jnp.int32(0), a))
    b = lax.cond(k % 4 == 1, lambda: lax.while_loop(lambda x: x[0] % 7 > k % 7, lambda x: x + 1, b), lambda: b)
    return (a, b, k + 1), None


def exchanges_its_arrays(a, b, k):
    new = lax.cond(k % 2 == 0, lambda: b, lambda: a)
    return (b, new, k + 1), (new[k % 40], a.at[0].set(k))


STEPS = [
    keeps_or_begins_again, puts_out_what_it_had, reads_in_one_branch_and_writes_in_the_other, loops_over_its_state,
    exchanges_its_arrays,
]  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_state_is_changed_where_it_lies(step):
    random = np.random.default_rng(1)
    a, b = (jnp.asarray(random.integers(-9, 60, size=(LANES, 40)), jnp.int32) for _ in range(2))
    state = a, b, jnp.asarray(random.integers(0, 9, size=LANES), jnp.int32)
    fused = jax.jit(lambda c: scan_lanes(lambda c, _: step(*c), c, None, 7))(state)
    expected = jax.jit(lambda c: lax.scan(lambda c, _: jax.vmap(step)(*c), c, None, 7))(state)
    assert not differences(fused, expected)
    # One step of `jax.vmap` reads the state from JAX's arrays.
    one = jax.jit(jax.vmap(lambda *c: call(step, *c)))(*state)
    assert not differences(one, jax.jit(jax.vmap(step))(*state))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_parts_of_an_array_and_of_keys(axis):
    def parts(x, key):
        keys = jax.random.split(key, 6).reshape(1, 3, 2)
        constant = jnp.arange(24, dtype=jnp.int32).reshape(2, 3, 4)
        return jnp.unstack(x, axis=axis), lax.unstack(keys, axis=axis), lax.unstack(constant, axis=axis)

    x = jnp.asarray(np.random.default_rng(0).normal(size=(LANES, 2, 3, 4)), jnp.float32)
    keys = jax.random.split(jaxenvs.random.key(0), LANES)
    assert "unstack" in str(jax.make_jaxpr(lambda: parts(x[0], keys[0]))())
    assert not differences(*both(parts, x, keys))


@pytest.mark.parametrize("make", [jaxenvs.random.key, jax.random.key])
def test_random_numbers(make):
    def draw(key):
        keys, other, first = jax.random.split(key, 20), jax.random.fold_in(key, 7), jax.random.split(key)[0]
        coin = jax.random.bernoulli(other)
        return {
            "keys": (
                keys,
                keys[3],
                keys[::-1],
                jnp.stack([other, first]),
                jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(4)),
            ),
            "chosen": (jnp.where(coin, other, key), lax.cond(coin, lambda: keys[0], lambda: other)),
            "bits": [jax.random.bits(other, (5,), kind) for kind in (jnp.uint8, jnp.uint16, jnp.uint32)],
            "integers": (jax.random.randint(other, (4,), -5, 17), jax.random.randint(other, (), 0, 200, jnp.uint8)),
            "floats": (jax.random.uniform(first, (33,)), jax.random.exponential(other)),
            "normal": (jax.random.normal(other, (3,)), jax.random.truncated_normal(other, -1.0, 1.0) + 2),
            "order": (jax.random.permutation(other, 7), jax.random.choice(other, 9, (3,))),
            "categories": jax.random.categorical(other, jnp.arange(5.0)),
        }

    # The inverse of the error function is that of float32 in XLA.
    assert not differences(*both(draw, jax.random.split(make(0), LANES)), 3e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32"])
@pytest.mark.parametrize("lanes", [4096, 4103])
def test_large_outputs_are_written_past_the_caches(dtype, lanes):
    """Rows of a group are put together first; with an odd number of lanes, those of the last group begin anywhere."""
    size, steps = 392 if dtype == "bool" else 131, 16

    def step(carry, _):
        numbers = jnp.arange(size) * 7 + carry
        return carry + 1, (numbers % 3 == 0) if dtype == "bool" else numbers.astype(dtype)

    start = jnp.arange(lanes, dtype=jnp.int32)
    _, rows = jax.jit(lambda start: scan_lanes(step, start, length=steps))(start)
    numbers = np.arange(size) * 7 + (np.arange(lanes) + np.arange(steps)[:, None])[..., None]
    assert rows.nbytes > 8 << 20
    np.testing.assert_array_equal(rows, (numbers % 3 == 0) if dtype == "bool" else numbers.astype(dtype))
