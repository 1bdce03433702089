"""Contact points of a rectangle of the ground and a polygon, in places where they are known and against Box2D."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.box2d import Body, Model, box
from jaxenvs.simulators.box2d.polygon_collision import collide_box, corners, vertices_of_parts

BOX = Model((Body(box(0.5, 0.25), 1.0),), (), (0.2, 0.2), 0.02, 180, 60, boxes=1)
FLOOR = ((-5.0, -1.0), (5.0, 0.0))
VERTEX, FACE = 0, 1


@functools.cache
def compiled():
    def every(body, low, high, center, angle):
        return collide_box(BOX, body, low, high, center, angle)

    return jax.jit(every)


def manifolds(rectangles, centers, angles):
    rectangles, centers = np.array(rectangles, np.float32), np.array(centers, np.float32)
    low, high = ((rectangles[:, i, 0], rectangles[:, i, 1]) for i in (0, 1))
    center = centers[:, 0], centers[:, 1]
    return compiled()(np.zeros(len(centers), np.int32), low, high, center, np.array(angles, np.float32))


def key(index_a, index_b, kind_a, kind_b):
    return index_a | index_b << 8 | kind_a << 16 | kind_b << 24


CASES = [
    ("lies flat", (0.0, 0.25), 0.0, 2, True),
    ("stands on a corner", (0.0, 0.25 * np.cos(0.3) + 0.5 * np.sin(0.3)), 0.3, 1, True),
    ("is near", (0.0, 0.2699), 0.0, 2, True),
    ("is not near", (0.0, 0.2701), 0.0, 0, True),
    ("leans on the right side", (5.25, -0.5), np.pi / 2, 2, True),
    ("beyond the end", (5.6, 0.3), 0.0, 0, True),
]


@pytest.fixture(scope="module")
def found():
    return manifolds([FLOOR] * len(CASES), [case[1] for case in CASES], [case[2] for case in CASES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_a_box_and_the_floor(found, number):
    _, _, _, points, ground_is_face = CASES[number]
    assert found.points[number] == points
    if points:
        assert found.edge_is_face[number] == ground_is_face


def test_a_flat_box_touches_with_its_lower_corners(found):
    assert [int(feature[0]) for feature in found.features] == [key(1, 0, FACE, VERTEX), key(1, 1, FACE, VERTEX)]
    clip = sorted((round(float(x[0]), 5), round(float(y[0]), 5)) for x, y in found.clip_points)
    assert clip == [(-0.5, -0.25), (0.5, -0.25)]
    np.testing.assert_allclose([x[0] for x in found.normal], (0, 1), atol=1e-6)
    np.testing.assert_allclose([x[0] for x in found.plane_point], (0, 0), atol=1e-6)


def test_corners_begin_at_the_lower_right():
    x, y = corners((jnp.float32(1), jnp.float32(2)), (jnp.float32(3), jnp.float32(5)))
    assert x.tolist() == [3, 3, 1, 1] and y.tolist() == [2, 5, 5, 2]


def test_parts_are_rectangles_and_then_edges():
    v1, v2 = (
        (jnp.zeros(2, jnp.float32), jnp.zeros(2, jnp.float32)),
        (jnp.ones(2, jnp.float32), jnp.ones(2, jnp.float32)),
    )
    (x, y), counts = vertices_of_parts(BOX, (v1, v2), jnp.array([0, 1]))
    assert counts is not None and counts.tolist() == [4, 2]
    assert x[:, 0].tolist() == [1, 1, 0, 0] and y[:, 0].tolist() == [0, 1, 1, 0]
    assert x[:2, 1].tolist() == [0, 1] and y[:2, 1].tolist() == [0, 1]


@pytest.mark.slow
def test_manifolds_are_box2ds():
    """Boxes near rectangles at random, of which a third touch."""
    b2 = pytest.importorskip("Box2D", reason='pip install "gymnasium[box2d]"')
    from tests.simulators.box2d._hidden_state import manifold_of_the_only_contact

    rng, rows = np.random.default_rng(0), []
    for _ in range(60):
        world = b2.b2World(gravity=(0, 0))
        world.continuousPhysics = False  # which would move a touching body after its manifold is made
        low = rng.uniform(5, 90), rng.uniform(2, 5)
        high = low[0] + rng.uniform(0.4, 2), low[1] + rng.uniform(0.4, 2)
        outline = [low, (high[0], low[1]), high, (low[0], high[1])]
        world.CreateStaticBody(fixtures=b2.b2FixtureDef(shape=b2.b2PolygonShape(vertices=outline)))
        for _ in range(20):
            place = rng.uniform(low[0] - 0.5, high[0] + 0.5), rng.uniform(low[1] - 0.5, high[1] + 0.5)
            angle = float(rng.choice([rng.uniform(-3, 3), rng.integers(4) * np.pi / 2 + rng.normal(0, 0.01)]))
            fixture = b2.b2FixtureDef(shape=b2.b2PolygonShape(box=(0.5, 0.25)), density=1.0)
            body = world.CreateDynamicBody(position=place, angle=angle, fixtures=fixture)
            world.Step(1e-9, 0, 0)
            manifold = manifold_of_the_only_contact(world)
            if manifold is not None:
                rows.append(((low, high), tuple(body.worldCenter), body.angle, *manifold))
            world.DestroyBody(body)
    rectangles, centers, angles, points, ground_is_face, features, normals = zip(*rows, strict=True)
    ours = manifolds(rectangles, centers, angles)
    points, features = np.array(points), np.array(features)
    np.testing.assert_array_equal(ours.points, points)
    touching = points > 0
    assert touching.sum() > 200 and (~touching).sum() > 50
    np.testing.assert_array_equal(np.array(ours.edge_is_face)[touching], np.array(ground_is_face)[touching])
    np.testing.assert_allclose(np.stack(ours.normal, 1)[touching], np.array(normals)[touching], atol=1e-6)
    for point in (0, 1):
        exists = points > point
        np.testing.assert_array_equal(np.array(ours.features[point])[exists], features[exists, point])
