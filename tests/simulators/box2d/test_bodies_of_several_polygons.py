"""Bodies of several polygons, and numbers that all lanes share."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.envs.box2d._car_racing_car import MODEL
from jaxenvs.simulators.box2d import box
from jaxenvs.simulators.box2d.lanes import anywhere
from jaxenvs.simulators.box2d.shapes import mass_data


def test_two_equal_boxes_have_twice_the_mass_of_one():
    one, both = (mass_data([box(0.5, 1.0)] * count, 3.0) for count in (1, 2))
    np.testing.assert_allclose(both[0], 2 * one[0])
    np.testing.assert_allclose(both[2], 2 * one[2])


def test_the_car_weighs_what_box2d_says():
    """Inverse masses, inverse moments of inertia and the hull's centre, read from pybox2d 2.3.10."""
    np.testing.assert_array_equal(MODEL.inverse_masses, np.float32([0.14164306, *[16.53439] * 4]))
    np.testing.assert_array_equal(MODEL.inverse_inertias, np.float32([0.05490802, *[134.06262] * 4]))
    np.testing.assert_allclose(MODEL.local_centers[0], [0, -0.082530886], atol=1e-8)


def test_anywhere_is_the_same_for_all_lanes():
    def count(limit):
        """A loop that runs as long as the longest lane needs."""
        return jax.lax.while_loop(lambda i: anywhere(i < limit), lambda i: i + 1, jnp.int32(0))

    np.testing.assert_array_equal(jax.vmap(count)(jnp.array([2, 5, 3])), [5, 5, 5])
    np.testing.assert_array_equal(jax.vmap(jax.vmap(count))(jnp.array([[2, 5], [7, 3]])), [[7, 7], [7, 7]])
    assert count(jnp.int32(4)) == 4
