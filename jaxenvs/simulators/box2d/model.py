"""What never changes in a world: its bodies, its joints, and the capacity for contacts."""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from jaxenvs.core.checks import check_integer, check_range
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.box2d.settings import BLOCK, F
from jaxenvs.simulators.box2d.shapes import Polygon, mass_data


@dataclasses.dataclass(frozen=True, eq=False)
class Body:
    """A dynamic body with one polygon (`b2BodyDef`, `b2FixtureDef`).

    Attributes:
        shape: its polygon.
        density: kg/m^2.
        friction: coefficient of its fixture; 0.2 is Box2D's default.
        further: polygons created after the first, which add to the mass but collide with nothing.

    Raises:
        InvalidField: a shape is not a polygon, the density is not above 0, or the friction is below 0.
    """

    shape: Polygon
    density: float
    friction: float = 0.2
    further: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        for shape in self.shapes:
            if not isinstance(shape, Polygon):
                raise InvalidField(f"Body: a shape is made by `polygon(points)` or `box(...)`, got {shape!r}.")
        check_range(self, "density", self.density, 0.0, above=True, below=True)
        check_range(self, "friction", self.friction, 0.0, below=True)

    @property
    def shapes(self) -> tuple[Polygon, ...]:
        """All its polygons, in the order of creation."""
        return (self.shape, *self.further)


@dataclasses.dataclass(frozen=True, eq=False)
class RevoluteJoint:
    """A hinge with limits and a motor (`b2RevoluteJointDef`).

    Attributes:
        body_a: index of the first body.
        body_b: index of the second body.
        anchor_a: (x, y) in m, in the frame of the first body.
        anchor_b: (x, y) in m, in the frame of the second body.
        lower_angle: rad.
        upper_angle: rad.
        reference_angle: rad, the angle of body_b less that of body_a at which the joint's angle is 0. If a definition
            of pybox2d is given both bodies, it takes the difference of their angles at that time.

    Raises:
        InvalidField: both bodies are the same, or the limits are the wrong way round.
    """

    body_a: int
    body_b: int
    anchor_a: tuple[float, float]
    anchor_b: tuple[float, float]
    lower_angle: float
    upper_angle: float
    reference_angle: float = 0.0

    def __post_init__(self) -> None:
        if self.body_a == self.body_b:
            raise InvalidField(f"RevoluteJoint: it joins two bodies, got body {self.body_a} twice.")
        if not self.lower_angle <= self.upper_angle:
            raise InvalidField(
                f"RevoluteJoint: `lower_angle` must be at most `upper_angle`, got {self.lower_angle} and"
                f" {self.upper_angle}."
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """Bodies that are joined together, above a static ground of edges with which alone they collide.

    Attributes:
        bodies: the dynamic bodies.
        joints: in the order in which an island solves them: the newest joint of the newest body first.
        edge_friction: the coefficient of friction of each edge of the ground, in the order of creation.
        time_step: s.
        velocity_iterations: passes of the velocity solver, a multiple of 4.
        position_iterations: greatest number of passes of the position solver.
        pairs: capacity for pairs of one body with edges, in the broad phase.
        touching: capacity for touching contacts of one body.
        together: capacity for touching contacts of all bodies, if worlds are `grounded` (see `step`).
        boxes: how many parts of the ground, the first ones, are upright rectangles rather than edges. In place of the
            ends of an edge they have their lower left and upper right corners.

    Raises:
        InvalidField: there are no bodies, a joint names a body that does not exist, joints leave a body on its own, or
            a number is out of range.
    """

    bodies: tuple[Body, ...]
    joints: tuple[RevoluteJoint, ...]
    edge_friction: tuple[float, ...]
    time_step: float
    velocity_iterations: int
    position_iterations: int
    pairs: int = 5
    touching: int = 2
    together: int = 6
    boxes: int = 0

    def __post_init__(self) -> None:
        if not self.bodies or not all(isinstance(body, Body) for body in self.bodies):
            raise InvalidField(f"Model: `bodies` must be a tuple of at least one `Body`, got {self.bodies!r}.")
        if not all(isinstance(joint, RevoluteJoint) for joint in self.joints):
            raise InvalidField(f"Model: `joints` must be a tuple of `RevoluteJoint`, got {self.joints!r}.")
        self._check_joined()
        for friction in self.edge_friction:
            check_range(self, "edge_friction", friction, 0.0, below=True)
        check_range(self, "time_step", self.time_step, 0.0, above=True, below=True)
        for name in ("velocity_iterations", "position_iterations", "pairs", "touching", "together"):
            check_integer(self, name, getattr(self, name))
        if self.velocity_iterations % BLOCK:
            raise InvalidField(
                f"Model: `velocity_iterations` must be a multiple of {BLOCK}, got {self.velocity_iterations}."
            )
        check_integer(self, "boxes", self.boxes, 0, len(self.edge_friction))

    def _check_joined(self) -> None:
        """Raises `InvalidField` unless the joints make one whole of all bodies, which move, sleep and wake together."""
        count = len(self.bodies)
        joined = set[int]([0])
        for _ in self.bodies:
            for number, joint in enumerate(self.joints):
                for body in (joint.body_a, joint.body_b):
                    if body not in range(count):
                        raise InvalidField(
                            f"Model: joint {number} names body {body}, and bodies are numbered from 0 to {count - 1}."
                        )
                if joined & {joint.body_a, joint.body_b}:
                    joined |= {joint.body_a, joint.body_b}
        if len(joined) < count:
            alone = next(body for body in range(count) if body not in joined)
            raise InvalidField(
                f"Model: no joint leads from body 0 to body {alone}. Bodies of one model are joined together; give body"
                f" {alone} a model and a world of its own, since bodies do not collide with each other."
            )

    @property
    def dt(self) -> np.float32:
        """The time step in s."""
        return F(self.time_step)

    @cached_property
    def vertices(self) -> np.ndarray:
        """(bodies, most vertices, 2) float32 in m; shorter polygons repeat their first vertex."""
        return _padded([body.shape.vertices for body in self.bodies])

    @cached_property
    def normals(self) -> np.ndarray:
        """(bodies, most vertices, 2) float32."""
        return _padded([body.shape.normals for body in self.bodies])

    @cached_property
    def counts(self) -> np.ndarray:
        """(bodies,) int32, the number of vertices of each polygon."""
        return np.array([len(body.shape.vertices) for body in self.bodies], np.int32)

    @cached_property
    def centroids(self) -> np.ndarray:
        """(bodies, 2) float32 in m."""
        return np.stack([body.shape.centroid for body in self.bodies])

    @cached_property
    def local_centers(self) -> np.ndarray:
        """(bodies, 2) float32 in m, the centre of mass in the frame of each body."""
        return np.stack([mass_data(body.shapes, body.density)[1] for body in self.bodies])

    @cached_property
    def inverse_masses(self) -> np.ndarray:
        """(bodies,) float32 in 1/kg."""
        return np.array([F(1) / mass_data(body.shapes, body.density)[0] for body in self.bodies], np.float32)

    @cached_property
    def inverse_inertias(self) -> np.ndarray:
        """(bodies,) float32 in 1/(kg m^2)."""
        return np.array([F(1) / mass_data(body.shapes, body.density)[2] for body in self.bodies], np.float32)

    @cached_property
    def joint_bodies(self) -> np.ndarray:
        """(2, joints) int32: the bodies A and B of each joint."""
        return np.array([[joint.body_a, joint.body_b] for joint in self.joints], np.int32).reshape(-1, 2).T

    @cached_property
    def joint_anchors(self) -> np.ndarray:
        """(2, joints, 2) float32 in m: anchors of the joints from the centres of mass of the bodies A and B."""
        rows = [
            [np.array(anchor, np.float64).astype(np.float32) - self.local_centers[body] for anchor, body in both]
            for both in (((j.anchor_a, j.body_a), (j.anchor_b, j.body_b)) for j in self.joints)
        ]
        return np.array(rows, np.float32).reshape(-1, 2, 2).transpose(1, 0, 2)

    @cached_property
    def joint_limits(self) -> np.ndarray:
        """(3, joints) float32 in rad: lower and upper limit and reference angle."""
        rows = [(joint.lower_angle, joint.upper_angle, joint.reference_angle) for joint in self.joints]
        return np.array(rows, np.float64).astype(np.float32).reshape(-1, 3).T

    @cached_property
    def joint_masses(self) -> np.ndarray:
        """(5, joints) float32: inverse masses of A and B, inverse moments of inertia, and the mass for a rotation."""
        a, b = self.joint_bodies
        ia, ib = self.inverse_inertias[a], self.inverse_inertias[b]
        return np.stack([self.inverse_masses[a], self.inverse_masses[b], ia, ib, F(1) / (ia + ib)])

    @cached_property
    def reaches(self) -> np.ndarray:
        """(bodies,) float32 in m, the greatest distance of a vertex from the centre of mass."""
        offsets = self.vertices - self.local_centers[:, None]
        return np.sqrt(np.square(offsets).sum(-1)).max(1).astype(np.float32)

    @cached_property
    def frictions(self) -> np.ndarray:
        """(bodies,) float32, coefficients of friction."""
        return np.array([body.friction for body in self.bodies], np.float32)

    @cached_property
    def edge_frictions(self) -> np.ndarray:
        """(edges,) float32, coefficients of friction of the ground."""
        return np.array(self.edge_friction, np.float32)


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    longest = max(map(len, rows))
    return np.stack([np.concatenate([row, np.repeat(row[:1], longest - len(row), 0)]) for row in rows])
