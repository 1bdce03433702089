"""What the tasks of the Fetch robot observe, computed where MuJoCo computes: in float64 on the engine `c`."""

import dataclasses
from types import ModuleType
from typing import Any

import numpy as np

from jaxenvs.simulators.mujoco.readings import Fields, Reading, SiteMotion

_LEVEL = 4.0 * float(np.finfo(np.float64).eps)
"""The cosine of the second Euler angle below which the first is taken as 0."""


@dataclasses.dataclass(frozen=True)
class HandObservation(Reading):
    """The `observation` of a task: (10,), or (25,) with an object.

    Attributes:
        grip: the motion of the point between the fingers.
        fingers: the indices in `qpos` of the right and the left finger.
        finger_dofs: their indices in `qvel`.
        duration: of a step, s, by which velocities are multiplied.
        thing: the motion of the object; None for none.
    """

    grip: SiteMotion
    fingers: tuple[int, int]
    finger_dofs: tuple[int, int]
    duration: float
    thing: SiteMotion | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.grip.fields, "qpos", *(("site_xmat",) if self.thing is not None else ()))

    def read(self, fields: Fields, numpy: ModuleType) -> Any:
        grip, grip_velocity, _ = self._motion(self.grip, fields, numpy)
        fingers = fields["qpos"][..., np.array(self.fingers)]
        finger_velocity = fields["qvel"][..., np.array(self.finger_dofs)] * self.duration
        if self.thing is None:
            return numpy.concatenate([grip, fingers, grip_velocity, finger_velocity], axis=-1)
        position, velocity, turning = self._motion(self.thing, fields, numpy)
        angles = euler_angles(fields["site_xmat"][..., self.thing.site, :], numpy)
        hand = grip, position, position - grip, fingers
        moving = velocity - grip_velocity, turning, grip_velocity, finger_velocity
        return numpy.concatenate([*hand, angles, *moving], axis=-1)

    def _motion(self, site: SiteMotion, fields: Fields, numpy: ModuleType) -> tuple[Any, Any, Any]:
        """Position (m), and displacement (m) and rotation (rad) in the duration of a step, (..., 3) each."""
        motion = site.read(fields, numpy)
        return motion[..., :3], motion[..., 3:6] * self.duration, motion[..., 6:] * self.duration


def euler_angles(matrix: Any, numpy: ModuleType) -> Any:
    """(..., 3) rad: the Euler angles of a rotation matrix (..., 9), as gymnasium-robotics' `mat2euler`."""
    entry = [[matrix[..., 3 * row + column] for column in range(3)] for row in range(3)]
    cosine = numpy.sqrt(entry[2][2] * entry[2][2] + entry[1][2] * entry[1][2])
    usual = cosine > _LEVEL
    third = numpy.where(usual, -numpy.arctan2(entry[0][1], entry[0][0]), -numpy.arctan2(-entry[1][0], entry[1][1]))
    second = -numpy.arctan2(-entry[0][2], cosine)
    first = numpy.where(usual, -numpy.arctan2(entry[1][2], entry[2][2]), 0.0)
    return numpy.stack([first, second, third], axis=-1)
