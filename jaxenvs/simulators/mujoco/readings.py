"""Readings: the quantities of a simulation that a task reads besides positions and velocities.

A reading is computed from fields of MuJoCo's data. One formula serves NumPy arrays of many environments, in float64,
and JAX arrays of one environment, since it uses only the last axes.
"""

import dataclasses
import functools
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

Fields = Mapping[str, Any]
"""Arrays by the names of MuJoCo's data, including `qpos` and `qvel`, and `body_mass`."""

OF_STATE = ("qpos", "qvel", "act", "body_mass")
"""Fields that need not be requested."""

POST_CONSTRAINT = frozenset({"cacc", "cfrc_int", "cfrc_ext"})
"""Fields that `mj_rnePostConstraint` computes, which Gymnasium calls after the last substep."""

POINT = "point"
"""The name of the position of the point whose velocity is rewarded."""

DISPLACEMENT = "displacement"
"""The name of the displacement of that point in the last step."""

POSE = "pose"
"""The name of the pose of the body that a mocap body leads; see `Gripper`."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """One field of MuJoCo's data, unchanged.

    Attributes:
        name: its name in `SimulationState.derived`.
    """

    name: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of MuJoCo's data that it needs."""
        return (self.name,)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """The value.

        Args:
            fields: the fields that it needs.
            numpy: `numpy` or `jax.numpy`, depending on the kind of the arrays.
        """
        del numpy
        return fields[self.name]


@dataclasses.dataclass(frozen=True)
class Sine(Reading):
    """The sine of each position."""

    @property
    def fields(self) -> tuple[str, ...]:
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        return numpy.sin(fields["qpos"])


@dataclasses.dataclass(frozen=True)
class Cosine(Reading):
    """The cosine of each position."""

    @property
    def fields(self) -> tuple[str, ...]:
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        return numpy.cos(fields["qpos"])


@dataclasses.dataclass(frozen=True)
class Position(Reading):
    """The position of the robot along its first coordinates.

    Attributes:
        count: number of these coordinates.
    """

    count: int

    @property
    def fields(self) -> tuple[str, ...]:
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        del numpy
        return fields["qpos"][..., : self.count]


@dataclasses.dataclass(frozen=True)
class BodyPosition(Reading):
    """The position of a body's frame, absolute or relative to another body.

    Attributes:
        body: number of the body.
        origin: number of the body relative to which it is measured; None for the world.
        count: number of coordinates, of the three.
    """

    body: int
    origin: int | None = None
    count: int = 3

    @property
    def fields(self) -> tuple[str, ...]:
        return ("xpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        del numpy
        position = fields["xpos"][..., self.body, : self.count]
        return position if self.origin is None else position - fields["xpos"][..., self.origin, : self.count]


@dataclasses.dataclass(frozen=True)
class MassCenter(Reading):
    """The centre of all masses, seen from above."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Positions of all bodies' centres of mass."""
        return ("xipos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        masses = fields["body_mass"]
        weighted = numpy.einsum("...b,...bj->...j", masses, fields["xipos"][..., :2])
        return weighted / masses.sum(-1)[..., None]


@dataclasses.dataclass(frozen=True)
class BodyPose(Reading):
    """(7,) the position of a body's frame, and its orientation as a quaternion.

    Attributes:
        body: number of the body.
    """

    body: int

    @property
    def fields(self) -> tuple[str, ...]:
        return ("xpos", "xquat")

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        parts = fields["xpos"][..., self.body, :], fields["xquat"][..., self.body, :]
        return numpy.concatenate(parts, axis=-1)


@dataclasses.dataclass(frozen=True)
class SiteMotion(Reading):
    """(9,) the position of a site, its velocity, and its angular velocity.

    The velocity is that of the last evaluated position, with the velocities of the joints as they are now, like
    MuJoCo's `mj_jacSite` times `qvel`.

    Attributes:
        site: number of the site.
        root: number of the body at the root of its kinematic tree.
        moved_by: the degrees of freedom that move it.
    """

    site: int
    root: int
    moved_by: tuple[int, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return ("site_xpos", "subtree_com", "cdof", "qvel")

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        position = fields["site_xpos"][..., self.site, :]
        offset = position - fields["subtree_com"][..., self.root, :]
        turn, move = ([fields["cdof"][..., start + axis] for axis in range(3)] for start in (0, 3))
        # By components, each (..., nv), since NumPy is slow on arrays whose last axis is short.
        along = [
            move[axis] + (turn[second] * offset[..., third, None] - turn[third] * offset[..., second, None])
            for axis, second, third in _CYCLES
        ]
        moves = _mask(self.moved_by, turn[0].shape[-1])
        jacobians = (numpy.where(moves, numpy.stack(parts, -2), 0.0) for parts in (along, turn))
        return numpy.concatenate([position, *(_along(part, fields["qvel"], numpy) for part in jacobians)], axis=-1)


_CYCLES = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
"""Each axis with the two others, in the order in which a vector product takes them."""


@functools.cache
def _mask(members: tuple[int, ...], size: int) -> np.ndarray:
    """(size,) bool: whether each number is a member."""
    return np.isin(np.arange(size), members)


def _along(axes: Any, qvel: Any, numpy: ModuleType) -> Any:
    """(..., 3) the motion `qvel` (..., nv) along axes (..., 3, nv).

    In NumPy it is the product of a matrix and a vector, which gives the bits of gymnasium-robotics.
    """
    if numpy is np:
        return np.matmul(axes, qvel[..., None])[..., 0]
    return (axes * qvel[..., None, :]).sum(-1)
