"""AntMaze-v5 and v4: walk on four legs through a maze to a goal."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_integer
from jaxenvs.core.pytree import static
from jaxenvs.envs.robotics._maze_env import MazeEnv
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco import engines
from jaxenvs.simulators.mujoco.model import GYMNASIUM, Model, load_model
from jaxenvs.simulators.mujoco.readings import Reading
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box

_FORCES = "cfrc_ext"
_POSE_SIZE = 7
"""The positions of a free joint: x, y and z, and a quaternion."""


class AntMaze(MazeEnv, kw_only=True):
    """A torso on four legs walks through a maze to a goal.

    Observation: (105,) float32 in the entry `observation`, as in `Ant-v5`, with the entries below; and (2,) float32 in
        `achieved_goal` and `desired_goal`: x and y of the torso and of where it should be, m.

        | index  | meaning                                                                 | min  | max | unit   |
        |--------|-------------------------------------------------------------------------|------|-----|--------|
        | 0      | height of the torso                                                     | -inf | inf | m      |
        | 1-4    | orientation of the torso, as a quaternion                               | -inf | inf |        |
        | 5-12   | angles of hip and ankle: front left, front right, back left, back right | -inf | inf | rad    |
        | 13-15  | velocity of the torso along x, y and z                                  | -inf | inf | m/s    |
        | 16-18  | angular velocity of the torso                                           | -inf | inf | rad/s  |
        | 19-26  | angular velocities of the joints                                        | -inf | inf | rad/s  |
        | 27-104 | external torque and force on each of 13 bodies, clipped                 | -1   | 1   | N m, N |

    Forces are clipped to `contact_force_range`; with `include_cfrc_ext_in_observation=False` they are left out, which
    v4 does.

    Action: (8,) float32 in [-1, 1]: torques at hip and ankle, for back right, front left, front right and back left.

    Reward: 1 if the torso is within 0.45 m of the goal, else 0. With `reward_type="dense"` (the ids with `Dense`),
        exp(-d), where d is the distance from the goal, m.

    Start: the goal in one of the cells for goals, and the ant at rest in the model's reference pose in another cell,
        uniformly; each within 1 m of the middle of its cell, which is 4 m wide, along x and y.

    Episode end:
        Termination: the torso is within 0.45 m of the goal, if `continuing_task` is off. Falling over does not end it.
        Truncation: none here; `make` adds a time limit of 700 or 1,000 steps, depending on the maze.

    Info: () bool: `success`, whether the torso is within 0.45 m of the goal.

    Parameters, besides those of `MazeEnv`:
        frame_skip: number of simulation substeps per step.
        contact_force_range: limits that forces are clipped to, N m and N.
        include_cfrc_ext_in_observation: whether to observe the external forces.

    Differences from the reference: the start is rounded to `precision`. The info lacks the terms of the reward of
        `Ant`, which gymnasium-robotics computes and does not use. In gymnasium-robotics, a task without
        `continuing_task` can judge one pair of goals only, not batches.

    Source: gymnasium-robotics 1.4.2, `AntMaze_UMaze-v5` and others; J. Fu et al., "D4RL: Datasets for Deep
        Data-Driven Reinforcement Learning", 2020 (arXiv:2004.07219).

    Version history:
        v5: same behaviour as in gymnasium-robotics.
        v4: without the external forces; same behaviour as in gymnasium-robotics.
    """

    xml_file: str = static(default="ant.xml")
    frame_skip: int = static(default=5)
    contact_force_range: tuple[ArrayLike, ArrayLike] = (-1.0, 1.0)
    include_cfrc_ext_in_observation: bool = static(default=True)

    reset_is_costly = True
    frames_per_second = 50
    scaling = 4.0
    wall_height = 0.5
    follows = 1

    @property
    def model(self) -> Model:
        """The compiled MuJoCo model of the ant and the walls."""
        return load_model(self.xml_file, GYMNASIUM, self.maze.additions)

    def check_model(self, model: Model) -> None:
        """Checks that the model begins with a free joint."""
        check_integer(self, "frame_skip", self.frame_skip)
        if model.nq < _POSE_SIZE or model.nq - model.nv != 1 or int(model.mj_model.jnt_type[0]) != 0:
            raise InvalidField(f"{type(self).__name__}: {model.path} must have a robot whose torso moves freely.")

    @property
    def camera(self) -> Mapping[str, Any]:
        """Near the ant, which it follows."""
        return {"distance": 4.0}

    @property
    def dt(self) -> float:
        """The duration of a step, s."""
        return self.model.timestep * self.frame_skip

    @property
    def action_space(self) -> Box:
        """The ranges of the actuators' controls."""
        return Box(*self.model.control_ranges)

    @property
    def observation_size(self) -> int:
        """105 for the usual model and options."""
        forces = 6 * (self.model.mj_model.nbody - 1) * self.include_cfrc_ext_in_observation
        return self.model.nq + self.model.nv - 2 + forces

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The external forces, if they are observed."""
        return (Reading(_FORCES),) if self.include_cfrc_ext_in_observation else ()

    def resting_at(self, place: Array) -> tuple[Array, Array]:
        """The model's reference pose at a place, at rest."""
        qpos = jnp.concatenate([place, self.constant(self.model.qpos0[2:])])
        return qpos, jnp.zeros((self.model.nv,), qpos.dtype)

    def drive(self, simulation: SimulationState, action: Array) -> SimulationState:
        """Applies the torques for `frame_skip` substeps."""
        return engines.step(self.simulation, self.parameters, simulation, action, self.frame_skip)

    def sense(self, simulation: SimulationState) -> Array:
        """Positions except for x and y, velocities, and the external forces, clipped."""
        parts = [simulation.qpos[2:], simulation.qvel]
        if self.include_cfrc_ext_in_observation:
            low, high = (jnp.asarray(limit).astype(self.precision) for limit in self.contact_force_range)
            parts.append(jnp.clip(simulation.derived[_FORCES], low, high)[1:].reshape(-1))
        return jnp.concatenate(parts)
