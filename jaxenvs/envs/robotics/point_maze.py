"""PointMaze-v3: push a ball through a maze to a goal."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.env import TimeStep, restart, transition
from jaxenvs.core.goal_env import GoalEnv
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.robotics._maze import TARGET_SITE, WALL, Maze, maze_of, rows_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.mujoco import engines, rendering
from jaxenvs.simulators.mujoco.model import POINT, Model, load_model
from jaxenvs.simulators.mujoco.parameters import Parameters, check_parameters, default_parameters, with_parameters
from jaxenvs.simulators.mujoco.simulation import Simulation, choose_engine
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box, Dict

_SCALING, _HEIGHT = 1.0, 0.4
_REACHED = 0.45
"""The distance within which the goal is reached, m."""
_GREATEST_SPEED = 5.0
"""Velocities along x and y are clipped to this before a step, m/s."""
_NOISE = 0.25
"""Greatest offset of the ball and the goal from the middle of their cells, along x and y, in sides of a cell."""
_CANDIDATES = 64
"""Number of goals that are drawn after one was reached, of which the first that is elsewhere is taken. At the worst, in
`large_diverse_g`, it is with probability 0.86, so that none of them is in one of 10^54 draws."""
_DRAWN = -1
_LARGE = 8
"""Mazes with more rows than this are looked at from further away."""


class PointMazeState(PyTreeNode):
    """State of the task.

    Attributes:
        simulation: the simulation of the ball.
        goal: (2,) m, the desired goal.
        key: () key from which the next goals are drawn; None unless goals change within an episode.
    """

    simulation: SimulationState
    goal: Array
    key: Key | None


class PointMaze(GoalEnv[PointMazeState], kw_only=True):
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

    Parameters:
        maze_map: the name of a maze, or its rows from the top: sequences of 0 (empty), 1 (wall), "r" (a start), "g" (a
            goal) and "c" (both).
        reward_type: `"sparse"` or `"dense"`; see Reward.
        continuing_task: whether an episode goes on when the goal is reached.
        reset_target: whether another goal is drawn then, which the next observation has. It needs `continuing_task`.
        goal_cell: row and column of the goal's cell; -1 to draw it. Also a reset option.
        reset_cell: row and column of the ball's cell at the start; -1 to draw it. Also a reset option.
        xml_file: the ball: the name of a file among those of gymnasium-robotics, or a path that begins with `/`, `.`
            or `~`. The walls are added to it.
        engine: who computes: `"c"` is C MuJoCo, with several threads on the CPU. `"mjx"` is pure JAX, which runs on an
            accelerator. `"auto"` is `"c"` if JAX computes on the CPU, else `"mjx"`.
        precision: dtype of states and observations, `"float32"` or, with JAX's 64-bit types enabled, `"float64"`.
            Rewards are always float32. C MuJoCo always computes in float64.
        parameters: masses, friction, gravity and so on; None for those of the model.
        width: width of a picture, pixels.
        height: height of a picture, pixels.
        default_camera_config: `distance`, `azimuth`, `elevation` and `lookat` of the camera.
        shadow_size: side of the shadow map, texels; None for that of the model, usually 4,096. 0 draws no shadows.

    Differences from the reference: the start is rounded to `precision`. In gymnasium-robotics, a task without
        `continuing_task` can judge one pair of goals only, not batches.

    Source: gymnasium-robotics 1.4.2, `PointMaze_UMaze-v3` and others; J. Fu et al., "D4RL: Datasets for Deep
        Data-Driven Reinforcement Learning", 2020 (arXiv:2004.07219).

    Version history:
        v3: same behaviour as in gymnasium-robotics.
    """

    maze_map: str | Sequence[Any] = static(default="u_maze")
    reward_type: Literal["sparse", "dense"] = static(default="sparse")
    continuing_task: bool = static(default=True)
    reset_target: bool = static(default=False)
    goal_cell: tuple[ArrayLike, ArrayLike] = (_DRAWN, _DRAWN)
    reset_cell: tuple[ArrayLike, ArrayLike] = (_DRAWN, _DRAWN)
    xml_file: str = static(default="point.xml")
    engine: Literal["auto", "c", "mjx", "warp"] = static(default="auto")
    precision: Literal["float32", "float64"] = static(default="float32")
    parameters: Parameters = None  # pyright: ignore[reportAssignmentType]  # filled in from the model
    width: int = static(default=480)
    height: int = static(default=480)
    default_camera_config: Mapping[str, Any] | None = static(default=None)
    shadow_size: int | None = static(default=None)

    frames_per_second = 50
    reset_options: ClassVar[Mapping[str, str]] = {"goal_cell": "goal_cell", "reset_cell": "reset_cell"}

    def check_fields(self) -> None:
        """Checks the maze and the options, and fills in the engine and the parameters."""
        name = type(self).__name__
        check_choice(self, "precision", self.precision, ("float32", "float64"))
        check_choice(self, "reward_type", self.reward_type, ("sparse", "dense"))
        if self.precision == "float64" and not jax.config.read("jax_enable_x64"):
            raise InvalidField(
                f'{name}: `precision="float64"` needs 64-bit types: `jax.config.update("jax_enable_x64", True)` first.'
            )
        if self.engine == "warp":
            raise InvalidField(f"{name} runs on the engine 'c' or 'mjx', not on 'warp'.")
        object.__setattr__(self, "engine", choose_engine(self.engine))
        if not isinstance(self.maze_map, str):
            object.__setattr__(self, "maze_map", rows_of(name, self.maze_map))
        self._check_cells()
        model = self.model
        if (model.nq, model.nv, model.nu) != (2, 2, 2):
            raise InvalidField(f"{name}: {model.path} must have two joints, which slide, and a motor for each.")
        if self.parameters is None:
            object.__setattr__(self, "parameters", default_parameters(model, self.precision))
        check_parameters(model, self.parameters)
        for field in ("width", "height"):
            check_integer(self, field, getattr(self, field))
        if self.shadow_size not in (None, 0):
            check_integer(self, "shadow_size", self.shadow_size)
        object.__setattr__(self, "default_camera_config", rendering.frozen(self.default_camera_config))
        rendering.check_view(self.view)

    def _check_cells(self) -> None:
        """Raises `InvalidField` if a cell that is given is a wall or not in the maze."""
        rows = self.maze.rows
        for field in ("goal_cell", "reset_cell"):
            cell = getattr(self, field)
            if not isinstance(cell, tuple | list) or len(cell) != 2:
                raise InvalidField(f"{type(self).__name__}: `{field}` is a row and a column, got {cell!r}.")
            object.__setattr__(self, field, tuple(cell))
            # Reset options are floats; what is traced, or an array, cannot be checked.
            if not all(isinstance(number, int | float | np.number) for number in cell) or min(cell) < 0:
                continue
            row, column = int(cell[0]), int(cell[1])
            if (row, column) != tuple(cell) or row >= len(rows) or column >= len(rows[0]) or rows[row][column] == WALL:
                raise InvalidField(f"{type(self).__name__}: `{field}` {tuple(cell)} is a wall or not in the maze.")

    def replace(self, **fields: Any) -> Self:
        """A copy with some fields replaced. With another model or precision, it takes the parameters of that model.

        Raises:
            InvalidField: the parameters were changed, so it is unclear what they should be for the new model.
        """
        if "maze_map" in fields:
            fields = {"xml_file": self.xml_file, **fields}
        return super().replace(**with_parameters(self, fields))

    @property
    def maze(self) -> Maze:
        """The maze."""
        return maze_of(rows_of(type(self).__name__, self.maze_map), _SCALING, _HEIGHT)

    @property
    def model(self) -> Model:
        """The compiled MuJoCo model of the ball and the walls."""
        return load_model(self.xml_file, POINT, self.maze.additions)

    @property
    def dt(self) -> float:
        """The duration of a step, s."""
        return self.model.timestep

    @property
    def action_space(self) -> Box:
        """The forces along x and y."""
        return Box(-1.0, 1.0, (2,))

    @property
    def observation_space(self) -> Dict:
        """Unbounded boxes: `achieved_goal`, `desired_goal` and `observation`."""
        sizes = {"achieved_goal": 2, "desired_goal": 2, "observation": 4}
        return Dict({name: Box(-np.inf, np.inf, (size,), self.precision) for name, size in sizes.items()})

    @property
    def reward_range(self) -> tuple[float, float]:
        """From 0 to 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[PointMazeState, TimeStep[dict[str, Array]]]:
        """Draws a goal, and a place for the ball in another cell."""
        goal_key, goal_noise_key, start_key, start_noise_key, next_key = jax.random.split(check_key(key), 5)
        goal = self._near(goal_noise_key, self._given(self.goal_cell, self._drawn(goal_key, self.maze.goals)))
        starts = self._constant(self.maze.starts)
        is_apart = jnp.square(starts - goal[None]).sum(1) > (0.5 * _SCALING) ** 2
        start = starts[jax.random.categorical(start_key, jnp.where(is_apart, 0.0, -jnp.inf))]
        place = self._near(start_noise_key, self._given(self.reset_cell, start))
        return self.state_at(place, jnp.zeros_like(place), goal, next_key)

    def state_at(
        self, qpos: Array, qvel: Array, goal: Array, key: Key | None = None
    ) -> tuple[PointMazeState, TimeStep[dict[str, Array]]]:
        """Begins an episode anywhere.

        Args:
            qpos: (2,) x and y of the ball, m.
            qvel: (2,) velocities, m/s.
            goal: (2,) m.
            key: the key from which later goals are drawn, if there are any.

        Raises:
            InvalidField: later goals are to be drawn, and there is no key.
        """
        if self._changes_goals and key is None:
            raise InvalidField(f"{type(self).__name__}: with `reset_target`, `state_at` needs a `key`.")
        qpos, qvel, goal = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel, goal))
        simulation = engines.initial(self._simulation, self.parameters, qpos, qvel)
        state = PointMazeState(simulation, goal, key if self._changes_goals else None)
        observation = self.observe(state)
        return state, restart(observation, {"success": self._is_reached(qpos, goal)})

    def step(self, state: PointMazeState, action: Array) -> tuple[PointMazeState, TimeStep[dict[str, Array]]]:
        """Clips the velocity, and pushes the ball for one substep."""
        action = jnp.clip(self.action_space.validate(action), -1.0, 1.0)
        qvel = jnp.clip(state.simulation.qvel, -_GREATEST_SPEED, _GREATEST_SPEED)
        before = state.simulation.replace(qvel=qvel)
        simulation = engines.step(self._simulation, self.parameters, before, action, 1)
        state = state.replace(simulation=simulation)
        observation = self.observe(state)
        info = {"success": self._is_reached(simulation.qpos, state.goal)}
        goals = observation["achieved_goal"], observation["desired_goal"], info
        if self._changes_goals:
            state = self._with_next_goal(state)
        return state, transition(observation, self.compute_reward(*goals), self.compute_terminated(*goals), info)

    def observe(self, state: PointMazeState) -> dict[str, Array]:
        """The three entries of the observation."""
        place = state.simulation.qpos
        return {
            "achieved_goal": place,
            "desired_goal": state.goal,
            "observation": jnp.concatenate([place, state.simulation.qvel]),
        }

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Array:
        """(...) float32: of goals (..., 2), whether they are within 0.45 m, or if dense exp of minus their distance."""
        del info
        if self.reward_type == "dense":
            return jnp.exp(-self._distance(achieved_goal, desired_goal)).astype(jnp.float32)
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

    def render(self, state: PointMazeState) -> Array:
        """(height, width, 3) uint8: the maze from above, with the goal as a red ball."""
        level = jnp.full((1,), _HEIGHT / 2 * _SCALING, state.goal.dtype)
        return rendering.render(self.view, state.simulation.qpos, jnp.concatenate([state.goal, level]))

    @property
    def view(self) -> rendering.CameraView:
        """The camera and the other settings of pictures."""
        distance = 12.5 if len(self.maze.rows) > _LARGE else 8.8
        return rendering.CameraView(
            model=self.model,
            width=self.width,
            height=self.height,
            settings=rendering.frozen({"distance": distance, **dict(self.default_camera_config or {})}),
            shadow_size=self.shadow_size,
            marker=self.model.site(TARGET_SITE),
        )

    @property
    def _simulation(self) -> Simulation:
        return Simulation(self.engine, self.model, dtype=self.precision)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    @property
    def _changes_goals(self) -> bool:
        return self.continuing_task and self.reset_target and len(self.maze.goals) > 1

    def _with_next_goal(self, state: PointMazeState) -> PointMazeState:
        """The state with another goal if this one is reached."""
        assert state.key is not None
        key, goal_key = jax.random.split(state.key)

        def draw(key: Key) -> Array:
            cell_key, noise_key = jax.random.split(key)
            return self._near(noise_key, self._drawn(cell_key, self.maze.goals))

        goals = jax.vmap(draw)(jax.random.split(goal_key, _CANDIDATES))
        place = state.simulation.qpos
        other = goals[jnp.argmax(~self._is_reached(place[None], goals))]
        return state.replace(goal=jnp.where(self._is_reached(place, state.goal), other, state.goal), key=key)

    def _drawn(self, key: Key, places: np.ndarray) -> Array:
        """(2,) m: one of the places (n, 2)."""
        return self._constant(places)[jax.random.randint(key, (), 0, len(places), jnp.int32)]

    def _near(self, key: Key, place: Array) -> Array:
        """(2,) m: a place in the same cell."""
        offset = jax.random.uniform(key, (2,), jnp.float32, -_NOISE * _SCALING, _NOISE * _SCALING)
        return place + offset.astype(self.precision)

    def _given(self, cell: tuple[ArrayLike, ArrayLike], otherwise: Array) -> Array:
        """(2,) m: the middle of a cell, or another place if the cell is not given."""
        row, column = (jnp.asarray(number).astype(self.precision) for number in cell)
        is_given = (row >= 0) & (column >= 0)
        return jnp.where(is_given, jnp.stack(self.maze.centre(row, column)), otherwise)

    def _constant(self, value: Any) -> Array:
        return jnp.asarray(np.asarray(value, self.precision))

    def _distance(self, achieved_goal: Any, desired_goal: Any) -> Array:
        achieved, desired = (jnp.asarray(goal).astype(self.precision) for goal in (achieved_goal, desired_goal))
        return jnp.sqrt(jnp.square(achieved - desired).sum(-1))

    def _is_reached(self, achieved_goal: Any, desired_goal: Any) -> Array:
        return self._distance(achieved_goal, desired_goal) <= jnp.asarray(_REACHED, self.precision)
