"""The base class of the tasks of the Fetch robot."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_integer, check_range
from jaxenvs.core.env import TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.robotics._readings import HandObservation
from jaxenvs.envs.robotics._robot_goal_env import RobotGoalEnv
from jaxenvs.envs.robotics._task import (
    FINGERS,
    GRIP_SITE,
    HAND_BODY,
    OBJECT_JOINT,
    OBJECT_SITE,
    TARGET_SITE,
    Home,
    Task,
    home_of,
    position_of,
    velocity_of,
)
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.mujoco import engines, rendering
from jaxenvs.simulators.mujoco.gripper import Gripper, leaders_by_body
from jaxenvs.simulators.mujoco.model import FETCH, Model, load_model
from jaxenvs.simulators.mujoco.readings import SiteMotion
from jaxenvs.simulators.mujoco.simulation import Simulation
from jaxenvs.simulators.mujoco.starts import as_rounded
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box, Dict

_STEP_LENGTH = 0.05
"""How far an action of 1 moves the hand's target, m."""
_NEAREST = 0.1
"""The least distance of the object from the hand at the start, m."""
_CANDIDATES = 128
"""Number of positions drawn for the object, of which the first that is far enough is taken. At the worst, in
FetchSlide, one is far enough with probability 0.21, so that none of them is in one of 10^13 starts."""
_IN_THE_AIR = 0.45
"""The greatest height of a goal above the table, m."""
_DRAWN = float("inf")


class FetchState(PyTreeNode):
    """State of the tasks of the Fetch robot.

    Attributes:
        simulation: the simulation of the robot.
        goal: (3,) m, the desired goal.
    """

    simulation: SimulationState
    goal: Array


class FetchEnv(RobotGoalEnv[FetchState], kw_only=True):
    """Base of the tasks of the Fetch robot, corresponding to gymnasium-robotics' `MujocoFetchEnv`.

    Its `parameters` do not move the robot, whose position at the start is that of the model.

    Parameters, besides those of `RobotGoalEnv`:
        distance_threshold: the distance within which the goal is reached, m.
        goal: x, y and z of the goal, m; an infinite one is drawn. Also a reset option.
        n_substeps: number of simulation substeps per step.
    """

    distance_threshold: ArrayLike = 0.05
    goal: tuple[ArrayLike, ArrayLike, ArrayLike] = (_DRAWN, _DRAWN, _DRAWN)
    n_substeps: int = static(default=20)

    frames_per_second = 25
    reset_options: ClassVar[Mapping[str, str]] = {"goal": "goal"}
    goal_size = 3
    target_site = TARGET_SITE

    @property
    @abc.abstractmethod
    def task(self) -> Task:
        """What distinguishes this task from the others."""

    @abc.abstractmethod
    def place_object(self, key: Key) -> tuple[Array, Array] | None:
        """Draws x and y of the object at the start, () m each in the precision; None without object."""

    def check_task(self) -> None:
        """Checks the number of substeps and the threshold."""
        check_integer(self, "n_substeps", self.n_substeps)
        check_range(self, "distance_threshold", self.distance_threshold, 0.0)

    def check_model(self, model: Model) -> None:
        """Checks that the model has all parts of the robot and of the task."""
        task = self.task
        for name in (GRIP_SITE, TARGET_SITE, *((OBJECT_SITE,) if task.has_object else ())):
            model.site(name)
        for name in (*FINGERS, *((OBJECT_JOINT,) if task.has_object else ())):
            model.joint(name)
        if model.body(HAND_BODY) not in leaders_by_body(model):
            raise InvalidField(f"{model.path} has no weld between a mocap body and {HAND_BODY!r}, which actions move.")

    @property
    def model(self) -> Model:
        """The compiled MuJoCo model of the task."""
        return load_model(self.xml_file, FETCH)

    @property
    def camera(self) -> Mapping[str, Any]:
        """Beside the table."""
        return {"distance": 2.5, "azimuth": 132.0, "elevation": -14.0, "lookat": (1.3, 0.75, 0.55)}

    @property
    def dt(self) -> float:
        """The duration of a step, s."""
        return self.model.timestep * self.n_substeps

    @property
    def home(self) -> Home:
        """Where the robot is when an episode begins."""
        return home_of(self.model, self.task, self.n_substeps)

    @property
    def action_space(self) -> Box:
        """How to move the hand along each axis, and the fingers."""
        return Box(-1.0, 1.0, (4,))

    @property
    def observation_space(self) -> Dict:
        """Unbounded boxes: `achieved_goal`, `desired_goal` and `observation`."""
        size = 25 if self.task.has_object else 10
        sizes = {"achieved_goal": self.goal_size, "desired_goal": self.goal_size, "observation": size}
        return Dict({name: Box(-np.inf, np.inf, (size,), self.precision) for name, size in sizes.items()})

    @property
    def reward_range(self) -> tuple[float, float]:
        """From -1 if the reward is sparse; at most 0."""
        return (-1.0 if self.reward_type == "sparse" else -np.inf), 0.0

    def reset(self, key: Key) -> tuple[FetchState, TimeStep[dict[str, Array]]]:
        """Draws a goal and, if there is one, where the object is; the robot always begins in the same place."""
        goal_key, object_key = jax.random.split(check_key(key))
        qpos = self.constant(self.home.qpos)
        place = self.place_object(object_key)
        if place is not None:
            at = position_of(self.model, OBJECT_JOINT)
            qpos = qpos.at[at].set(place[0]).at[at + 1].set(place[1])
        return self.state_at(qpos, self.constant(self.home.qvel), self.draw_goal(goal_key))

    def draw_goal(self, key: Key) -> Array:
        """(3,) m: the goal of an episode: coordinates that are not given are drawn."""
        task, dtype = self.task, self.precision
        offset_key, choice_key, height_key = jax.random.split(key, 3)
        offset = as_rounded(jax.random.uniform(offset_key, (3,), jnp.float32, -1.0, 1.0).astype(dtype))
        goal = as_rounded(self.constant(self.home.grip) + as_rounded(self.constant(task.goal_range) * offset))
        if task.has_object:
            height = self.constant(self.home.height)
            if task.goal_in_the_air:
                above = as_rounded(jax.random.uniform(height_key, (), jnp.float32, 0.0, _IN_THE_AIR).astype(dtype))
                height = height + jnp.where(jax.random.bernoulli(choice_key), above, self.constant(0.0))
            goal = (goal + self.constant(task.goal_offset)).at[2].set(height)
        given = jnp.stack([jnp.asarray(value).astype(dtype) for value in self.goal])
        return jnp.where(jnp.isfinite(given), given, goal)

    def far_from_hand(self, key: Key, given: tuple[ArrayLike, ArrayLike]) -> tuple[Array, Array]:
        """The place of the object, () m each along x and y: what is given, or if infinite, drawn away from the hand."""
        drawn = as_rounded(jax.random.uniform(key, (_CANDIDATES, 2), jnp.float32, -1.0, 1.0))
        offsets = as_rounded(jnp.asarray(self.task.object_range, jnp.float32) * drawn)
        offset = offsets[jnp.argmax(jnp.square(offsets).sum(1) >= _NEAREST**2)].astype(self.precision)
        place = self.constant(self.home.grip[:2]) + offset
        x, y = (jnp.asarray(value).astype(self.precision) for value in given)
        return jnp.where(jnp.isfinite(x), x, place[0]), jnp.where(jnp.isfinite(y), y, place[1])

    def state_at(self, qpos: Array, qvel: Array, goal: Array) -> tuple[FetchState, TimeStep[dict[str, Array]]]:
        """Begins an episode anywhere.

        Args:
            qpos: (nq,) positions of the joints, and position and quaternion of the object.
            qvel: (nv,) velocities.
            goal: (3,) m.
        """
        qpos, qvel, goal = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel, goal))
        state = FetchState(engines.initial(self._simulation, self.parameters, qpos, qvel), goal)
        observation = self.observe(state)
        return state, restart(observation, {"is_success": self._is_success(observation)})

    def step(self, state: FetchState, action: Array) -> tuple[FetchState, TimeStep[dict[str, Array]]]:
        """Moves the hand and the fingers, and simulates `n_substeps` substeps."""
        action = jnp.clip(self.action_space.validate(action), -1.0, 1.0)
        fingers = jnp.float32(0.0) if self.task.holds_fingers else action[3]
        move = action[:3] * jnp.float32(_STEP_LENGTH)
        ctrl = jnp.concatenate([move, jnp.broadcast_to(fingers, (self.model.nu,))])
        after = engines.step(self._simulation, self.parameters, state.simulation, ctrl, self.n_substeps)
        state = state.replace(simulation=after)
        observation = self.observe(state)
        info = {"is_success": self._is_success(observation)}
        goals = observation["achieved_goal"], observation["desired_goal"], info
        return state, transition(observation, self.compute_reward(*goals), self.compute_terminated(*goals), info)

    def observe(self, state: FetchState) -> dict[str, Array]:
        """The three entries of the observation."""
        observation = state.simulation.derived["observation"]
        start = 3 if self.task.has_object else 0
        return {
            "achieved_goal": observation[start : start + 3],
            "desired_goal": state.goal,
            "observation": observation,
        }

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) float32: of goals (..., 3), minus their distance, or if sparse -1 unless it is within the threshold."""
        del info
        distance = self.distance(achieved_goal, desired_goal)
        if self.reward_type == "dense":
            return -distance.astype(jnp.float32)
        return -(distance > self._threshold).astype(jnp.float32)

    def compute_terminated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: False; the object is to stay at the goal."""
        del info
        return jnp.zeros_like(self.distance(achieved_goal, desired_goal), bool)

    def compute_truncated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: False."""
        return self.compute_terminated(achieved_goal, desired_goal, info)

    def render(self, state: FetchState) -> Array:
        """(height, width, 3) uint8: the scene, with the goal as a red ball."""
        return rendering.render(self.view, state.simulation.qpos, state.goal)

    @property
    def _simulation(self) -> Simulation:
        model, task = self.model, self.task
        right, left = (position_of(model, name) for name in FINGERS)
        reading = HandObservation(
            "observation",
            site_motion(model, GRIP_SITE),
            (right, left),
            (velocity_of(model, FINGERS[0]), velocity_of(model, FINGERS[1])),
            self.dt,
            site_motion(model, OBJECT_SITE) if task.has_object else None,
        )
        return Simulation(self.engine, model, (reading,), None, self.precision, self.gripper)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    @property
    def gripper(self) -> Gripper:
        """How actions move the hand and the fingers."""
        model = self.model
        actuated = tuple(int(model.mj_model.jnt_qposadr[joint]) for joint in model.mj_model.actuator_trnid[:, 0])
        held = tuple(position_of(model, name) for name in FINGERS) if self.task.holds_fingers else ()
        return Gripper(model.body(HAND_BODY), actuated, held)

    def _is_success(self, observation: dict[str, Array]) -> Array:
        distance = self.distance(observation["achieved_goal"], observation["desired_goal"])
        return (distance < self._threshold).astype(jnp.float32)

    @property
    def _threshold(self) -> Array:
        return jnp.asarray(self.distance_threshold).astype(self.precision)


def site_motion(model: Model, name: str) -> SiteMotion:
    """The reading of a site's motion."""
    mj_model, site = model.mj_model, model.site(name)
    body = int(mj_model.site_bodyid[site])
    root, moved_by = int(mj_model.body_rootid[body]), []
    while body:
        first = int(mj_model.body_dofadr[body])
        moved_by += range(first, first + int(mj_model.body_dofnum[body]))
        body = int(mj_model.body_parentid[body])
    return SiteMotion(name, site, root, tuple(sorted(moved_by)))
