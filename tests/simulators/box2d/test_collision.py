"""Contact points of an edge and a polygon in places where they are known."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.box2d import Body, Model, box
from jaxenvs.simulators.box2d.collision import collide

BOX = Model((Body(box(0.5, 0.25), 1.0),), (), (0.2,), 0.02, 180, 60)
FLAT = ((-5.0, 0.0), (5.0, 0.0))
VERTEX, FACE = 0, 1


@functools.cache
def compiled():
    def one(v1, v2, center, angle):
        body = jnp.zeros((), jnp.int32)
        return collide(BOX, body, (v1[0], v1[1]), (v2[0], v2[1]), (center[0], center[1]), angle)

    return jax.jit(one)


def manifold(edge, center, angle=0.0):
    return compiled()(*(jnp.array(x, jnp.float32) for x in (*edge, center)), jnp.float32(angle))


def key(index_a, index_b, kind_a, kind_b):
    return index_a | index_b << 8 | kind_a << 16 | kind_b << 24


@pytest.mark.parametrize("edge", [FLAT, FLAT[::-1]], ids=["from the left", "from the right"])
def test_a_box_lies_on_an_edge_with_two_corners(edge):
    found = manifold(edge, (0.0, 0.25))
    assert found.points == 2 and found.edge_is_face
    np.testing.assert_allclose(found.normal, (0, 1), atol=1e-7)
    corners = sorted(tuple(np.round(np.array(point), 6).tolist()) for point in found.clip_points)
    assert corners == [(-0.5, -0.25), (0.5, -0.25)]
    assert {int(f) for f in found.features} == {key(0, 0, FACE, VERTEX), key(0, 1, FACE, VERTEX)}


def test_a_tilted_box_touches_with_one_corner():
    found = manifold(FLAT, (0.0, 0.25 * np.cos(0.3) + 0.5 * np.sin(0.3)), 0.3)
    assert found.points == 1 and found.edge_is_face
    np.testing.assert_allclose(found.clip_points[0], (-0.5, -0.25), atol=1e-6)


def test_the_end_of_an_edge_under_a_box_meets_its_side():
    """The side of the box is the reference face, and the steep edge is the incident one."""
    found = manifold(((0.1, -3.0), (0.1, 0.0)), (0.0, 0.255))
    assert found.points == 1 and not found.edge_is_face
    np.testing.assert_allclose(found.normal, (0, -1), atol=1e-7)
    np.testing.assert_allclose(found.clip_points[0], (0.1, 0.0), atol=1e-6)


def test_skins_touch_before_cores_do():
    assert manifold(FLAT, (0.0, 0.2699)).points == 2
    assert manifold(FLAT, (0.0, 0.2701)).points == 0


def test_an_edge_is_met_from_either_side():
    found = manifold(FLAT, (0.0, -0.25))
    assert found.points == 2
    np.testing.assert_allclose(found.normal, (0, -1), atol=1e-7)


def test_a_box_beyond_the_end_of_an_edge_does_not_touch():
    assert manifold(((-5.0, 0.0), (-0.6, 0.0)), (0.0, 0.25)).points == 0
