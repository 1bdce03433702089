"""A learner that learns nothing, quickly: its weights are a random walk, and every third update has no episode."""

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode, static


class WalkState(PyTreeNode):
    agent: dict[str, Array]
    updates: Array
    key: Array


class WalkMetrics(PyTreeNode):
    episodes: Array
    return_sum: Array

    def figures(self):
        return {"mean_return": (self.return_sum, self.episodes), "episodes": (self.episodes, None)}


class Walk(PyTreeNode):
    """Learns nothing: its weights are a random walk, and every third update has no episode to report."""

    rate: ArrayLike = 0.1
    num_updates: int = static(default=40)
    steps_per_update: int = static(default=10)

    def init(self, env, key):
        key, start_key = jax.random.split(key)
        weights = {"w": jax.random.normal(start_key, (3,), jnp.float32), "b": jnp.zeros((), jnp.float32)}
        return WalkState(agent=weights, updates=jnp.zeros((), jnp.int32), key=key)

    def update(self, env, state):
        key, step_key = jax.random.split(state.key)
        step = self.rate * jax.random.normal(step_key, (3,), jnp.float32)
        agent = {"w": state.agent["w"] + step, "b": state.agent["b"] + 1}
        silent = state.updates % 3 == 2
        metrics = WalkMetrics(
            episodes=jnp.where(silent, 0, 2),
            return_sum=jnp.where(silent, 0, 2 * state.updates.astype(jnp.float32)),
        )
        return WalkState(agent=agent, updates=state.updates + 1, key=key), metrics
