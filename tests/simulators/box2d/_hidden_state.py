"""Reads all that decides the next `b2World::Step` of a world of pybox2d, most of which its classes do not show.

The addresses are those of Box2D 2.3's structures on x86-64 Linux, as pybox2d 2.3.10 compiles them: SWIG's objects hold
the address of the C++ object in `this`. They come from `offsetof` on the headers.
"""

import ctypes
from typing import Any

import numpy as np

_BROAD_PHASE = 103072
"""Where a world keeps its contact manager."""


def _floats(address: int, count: int) -> np.ndarray:
    return np.array((ctypes.c_float * count).from_address(address), np.float32)


def _integer(address: int) -> int:
    return ctypes.c_int32.from_address(address).value


def _pointer(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def polygon(body: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The vertices (n, 2), normals (n, 2) and centroid (2,) of the polygon of a body."""
    shape = _pointer(_pointer(int(body.this) + 112) + 24)
    count = _integer(shape + 280)
    vertices, normals = (_floats(shape + offset, 2 * count).reshape(count, 2) for offset in (24, 152))
    return vertices, normals, _floats(shape + 16, 2)


def inverse_masses(body: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inverse mass (), the inverse moment of inertia () and the centre of mass (2,) of a body."""
    address = int(body.this)
    return _floats(address + 148, 1)[0], _floats(address + 156, 1)[0], _floats(address + 28, 2)


def _proxy(fixture: int) -> int:
    return _integer(_pointer(fixture + 40) + 28)


def edges(ground: Any) -> np.ndarray:
    """(edges, 2, 2): the ends of the edges of a static body, in the order of their creation."""
    fixtures = sorted(ground.fixtures, key=lambda fixture: _proxy(int(fixture.this)))
    return np.array([fixture.shape.vertices for fixture in fixtures], np.float32)


def motion(bodies: list[Any], joints: list[Any]) -> dict[str, np.ndarray]:
    """Pose, motion and time at rest of bodies, and the impulses of revolute joints, named as in `World`."""
    return {
        "position": np.array([_floats(int(body.this) + 44, 2) for body in bodies]),
        "angle": np.array([_floats(int(body.this) + 56, 1)[0] for body in bodies]),
        "velocity": np.array([_floats(int(body.this) + 64, 2) for body in bodies]),
        "angular_velocity": np.array([_floats(int(body.this) + 72, 1)[0] for body in bodies]),
        "sleep_time": np.array([_floats(int(body.this) + 172, 1)[0] for body in bodies]),
        "joint_impulse": np.array(
            [[*_floats(int(joint.this) + 144, 3), *_floats(int(joint.this) + 156, 1)] for joint in joints], np.float32
        ),
    }


def snapshot(world: Any, bodies: list[Any], joints: list[Any], ground: Any, slots: int) -> dict[str, np.ndarray]:
    """The fields of `jaxenvs.simulators.box2d.World`, by name, except the flags that listeners keep.

    Args:
        world: of pybox2d.
        bodies: the dynamic ones, each with one polygon.
        joints: revolute joints.
        ground: the static body, whose fixtures are edges.
        slots: room for the pairs of one body with edges.
    """
    # The leaves of the broad-phase tree are numbered 0, 1, 3, 5, ... in the order of creation.
    numbers = {int(fixture.this): (_proxy(int(fixture.this)) + 1) // 2 for fixture in ground.fixtures}
    return snapshot_above(world, bodies, joints, numbers, slots)


def snapshot_above(
    world: Any, bodies: list[Any], joints: list[Any], numbers: dict[int, int], slots: int
) -> dict[str, np.ndarray]:
    """The same for any static fixtures, whose addresses `numbers` maps to their numbers."""
    address = int(world.this) + _BROAD_PHASE
    nodes = _pointer(address + 8)
    count = len(bodies)
    found: dict[str, Any] = {
        **motion(bodies, joints),
        "awake": np.array(bool(bodies[0].awake)),
        "fat_box": np.array([_floats(nodes + 40 * _proxy(int(body.fixtures[0].this)), 4) for body in bodies]),
        "edge": np.full((count, slots), -1, np.int32),
        "points": np.zeros((count, slots), np.int32),
        "feature": np.zeros((count, slots, 2), np.int32),
        "impulse": np.zeros((count, slots, 2, 2), np.float32),
    }
    assert all(bool(body.awake) == found["awake"] for body in bodies)
    body_of = {_pointer(int(body.this) + 112): index for index, body in enumerate(bodies)}
    filled = [0] * count
    contact = _pointer(address + 88)
    while contact:  # the newest first
        body = body_of[_pointer(contact + 104)]
        slot, filled[body] = filled[body], filled[body] + 1
        found["edge"][body, slot] = numbers[_pointer(contact + 96)]
        manifold = contact + 120
        found["points"][body, slot] = _integer(manifold + 60)
        for point in range(found["points"][body, slot]):
            found["feature"][body, slot, point] = _integer(manifold + 20 * point + 16)
            found["impulse"][body, slot, point] = _floats(manifold + 20 * point + 8, 2)
        contact = _pointer(contact + 24)
    return found


def manifold_of_the_only_contact(world: Any) -> tuple[int, bool, list[int], np.ndarray] | None:
    """Points, whether shape A has the face, identifiers, and the normal; None without a contact."""
    contact = _pointer(int(world.this) + _BROAD_PHASE + 88)
    if not contact:
        return None
    manifold = contact + 120
    identifiers = [_integer(manifold + 20 * point + 16) for point in (0, 1)]
    return _integer(manifold + 60), _integer(manifold + 56) == 1, identifiers, _floats(manifold + 40, 2)
