"""Bandit: eleven arms, each of which always pays the same."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._fields import check_mapping_seed, check_shape
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_WIDTH, _HEIGHT = 480, 240  # pixels
_NOTHING_YET = -1


class BanditState(PyTreeNode):
    """State of `Bandit`.

    Attributes:
        action: () int32, the arm last pulled; -1 at reset. For the picture only.
    """

    action: Array


class Bandit(Env[BanditState, Array]):
    """Arms whose rewards are 0, 0.1, ..., 1 in some order: find the one that pays 1.

    Observation: (1, 1) float32.

        | index | meaning                                    | min | max | unit |
        |-------|--------------------------------------------|-----|-----|------|
        | 0     | always 1 (bsuite's own description says 0) | 1   | 1   |      |

    Action: () int32, from 0 to num_actions - 1: the arm.

    Reward: that of the arm.

    Start: a single state.

    Episode end:
        Termination: after one step.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        num_actions: number of arms.
        mapping_seed: seed of the order of the rewards. As in bsuite, the order is
            `numpy.random.RandomState(mapping_seed).permutation(num_actions)`.
        rewards: (num_actions,) reward of each arm, in place of `mapping_seed`. It is a leaf, so a batch of bandits can
            have different rewards.

    Differences from the reference: without a `mapping_seed`, bsuite draws an order; here the seed is 0 by default.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `SimpleBandit`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 2

    num_actions: int = static(default=11)
    mapping_seed: int = static(default=0)
    rewards: ArrayLike | None = None

    def check_fields(self) -> None:
        """Checks the number of arms, the seed, and the shape of the rewards."""
        check_integer(self, "num_actions", self.num_actions, 2, 10_000)
        check_mapping_seed(self, self.mapping_seed)
        check_shape(self, "rewards", self.rewards, (self.num_actions,))

    @property
    def arm_rewards(self) -> Array:
        """(num_actions,) float32: what each arm pays."""
        if self.rewards is not None:
            return jnp.asarray(self.rewards, jnp.float32)
        order = np.random.RandomState(self.mapping_seed).permutation(self.num_actions)
        return jnp.asarray(np.linspace(0, 1, self.num_actions)[order], jnp.float32)

    @property
    def observation_space(self) -> Box:
        """(1, 1) float32: nothing to see."""
        return Box(0.0, 1.0, (1, 1))

    @property
    def action_space(self) -> Discrete:
        return Discrete(self.num_actions)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The least and the greatest reward of the arms."""
        return self.arm_rewards.min(), self.arm_rewards.max()

    def reset(self, key: Key) -> tuple[BanditState, TimeStep[Array]]:
        check_key(key)
        state = BanditState(action=jnp.full((), _NOTHING_YET, jnp.int32))
        return state, restart(self.observe(state))

    def step(self, state: BanditState, action: Array) -> tuple[BanditState, TimeStep[Array]]:
        state = BanditState(action=self.action_space.validate(action))
        return state, transition(self.observe(state), self.arm_rewards[state.action], True)

    def observe(self, state: BanditState) -> Array:
        del state
        return jnp.ones((1, 1), jnp.float32)

    def render(self, state: BanditState) -> Array:
        """(240, 480, 3) uint8: a bar for the reward of each arm; that of the arm last pulled is orange."""
        floor, top = 0.88 * _HEIGHT, 0.12 * _HEIGHT
        x, y = np.arange(_WIDTH), np.arange(_HEIGHT, dtype=np.float32)[:, None]
        gap = _WIDTH / self.num_actions
        arm = (x / gap).astype(np.int32)
        rewards = self.arm_rewards
        share = jnp.maximum(rewards / jnp.maximum(jnp.max(jnp.abs(rewards)), 1e-6), 0.02)
        within = (np.abs((x + 0.5) % gap - gap / 2) < 0.36 * gap)[None] & (y < floor)
        is_bar = within & (y >= (floor - share[arm] * (floor - top))[None])
        light, orange = (np.array(color, np.uint8) for color in (palette.BLUE_LIGHT, palette.ORANGE))
        color = jnp.broadcast_to(jnp.where((arm == state.action)[:, None], orange, light), (_HEIGHT, _WIDTH, 3))
        opacity = jnp.where(is_bar, 255, 0).astype(jnp.uint8)[..., None]
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER).image(jnp.concatenate([color, opacity], -1), (0, 0))
        return canvas.line((0, floor + 1), (_WIDTH, floor + 1), 3.0, palette.STEEL).to_rgb()
