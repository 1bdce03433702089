"""States and actions to compare transitions at: across the whole range, and at every boundary."""

import itertools
from typing import Any

import numpy as np

from jaxenvs.envs.classic_control.acrobot import Acrobot
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.envs.classic_control.pendulum import Pendulum
from tests.parity._classic_control_reference import Case

RANDOM = 3000


def _around(value: float, dtype: Any) -> list[float]:
    """`value`, and its neighbours on either side, in `dtype`."""
    value = dtype(value)
    down, up = np.nextafter(value, dtype(-np.inf)), np.nextafter(value, dtype(np.inf))
    return [float(v) for v in (down, value, up)]


def _pairs(first: list[float], second: list[float]) -> np.ndarray:
    return np.array(list(itertools.product(first, second)))


def _edges(case: Case, dtype: Any) -> np.ndarray:
    """(n, k) states from which a step ends on, or just beside, an edge."""
    env = case.env
    if isinstance(env, CartPole):
        x = [v for s in (-1, 1) for v in _around(s * env.x_threshold, dtype)]
        theta = [v for s in (-1, 1) for v in _around(s * env.theta_threshold, dtype)]
        at_edge = [[v, 0, 0, 0] for v in x] + [[0, 0, v, 0] for v in theta]
        beyond = [[v, 0, w, 0] for v in (-5.0, 5.0) for w in (-1.0, 0.0, 1.0)]
        coming_back = [[s * (env.x_threshold + 0.01), -s * 2.0, 0, 0] for s in (-1, 1)]
        return np.array(at_edge + beyond + coming_back)
    if isinstance(env, Pendulum):
        theta = [v for k in (-3, -2, -1, 0, 1, 2, 3, 5) for v in _around(k * np.pi, dtype)]
        speed = [v for s in (-1, 1) for v in _around(s * env.max_speed, dtype)]
        return np.concatenate([_pairs(theta, [-1.0, 0.0, 1.0]), _pairs([-1.5, 0.0, 1.5], speed)])
    if isinstance(env, Acrobot):
        angle = [v for k in (-1, 0, 1) for v in _around(k * np.pi, dtype)]
        speeds = _pairs([-env.max_velocity_1, 0.0, env.max_velocity_1], [-env.max_velocity_2, 0.0, env.max_velocity_2])
        angles = _pairs(angle, angle)
        states = [np.concatenate([a, s]) for a in angles[::4] for s in speeds]
        # The free end exactly as high as the goal.
        states += [np.array([v, 0.0, 0.0, 0.0]) for s in (-1, 1) for v in _around(s * 2 * np.pi / 3, dtype)]
        return np.array(states)
    position = [v for edge in (env.min_position, env.max_position, env.goal_position) for v in _around(edge, dtype)]
    near = [env.min_position + 0.03, env.goal_position - 0.03, env.max_position - 0.03]
    speed = [v for s in (-1, 1) for v in _around(s * env.max_speed, dtype)]
    slow = [*_around(env.goal_velocity, dtype), *_around(0.0, dtype), 0.001, -0.001, 0.0025]
    return _pairs(position + near, speed + slow)


def _random(case: Case, count: int, rng: np.random.Generator) -> np.ndarray:
    env = case.env
    if isinstance(env, CartPole):
        return rng.uniform(-1, 1, (count, 4)) * [2 * env.x_threshold, 3, 2 * env.theta_threshold, 4]
    if isinstance(env, Pendulum):
        return rng.uniform(-1, 1, (count, 2)) * [6 * np.pi, env.max_speed]
    if isinstance(env, Acrobot):
        return rng.uniform(-1, 1, (count, 4)) * [np.pi, np.pi, env.max_velocity_1, env.max_velocity_2]
    position = rng.uniform(env.min_position, env.max_position, count)
    return np.stack([position, rng.uniform(-1, 1, count) * env.max_speed], 1)


def actions_like(case: Case, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random actions: all choices, or torques and throttles up to 1.5 times the limits."""
    choices = {"CartPole-v0": 2, "CartPole-v1": 2, "MountainCar-v0": 3, "Acrobot-v1": 3}
    if case.id in choices:
        return rng.integers(0, choices[case.id], shape, np.int32)
    limit = 2.0 if case.id == "Pendulum-v1" else 1.0
    actions = rng.uniform(-1.5 * limit, 1.5 * limit, (*shape, 1)).astype(np.float32)
    exact = rng.choice(np.array([-limit, 0, limit], np.float32), actions.shape)
    return np.where(rng.random(actions.shape) < 0.2, exact, actions)


def states_and_actions(case: Case, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) states that `dtype` can represent, in float64, and (n, ...) actions."""
    rng = np.random.default_rng(0)
    edges = _edges(case, dtype)
    states = np.concatenate([np.repeat(edges, 3, axis=0), _random(case, RANDOM, rng)])
    states = states.astype(dtype).astype(np.float64)
    return states, actions_like(case, (len(states),), rng)


def margin(case: Case, state: np.ndarray) -> np.ndarray:
    """(n,) how far a float64 state after a step is from the nearest threshold of termination."""
    env = case.env
    if isinstance(env, CartPole):
        return np.minimum(
            np.abs(np.abs(state[:, 0]) - env.x_threshold), np.abs(np.abs(state[:, 2]) - env.theta_threshold)
        )
    if isinstance(env, Acrobot):
        return np.abs(-np.cos(state[:, 0]) - np.cos(state[:, 0] + state[:, 1]) - 1.0)
    if isinstance(env, Pendulum):
        return np.full(len(state), np.inf)
    return np.minimum(np.abs(state[:, 0] - env.goal_position), np.abs(state[:, 1] - env.goal_velocity))
