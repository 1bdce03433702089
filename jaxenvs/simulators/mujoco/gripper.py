"""Gripper: how an action moves a robot whose hand is led by a mocap body, as in gymnasium-robotics.

A mocap body has no dynamics: it is where it is put. A weld pulls the hand of the robot towards it. Each step puts the
mocap body where the hand was at the last evaluation of the dynamics, moved by the action, and turned half-way to a
fixed orientation.
"""

import dataclasses

import numpy as np

from jaxenvs.simulators.mujoco.model import Model, import_mujoco
from jaxenvs.simulators.mujoco.readings import BodyPose

DOWNWARD = (1.0, 0.0, 1.0, 0.0)
"""The quaternion that is added to that of the hand: a gripper that points down. MuJoCo scales the sum to length 1."""


@dataclasses.dataclass(frozen=True)
class Gripper:
    """A hand that a mocap body leads, and its fingers.

    The controls of a step are then (3 + nu,): by how far to move the mocap body, m, and for each actuator, by how far
    to move its joint from where it is.

    Attributes:
        body: number of the body that is led.
        actuated: for each actuator, the index in `qpos` of its joint.
        held: indices in `qpos` of joints that are set to 0 after each step, from which the positions of all bodies
            are then computed.
    """

    body: int
    actuated: tuple[int, ...] = ()
    held: tuple[int, ...] = ()

    @property
    def pose(self) -> BodyPose:
        """The pose of the hand, from which the next step puts the mocap body."""
        return BodyPose("pose", self.body)


def leaders_by_body(model: Model) -> dict[int, int]:
    """For each body that a mocap body leads by a weld, the number of that mocap body among the mocap bodies."""
    mujoco, mj_model = import_mujoco(), model.mj_model
    found = {}
    for weld in np.flatnonzero(mj_model.eq_type == mujoco.mjtEq.mjEQ_WELD):
        ends = int(mj_model.eq_obj1id[weld]), int(mj_model.eq_obj2id[weld])
        for leader, led in (ends, ends[::-1]):
            if mj_model.body_mocapid[leader] >= 0:
                found[led] = int(mj_model.body_mocapid[leader])
    return found
