"""Work for the lanes that need it gives what each lane alone gives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxenvs.errors import NotDifferentiable
from jaxenvs.simulators.box2d import Body, Drive, Model, box, step, world_at_rest
from jaxenvs.simulators.box2d.lanes import keep, only_where, over_items, over_lanes


def halved(x, least):
    """Halves numbers until they are small; both have a leading axis of lanes."""
    return jax.lax.while_loop(lambda y: (y > least).any(), lambda y: jnp.where(y > least, y / 2, y), x)


@functools.cache
def run(size, axis):
    def some(first, second, x, least):
        return only_where(halved, x, least, classes=(first, second), size=size, axis=axis)

    return jax.jit(some)


@pytest.mark.parametrize(("size", "axis"), [(7, 0), (32, 0), (200, 0), (32, -1)])
def test_lanes_that_need_it_are_worked_on(size, axis):
    x = jnp.arange(1.0, 101.0, dtype=jnp.float32)
    lane = jnp.arange(100)
    first, second = lane % 9 == 0, lane % 3 == 0
    result = run(size, axis)(first, second, x, jnp.full(100, 3.0, jnp.float32))
    expected = np.array(halved(x, jnp.full(100, 3.0, jnp.float32)))
    np.testing.assert_array_equal(result, np.where(second, expected, x))


def test_no_lane_and_all_lanes():
    x, least = jnp.arange(1.0, 101.0, dtype=jnp.float32), jnp.full(100, 3.0, jnp.float32)
    no, all_ = jnp.zeros(100, bool), jnp.ones(100, bool)
    np.testing.assert_array_equal(run(32, 0)(no, no, x, least), x)
    np.testing.assert_array_equal(run(32, 0)(no, all_, x, least), halved(x, least))


def test_a_tree_with_several_dtypes_and_axes_keeps_them():
    tree = {"a": jnp.arange(8, dtype=jnp.int32), "b": (jnp.ones(8, bool), jnp.full((8, 2), -0.5, jnp.float32))}
    change = lambda t: {"a": t["a"] - 9, "b": (~t["b"][0], t["b"][1] * 3)}  # noqa: E731
    result = only_where(change, tree, classes=(jnp.arange(8) < 4,), size=3)
    assert jax.tree.map(lambda x: (x.dtype, x.shape), result) == jax.tree.map(lambda x: (x.dtype, x.shape), tree)
    np.testing.assert_array_equal(result["a"], [-9, -8, -7, -6, 4, 5, 6, 7])
    np.testing.assert_array_equal(result["b"][0], [False] * 4 + [True] * 4)
    np.testing.assert_array_equal(result["b"][1][:, 1], [-1.5] * 4 + [-0.5] * 4)


def test_a_function_of_lanes_is_one_of_a_single_lane_and_of_batches_of_batches():
    sizes = []

    def doubled(x, y):
        sizes.append(x.shape)
        return x * y[:, None], y + 1

    one = over_lanes(doubled)
    x, y = jnp.arange(24.0, dtype=jnp.float32).reshape(2, 4, 3), jnp.arange(4.0, dtype=jnp.float32)
    product, more = one(x[0, 1], y[2])
    np.testing.assert_array_equal(product, x[0, 1] * 2)
    assert more == 3.0
    product, more = jax.vmap(jax.vmap(one), in_axes=(0, None))(x, y)
    np.testing.assert_array_equal(product, x * y[None, :, None])
    np.testing.assert_array_equal(more, [[1, 2, 3, 4]] * 2)
    assert (8, 3) in sizes


def test_what_is_kept_does_not_change():
    tree = (jnp.float32(0.3), jnp.array([3, -(2**30) - 1], jnp.int32), jnp.array([[True], [False]]))
    kept = jax.jit(keep)(tree)
    jax.tree.map(np.testing.assert_array_equal, kept, tree)


@pytest.mark.parametrize("axis", [0, -1])
def test_items_one_after_another_are_as_items_together(axis):
    def joined(x, numbers):
        return x["a"] + numbers.astype(jnp.float32), jnp.expand_dims(numbers, -1 - axis) * x["b"]

    numbers = jnp.arange(3, dtype=jnp.int32)
    b = jnp.arange(6, dtype=jnp.int32).reshape((3, 2) if axis == 0 else (2, 3))
    x = {"a": jnp.arange(3.0, dtype=jnp.float32), "b": b}
    results = [jax.jit(lambda: over_items(joined, x, numbers, together=t, axis=axis))() for t in (True, False)]  # noqa: B023
    jax.tree.map(np.testing.assert_array_equal, *results)


def test_a_function_that_closes_over_arrays_works_in_a_branch_that_only_some_lanes_take():
    weights = np.array([[2, 3, 5]], np.float32)
    one = over_lanes(lambda x: x * weights)
    x = jnp.arange(12.0, dtype=jnp.float32).reshape(4, 3)
    flags = jnp.array([True, False, True, False])
    expected = jnp.where(flags[:, None], jnp.stack([one(row) for row in x]), x)
    result = jax.vmap(lambda flag, x: jax.lax.cond(flag, one, lambda x: x, x))(flags, x)
    np.testing.assert_array_equal(result, expected)


def powers(x, base, count):
    """`x * base**count`, by a loop whose length depends on the data."""

    def once(loop):
        return loop[0] * base, loop[1] - 1

    return lax.while_loop(lambda loop: jnp.any(loop[1] > 0), once, (x, count))[0], count


def test_the_derivative_of_a_function_of_lanes_is_one_of_a_single_lane_and_of_batches():
    one = over_lanes(powers)

    def slope(x, base):
        return jax.jvp(lambda base: one(x, base, jnp.int32(3))[0], (base,), (jnp.ones_like(base),))

    np.testing.assert_array_equal(slope(jnp.float32(2), jnp.float32(3)), (2 * 27, 2 * 27))
    x, bases = jnp.arange(2.0, dtype=jnp.float32), jnp.array([1.0, 3.0], jnp.float32)
    # Of a batch whose derivatives are no batch, JAX's own derivative of the rule for `vmap` does not end.
    results = jax.vmap(jax.vmap(slope, in_axes=(None, 0)), in_axes=(0, None))(x, bases)
    np.testing.assert_array_equal(results, ([[0, 0], [1, 27]], [[0, 0], [3, 27]]))
    twice = jax.jvp(lambda base: slope(jnp.float32(2), base)[1], (jnp.float32(3),), (jnp.float32(1),))
    np.testing.assert_array_equal(twice, (2 * 27, 2 * 6 * 3))


def test_a_derivative_in_reverse_mode_is_refused_by_name():
    with pytest.raises(NotDifferentiable, match=r"A step of Box2D .* use `jax\.jvp` or `jax\.jacfwd`"):
        jax.grad(lambda x: over_lanes(powers)(x, jnp.float32(2), jnp.int32(3))[0])(jnp.float32(1))


@pytest.mark.parametrize("lanes", [1, 600])
@pytest.mark.parametrize("grounded", [False, True])
def test_a_world_within_shard_map_passes_its_check(lanes, grounded):
    """Numbers that are the same for all worlds are marked as different between devices where loops begin with them."""
    crate = Model(
        bodies=(Body(box(0.5, 0.5), 1.0),),
        joints=(),
        edge_friction=(0.5,),
        time_step=0.02,
        velocity_iterations=8,
        position_iterations=3,
    )
    none = jnp.zeros(0)
    drive = Drive(gravity=-10, force=jnp.zeros((1, 2)), torque=jnp.zeros(1), motor_speed=none, max_motor_torque=none)

    def fall(height):
        world = world_at_rest(crate, jnp.zeros((1, 2)).at[0, 1].set(height), jnp.zeros(1))
        return step(crate, world, [[[-5, 0], [5, 0]]], drive, grounded=grounded)[0].position

    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("data")
    over_devices = jax.shard_map(jax.vmap(fall), mesh=mesh, in_specs=spec, out_specs=spec)
    assert jax.eval_shape(over_devices, jnp.ones(lanes)).shape == (lanes, 1, 2)
