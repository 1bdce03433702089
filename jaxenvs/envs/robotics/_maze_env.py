"""The base class of mazes: a robot that is to reach a goal in a maze."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.robotics._maze import BOTH, EMPTY, GOAL, RESET, TARGET_SITE, Maze, maze_of, rows_of
from jaxenvs.envs.robotics._robot_goal_env import RobotGoalEnv
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.mujoco import engines, rendering
from jaxenvs.simulators.mujoco.readings import Reading
from jaxenvs.simulators.mujoco.simulation import Simulation
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box, Dict

_REACHED = 0.45
"""The distance within which the goal is reached, m."""
_NOISE = 0.25
"""Greatest offset of the robot and the goal from the middle of their cells, along x and y, in sides of a cell."""
_CANDIDATES = 64
"""Number of goals that are drawn after one was reached, of which the first that is elsewhere is taken. At the worst, in
the ball's `large_diverse_g`, it is with probability 0.86, so that none of them is in one of 10^54 draws."""
_DRAWN = -1


class MazeState(PyTreeNode):
    """State of a task in a maze.

    Attributes:
        simulation: the simulation of the robot.
        goal: (2,) m, the desired goal.
        key: () key from which the next goals are drawn; None unless goals change within an episode.
    """

    simulation: SimulationState
    goal: Array
    key: Key | None


class MazeEnv(RobotGoalEnv[MazeState], kw_only=True):
    """Base of the tasks in which a robot is to reach a goal in a maze, corresponding to gymnasium-robotics' `MazeEnv`.

    Parameters, besides those of `RobotGoalEnv`:
        maze_map: the name of a maze, or its rows from the top: sequences of 0 (empty), 1 (wall), "r" (a start), "g" (a
            goal) and "c" (both).
        continuing_task: whether an episode goes on when the goal is reached.
        reset_target: whether another goal is drawn then, which the next observation has. It needs `continuing_task`.
        goal_cell: row and column of the goal's cell; -1 to draw it. Also a reset option.
        reset_cell: row and column of the robot's cell at the start; -1 to draw it. Also a reset option.
    """

    maze_map: str | Sequence[Any] = static(default="u_maze")
    continuing_task: bool = static(default=True)
    reset_target: bool = static(default=False)
    goal_cell: tuple[ArrayLike, ArrayLike] = (_DRAWN, _DRAWN)
    reset_cell: tuple[ArrayLike, ArrayLike] = (_DRAWN, _DRAWN)

    reset_options: ClassVar[Mapping[str, str]] = {"goal_cell": "goal_cell", "reset_cell": "reset_cell"}
    goal_size = 2
    target_site = TARGET_SITE
    of_model = frozenset({"xml_file", "maze_map"})

    scaling: ClassVar[float]
    """The side of a cell, m."""

    wall_height: ClassVar[float]
    """The height of the walls, in sides of a cell."""

    @abc.abstractmethod
    def resting_at(self, place: Array) -> tuple[Array, Array]:
        """The positions (nq,) and velocities (nv,) of the robot at the start of an episode, at x and y (2,) m."""

    @abc.abstractmethod
    def drive(self, simulation: SimulationState, action: Array) -> SimulationState:
        """The simulation after a step with an action."""

    @abc.abstractmethod
    def sense(self, simulation: SimulationState) -> Array:
        """The entry `observation`."""

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """The number of entries of `observation`."""

    @property
    @abc.abstractmethod
    def readings(self) -> tuple[Reading, ...]:
        """The quantities that the task reads besides positions and velocities."""

    def check_task(self) -> None:
        """Checks the maze and the cells."""
        name = type(self).__name__
        if not isinstance(self.maze_map, str):
            object.__setattr__(self, "maze_map", rows_of(name, self.maze_map))
        cells = self.maze.cells(EMPTY, RESET, GOAL, BOTH)
        for field in ("goal_cell", "reset_cell"):
            cell = getattr(self, field)
            # Reset options are floats; what is traced, or an array, cannot be checked.
            is_known = all(isinstance(number, int | float | np.number) for number in cell)
            if is_known and cell not in cells and cell != (_DRAWN, _DRAWN):
                raise InvalidField(
                    f"{name}: `{field}` {cell} is a wall or not in the maze. Give the row and the column of an empty"
                    f" cell, counted from 0 at the top left of {' '.join(self.maze.rows)}, or ({_DRAWN}, {_DRAWN}) to"
                    " draw it."
                )

    @property
    def maze(self) -> Maze:
        """The maze."""
        return maze_of(rows_of(type(self).__name__, self.maze_map), self.scaling, self.wall_height)

    @property
    def observation_space(self) -> Dict:
        """Unbounded boxes: `achieved_goal`, `desired_goal` and `observation`."""
        goal = self.goal_size
        sizes = {"achieved_goal": goal, "desired_goal": goal, "observation": self.observation_size}
        return Dict({name: Box(-np.inf, np.inf, (size,), self.precision) for name, size in sizes.items()})

    @property
    def reward_range(self) -> tuple[float, float]:
        """From 0 to 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[MazeState, TimeStep[dict[str, Array]]]:
        """Draws a goal, and a place for the robot in another cell."""
        goal_key, goal_noise_key, start_key, start_noise_key, next_key = jax.random.split(check_key(key), 5)
        goal = self._near(goal_noise_key, self._given(self.goal_cell, self._drawn(goal_key, self.maze.goals)))
        starts = self.constant(self.maze.starts)
        is_apart = jnp.square(starts - goal[None]).sum(1) > (0.5 * self.scaling) ** 2
        start = starts[jax.random.categorical(start_key, jnp.where(is_apart, 0.0, -jnp.inf))]
        place = self._near(start_noise_key, self._given(self.reset_cell, start))
        return self.state_at(*self.resting_at(place), goal, next_key)

    def state_at(
        self, qpos: Array, qvel: Array, goal: Array, key: Key | None = None
    ) -> tuple[MazeState, TimeStep[dict[str, Array]]]:
        """Begins an episode anywhere.

        Args:
            qpos: (nq,) positions, of which the first two are x and y of the robot, m.
            qvel: (nv,) velocities.
            goal: (2,) m.
            key: the key from which later goals are drawn, if there are any.

        Raises:
            InvalidField: later goals are to be drawn, and there is no key.
        """
        if self._changes_goals and key is None:
            raise InvalidField(f"{type(self).__name__}: with `reset_target`, `state_at` needs a `key`.")
        qpos, qvel, goal = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel, goal))
        simulation = engines.initial(self.simulation, self.parameters, qpos, qvel)
        state = MazeState(simulation, goal, key if self._changes_goals else None)
        return state, restart(self.observe(state), {"success": self._is_reached(qpos[:2], goal)})

    def step(self, state: MazeState, action: Array) -> tuple[MazeState, TimeStep[dict[str, Array]]]:
        """Moves the robot, and looks whether it is at the goal."""
        simulation = self.drive(state.simulation, self.action_space.validate(action))
        state = state.replace(simulation=simulation)
        observation = self.observe(state)
        info = {"success": self._is_reached(simulation.qpos[:2], state.goal)}
        goals = observation["achieved_goal"], observation["desired_goal"], info
        if self._changes_goals:
            state = self._with_next_goal(state)
        return state, transition(observation, self.compute_reward(*goals), self.compute_terminated(*goals), info)

    def observe(self, state: MazeState) -> dict[str, Array]:
        """The three entries of the observation."""
        return {
            "achieved_goal": state.simulation.qpos[:2],
            "desired_goal": state.goal,
            "observation": self.sense(state.simulation),
        }

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) float32: of goals (..., 2), whether they are within 0.45 m, or if dense exp of minus their distance."""
        del info
        if self.reward_type == "dense":
            return jnp.exp(-self.distance(achieved_goal, desired_goal)).astype(jnp.float32)
        return self._is_reached(achieved_goal, desired_goal).astype(jnp.float32)

    def compute_terminated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: whether the goal is reached, if the task does not continue then."""
        del info
        is_reached = self._is_reached(achieved_goal, desired_goal)
        return jnp.zeros_like(is_reached) if self.continuing_task else is_reached

    def compute_truncated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) bool: False."""
        del info
        return jnp.zeros_like(self._is_reached(achieved_goal, desired_goal))

    def render(self, state: MazeState) -> Array:
        """(height, width, 3) uint8: the maze, with the goal as a red ball."""
        level = jnp.full((1,), self.wall_height / 2 * self.scaling, state.goal.dtype)
        return rendering.render(self.view, state.simulation.qpos, jnp.concatenate([state.goal, level]))

    @property
    def simulation(self) -> Simulation:
        """How the robot is simulated."""
        return Simulation(self.engine, self.model, self.readings, dtype=self.precision)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    @property
    def _changes_goals(self) -> bool:
        return self.continuing_task and self.reset_target and len(self.maze.goals) > 1

    def _with_next_goal(self, state: MazeState) -> MazeState:
        """The state with another goal if this one is reached."""
        assert state.key is not None
        key, goal_key = jax.random.split(state.key)

        def draw(key: Key) -> Array:
            cell_key, noise_key = jax.random.split(key)
            return self._near(noise_key, self._drawn(cell_key, self.maze.goals))

        goals = jax.vmap(draw)(jax.random.split(goal_key, _CANDIDATES))
        place = state.simulation.qpos[:2]
        other = goals[jnp.argmax(~self._is_reached(place[None], goals))]
        return state.replace(goal=jnp.where(self._is_reached(place, state.goal), other, state.goal), key=key)

    def _drawn(self, key: Key, places: np.ndarray) -> Array:
        """(2,) m: one of the places (n, 2)."""
        return self.constant(places)[jax.random.randint(key, (), 0, len(places), jnp.int32)]

    def _near(self, key: Key, place: Array) -> Array:
        """(2,) m: a place in the same cell."""
        reach = _NOISE * self.scaling
        return place + jax.random.uniform(key, (2,), jnp.float32, -reach, reach).astype(self.precision)

    def _given(self, cell: tuple[ArrayLike, ArrayLike], otherwise: Array) -> Array:
        """(2,) m: the middle of a cell, or another place if the cell is not given."""
        row, column = (jnp.asarray(number).astype(self.precision) for number in cell)
        is_given = (row >= 0) & (column >= 0)
        return jnp.where(is_given, jnp.stack(self.maze.centre(row, column)), otherwise)

    def _is_reached(self, achieved_goal: Any, desired_goal: Any) -> Array:
        return self.distance(achieved_goal, desired_goal) <= jnp.asarray(_REACHED, self.precision)
