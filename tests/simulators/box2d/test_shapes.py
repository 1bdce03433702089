"""Polygons and masses against what Box2D 2.3.10 computes, to the last bit."""

import numpy as np
import pytest

from jaxenvs.envs.box2d.lunar_lander import MODEL
from jaxenvs.simulators.box2d import box, polygon
from jaxenvs.simulators.box2d.shapes import mass_data


def test_a_polygon_begins_at_its_lowest_rightmost_point_and_turns_counterclockwise():
    square = polygon([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
    np.testing.assert_array_equal(square.vertices, [[1, 0], [1, 1], [0, 1], [0, 0]])
    np.testing.assert_array_equal(square.normals, [[1, 0], [0, 1], [-1, 0], [0, -1]])


def test_the_landers_polygon_is_box2ds():
    """Read from a live world."""
    lander = MODEL.bodies[0].shape
    np.testing.assert_array_equal(lander.vertices[0], np.array([0.56666666, -0.33333334], np.float32))
    np.testing.assert_array_equal(lander.normals[1], np.array([0.9847836, 0.17378533], np.float32))
    np.testing.assert_array_equal(lander.centroid, np.array([3.867083098185731e-09, 0.10130717605], np.float32))


@pytest.mark.parametrize(
    ("body", "inverse_mass", "inverse_inertia", "center"),
    [(0, 0.20761245, 1.2757043, (0.0, 0.10130719)), (1, 14.062498, 558.36383, (0.0, 0.0))],
)
def test_masses_are_box2ds(body, inverse_mass, inverse_inertia, center):
    """Read from a live world."""
    assert MODEL.inverse_masses[body] == np.float32(inverse_mass)
    assert MODEL.inverse_inertias[body] == np.float32(inverse_inertia)
    np.testing.assert_array_equal(MODEL.local_centers[body], np.array(center, np.float32))


def test_the_mass_of_a_box_is_that_of_mechanics():
    mass, center, inertia = mass_data([box(0.5, 1.0)], 3.0)
    assert mass == pytest.approx(6.0) and inertia == pytest.approx(6.0 * (1 + 4) / 12)
    np.testing.assert_array_equal(center, 0)


def test_padding_repeats_the_first_vertex():
    assert MODEL.vertices.shape == (3, 6, 2) and MODEL.counts.tolist() == [6, 4, 4]
    np.testing.assert_array_equal(MODEL.vertices[1, 4:], np.repeat(MODEL.vertices[1, :1], 2, 0))
