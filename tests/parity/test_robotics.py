"""The tasks of the Fetch robot in lockstep with gymnasium-robotics, which runs C MuJoCo one at a time."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxenvs
from tests.parity.differences import record, relative
from tests.parity.robotics_specs import SPECS, leave_out_wrong_assertions
from tests.parity.rows_robotics import FETCH

gymnasium = pytest.importorskip("gymnasium")
mujoco = pytest.importorskip("mujoco", reason="needs the extra `robotics`")

TOLERANCE = {row.id: row.tolerance for row in FETCH}
IDS = list(TOLERANCE)
QUICK = {"FetchReachDense-v4", "FetchPickAndPlace-v4"}
ABOVE = np.array([0.0, 0.0, 0.1])
TASKS = ["FetchReach-v4", "FetchPush-v4", "FetchSlide-v4", "FetchPickAndPlace-v4"]


def marked(ids, quick):
    """The ids, of which all that are not quick are marked `slow`."""
    return [id if id in quick else pytest.param(id, marks=pytest.mark.slow) for id in ids]


@pytest.fixture(autouse=True)
def _functions_without_assertions(monkeypatch):
    leave_out_wrong_assertions(monkeypatch)


def theirs_of(id):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gymnasium.make(SPECS[id]).unwrapped


class Lockstep:
    """Our environment and theirs, set to the same state and goal and stepped with the same actions."""

    def __init__(self, id, precision="float32"):
        self.id, self.dtype, self.tolerance = id, np.dtype(precision), TOLERANCE[id]
        self.theirs = theirs_of(id)
        self.ours = jaxenvs.unwrap(jaxenvs.make(id, engine="c", precision=precision))
        self.step_ours, self.reset_ours = jax.jit(self.ours.step), jax.jit(self.ours.reset)
        self.random = np.random.default_rng(5)
        self.touched = set()

    def begin(self, key):
        """Starts both where our reset did, with the same goal."""
        self.state, timestep = self.reset_ours(key)
        model, data = self.theirs.model, self.theirs.data
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:] = np.float64(self.state.simulation.qpos), np.float64(self.state.simulation.qvel)
        mujoco.mj_forward(model, data)
        self.theirs.goal = np.float64(self.state.goal)
        self.compare_observations(self.theirs._get_obs(), timestep.observation)
        return timestep.observation

    def throw(self, size):
        """Overwrites the positions and velocities of both; nothing is derived from them, as when writing to data."""
        data = self.theirs.data
        move = np.float32(self.random.normal(0, size, self.theirs.model.nv))
        mujoco.mj_integratePos(self.theirs.model, data.qpos, np.float64(move), 1.0)
        qpos, qvel = data.qpos.astype(self.dtype), (data.qvel + move).astype(self.dtype)
        data.qpos[:], data.qvel[:] = qpos, qvel
        moved = self.state.simulation.replace(qpos=jnp.asarray(qpos), qvel=jnp.asarray(qvel))
        self.state = self.state.replace(simulation=moved)

    def step(self, action):
        """Takes one step with both, and compares all results."""
        action = np.float32(action)
        observation, reward, terminated, truncated, info = self.theirs.step(action)
        self.state, timestep = self.step_ours(self.state, action)
        self.compare_observations(observation, timestep.observation)
        gap = abs(float(timestep.reward) - reward)
        record(self.id, gap)
        assert gap <= self.tolerance
        assert (bool(timestep.terminated), bool(timestep.truncated)) == (terminated, truncated)
        assert set(info) == set(timestep.info)
        assert float(timestep.info["is_success"]) == info["is_success"]
        data = self.theirs.data
        assert np.array_equal(self.state.simulation.qacc_warmstart, data.qacc_warmstart.astype(self.dtype))
        names = [mujoco.mj_id2name(self.theirs.model, mujoco.mjtObj.mjOBJ_GEOM, i) for i in data.contact.geom.ravel()]
        self.touched |= {frozenset(pair) for pair in zip(names[::2], names[1::2])}
        return timestep

    def compare_observations(self, theirs, ours):
        """Asserts that all entries are equal bit by bit in the precision."""
        assert set(theirs) == set(ours)
        for name, value in theirs.items():
            assert ours[name].dtype == self.dtype
            record(self.id, relative(ours[name], value.astype(self.dtype)))
            np.testing.assert_array_equal(np.asarray(ours[name]), value.astype(self.dtype), err_msg=name)


def towards(target, observation, fingers):
    """The action that moves the hand to a place, m."""
    return np.append(np.clip(10.0 * (target - np.asarray(observation["observation"][:3])), -1.0, 1.0), fingers)


def grasping(number, observation):
    """Goes over the object, down to it, closes the fingers, and lifts it to the goal."""
    place = np.asarray(observation["achieved_goal"])
    if number < 12:
        return towards(place + ABOVE, observation, 1.0)
    if number < 22:
        return towards(place, observation, 1.0)
    if number < 27:
        return towards(place, observation, -1.0)
    return towards(np.asarray(observation["desired_goal"]), observation, -1.0)


def pushing(number, observation):
    """Goes behind the object, as seen from the goal, down to it, and towards the goal."""
    place, goal = (np.asarray(observation[name]) for name in ("achieved_goal", "desired_goal"))
    away = (place - goal) * [1.0, 1.0, 0.0]
    behind = place + 0.1 * away / max(np.linalg.norm(away), 1e-6)
    if number < 12:
        return towards(behind + ABOVE, observation, 0.0)
    return towards(behind if number < 20 else goal, observation, 0.0)


@pytest.mark.measures_parity
@pytest.mark.parametrize("id", marked(IDS, QUICK))
def test_every_step_is_that_of_gymnasium_robotics(id):
    pair = Lockstep(id)
    pair.begin(jaxenvs.random.key(3))
    for number in range(30):
        action = pair.random.uniform(-1.3, 1.3, 4)  # also beyond the limits
        if number % 10 > 4:
            action[2] = -1.0  # down to the table
        if number == 20:
            pair.throw(0.01)
        pair.step(action)


@pytest.mark.parametrize("id", marked(TASKS, {"FetchSlide-v4", "FetchPickAndPlace-v4"}))
def test_in_double_precision_whole_episodes_are_equal(id):
    with jax.enable_x64(True):
        pair = Lockstep(id, precision="float64")
        policy = {"FetchReach-v4": pushing, "FetchPickAndPlace-v4": grasping}.get(id, pushing)
        for seed in range(2):
            observation = pair.begin(jaxenvs.random.key(seed))
            timestep = None
            for number in range(50):
                timestep = pair.step(policy(number, observation))
                observation = timestep.observation
            if id == "FetchPickAndPlace-v4":
                assert float(timestep.info["is_success"]) == 1.0, "the box was grasped and brought to the goal"
    finger = "robot0:l_gripper_finger_link"
    if id != "FetchReach-v4":
        assert any("object0" in names and finger in names for names in pair.touched)


@pytest.mark.parametrize("id", TASKS)
def test_the_robot_begins_where_theirs_does(id):
    theirs, ours = theirs_of(id), jaxenvs.unwrap(jaxenvs.make(id))
    np.testing.assert_array_equal(ours.home.qpos, theirs.initial_qpos)
    np.testing.assert_array_equal(ours.home.qvel, theirs.initial_qvel)
    np.testing.assert_array_equal(ours.home.grip, theirs.initial_gripper_xpos)
    assert not ours.task.has_object or ours.home.height == theirs.height_offset


@pytest.mark.parametrize("id", marked(TASKS, {"FetchPickAndPlace-v4"}))
def test_starts_and_goals_are_distributed_as_theirs(id):
    theirs, ours = theirs_of(id), jaxenvs.unwrap(jaxenvs.make(id))
    theirs.reset(seed=0)
    rows = []
    for _ in range(400):
        theirs._reset_sim()
        rows.append(np.concatenate([theirs._sample_goal(), theirs.data.qpos]))

    def draw(key):
        goal_key, object_key = jax.random.split(key)
        place = ours.place_object(object_key)
        place = jnp.zeros(0, jnp.float32) if place is None else jnp.stack(place)
        return jnp.concatenate([ours.draw_goal(goal_key), place])

    drawn = jax.jit(jax.vmap(draw))(jax.random.split(jaxenvs.random.key(0), 4000)).T
    at = 3 + ours.model.nq - 7
    columns = [0, 1, 2, *((at, at + 1) if ours.task.has_object else ())]
    for mine, reference in zip(drawn, np.float32(rows)[:, columns].T, strict=True):
        if np.ptp(reference) == 0:
            assert np.ptp(mine) == 0 and mine[0] == reference[0]
        else:
            assert stats.ks_2samp(mine, reference).pvalue > 1e-4


@pytest.mark.parametrize("id", marked(IDS, TASKS))
def test_spaces_and_limits_are_theirs(id):
    theirs, ours = theirs_of(id), jaxenvs.make(id)
    assert ours.action_space.to_gymnasium() == theirs.action_space
    found = {name: space.shape for name, space in ours.observation_space.spaces.items()}
    assert found == {name: space.shape for name, space in theirs.observation_space.items()}
    spec = SPECS[id]
    assert (spec.max_episode_steps, spec.reward_threshold) == (
        ours.max_episode_steps,
        jaxenvs.spec(id).reward_threshold,
    )
    assert type(jaxenvs.unwrap(ours)).frames_per_second == theirs.metadata["render_fps"]


@pytest.mark.parametrize("id", ["FetchPush-v4", "FetchPushDense-v4"])
def test_rewards_of_batches_are_theirs(id):
    theirs, ours = theirs_of(id), jaxenvs.unwrap(jaxenvs.make(id))
    achieved, desired = np.random.default_rng(0).uniform(0.0, 0.1, (2, 50, 3))
    expected = theirs.compute_reward(achieved, desired, {})
    assert len(set(np.round(expected, 3))) > 1
    np.testing.assert_allclose(ours.compute_reward(achieved, desired, {}), expected, atol=1e-6)
    np.testing.assert_allclose(ours.compute_reward(achieved[0], desired[0], {}), expected[0], atol=1e-6)
