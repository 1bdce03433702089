"""An environment without a fault, as small as an environment gets, from which those with a fault derive."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import check_key
from jaxenvs.spaces import Box, Discrete


class WalkState(PyTreeNode):
    """State of `Sound`."""

    position: Array
    count: Array
    key: Array


class Sound(Env[WalkState, Array]):
    """A noisy walk on [-1, 1] that ends at 1."""

    stride: ArrayLike = 0.1
    noise: ArrayLike = 0.05

    @property
    def observation_space(self) -> Box:
        return Box(np.full((1,), -1, np.float32), np.full((1,), 1, np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    def reset(self, key):
        start_key, key = jax.random.split(check_key(key))
        position = jax.random.uniform(start_key, (), jnp.float32, -0.5, 0.5)
        return self.outcome(WalkState(position, jnp.zeros((), jnp.int32), key), None)

    def step(self, state, action):
        action = self.action_space.validate(action)
        noise_key, key = jax.random.split(state.key)
        push = jnp.where(action == 1, self.stride, -self.stride)
        noise = self.noise * jax.random.uniform(noise_key, (), jnp.float32, -1.0, 1.0)
        position = jnp.clip(state.position + push + noise, -1.0, 1.0)
        return self.outcome(WalkState(position, state.count + 1, key), state)

    def outcome(self, state, before):
        """What reset (before is None) and step return; the hook that most faults change."""
        if before is None:
            return state, restart(self.observe(state), self.info(state))
        return state, transition(self.observe(state), state.position, state.position >= 1.0, self.info(state))

    def observe(self, state):
        return state.position.astype(jnp.float32)[None]

    def info(self, state):
        return {"count": state.count}

    def render(self, state):
        column = jnp.arange(20, dtype=jnp.int32)[None, :, None]
        lit = column < (state.position * 10 + 10).astype(jnp.int32) + 1
        return jnp.broadcast_to(jnp.where(lit, jnp.uint8(200), jnp.uint8(20)), (8, 20, 3))
