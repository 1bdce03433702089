"""PointMaze-v3: push a ball through a maze to a goal."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import static
from jaxenvs.envs.robotics._maze_env import MazeEnv
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco import engines
from jaxenvs.simulators.mujoco.model import POINT, Model, load_model
from jaxenvs.simulators.mujoco.readings import Reading
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box

_GREATEST_SPEED = 5.0
"""Velocities along x and y are clipped to this before a step, m/s."""
_LARGE = 8
"""Mazes with more rows than this are looked at from further away."""


class PointMaze(MazeEnv, kw_only=True):
    """A ball is pushed through a maze to a goal.

    Observation: (4,) float32 in the entry `observation`, with the entries below; and (2,) float32 in `achieved_goal`
        and `desired_goal`: x and y of the ball and of where it should be, m.

        | index | meaning                  | min  | max | unit |
        |-------|--------------------------|------|-----|------|
        | 0-1   | x and y of the ball      | -inf | inf | m    |
        | 2-3   | velocity along x and y   | -inf | inf | m/s  |

    Action: (2,) float32 in [-1, 1]: the force along x and y, in units of 100 N.

    Reward: 1 if the ball is within 0.45 m of the goal, else 0. With `reward_type="dense"` (the ids with `Dense`),
        exp(-d), where d is the distance from the goal, m.

    Start: the goal in one of the cells for goals, and the ball at rest in another cell, uniformly; each within 0.25 m
        of the middle of its cell along x and y.

    Episode end:
        Termination: the ball is within 0.45 m of the goal, if `continuing_task` is off.
        Truncation: none here; `make` adds a time limit of 300 to 800 steps, depending on the maze.

    Info: () bool: `success`, whether the ball is within 0.45 m of the goal.

    Parameters, besides those of `MazeEnv`: none; the walls are added to the model of the ball.

    Differences from the reference: the start is rounded to `precision`. In gymnasium-robotics, a task without
        `continuing_task` can judge one pair of goals only, not batches.

    Source: gymnasium-robotics 1.4.2, `PointMaze_UMaze-v3` and others; J. Fu et al., "D4RL: Datasets for Deep
        Data-Driven Reinforcement Learning", 2020 (arXiv:2004.07219).

    Version history:
        v3: same behaviour as in gymnasium-robotics.
    """

    xml_file: str = static(default="point.xml")

    frames_per_second = 50
    scaling = 1.0
    wall_height = 0.4

    @property
    def model(self) -> Model:
        """The compiled MuJoCo model of the ball and the walls."""
        return load_model(self.xml_file, POINT, self.maze.additions)

    def check_model(self, model: Model) -> None:
        """Checks that the model has a ball that slides along two axes."""
        if (model.nq, model.nv, model.nu) != (2, 2, 2):
            raise InvalidField(
                f"{type(self).__name__}: {model.path} must have two joints, which slide, and a motor for each."
            )

    @property
    def camera(self) -> Mapping[str, Any]:
        """Above the maze."""
        return {"distance": 12.5 if len(self.maze.rows) > _LARGE else 8.8}

    @property
    def dt(self) -> float:
        """The duration of a step, s."""
        return self.model.timestep

    @property
    def action_space(self) -> Box:
        """The forces along x and y."""
        return Box(-1.0, 1.0, (2,))

    @property
    def observation_size(self) -> int:
        """4: position and velocity."""
        return 4

    @property
    def readings(self) -> tuple[Reading, ...]:
        """None."""
        return ()

    def resting_at(self, place: Array) -> tuple[Array, Array]:
        """The place itself, at rest."""
        return place, jnp.zeros_like(place)

    def drive(self, simulation: SimulationState, action: Array) -> SimulationState:
        """Clips the velocity, and pushes the ball for one substep."""
        qvel = jnp.clip(simulation.qvel, -_GREATEST_SPEED, _GREATEST_SPEED)
        force = jnp.clip(action, -1.0, 1.0)
        return engines.step(self.simulation, self.parameters, simulation.replace(qvel=qvel), force, 1)

    def sense(self, simulation: SimulationState) -> Array:
        """Position and velocity."""
        return jnp.concatenate([simulation.qpos, simulation.qvel])
