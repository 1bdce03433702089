"""Task: what distinguishes the tasks of the Fetch robot, and where their episodes begin."""

import dataclasses
import functools

import numpy as np

from jaxenvs.simulators.mujoco.model import Model, import_mujoco

GRIP_SITE, HAND_BODY = "robot0:grip", "robot0:gripper_link"
OBJECT_SITE, OBJECT_JOINT = "object0", "object0:joint"
TARGET_SITE = "target0"
FINGERS = ("robot0:r_gripper_finger_joint", "robot0:l_gripper_finger_joint")

_FIRST_MOVE = (-0.498, 0.005, -0.431)
"""How the hand moves from the model's reference pose to where episodes begin, m."""
_DOWNWARD = (1.0, 0.0, 1.0, 0.0)
_SETTLING_STEPS = 10


@dataclasses.dataclass(frozen=True)
class Task:
    """What distinguishes the tasks of the Fetch robot.

    Attributes:
        base: the positions of the robot's base, m.
        has_object: whether there is an object, which is to reach the goal; else the hand is.
        holds_fingers: whether the fingers are kept closed.
        extra_height: of the hand at the start, m.
        object_range: greatest offset of the object from the hand at the start, along x and y, m.
        goal_range: greatest offset of the goal from the hand at the start, along each axis, m.
        goal_offset: offset of the middle of the goals from the hand, m.
        goal_in_the_air: whether half of the goals are above the table.
        object_pose: position and quaternion of the object while the robot moves to its start.
    """

    base: tuple[float, float, float]
    has_object: bool
    holds_fingers: bool
    extra_height: float
    goal_range: float
    object_range: float = 0.0
    goal_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    goal_in_the_air: bool = False
    object_pose: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Home:
    """Where the robot is when an episode begins, as float64.

    Attributes:
        qpos: (nq,) positions, with the object of the task where it was put before the robot moved.
        qvel: (nv,) velocities: the robot has not quite come to rest.
        grip: (3,) m, the point between the fingers.
        height: m, of the object on the table.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    grip: np.ndarray
    height: float


@functools.cache
def home_of(model: Model, task: Task, frames: int) -> Home:
    """Moves the robot of a model to where episodes begin, with C MuJoCo, as gymnasium-robotics does when it is made.

    Args:
        model: the model.
        task: the task.
        frames: number of substeps per step.
    """
    mujoco, mj_model = import_mujoco(), model.mj_model
    data = mujoco.MjData(mj_model)
    for name, value in zip(("robot0:slide0", "robot0:slide1", "robot0:slide2"), task.base):
        data.qpos[position_of(model, name)] = value
    if task.has_object:
        start = position_of(model, OBJECT_JOINT)
        data.qpos[start : start + 7] = task.object_pose
    mujoco.mj_forward(mj_model, data)
    grip = data.site_xpos[model.site(GRIP_SITE)]
    move = np.array([*_FIRST_MOVE[:2], _FIRST_MOVE[2] + task.extra_height])
    data.mocap_pos[0], data.mocap_quat[0] = move + grip, _DOWNWARD
    for _ in range(_SETTLING_STEPS):
        mujoco.mj_step(mj_model, data, frames)
    height = float(data.site_xpos[model.site(OBJECT_SITE), 2]) if task.has_object else 0.0
    return Home(np.array(data.qpos), np.array(data.qvel), np.array(grip), height)


def position_of(model: Model, joint: str) -> int:
    """The index in `qpos` at which a joint begins."""
    return int(model.mj_model.jnt_qposadr[model.joint(joint)])


def velocity_of(model: Model, joint: str) -> int:
    """The index in `qvel` at which a joint begins."""
    return int(model.mj_model.jnt_dofadr[model.joint(joint)])
