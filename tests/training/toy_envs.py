"""Environments whose values and returns are known."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs import Env, restart, static, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import check_key
from jaxenvs.spaces import Box, Dict, Discrete, Tuple


class EndlessState(PyTreeNode):
    time: Array


class Endless(Env[EndlessState, Array]):
    """Reward 1 at every step, and the same observation; terminates after `length` steps."""

    length: Any = 2**30

    @property
    def observation_space(self):
        return Box(-1, 1, (2,), np.float32)

    @property
    def action_space(self):
        return Discrete(2, start=5)

    def reset(self, key):
        check_key(key)
        return EndlessState(jnp.zeros((), jnp.int32)), restart(jnp.ones(2, jnp.float32))

    def step(self, state, action):
        self.action_space.validate(action)
        time = state.time + 1
        return EndlessState(time), transition(jnp.ones(2, jnp.float32), 1.0, time >= self.length)

    def render(self, state):
        return jnp.zeros((2, 2, 3), jnp.uint8)


class WalkState(PyTreeNode):
    position: Array
    key: Array


class Walk(Env[WalkState, Any]):
    """A walk on the integers that can slip, until it is `edge` away from 0.

    Rewards are whole numbers, so sums are exact in any order. Actions are 5 and 6 for left and right.
    """

    step_reward: Any = 1.0
    slip: Any = 0.25
    edge: int = static(default=4)

    @property
    def observation_space(self):
        return Dict({"position": Box(-100, 100, (1,), np.float32), "side": Discrete(3, start=-1)})

    @property
    def action_space(self):
        return Discrete(2, start=5)

    def reset(self, key):
        start_key, key = jax.random.split(check_key(key))
        state = WalkState(jax.random.randint(start_key, (), -2, 3, jnp.int32), key)
        return state, restart(self._observe(state))

    def step(self, state, action):
        action = self.action_space.validate(action)
        key, slip_key = jax.random.split(state.key)
        slips = jax.random.uniform(slip_key, (), jnp.float32) < self.slip
        move = jnp.where((action == 6) ^ slips, 1, -1)
        state = WalkState(state.position + move, key)
        reward = self.step_reward * state.position.astype(jnp.float32)
        return state, transition(self._observe(state), reward, jnp.abs(state.position) >= self.edge)

    def _observe(self, state):
        return {"position": state.position.astype(jnp.float32)[None], "side": jnp.sign(state.position)}

    def render(self, state):
        return jnp.zeros((2, 2, 3), jnp.uint8)


class Reach(Env[EndlessState, Array]):
    """One step: the reward is minus the squared distance of the action from (0.5, -3)."""

    @property
    def observation_space(self):
        return Box(-1, 1, (1,), np.float32)

    @property
    def action_space(self):
        return Box(np.array([-1, -4], np.float32), np.array([1, 0], np.float32))

    def reset(self, key):
        check_key(key)
        return EndlessState(jnp.zeros((), jnp.int32)), restart(jnp.ones(1, jnp.float32))

    def step(self, state, action):
        action = self.action_space.validate(action)
        reward = -jnp.sum((action - jnp.array([0.5, -3.0], jnp.float32)) ** 2)
        return EndlessState(state.time + 1), transition(jnp.ones(1, jnp.float32), reward, True)

    def render(self, state):
        return jnp.zeros((2, 2, 3), jnp.uint8)


class SidesState(PyTreeNode):
    is_right: Array
    key: Array


class Sides(Env[SidesState, Any]):
    """A picture that is bright on the left or on the right; reward 1 for the action of that side. 8 steps."""

    @property
    def observation_space(self):
        return Box(0, 255, (12, 10), np.uint8)

    @property
    def action_space(self):
        return Discrete(2)

    def reset(self, key):
        state = self._drawn(check_key(key))
        return state, restart(self._picture(state))

    def step(self, state, action):
        action = self.action_space.validate(action)
        reward = ((action == 1) == state.is_right).astype(jnp.float32)
        state = self._drawn(state.key)
        return state, transition(self._picture(state), reward, False)

    def render(self, state):
        return jnp.repeat(self._picture(state)[:, :, None], 3, axis=2)

    def _drawn(self, key):
        key, side_key = jax.random.split(key)
        return SidesState(jax.random.bernoulli(side_key), key)

    def _picture(self, state):
        is_bright = (jnp.arange(10) >= 5) == state.is_right
        return jnp.broadcast_to(jnp.where(is_bright, 255, 0).astype(jnp.uint8), (12, 10))


class SignedSides(Env[SidesState, Any]):
    """`Sides` with a sign beside the picture, for which the other side is right if it is -1. 8 steps.

    Actions are 0 and 1, or if `is_continuous` from -1 to 1, and the reward is minus the distance from the end.
    """

    is_continuous: bool = static(default=False)

    @property
    def observation_space(self):
        inner = Tuple((Box(0, 255, (12, 10), np.uint8), Discrete(3)))
        return Dict({"seen": inner, "sign": Box(-1, 1, (), np.float32)})

    @property
    def action_space(self):
        return Box(-1, 1, (1,)) if self.is_continuous else Discrete(2)

    def reset(self, key):
        state = Sides()._drawn(check_key(key))
        return state, restart(self.observe(state))

    def step(self, state, action):
        action = self.action_space.validate(action)
        is_right = state.is_right ^ (self.observe(state)["sign"] < 0)
        if self.is_continuous:
            reward = -jnp.abs(action[0] - jnp.where(is_right, 1.0, -1.0))
        else:
            reward = ((action == 1) == is_right).astype(jnp.float32)
        state = Sides()._drawn(state.key)
        return state, transition(self.observe(state), reward, False)

    def observe(self, state):
        sign = jnp.where(jax.random.bernoulli(jax.random.fold_in(state.key, 1)), 1.0, -1.0).astype(jnp.float32)
        return {"seen": (Sides()._picture(state), jnp.zeros((), jnp.int32)), "sign": sign}
