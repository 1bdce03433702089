"""An environment as a newcomer writes it, for tests of mistakes."""

import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenvs
from jaxenvs import Env, PyTreeNode, restart, transition
from jaxenvs.spaces import Box, Discrete

KEY = jaxenvs.random.key(0)


class CountState(PyTreeNode):
    t: Array


class Count(Env):
    """Written as a newcomer would: no annotations, no picture, no `observe`."""

    goal: float = 5.0

    @property
    def observation_space(self):
        return Box(-np.inf, np.inf, (1,))

    @property
    def action_space(self):
        return Discrete(2)

    def reset(self, key):
        return CountState(jnp.zeros((), jnp.int32)), restart(jnp.zeros(1, jnp.float32))

    def step(self, state, action):
        state = CountState(state.t + 1)
        return state, transition(jnp.ones(1, jnp.float32), 0.0, state.t.astype(jnp.float32) >= self.goal)


class Played:
    """An environment with what its `reset` and those of its wrapped ones return."""

    def __init__(self, env):
        self.env = env
        self.state, self.timestep = env.reset(KEY)
