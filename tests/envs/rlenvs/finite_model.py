"""The exact model of a small environment, read from its own `step`, and planning on it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np


@functools.lru_cache
def cells_of(columns, rows):
    """(cells, 2) int32: all (x, y) of a grid that counts from 1."""
    return np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), -1).reshape(-1, 2) + 1


def outcomes_of(env, states):
    """What each action leads to from each of a batch of states: (states, timesteps), leading axes (states, actions)."""
    actions = jnp.arange(env.action_space.n, dtype=jnp.int32)
    step_each = jax.vmap(jax.vmap(env.step, (None, 0)), (0, None))
    return jax.device_get(jax.jit(step_each)(states, actions))


def grid_states(env, columns, rows, **others):
    """The environment's states with its agent in each cell, all else as at reset but for `others`."""
    start, _ = env.reset(jax.random.key(0))
    x, y = jnp.asarray(cells_of(columns, rows), jnp.int32).T
    fixed = start.replace(**{name: jnp.int32(value) for name, value in others.items()})
    spread = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, x.shape), fixed)
    return spread.replace(x=x, y=y)


def grid_values(timesteps, columns, rows, discount=1.0):
    """(columns, rows) float64: how much the best play is worth from each cell, by value iteration on the outcomes."""
    landing = (timesteps.observation - 1) @ np.array([rows, 1])
    values = np.zeros(columns * rows)
    for _ in range(10_000):
        returns = timesteps.reward + discount * np.where(timesteps.terminated, 0.0, values[landing])
        if np.array_equal(returns.max(-1), values):
            return values.reshape(columns, rows)
        values = returns.max(-1)
    raise AssertionError("value iteration did not settle")
