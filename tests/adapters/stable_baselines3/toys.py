"""Toy environments for the tests of the adapter to Stable-Baselines3."""

import jax
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
    """Bits with a text observation space."""

    @property
    def observation_space(self):
        return spaces.Text(4)


class Reach(jaxenvs.Env):
    """Walks along a line towards a goal that is drawn at reset; each step costs 1 until it is near."""

    step_size: float = 0.25
    tolerance: float = 0.3

    @property
    def observation_space(self):
        point = spaces.Box(-2.0, 2.0, (1,))
        return spaces.Dict({"observation": point, "achieved_goal": point, "desired_goal": point})

    @property
    def action_space(self):
        return spaces.Box(-1.0, 1.0, (1,))

    def reset(self, key):
        goal = jax.random.uniform(key, (1,), jnp.float32, -1.0, 1.0)
        state = jnp.concatenate([jnp.zeros(1, jnp.float32), goal])
        return state, jaxenvs.restart(self.observe(state))

    def step(self, state, action):
        position = jnp.clip(state[:1] + self.step_size * jnp.clip(action, -1.0, 1.0), -2.0, 2.0)
        state = jnp.concatenate([position, state[1:]])
        return state, jaxenvs.transition(self.observe(state), self.compute_reward(state[:1], state[1:], {}), False)

    def observe(self, state):
        return {"observation": state[:1], "achieved_goal": state[:1], "desired_goal": state[1:]}

    def compute_reward(self, achieved_goal, desired_goal, info):
        """-1 if the goal is far, for one transition or a batch, as Gymnasium-Robotics' goal environments do."""
        far = jnp.abs(jnp.asarray(achieved_goal) - jnp.asarray(desired_goal)).max(axis=-1) > self.tolerance
        return -far.astype(jnp.float32)

    def render(self, state):
        return jnp.zeros((8, 8, 3), jnp.uint8)


class Tenths(jaxenvs.Env):
    """Rewards each step with 0.1, which no float holds exactly."""

    @property
    def observation_space(self):
        return spaces.Discrete(1)

    @property
    def action_space(self):
        return spaces.Discrete(1)

    def reset(self, key):
        state = jnp.zeros((), jnp.int32)
        return state, jaxenvs.restart(state)

    def step(self, state, action):
        return state, jaxenvs.transition(state, 0.1, False)

    def render(self, state):
        return jnp.zeros((8, 8, 3), jnp.uint8)
