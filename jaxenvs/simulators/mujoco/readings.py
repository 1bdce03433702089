"""Readings: the quantities of a simulation that a task reads besides positions and velocities.

A reading is computed from fields of MuJoCo's data. One formula serves NumPy arrays of many environments, in float64,
and JAX arrays of one environment, since it uses only the last axes.
"""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

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
