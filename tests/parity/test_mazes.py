"""The mazes in lockstep with gymnasium-robotics, which runs C MuJoCo one at a time."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxenvs
from tests.parity.differences import record, relative
from tests.parity.robotics_specs import SPECS
from tests.parity.rows_robotics import MAZES

gymnasium = pytest.importorskip("gymnasium")
mujoco = pytest.importorskip("mujoco", reason="needs the extra `robotics`")

IDS = [row.id for row in MAZES]
TOLERANCE = {row.id: row.tolerance for row in MAZES}
QUICK = {
    *("PointMaze_UMaze-v3", "PointMaze_Large_Diverse_GRDense-v3"),
    *("AntMaze_UMaze-v5", "AntMaze_Large_Diverse_GRDense-v5", "AntMaze_MediumDense-v4"),
}


def marked(quick):
    """The ids, of which all that are not quick are marked `slow`."""
    return [id if id in quick else pytest.param(id, marks=pytest.mark.slow) for id in IDS]


def theirs_of(id, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gymnasium.make(SPECS[id], **options).unwrapped


class Lockstep:
    """Our environment and theirs, set to the same state and goal and stepped with the same actions."""

    def __init__(self, id, precision="float32", **options):
        self.id, self.dtype = id, np.dtype(precision)
        self.theirs = theirs_of(id, **options)
        self.ours = jaxenvs.unwrap(jaxenvs.make(id, engine="c", precision=precision, **options))
        self.step_ours, self.at = jax.jit(self.ours.step), jax.jit(self.ours.state_at)
        self.random = np.random.default_rng(5)
        self.robot = self.theirs.point_env if id.startswith("Point") else self.theirs.ant_env
        self.touched = 0
        walls = [
            number for number in range(self.theirs.model.ngeom) if self.theirs.model.geom(number).name[:5] == "block"
        ]
        self.walls = np.array(walls)

    def begin(self, place, speed, goal):
        """Starts both at the same place, with the same velocity along x and y."""
        qpos, qvel = self.robot.init_qpos.copy(), np.zeros(self.theirs.model.nv)
        qpos[:2], qvel[:2] = place, speed
        qpos, qvel, goal = (np.asarray(x, self.dtype) for x in (qpos, qvel, goal))
        self.state, timestep = self.at(qpos, qvel, goal)
        mujoco.mj_resetData(self.theirs.model, self.theirs.data)
        self.robot.set_state(np.float64(qpos), np.float64(qvel))
        self.theirs.goal = np.float64(goal)
        observation = self.robot._get_obs()
        self.compare(
            self.theirs._get_obs(observation[0] if type(observation) is tuple else observation), timestep.observation
        )

    def step(self, action):
        """Takes one step with both, and compares all results."""
        action = np.float32(action)
        observation, reward, terminated, truncated, info = self.theirs.step(action)
        self.state, timestep = self.step_ours(self.state, action)
        self.compare(observation, timestep.observation)
        gap = abs(float(timestep.reward) - reward)
        record(self.id, gap)
        assert gap <= TOLERANCE[self.id]
        assert (bool(timestep.terminated), bool(timestep.truncated)) == (terminated, truncated)
        assert bool(timestep.info["success"]) == info["success"]
        self.touched += bool(np.isin(self.theirs.data.contact.geom, self.walls).any())
        return timestep

    def compare(self, theirs, ours):
        """Asserts that all entries are equal bit by bit in the precision."""
        assert set(theirs) == set(ours)
        for name, value in theirs.items():
            assert ours[name].dtype == self.dtype
            record(self.id, relative(ours[name], value.astype(self.dtype)))
            np.testing.assert_array_equal(np.asarray(ours[name]), value.astype(self.dtype), err_msg=name)


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", marked(QUICK))
def test_every_step_is_that_of_gymnasium_robotics(id):
    pair = Lockstep(id)
    maze = pair.ours.maze
    offset = 0.2 if id.startswith("Point") else 1.2  # up to the walls
    pair.begin(maze.starts[0] + offset, [-3.0, 7.0], maze.starts[0] + offset + 0.05)  # faster than a ball may be
    for number in range(80):
        pair.step(pair.random.uniform(-1.3, 1.3, pair.theirs.model.nu) + (number // 20 % 2))  # also beyond the limits
    assert pair.touched > 5


@pytest.mark.parametrize("id", ["PointMaze_UMaze-v3", "PointMaze_MediumDense-v3"])
def test_in_double_precision_the_ball_bounces_as_theirs(id):
    with jax.enable_x64(True):
        pair = Lockstep(id, precision="float64")
        maze = pair.ours.maze
        pair.begin(maze.starts[1], [0.0, 0.0], maze.starts[2])
        for number in range(300):
            turn = 0.01 * number
            pair.step([np.cos(turn), np.sin(turn)])
    assert pair.touched > 50


@pytest.mark.parametrize("id", ["AntMaze_UMaze-v5", pytest.param("AntMaze_Large-v4", marks=pytest.mark.slow)])
def test_in_double_precision_the_ant_tumbles_along_the_walls_as_theirs(id):
    with jax.enable_x64(True):
        pair = Lockstep(id, precision="float64")
        maze = pair.ours.maze
        pair.begin(maze.starts[1] + 1.0, [1.0, -2.0], maze.starts[2])
        for _ in range(SPECS[id].max_episode_steps):
            pair.step(pair.random.uniform(-1.0, 1.0, 8))
    assert pair.touched > 3


def test_an_episode_ends_at_the_goal_if_the_task_does_not_continue():
    pair = Lockstep("PointMaze_Open-v3", continuing_task=False)
    pair.begin([0.0, 0.0], [0.0, 0.0], [0.5, 0.0])
    ended = [bool(pair.step([1.0, 0.0]).terminated) for _ in range(40)]
    assert not ended[0] and any(ended)


@pytest.mark.parametrize("id", marked(QUICK))
def test_the_model_is_theirs(id):
    theirs, ours = theirs_of(id).model, jaxenvs.unwrap(jaxenvs.make(id)).model.mj_model
    names = [name for name in dir(theirs) if isinstance(getattr(theirs, name), np.ndarray) and name != "site_size"]
    assert {"geom_pos", "geom_size", "geom_margin", "geom_solref", "dof_damping", "geom_contype"} <= set(names)
    for name in names:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert theirs.opt.timestep == ours.opt.timestep and theirs.opt.iterations == ours.opt.iterations


@pytest.mark.parametrize(
    "id",
    [
        "PointMaze_UMaze-v3",
        "PointMaze_Large_Diverse_G-v3",
        "PointMaze_Open_Diverse_GR-v3",
        "AntMaze_Medium_Diverse_G-v4",
    ],
)
def test_starts_and_goals_are_distributed_as_theirs(id):
    theirs, ours = theirs_of(id), jaxenvs.unwrap(jaxenvs.make(id))
    rows = []
    for seed in range(600):
        observation, _ = theirs.reset(seed=seed)
        rows.append(np.concatenate([observation["achieved_goal"], observation["desired_goal"]]))
    state, _ = jax.jit(jax.vmap(ours.reset))(jax.random.split(jaxenvs.random.key(0), 4000))
    drawn, expected = np.concatenate([state.simulation.qpos[:, :2], state.goal], axis=1), np.float32(rows)
    pairs = list(zip(drawn.T, expected.T, strict=True))
    pairs.append(
        (np.linalg.norm(drawn[:, :2] - drawn[:, 2:], axis=1), np.linalg.norm(expected[:, :2] - expected[:, 2:], axis=1))
    )
    for mine, reference in pairs:
        assert stats.ks_2samp(mine, reference).pvalue > 1e-4


def test_cells_can_be_chosen_and_walls_are_refused():
    env = jaxenvs.unwrap(jaxenvs.make("PointMaze_Medium-v3", goal_cell=(1, 1), reset_cell=(6, 6)))
    _, timestep = env.reset(jaxenvs.random.key(0))
    np.testing.assert_allclose(timestep.observation["desired_goal"], [-2.5, 2.5], atol=0.25)
    np.testing.assert_allclose(timestep.observation["achieved_goal"], [2.5, -2.5], atol=0.25)
    with pytest.raises(jaxenvs.errors.InvalidField, match=r"`goal_cell` \(0, 0\) is a wall"):
        env.replace(goal_cell=(0, 0))
    with pytest.raises(jaxenvs.errors.InvalidField, match=r"`reset_cell` \(1.0, 9.0\) is a wall or not in the maze"):
        env.replace(reset_cell=(1.0, 9.0))
    with pytest.raises(jaxenvs.errors.InvalidField, match=r"there is no maze 'u_mase'\. Did you mean: `u_maze`"):
        env.replace(maze_map="u_mase")
    with pytest.raises(jaxenvs.errors.InvalidField, match="a cell to begin in besides each goal"):
        env.replace(maze_map=[[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    drawn = {"goal_cell": (-1, -1), "reset_cell": (-1, -1)}
    other = env.replace(maze_map=[[1, 1, 1, 1], [1, "r", "g", 1], [1, 1, 1, 1]], **drawn)
    assert other.model.mj_model.ngeom == 12


def test_a_goal_that_is_reached_is_followed_by_another_if_it_is_reset():
    env = jaxenvs.unwrap(jaxenvs.make("PointMaze_UMaze-v3", reset_target=True))
    state, _ = env.state_at(jnp.zeros(2), jnp.zeros(2), jnp.full(2, 0.2), jaxenvs.random.key(0))
    state, timestep = jax.jit(env.step)(state, jnp.zeros(2))
    assert float(timestep.reward) == 1.0 and not bool(timestep.terminated)
    np.testing.assert_array_equal(timestep.observation["desired_goal"], jnp.full(2, 0.2))
    assert float(jnp.linalg.norm(state.goal - state.simulation.qpos)) > 0.45
    after, timestep = jax.jit(env.step)(state, jnp.zeros(2))
    np.testing.assert_array_equal(timestep.observation["desired_goal"], state.goal)
    np.testing.assert_array_equal(after.goal, state.goal)
    with pytest.raises(jaxenvs.errors.InvalidField, match="needs a `key`"):
        env.state_at(jnp.zeros(2), jnp.zeros(2), jnp.zeros(2))


@pytest.mark.parametrize("id", marked(QUICK))
def test_spaces_and_limits_are_theirs(id):
    theirs, ours = theirs_of(id), jaxenvs.make(id)
    assert ours.action_space.to_gymnasium() == theirs.action_space
    found = {name: space.shape for name, space in ours.observation_space.spaces.items()}
    assert found == {name: space.shape for name, space in theirs.observation_space.items()}
    assert SPECS[id].max_episode_steps == ours.max_episode_steps
    assert type(jaxenvs.unwrap(ours)).frames_per_second == theirs.metadata["render_fps"]


@pytest.mark.slow
@pytest.mark.parametrize(("id", "steps"), [("PointMaze_UMaze-v3", 300), ("AntMaze_UMaze-v5", 60)])
def test_steps_on_mjx_follow_c(id, steps):
    with jax.enable_x64(True):
        on_c = jaxenvs.unwrap(jaxenvs.make(id, precision="float64", engine="c"))
        on_mjx = on_c.replace(engine="mjx")
        step_c, step_mjx = jax.jit(on_c.step), jax.jit(on_mjx.step)
        # The ball bounces; the ant begins with a foot in each of two walls.
        place = on_c.maze.starts[1] if id.startswith("Point") else on_c.maze.starts[0] + np.array([-1.17, 1.17])
        state, _ = on_c.state_at(*on_c.resting_at(jnp.asarray(place)), on_c.maze.goals[2])
        own, random, touched = (
            state.replace(simulation=state.simulation.replace(exact=None)),
            np.random.default_rng(5),
            0,
        )
        model = on_c.model.mj_model
        walls = [number for number in range(model.ngeom) if model.geom(number).name.startswith("block")]
        for number in range(steps):
            turn = np.array([np.cos(0.01 * number), np.sin(0.01 * number)])
            action = np.float32(turn if id.startswith("Point") else random.uniform(-1.0, 1.0, 8))
            after, _ = step_mjx(state.replace(simulation=state.simulation.replace(exact=None)), action)
            own, _ = step_mjx(own, action)
            state, _ = step_c(state, action)
            data = mujoco.MjData(model)
            data.qpos[:] = state.simulation.qpos
            mujoco.mj_forward(model, data)
            touched += bool(np.isin(data.contact.geom, walls).any())
            np.testing.assert_allclose(after.simulation.qvel, state.simulation.qvel, rtol=0, atol=1e-10)
            for name, value in state.simulation.derived.items():
                np.testing.assert_allclose(after.simulation.derived[name], value, rtol=0, atol=1e-9)
        np.testing.assert_allclose(own.simulation.qpos, state.simulation.qpos, rtol=0, atol=1e-8)
    assert touched > 3
