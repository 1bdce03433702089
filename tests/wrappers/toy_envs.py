"""Two small environments for the tests of wrappers, and the Gymnasium twin of one."""

from typing import Any, ClassVar

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs import Env, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import check_key
from jaxenvs.spaces import Box, Dict, Discrete, Space, Tuple


class CounterState(PyTreeNode):
    position: Array
    length: Array
    time: Array


class Counter(Env[CounterState, Any]):
    """Drifts from a random place for a random number of steps; observations are a tree."""

    drift: ArrayLike = 0.5
    longest: ArrayLike = 6

    @property
    def observation_space(self):
        return Dict({"position": Box(-np.inf, np.inf, (2,), np.float32), "time": Tuple((Discrete(10_000),))})

    @property
    def action_space(self):
        return Discrete(3)

    def reset(self, key):
        place_key, length_key = jax.random.split(check_key(key))
        position = jax.random.normal(place_key, (2,), jnp.float32)
        length = jax.random.randint(length_key, (), 1, jnp.asarray(self.longest, jnp.int32) + 1, jnp.int32)
        state = CounterState(position, length, jnp.zeros((), jnp.int32))
        return state, restart(self._observe(state), {"time": state.time})

    def step(self, state, action):
        action = self.action_space.validate(action)
        position = state.position + self.drift * action.astype(jnp.float32)
        state = state.replace(position=position, time=state.time + 1)
        reward = position[0] + 10.0 * state.time.astype(jnp.float32)
        return state, transition(self._observe(state), reward, state.time >= state.length, {"time": state.time})

    def _observe(self, state):
        return {"position": state.position, "time": (state.time,)}

    def render(self, state):
        level = jnp.clip(100 * state.time, 0, 255).astype(jnp.uint8)
        return jnp.full((6, 8, 3), level, jnp.uint8).at[0, 0].set(jnp.array([255, 0, 0], jnp.uint8))


class CostlyCounter(Counter):
    """The same, declared as costly to reset."""

    reset_is_costly: ClassVar[bool] = True


class GameState(PyTreeNode):
    lives: Array
    time: Array
    key: Array


class Game(Env[GameState, Any]):
    """A game of two to four lives, which are lost at random; its observation is the time since it began."""

    danger: ArrayLike = 0.4

    @property
    def observation_space(self):
        return Box(0, 10_000, (1,), np.float32)

    @property
    def action_space(self):
        return Discrete(3)

    def reset(self, key):
        key, lives_key = jax.random.split(check_key(key))
        state = GameState(jax.random.randint(lives_key, (), 2, 5, jnp.int32), jnp.zeros((), jnp.int32), key)
        return state, restart(self._observe(state), {"lives": state.lives})

    def step(self, state, action):
        action = self.action_space.validate(action)
        key, danger_key = jax.random.split(state.key)
        is_hit = jax.random.bernoulli(danger_key, self.danger)
        state = GameState(state.lives - is_hit.astype(jnp.int32), state.time + 1, key)
        reward = 10 * state.time + action
        return state, transition(self._observe(state), reward, state.lives <= 0, {"lives": state.lives})

    def _observe(self, state):
        return state.time.astype(jnp.float32)[None]

    def render(self, state):
        return jnp.full((4, 4, 3), state.lives.astype(jnp.uint8), jnp.uint8)


class Script(PyTreeNode):
    """What happens at each index: observations are a tree of (T, ...), rewards and ends are (T,)."""

    observations: Any
    rewards: Any
    ends: Any


class Scripted(Env[Array, Any]):
    """Plays back a script from a random place in its first half; the state is the index into it."""

    script: Script
    observations: Space
    actions: Space

    @property
    def observation_space(self):
        return self.observations

    @property
    def action_space(self):
        return self.actions

    def reset(self, key):
        half = len(self.script.rewards) // 2
        index = jax.random.randint(check_key(key), (), 0, half, jnp.int32)
        no_action = jax.tree.map(jnp.zeros_like, self.actions.sample(key))
        return index, restart(self._observe(index), {"taken": no_action})

    def step(self, state, action):
        action = self.action_space.validate(action)
        index = jnp.minimum(state + 1, len(self.script.rewards) - 1)
        reward, end = jnp.asarray(self.script.rewards)[index], jnp.asarray(self.script.ends)[index]
        return index, transition(self._observe(index), reward, end, {"taken": action})

    def _observe(self, index):
        return jax.tree.map(lambda table: jnp.asarray(table)[index], self.script.observations)

    def render(self, state):
        return jnp.full((4, 4, 3), state.astype(jnp.uint8), jnp.uint8)


class GymnasiumScripted(gymnasium.Env):
    """The same in Gymnasium; each reset goes to the next of `starts`."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"]}
    render_mode = "rgb_array"

    def __init__(self, env, starts):
        self.env, self.starts, self.index = env, iter(starts), 0
        self.script = jax.tree.map(np.asarray, env.script)
        self.observation_space = env.observation_space.to_gymnasium()
        self.action_space = env.action_space.to_gymnasium()

    def _observe(self):
        observation = jax.tree.map(lambda table: table[self.index], self.script.observations)
        return self.env.observation_space.element_to_gymnasium(observation)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.index = next(self.starts)
        return self._observe(), {}

    def step(self, action):
        self.index = min(self.index + 1, len(self.script.rewards) - 1)
        end = bool(self.script.ends[self.index])
        return self._observe(), float(self.script.rewards[self.index]), end, False, {"taken": np.array(action)}

    def render(self):
        return np.full((4, 4, 3), self.index, np.uint8)


BOX = Box(-2.0, 3.0, (3,), np.float32)
LENGTH = 400


def scripted(space=BOX, actions=None, ends=None):
    observations = jax.tree.map(np.asarray, jax.vmap(space.sample)(jax.random.split(jax.random.key(0), LENGTH)))
    ends = np.zeros(LENGTH, bool) if ends is None else ends
    return Scripted(Script(observations, np.ones(LENGTH, np.float32), ends), space, actions or Discrete(1000))


def new_drift(key, env):
    return env.replace(drift=jax.random.uniform(key, ()))
