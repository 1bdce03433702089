"""Environments with one hidden dependence or effect each, or with random numbers that are not."""

import functools
import itertools
import math
import random

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import check_key
from jaxenvs.spaces import Box
from tests.conformance.sound import Sound, WalkState

COUNTER = itertools.count()


class SeedsNumpy(Sound):
    """Draws from NumPy's global generator, always the same number, since it seeds the generator."""

    def observe(self, state):
        np.random.seed(0)
        return Sound.observe(self, state) * np.float32(np.random.rand())


class SeedsPython(Sound):
    """The same with Python's generator."""

    def observe(self, state):
        random.seed(0)
        return Sound.observe(self, state) * random.random()


class SetsJax(Sound):
    """Changes a setting of JAX for the whole process."""

    def reset(self, key):
        jax.config.update("jax_debug_infs", True)
        return Sound.reset(self, key)


class ChangesItself(Sound):
    """Counts its steps in the environment, past the frozen fields."""

    def step(self, state, action):
        self.__dict__["steps"] = self.__dict__.get("steps", 0) + 1
        return Sound.step(self, state, action)


class KeepsTable(Sound):
    """Keeps an array of one trace for the next."""

    @functools.cached_property
    def table(self):
        return jnp.arange(1, 4, dtype=jnp.float32)

    def observe(self, state):
        return Sound.observe(self, state) * self.table[0]


class RandomPicture(Sound):
    """Draws NumPy's noise into the picture."""

    def render(self, state):
        return Sound.render(self, state) + np.random.default_rng().integers(0, 9, (8, 20, 3)).astype(np.uint8)


class DrawsTwice(Sound):
    """Two numbers from one key."""

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        bonus = jax.random.uniform(state.key, (), jnp.float32) - jax.random.uniform(state.key, (), jnp.float32)
        return state.replace(key=jax.random.fold_in(state.key, 1)), timestep.replace(reward=timestep.reward + bonus)


class DrawsTwiceInLoop(Sound):
    """The same number in each round of a loop."""

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        draw_key, key = jax.random.split(state.key)
        body = lambda _, total: total + jax.random.uniform(draw_key, (), jnp.float32)  # noqa: E731
        return state.replace(key=key), timestep.replace(reward=jax.lax.fori_loop(0, 3, body, timestep.reward))


class KeepsKey(Sound):
    """Every step draws the same numbers, since the key stays."""

    def step(self, state, action):
        after, timestep = Sound.step(self, state, action)
        return after.replace(key=state.key), timestep


class KeepsDrawnKey(Sound):
    """The start is drawn from the key that the steps begin with."""

    def reset(self, key):
        position = jax.random.uniform(check_key(key), (), jnp.float32, -0.5, 0.5)
        return self.outcome(WalkState(position, jnp.zeros((), jnp.int32), key), None)


class ConstantNoise(Sound):
    """The noise of a step depends on its number, and on no key."""

    def step(self, state, action):
        key = jax.random.fold_in(jaxenvs.random.key(0), state.count)
        return Sound.step(self, state.replace(key=key), action)


class ResetsItself(Sound):
    """Shows the next start in the step that ends an episode."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        start = jnp.where(timestep.terminated, 0.0, timestep.observation)
        return state, timestep.replace(observation=start)

    def observe(self, state):
        return jnp.minimum(state.position, 1.0).astype(jnp.float32)[None]


class BeginsAnew(Sound):
    """The step that ends an episode draws the next start: state, observation and key."""

    def step(self, state, action):
        after, timestep = Sound.step(self, state, action)
        reset_key, _ = jax.random.split(after.key)
        start, restarted = Sound.reset(self, reset_key)
        choose = lambda new, old: jax.tree.map(lambda a, b: jnp.where(timestep.terminated, a, b), new, old)  # noqa: E731
        observation = choose(restarted.observation, timestep.observation)
        return choose(start, after), timestep.replace(observation=observation, final_observation=observation)


class FirstState(PyTreeNode):
    """State of `GoesBack`."""

    walk: WalkState
    first: Array


class GoesBack(Sound):
    """The step that ends an episode goes back to the start of that episode, which the state keeps."""

    def reset(self, key):
        walk, timestep = Sound.reset(self, key)
        return FirstState(walk, walk.position), timestep

    def step(self, state, action):
        walk, timestep = Sound.step(self, state.walk, action)
        over = timestep.terminated
        position, count = jnp.where(over, state.first, walk.position), jnp.where(over, 0, walk.count)
        walk = walk.replace(position=position, count=count)
        observation = walk.position[None]
        return FirstState(walk, state.first), timestep.replace(observation=observation, final_observation=observation)

    def observe(self, state):
        return state.position[None] if isinstance(state, WalkState) else state.walk.position[None]

    def render(self, state):
        return Sound.render(self, state.walk)


class RarelyOver(Sound):
    """One start in fifty is over before it begins."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(terminated=timestep.terminated | (state.position > 0.48))


class OtherSpaces(Sound):
    """A space with other bounds each time."""

    @property
    def observation_space(self):
        return Box(-1.5, 1.5 + next(COUNTER), (1,))


class NanRange(Sound):
    """A range of rewards that is none."""

    @property
    def reward_range(self):
        return math.nan, 1.0


class OtherShape(Sound):
    """Observations of another shape than their space."""

    @property
    def observation_space(self):
        return Box(-1.0, 1.0, (1, 1))


class Donates(Sound):
    """A jitted part that gives away the state's position."""

    @staticmethod
    @functools.partial(jax.jit, donate_argnums=0)
    def moved(position):
        return position + 0.0

    def step(self, state, action):
        return Sound.step(self, state.replace(position=self.moved(state.position)), action)
