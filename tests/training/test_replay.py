"""The contents of the replay buffer, and its samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.training.replay import ReplayBuffer

EMPTY = ReplayBuffer.empty({"x": jnp.zeros((), jnp.int32), "y": jnp.zeros((2,), jnp.float32)}, 12)


def batch(start, count=3):
    x = jnp.arange(start, start + count, dtype=jnp.int32)
    return {"x": x, "y": jnp.stack([x, -x], axis=1).astype(jnp.float32)}


def filled(batches):
    buffer = EMPTY
    for i in range(batches):
        buffer = jax.jit(ReplayBuffer.add)(buffer, batch(3 * i))
    return buffer


@pytest.mark.parametrize("batches", [1, 3, 4, 5, 9])
def test_the_latest_items_are_held(batches):
    buffer = filled(batches)
    total = 3 * batches
    assert int(buffer.size) == min(total, 12)
    held = np.sort(buffer.items["x"][: int(buffer.size)])
    np.testing.assert_array_equal(held, np.arange(max(0, total - 12), total))


@pytest.mark.parametrize("batches", [2, 6])
def test_samples_are_uniform_over_what_is_held(batches):
    buffer = filled(batches)
    samples = jax.jit(ReplayBuffer.sample, static_argnums=2)(buffer, jaxenvs.random.key(1), 12_000)
    np.testing.assert_array_equal(samples["y"], np.stack([samples["x"], -samples["x"]], axis=1))
    values, counts = np.unique(samples["x"], return_counts=True)
    np.testing.assert_array_equal(values, np.arange(3 * batches)[-12:])
    share = 1 / len(values)
    # Five standard deviations of a binomial count.
    np.testing.assert_allclose(counts / 12_000, share, atol=5 * (share * (1 - share) / 12_000) ** 0.5)


def test_a_batch_that_does_not_divide_the_capacity_is_refused():
    with pytest.raises(AssertionError):
        EMPTY.add(batch(0, 5))
