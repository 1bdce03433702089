"""Readings: what a task wants to know of the simulation besides positions and velocities.

A reading is computed from fields of MuJoCo's data. One formula serves NumPy's arrays of many environments, in
float64, and JAX's of one: it looks at the last axes alone.
"""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

Fields = Mapping[str, Any]
"""Arrays by the names of MuJoCo's data, `qpos` and `qvel` among them, and `body_mass`."""

OF_STATE = ("qpos", "qvel", "act", "body_mass")
"""Fields that need not be asked for."""

POST_CONSTRAINT = frozenset({"cacc", "cfrc_int", "cfrc_ext"})
"""Fields that `mj_rnePostConstraint` computes, which Gymnasium calls after the last substep."""

POINT = "point"
"""The name under which the point lies whose velocity is rewarded."""

DISPLACEMENT = "displacement"
"""The name under which lies how far that point moved in the last step."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """One field of MuJoCo's data, as it is.

    Attributes:
        name: the name under which it lies in `SimulationState.derived`.
    """

    name: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of MuJoCo's data that it needs."""
        return (self.name,)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """The value.

        Args:
            fields: those that it needs.
            numpy: `numpy` or `jax.numpy`, by the kind of the arrays.
        """
        del numpy
        return fields[self.name]


@dataclasses.dataclass(frozen=True)
class Sine(Reading):
    """The sine of each position."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Nothing but positions."""
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """(nq,)."""
        return numpy.sin(fields["qpos"])


@dataclasses.dataclass(frozen=True)
class Cosine(Reading):
    """The cosine of each position."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Nothing but positions."""
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """(nq,)."""
        return numpy.cos(fields["qpos"])


@dataclasses.dataclass(frozen=True)
class Position(Reading):
    """Where the robot is along its first coordinates.

    Attributes:
        count: how many those are.
    """

    count: int

    @property
    def fields(self) -> tuple[str, ...]:
        """Nothing but positions."""
        return ("qpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """(count,) m."""
        del numpy
        return fields["qpos"][..., : self.count]


@dataclasses.dataclass(frozen=True)
class BodyPosition(Reading):
    """Where the frame of a body is, or how it lies to another's.

    Attributes:
        body: the body's number.
        origin: the number of the body to count from; None for the world.
        count: how many of the three coordinates.
    """

    body: int
    origin: int | None = None
    count: int = 3

    @property
    def fields(self) -> tuple[str, ...]:
        """Positions of all bodies."""
        return ("xpos",)

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        """(count,) m."""
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
        """(2,) m."""
        masses = fields["body_mass"]
        weighted = numpy.einsum("...b,...bj->...j", masses, fields["xipos"][..., :2])
        return weighted / masses.sum(-1)[..., None]
