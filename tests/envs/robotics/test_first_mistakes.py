"""What goals, cells and sizes the robots with goals refuse, and what they say then."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField, InvalidState

pytest.importorskip("mujoco", reason="needs the extra `robotics`")
pytest.importorskip("gymnasium_robotics", reason="needs the extra `robotics`")

KEY = jaxenvs.random.key(0)


def of(id, **fields):
    return jaxenvs.unwrap(jaxenvs.make(id, **fields))


@pytest.mark.parametrize(
    ("id", "fields", "message"),
    [
        ("FetchReach-v4", {"goal": (1.3, 0.7)}, r"field `goal` must be 3 numbers, got \(1.3, 0.7\)"),
        ("FetchReach-v4", {"goal": 1.3}, r"field `goal` must be 3 numbers, got 1.3"),
        ("FetchReach-v4", {"goal": np.zeros(2)}, r"field `goal` must be 3 numbers, got array"),
        ("FetchReach-v4", {"goal": (None, None, 0.5)}, r"`goal` must be 3 numbers.*for the default, \(inf, inf, inf\)"),
        ("FetchReach-v4", {"goal": (float("nan"), 0.7, 0.5)}, "field `goal` is NaN"),
        ("FetchPush-v4", {"object_position": (1.3, 0.7, 0.4)}, r"field `object_position` must be 2 numbers"),
        ("FetchPush-v4", {"object_position": 1.3}, r"field `object_position` must be 2 numbers"),
        ("FetchReach-v4", {"distance_threshold": -1.0}, r"`distance_threshold` must be at least 0"),
        ("FetchReach-v4", {"engine": "warp"}, r"must be one of 'auto', 'c', 'mjx', got 'warp'\. .* not run on 'warp'"),
        ("PointMaze_UMaze-v3", {"engine": "C"}, r"PointMaze: `engine` must be one of 'auto', 'c', 'mjx', got 'C'"),
        ("PointMaze_UMaze-v3", {"goal_cell": (1, 1, 1)}, r"field `goal_cell` must be 2 numbers"),
        ("PointMaze_UMaze-v3", {"goal_cell": (0, 0)}, r"is a wall or not in the maze.*top left of 11111 10001 11101"),
        ("PointMaze_UMaze-v3", {"goal_cell": (1.5, 1)}, r"`goal_cell` \(1.5, 1\) is a wall or not in the maze"),
        ("PointMaze_UMaze-v3", {"reset_cell": (-1, 3)}, r"`reset_cell` \(-1, 3\) is .* or \(-1, -1\) to draw it"),
        ("AntMaze_UMaze-v5", {"contact_force_range": 1.0}, r"field `contact_force_range` must be 2 numbers"),
    ],
)
def test_fields_that_no_episode_can_have_are_refused_when_the_environment_is_made(id, fields, message):
    with pytest.raises(InvalidField, match=message):
        jaxenvs.make(id, **fields)


@pytest.mark.parametrize("goal", [[1.3, 0.7, 0.5], np.array([1.3, 0.7, 0.5]), jnp.array([1.3, 0.7, 0.5])])
def test_a_goal_may_be_a_list_or_an_array(goal):
    _, timestep = of("FetchReach-v4", goal=goal).reset(KEY)
    np.testing.assert_allclose(timestep.observation["desired_goal"], [1.3, 0.7, 0.5], rtol=1e-6)


def test_a_goal_may_be_traced():
    @jax.jit
    def desired(goal):
        return of("FetchReach-v4", goal=goal).reset(KEY)[1].observation["desired_goal"]

    np.testing.assert_array_equal(desired(jnp.array([1.0, 0.5, 2.0])), [1.0, 0.5, 2.0])


def test_a_maze_may_be_an_array():
    rows = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]])
    env = of("PointMaze_UMaze-v3", maze_map=rows, goal_cell=np.array([1, 2]))
    assert env.maze.rows == ("1111", "1001", "1111")
    np.testing.assert_allclose(env.reset(KEY)[1].observation["desired_goal"], [0.5, 0.0], atol=0.25)


@pytest.mark.parametrize("shapes", [((3,), (2,)), ((25,), (25,)), ((4, 2), (4, 3)), ((), (3,))])
def test_goals_of_other_sizes_are_not_judged(shapes):
    achieved, desired = map(np.zeros, shapes)
    with pytest.raises(InvalidField, match=r"FetchPush: goals are arrays of 3 coordinates .* Got an achieved one"):
        of("FetchPush-v4").compute_reward(achieved, desired, {})


def test_positions_of_another_robot_are_refused_before_the_simulation_sees_them():
    env = of("FetchPush-v4")
    with pytest.raises(InvalidField, match=r"push.xml has positions of shape \(22,\).* `qpos` has shape \(3,\)"):
        env.state_at(np.zeros(3), np.zeros(3), np.zeros(3))
    with pytest.raises(InvalidField, match=r"goals are arrays of 3 coordinates"):
        env.state_at(env.home.qpos, env.home.qvel, np.zeros(2))
    state, _ = env.reset(KEY)
    with pytest.raises(InvalidState, match=r"This is a state of another environment\. .*reach.xml has positions"):
        of("FetchReach-v4").step(state, jnp.zeros(4))


def test_reset_options_are_a_dict():
    gymnasium = pytest.importorskip("gymnasium")
    env = gymnasium.make("jaxenvs/FetchReach-v4", disable_env_checker=True)
    with pytest.raises(InvalidField, match=r"Reset options are a dict from their names to values, got \[1\]"):
        env.reset(seed=0, options=[1])
    with pytest.raises(InvalidField, match=r"The reset option `goal` must be 3 numbers, got \(1.3, 0.7\)"):
        env.reset(seed=0, options={"goal": (1.3, 0.7)})
