"""States, actions and chance for the comparisons of `jaxenvs.envs.gymnax`: boundary cases, and random ones around them.

Each function returns a list of (state, action, chance) as `_gymnax_reference` takes them.
"""

import itertools

import jax
import numpy as np

import jaxenvs
from jaxenvs.envs.gymnax.four_rooms import FourRooms
from jaxenvs.envs.gymnax.meta_maze import MetaMaze
from tests.parity import _gymnax_reference as reference


def _generator():
    return np.random.default_rng(0)


def four_rooms():
    """Every free cell, action and direction of failing, with the goal on the way or elsewhere."""
    free = reference.free_cells(reference.ROOM_ROWS)
    generator = _generator()
    goals = [8 * 13 + 9, 4 * 13 + 1]
    for cell, action, direction in itertools.product(free, range(4), (None, 0, 1, 2, 3)):
        near = reference.walk(reference.ROOM_ROWS, cell, action)
        goal = goals[generator.integers(2)] if generator.random() < 0.7 else near
        yield {"cell": cell, "goal": int(goal)}, action, direction


def meta_maze(size=9, sight=3):
    """Every free cell and action, with the goal there or elsewhere, and fresh places that are the goal, or are not."""
    rows = reference.maze_rows(size, sight)
    free = reference.free_cells(rows)
    generator = _generator()
    for cell, action, is_near in itertools.product(free, range(4), (False, True)):
        goal = reference.walk(rows, cell, action) if is_near else int(generator.choice(free))
        fresh = goal if generator.random() < 0.3 else int(generator.choice(free))
        state = {"cell": cell, "goal": goal, "last_action": 0, "last_reward": 0.0}
        yield {**state, "elapsed": int(generator.integers(300))}, action, fresh


def point_robot(near=0.2):
    """Around the goal, at its very edge where that is a float32, and with actions beyond the limit."""
    generator = _generator()
    past = {"last_action": [0.0, 0.0], "last_reward": 0.0}
    for i in range(200):
        angle = np.pi * generator.random()
        goal = [float(np.float32(x)) for x in (np.cos(angle), np.sin(angle))]
        offset = generator.normal(size=2) * (near if i % 2 else 1.0)
        position = [float(np.float32(g + o)) for g, o in zip(goal, offset)]
        if i < 4 and near == 0.25:
            goal, position = [1.0, 0.0], [1.0 + (near if i % 2 else -near), 0.0]
        action = [float(np.float32(a)) for a in generator.uniform(-0.2, 0.2, 2)]
        draws = [float(np.float32(d)) for d in generator.random(2)]
        state = {"position": position, "goal": goal, "goals_reached": int(generator.integers(9)), **past}
        yield {**state, "elapsed": int(generator.integers(200))}, action, draws


def bernoulli_bandit():
    """Both arms in both orders, and draws near their probabilities."""
    likely = float(np.float32(0.1)), float(np.float32(1) - np.float32(0.1))
    for probs, action in itertools.product((likely, likely[::-1]), range(2)):
        edge = np.float32(probs[action])
        for time, draw in enumerate((0.0, np.nextafter(edge, np.float32(0)), edge, 0.5, 0.99)):
            state = {"reward_probs": list(probs), "last_action": 0, "last_reward": 1.0, "elapsed": 33 * time}
            yield state, action, float(draw)


def gaussian_bandit():
    """Both arms, with means and noise of either sign."""
    for mu, action, noise in itertools.product((-3.0, -0.25, 0.0, 2.0), range(2), (-2.5, 0.0, 0.5)):
        yield {"mu": mu, "last_action": 1 - action, "last_reward": 0.5, "elapsed": int(10 + 40 * noise)}, action, noise


def _rounded(values):
    return np.asarray(values, np.float32).astype(float).tolist()


def reacher(joints=2):
    """Postures and velocities, far turns included, with the goal in reach or not, and actions beyond the limit."""
    generator = _generator()
    for i in range(100):
        angles = generator.uniform(-np.pi, np.pi, joints) * (1 if i % 4 else 20)
        velocities = generator.normal(size=joints) * (1 if i % 3 else 10)
        goal = generator.uniform(-joints, joints, 2)
        if i % 5 == 0:
            goal = [np.cos(angles).sum(), np.sin(angles).sum()]
        state = {"angles": _rounded(angles), "velocities": _rounded(velocities), "goal": _rounded(goal)}
        yield state, _rounded(generator.uniform(-2, 2, joints)), None


def swimmer(urchins=5):
    """Everywhere, on an urchin, at the goal, and far out."""
    generator = _generator()
    for i in range(100):
        places = generator.uniform(-1, 1, (urchins, 2))
        position = generator.uniform(-1, 1, 2) * (1 if i % 5 else 10)
        if i % 4 == 1:
            position = places[0] + 0.01 * generator.normal(size=2)
        goal = position + 0.1 if i % 3 == 0 else generator.uniform(-1, 1, 2)
        state = {"urchins": _rounded(places), "position": _rounded(position), "goal": _rounded(goal)}
        velocity = _rounded(generator.normal(size=2))
        yield {**state, "velocity": velocity}, _rounded(generator.uniform(-2, 2, 2)), None


def pong(width=40, height=30, half=2):
    """Balls all over the court and beyond its edges, most of them near a paddle."""
    generator = _generator()
    for i in range(1500):
        left, right = generator.integers(half, height - half, 2)
        row, column = generator.integers(-4, height + 3), generator.integers(-3, width + 3)
        if i % 3:
            at_left = i % 2
            row = (left if at_left else right) + generator.integers(-half - 2, half + 3)
            column = generator.integers(0, 4) if at_left else generator.integers(width - 4, width)
        row = row + 0.5 * (height % 2)
        state = {
            "left_paddle": float(left) + (0.5 if i % 7 == 0 else 0.0),
            "right_paddle": float(right),
            "row": float(row),
            "column": float(column),
            "row_speed": float(generator.integers(-3, 4)),
            "column_speed": float(generator.choice([-1, 1])),
            "last_row": 0.0,
            "last_column": 0.0,
        }
        yield state, int(generator.integers(3)), None


def batch(env, cases):
    """(fields, actions, chance) of all cases, each an array with a leading axis; chance is None if there is none."""
    states, actions, chance = zip(*cases, strict=True)
    fresh, _ = env.reset(jaxenvs.random.key(0))
    fields = {name: np.array([state[name] for state in states], getattr(fresh, name).dtype) for name in states[0]}
    actions = np.array(actions, env.action_space.dtype)
    if isinstance(env, FourRooms):
        share = 1 / 9  # of each direction, where a third of all moves fails
        chance = [0.9 if direction is None else (direction + 0.5) * share for direction in chance]
    if chance[0] is None:
        return fields, actions, None
    return fields, actions, np.array(chance, np.int32 if isinstance(env, MetaMaze) else np.float32)


def stepped(env, fields, actions, chance):
    """The results of our environment for a batch: states and timesteps, as NumPy arrays."""
    fresh, _ = env.reset(jaxenvs.random.key(0))

    def step(fields, action, chance):
        state = fresh.replace(**fields)
        return env.step(state, action) if chance is None else env.step_with(state, action, chance)

    states, timesteps = jax.jit(jax.vmap(step))(fields, actions, chance)
    return {name: np.asarray(getattr(states, name)) for name in fields}, jax.device_get(timesteps)
