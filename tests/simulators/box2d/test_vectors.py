"""Steady functions round as NumPy does, whatever the shapes and whatever the compiler would contract."""

import jax
import numpy as np
import pytest

from jaxenvs.simulators.box2d.vectors import between, cross, dot, rotate, rounded


def numbers(shape, count):
    rng = np.random.default_rng(shape[-1])
    return [rng.uniform(-2, 2, shape).astype(np.float32) for _ in range(count)]


@pytest.mark.parametrize("lanes", [1, 3, 7, 64])
def test_sums_of_products_are_rounded_one_by_one(lanes):
    a, b, c, d = numbers((4, lanes), 4)

    @jax.jit
    def all_of_them(a, b, c, d):
        products = dot((a, b), (c, d), steady=True), cross((a, b), (c, d), steady=True)
        return *products, *rotate((a, b), (c, d), steady=True), between(a, b, c), a + rounded(b * c)

    one = np.float32(1)
    expected = (
        a * c + b * d,
        a * d - b * c,
        b * c - a * d,
        a * c + b * d,
        (one - c) * a + c * b,
        a + b * c,
    )
    for mine, theirs in zip(all_of_them(a, b, c, d), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
