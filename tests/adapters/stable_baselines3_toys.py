"""What the tests of the adapter to Stable-Baselines3 share."""

import jax.numpy as jnp
import numpy as np

import jaxenvs
from jaxenvs import spaces

LANES = 3


def actions_for(env, steps):
    """Random actions: an array of them for each step."""
    env.action_space.seed(0)
    return [np.array([env.action_space.sample() for _ in range(env.num_envs)]) for _ in range(steps)]


class Bits(jaxenvs.Env):
    """Rewards the number of set bits; the observation is the last action."""

    @property
    def observation_space(self):
        return spaces.MultiBinary((2, 2))

    @property
    def action_space(self):
        return spaces.MultiBinary((2, 2))

    def reset(self, key):
        bits = jnp.zeros((2, 2), jnp.int8)
        return bits, jaxenvs.restart(bits)

    def step(self, state, action):
        action = self.action_space.validate(action)
        return action, jaxenvs.transition(action, action.sum().astype(jnp.float32), False)

    def render(self, state):
        return jnp.zeros((8, 8, 3), jnp.uint8)


class Words(Bits):
    """Bits, but it says that it would talk."""

    @property
    def observation_space(self):
        return spaces.Text(4)
