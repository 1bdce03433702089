"""Work for the lanes that need it gives what a branch in each lane gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.box2d.lanes import only_where, walled


def halve_until_small(x, least):
    return jax.lax.while_loop(lambda y: y > least, lambda y: y / 2, x)


@pytest.mark.parametrize("share", [1, 4, 100])
def test_a_batch_gets_what_single_lanes_get(share):
    x = jnp.arange(1.0, 101.0, dtype=jnp.float32)
    needed = jnp.arange(100) % 3 == 0
    run = jax.jit(jax.vmap(lambda n, x: only_where(n, halve_until_small, x, jnp.float32(3.0), share=share)))
    expected = [float(halve_until_small(v, 3.0)) if n else v for n, v in zip(needed.tolist(), x.tolist(), strict=True)]
    np.testing.assert_allclose(run(needed, x), expected)


def test_no_lane_and_all_lanes():
    x = jnp.arange(40.0, dtype=jnp.float32)
    run = jax.jit(jax.vmap(lambda n, x: only_where(n, lambda x: x + 1, x)))
    np.testing.assert_array_equal(run(jnp.zeros(40, bool), x), x)
    np.testing.assert_array_equal(run(jnp.ones(40, bool), x), x + 1)


def test_a_single_lane_is_a_branch():
    assert only_where(jnp.array(True), lambda x: x + 1, jnp.int32(1)) == 2
    assert only_where(jnp.array(False), lambda x: x + 1, jnp.int32(1)) == 1


def test_nested_batches_are_one_batch():
    x = jnp.arange(60.0, dtype=jnp.float32).reshape(20, 3)
    needed = (x % 5 == 0) | (x == 59)
    scale = jnp.arange(20.0, dtype=jnp.float32)

    def lane(needed, x, scale):
        return jax.vmap(lambda n, x: only_where(n, lambda x, s: x * s, x, scale))(needed, x)

    result = jax.jit(jax.vmap(lane))(needed, x, scale)
    np.testing.assert_array_equal(result, np.where(needed, x * scale[:, None], x))


def test_a_tree_with_several_dtypes_keeps_them():
    tree = {"a": jnp.zeros(8, jnp.int32), "b": (jnp.ones(8, bool), jnp.zeros((8, 2), jnp.float32))}
    change = lambda t: {"a": t["a"] + 1, "b": (~t["b"][0], t["b"][1] - 1)}  # noqa: E731
    result = jax.vmap(lambda n, t: only_where(n, change, t))(jnp.arange(8) < 4, tree)
    assert jax.tree.map(lambda x: x.dtype, result) == jax.tree.map(lambda x: x.dtype, tree)
    np.testing.assert_array_equal(result["a"], [1] * 4 + [0] * 4)


def test_walled_changes_nothing():
    function = lambda x, y: (jnp.sin(x) * y, {"sum": x + y})  # noqa: E731
    x, y = jnp.float32(0.3), jnp.float32(2.0)
    ours, plain = walled(function, x, y), function(x, y)
    np.testing.assert_allclose(ours[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(ours[1]["sum"], plain[1]["sum"])
    batch = jax.vmap(lambda x: walled(function, x, y))(jnp.arange(5.0, dtype=jnp.float32))
    np.testing.assert_allclose(batch[0], jnp.sin(jnp.arange(5.0)) * 2, rtol=1e-6)
