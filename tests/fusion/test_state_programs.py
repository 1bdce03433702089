"""States whose arrays change places, are updated in place and are put out, over several steps of random programs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxenvs.fusion import scan as scan_lanes
from tests.fusion.comparison import differences

pytest.importorskip("llvmlite", reason="fusing needs llvmlite")

SIZES = [0, 1, 2, 31, 32, 33, 40, 70]
"""Elements of the arrays: none, those that are held as values, and those that lie in memory."""


def _written(a, at, value):
    return a.at[at % len(a)].set(value) if len(a) else a


def _swap(s, x, k):
    return s | {"a": s["b"], "b": s["a"]}, []


def _update(s, x, k):
    return s | {"a": _written(s["a"], s["i"] + x, s["b"][k % len(s["b"])] + x if len(s["b"]) else 0)}, []


def _part(s, x, k):
    half = s["a"][: (len(s["a"]) + 1) // 2]
    return s | {"b": lax.dynamic_update_slice(s["b"], half, (s["i"],)) if len(half) else s["b"]}, [half]


def _branch(s, x, k):
    a, b, i = s["a"], s["b"], s["i"]
    choices = [
        lambda: (a, b),
        lambda: (b, a[::-1]),
        lambda: (b, b),
        lambda: lax.cond(x > i, lambda: (b, a), lambda: (a, b)),
    ]
    a, b = lax.switch((i + x) % 3, [choices[(k + n) % 4] for n in range(3)])
    return s | {"a": a, "b": b}, []


def _branch_of_other_types(s, x, k):
    c, d = lax.cond(x > s["i"], lambda: (s["c"] * 1, s["d"][::-1]), lambda: (s["c"].at[:1].set(7), s["d"]))
    return s | {"c": c, "d": d}, []


def _loop(s, x, k):
    count = jnp.abs(s["i"]) % 4
    _, a, b = lax.while_loop(
        lambda t: t[0] < count, lambda t: (t[0] + 1, t[2], _written(t[1], t[0] + k, k)), (jnp.int32(0), s["a"], s["b"])
    )
    return s | {"a": a, "b": b}, []


def _rows(s, x, k):
    (a, b), rows = lax.scan(
        lambda t, y: ((t[1], t[0] + y), (t[0].sum(dtype=jnp.int32), t[1])),
        (s["a"], s["b"]),
        jnp.arange(3, dtype=jnp.int32),
    )
    return s | {"a": a, "b": b}, rows


def _sorted(s, x, k):
    return s | {"b": (jnp.sort(s["a"]), jnp.roll(s["a"], s["i"]), jnp.cumsum(s["a"]) ^ s["b"])[k % 3]}, []


def _chosen(s, x, k):
    return s | {"a": jnp.where(s["d"], s["a"], s["b"]), "d": s["d"] ^ (s["a"] > x)}, []


def _scattered(s, x, k):
    places = jnp.where(s["d"], s["a"], x) % (len(s["a"]) + 2) - 1
    mode = ("drop", "clip")[k % 2]
    if not len(places):
        return s, []
    return s | {"a": s["a"].at[places].add(s["b"], mode=mode), "c": s["c"].at[places].max(s["c"][::-1], mode=mode)}, []


def _counted(s, x, k):
    return s | {"i": s["i"] + (jnp.max(s["a"]) % 5 if len(s["a"]) else 1)}, [jnp.argmax(s["b"])] if len(s["a"]) else []


def _drawn(s, x, k):
    key, other = jax.random.split(s["key"])
    return s | {"key": key}, [jax.random.bits(other, (k % 40,))]


def _put_out(s, x, k):
    return s, [s["abcd"[k % 4]][:: (1, -1)[k % 2]]]


OPERATIONS = [
    *(_swap, _update, _part, _branch, _branch_of_other_types, _loop, _rows, _sorted, _chosen, _scattered, _counted),
    *(_drawn, _put_out),
]


def _check(seed):
    rng = np.random.default_rng(seed)
    n, lanes, steps = (int(rng.choice(x)) for x in (SIZES, (16, 17, 33, 64, 200), (1, 2, 5)))
    program = [(OPERATIONS[rng.integers(len(OPERATIONS))], int(rng.integers(100))) for _ in range(rng.integers(3, 9))]

    def step(state, x):
        ends = [state["a"], state["d"]]  # of before the step, whatever is written over them
        for operation, k in program:
            state, more = operation(state, x, k)
            ends += more
        return state, ends

    state = {
        "a": rng.integers(-5, 20, (lanes, n), np.int32),
        "b": rng.integers(-5, 20, (lanes, n), np.int32),
        "c": rng.integers(-5, 5, (lanes, n)).astype(np.float32),
        "d": rng.random((lanes, n)) < 0.5,
        "i": rng.integers(-5, 20, lanes, np.int32),
        "key": jax.random.split(jax.random.key(seed), lanes),
    }
    xs = rng.integers(-3, 9, (steps, lanes), np.int32)
    fused = jax.jit(lambda state, xs: scan_lanes(step, state, xs)).lower(state, xs)
    assert "@jaxenvs_" in fused.as_text(), "not fused, so XLA would be compared with itself"
    expected = jax.jit(lambda state, xs: lax.scan(jax.vmap(step), state, xs))(state, xs)
    found = differences(fused.compile()(state, xs), expected)
    assert not found, (n, lanes, steps, [(f.__name__, k) for f, k in program], found)


@pytest.mark.parametrize("seed", range(8))
def test_states_of_random_programs(seed):
    _check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8, 120))
def test_states_of_more_random_programs(seed):
    _check(seed)
