"""Random orders."""

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.training.shuffle import random_order


@pytest.mark.parametrize("size", [1, 2, 3, 1000, 1024, 2**16, 2**16 + 1])
def test_each_number_comes_once(size):
    order = random_order(jaxenvs.random.key(3), size)
    assert (order.shape, order.dtype) == ((size,), np.int32)
    np.testing.assert_array_equal(np.sort(order), np.arange(size))


def test_every_order_of_four_is_equally_likely():
    """Chi-squared over the 24 orders: 23 degrees of freedom exceed 50 once in a thousand times."""
    draws = jax.vmap(lambda key: random_order(key, 4))(jax.random.split(jaxenvs.random.key(5), 24_000))
    counts = np.unique(np.asarray(draws) @ [64, 16, 4, 1], return_counts=True)[1]
    assert len(counts) == 24
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 50


def test_every_number_is_equally_likely_to_come_first_and_neighbours_part():
    draws = np.asarray(jax.vmap(lambda key: random_order(key, 100))(jax.random.split(jaxenvs.random.key(6), 10_000)))
    firsts = np.bincount(draws[:, 0], minlength=100)
    assert ((firsts - 100) ** 2 / 100).sum() < 149  # 99 degrees of freedom, once in a thousand times
    ascending = (np.diff(draws, axis=1) == 1).mean()
    assert ascending == pytest.approx(1 / 100, rel=0.05)
