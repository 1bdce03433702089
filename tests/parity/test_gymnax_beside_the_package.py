"""gymnax's miscellaneous environments against gymnax itself: injected states, and gymnax's own chance."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.gymnax.bernoulli_bandit import BernoulliBandit
from jaxenvs.envs.gymnax.four_rooms import FourRooms
from jaxenvs.envs.gymnax.gaussian_bandit import GaussianBandit
from jaxenvs.envs.gymnax.meta_maze import MetaMaze
from jaxenvs.envs.gymnax.point_robot import PointRobot
from jaxenvs.envs.gymnax.pong import Pong
from jaxenvs.envs.gymnax.reacher import Reacher
from jaxenvs.envs.gymnax.swimmer import Swimmer
from tests.parity import _gymnax_cases as cases
from tests.parity import _gymnax_reference as reference
from tests.parity.rows_gymnax import ROWS

gymnax = pytest.importorskip("gymnax", reason="gymnax is not installed")
pytestmark = pytest.mark.neighbours

TOLERANCE = {row.id: row.tolerance for row in ROWS}


def place(fields, name, columns):
    return jnp.stack([fields[name] // columns, fields[name] % columns], axis=-1)


def theirs_of(env, fields):
    """The fields of gymnax's state for the fields of jaxenvs'; leading axes (cases,)."""
    match env:
        case FourRooms():
            return {"pos": place(fields, "cell", 13), "goal": place(fields, "goal", 13)}
        case MetaMaze():
            places = {"pos": place(fields, "cell", len(env.maze)), "goal": place(fields, "goal", len(env.maze))}
            return {**places, "last_action": fields["last_action"], "last_reward": fields["last_reward"]}
        case PointRobot():
            names = ("goal", "last_action", "last_reward", "goals_reached")
            return {"pos": fields["position"], **{name: fields[name] for name in names}}
        case BernoulliBandit():
            probs = fields["reward_probs"]
            names = ("reward_probs", "last_action", "last_reward")
            return {"exp_reward_best": probs.max(axis=-1), **{name: fields[name] for name in names}}
        case GaussianBandit():
            return {name: fields[name] for name in ("mu", "last_action", "last_reward")}
        case Reacher():
            return {"angles": fields["angles"], "angle_vels": fields["velocities"], "goal_xy": fields["goal"]}
        case Swimmer():
            names = {"urchin_xys": "urchins", "xy": "position", "xy_vel": "velocity", "goal_xy": "goal"}
            return {name: fields[ours] for name, ours in names.items()}
        case Pong():
            speeds = jnp.stack([fields["row_speed"], fields["column_speed"]], axis=-1)
            return {
                "paddle_centers": jnp.stack([fields["left_paddle"], fields["right_paddle"]], axis=-1),
                "ball_position": jnp.stack([fields["row"], fields["column"]], axis=-1),
                "last_ball_position": jnp.stack([fields["last_row"], fields["last_column"]], axis=-1),
                "ball_velocity": speeds.astype(jnp.int32),
                "terminal": jnp.zeros(len(speeds), bool),
            }


def chance_of(env, key):
    """What gymnax draws in a step with `key`, as our `step_with` takes it; None if nothing is random."""
    match env:
        case FourRooms():
            random_key, action_key = jax.random.split(key)
            fails = jax.random.uniform(random_key, ()) < env.fail_prob * 4 / 3
            direction = gymnax.make("FourRooms-misc")[0].action_space().sample(action_key)
            return jnp.where(fails, (direction + 0.5) * env.fail_prob / 3, 0.9)
        case MetaMaze():
            free = jnp.array(reference.free_cells(env.maze))
            return free[jax.random.randint(key, (), 0, len(free))]
        case PointRobot():
            return jnp.stack([jax.random.uniform(part) for part in jax.random.split(key)])
        case BernoulliBandit():
            return jax.random.uniform(key)
        case GaussianBandit():
            return jax.random.normal(key)
    return None


# Our environment, the arguments and parameters that give gymnax's the same settings, and the cases.
VARIANTS = [
    (FourRooms(), {}, {}, cases.four_rooms),
    (FourRooms(use_visual_obs=True, fail_prob=0.5), {"use_visual_obs": True}, {"fail_prob": 0.5}, cases.four_rooms),
    (MetaMaze(), {}, {}, cases.meta_maze),
    (
        MetaMaze(punishment=-0.5, normalize_time=True, maze_size=7, rf_size=5),
        {"maze_size": 7, "rf_size": 5},
        {"punishment": -0.5, "normalize_time": True},
        functools.partial(cases.meta_maze, 7, 5),
    ),
    (PointRobot(), {}, {}, cases.point_robot),
    (
        PointRobot(goal_radius=0.25, dense_reward=True, center_init=True, normalize_time=False),
        {},
        {"goal_radius": 0.25, "dense_reward": True, "center_init": True, "normalize_time": False},
        functools.partial(cases.point_robot, 0.25),
    ),
    (BernoulliBandit(), {}, {}, cases.bernoulli_bandit),
    (
        BernoulliBandit(min_lim=0.0, max_lim=2.0, t_max=50.0),
        {},
        {"min_lim": 0.0, "max_lim": 2.0, "t_max": 50},
        cases.bernoulli_bandit,
    ),
    (GaussianBandit(), {}, {}, cases.gaussian_bandit),
    (Reacher(), {}, {}, cases.reacher),
    (Swimmer(), {}, {}, cases.swimmer),
    (Swimmer(num_urchins=2, dt=0.1), {"num_urchins": 2}, {"dt": 0.1}, functools.partial(cases.swimmer, 2)),
    (Pong(), {}, {}, cases.pong),
    (
        Pong(width=9, height=13, paddle_half_height=1, use_ai_policy=False, ball_max_y_speed=2.0, paddle_y_speed=2.0),
        {"width": 9, "height": 13, "paddle_half_height": 1},
        {"use_ai_policy": False, "ball_max_y_speed": 2, "paddle_y_speed": 2},
        functools.partial(cases.pong, 9, 13, 1),
    ),
]


@pytest.mark.parametrize("env, options, settings, told", VARIANTS, ids=lambda value: type(value).__name__)
def test_transitions(env, options, settings, told):
    fields, actions, _ = cases.batch(env, list(told()))
    name = type(env).__name__
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs, params = gymnax.make(f"{name}-misc", **options)
        params = params.replace(**settings)
        keys = jax.random.split(jax.random.key(0), len(actions))
        chance = jax.vmap(functools.partial(chance_of, env))(keys)
        start = theirs.reset_env(keys[0], params)[1]
        time = jnp.asarray(fields.get("elapsed", np.zeros(len(actions)))).astype(jnp.result_type(start.time))
        states = jax.vmap(lambda given, time: start.replace(**given, time=time))(theirs_of(env, fields), time)
        step = jax.jit(jax.vmap(lambda key, state, action: theirs.step_env(key, state, action, params)))
        observation, states, reward, terminated, _ = step(keys, states, actions)
    after, timesteps = cases.stepped(env, fields, actions, chance)
    near = functools.partial(
        np.testing.assert_allclose, rtol=TOLERANCE[f"gymnax/{name}-v0"], atol=TOLERANCE[f"gymnax/{name}-v0"]
    )
    near(timesteps.observation, observation)
    near(timesteps.reward, reward)
    np.testing.assert_array_equal(timesteps.terminated, terminated)
    for field, values in theirs_of(env, {key: jnp.asarray(value) for key, value in after.items()}).items():
        near(values, getattr(states, field), err_msg=field)
    assert terminated.any() or not isinstance(env, FourRooms | MetaMaze | Pong)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_spaces_limits_and_starts(row):
    name = row.id.removeprefix("gymnax/").removesuffix("-v0")
    ours = jaxenvs.make(row.id)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        theirs, params = gymnax.make(f"{name}-misc")
        observation, _ = theirs.reset(jax.random.key(0), params)
        shape, actions = theirs.observation_space(params).shape, theirs.action_space(params)
    assert params.max_steps_in_episode == jaxenvs.spec(row.id).max_episode_steps
    assert ours.observation_space.shape == shape == observation.shape
    assert ours.action_space.shape == actions.shape
    assert getattr(ours.action_space, "n", None) == getattr(actions, "n", None)
    assert bool(ours.observation_space.contains(np.asarray(observation, np.float32)))
    if name in ("FourRooms", "Pong"):  # the same at every start
        np.testing.assert_array_equal(ours.reset(jaxenvs.random.key(1))[1].observation, observation)
