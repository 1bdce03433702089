"""Environments whose pictures are cheap to draw and tell which state they show."""

from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.spaces import Box, Discrete


class CountState(PyTreeNode):
    count: Any


class Count(jaxenvs.Env):
    """Counts steps, and ends after nine; its picture is one colour, twenty times the count. Pays half the count."""

    height: int = static(default=8)
    width: int = static(default=8)
    numbers: int = static(default=0)

    @property
    def observation_space(self):
        return Box(np.zeros(1, np.float32), np.full(1, 99, np.float32))

    @property
    def action_space(self):
        bound = np.full(self.numbers, 2, np.float32)
        return Box(-bound, bound) if self.numbers else Discrete(3)

    def reset(self, key):
        return CountState(jnp.zeros((), jnp.int32)), jaxenvs.restart(jnp.zeros(1, jnp.float32))

    def step(self, state, action):
        count = state.count + 1
        reward = 0.5 * count.astype(jnp.float32)
        return CountState(count), jaxenvs.transition(count.astype(jnp.float32)[None], reward, count >= 9)

    def render(self, state):
        return jnp.full((self.height, self.width, 3), 20 * state.count, jnp.uint8)
