"""DiscountingChain: one choice, whose reward comes sooner or later."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._fields import check_mapping_seed, check_shape
from jaxenvs.envs.bsuite._picture import HEIGHT, WIDTH
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_REWARD_TIMES = np.array([1, 3, 10, 30, 100], np.int32)
_LENGTH = 100
_CHAINS = len(_REWARD_TIMES)
_BONUS = 0.1
_NO_CHOICE = -1


class DiscountingChainState(PyTreeNode):
    """State of `DiscountingChain`; each () int32.

    Attributes:
        chain: the chain that the first action chose, from 0 to 4; -1 before.
        elapsed: steps since reset.
    """

    chain: Array
    elapsed: Array


class DiscountingChain(Env[DiscountingChainState, Array]):
    """The first action chooses one of five chains, which pay after 1, 3, 10, 30 and 100 steps; one pays a bonus.

    Observation: (1, 2) float32.

        | index | meaning                                    | min | max | unit |
        |-------|--------------------------------------------|-----|-----|------|
        | 0     | the chosen chain; -1 before the first step | -1  | 4   |      |
        | 1     | steps since the start / 100                | 0   | 1   |      |

    Action: () int32, from 0 to 4: the chain. Only the first action matters.

    Reward: 1 in the step in which the chosen chain pays, or 1.1 if it is the one with the bonus; else 0. The best
        return is 1.1.

    Start: a single state.

    Episode end:
        Termination: after 100 steps.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        mapping_seed: determines which chain has the bonus. As in bsuite, it is number `mapping_seed % 5`.
        rewards: (5,) reward of each chain, in place of `mapping_seed`. It is a leaf, so a batch of chains can have
            different rewards.

    Differences from the reference: without a `mapping_seed`, bsuite draws the chain with the bonus; here the seed is 0
        by default.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `DiscountingChain`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    mapping_seed: int = static(default=0)
    rewards: ArrayLike | None = None

    def check_fields(self) -> None:
        """Checks the seed, and the shape of the rewards."""
        check_mapping_seed(self, self.mapping_seed)
        check_shape(self, "rewards", self.rewards, (_CHAINS,))

    @property
    def chain_rewards(self) -> Array:
        """(5,) float32: what each chain pays."""
        if self.rewards is not None:
            return jnp.asarray(self.rewards, jnp.float32)
        has_bonus = np.arange(_CHAINS) == self.mapping_seed % _CHAINS
        return jnp.asarray(np.where(has_bonus, 1.0 + _BONUS, 1.0), jnp.float32)

    @property
    def observation_space(self) -> Box:
        return Box(np.array([[_NO_CHOICE, 0]], np.float32), np.array([[_CHAINS - 1, 1]], np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(_CHAINS)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0, or what a chain pays."""
        return jnp.minimum(0.0, self.chain_rewards.min()), self.chain_rewards.max()

    def reset(self, key: Key) -> tuple[DiscountingChainState, TimeStep[Array]]:
        check_key(key)
        state = DiscountingChainState(
            chain=jnp.full((), _NO_CHOICE, jnp.int32),
            elapsed=jnp.zeros((), jnp.int32),
        )
        return state, restart(self.observe(state))

    def step(self, state: DiscountingChainState, action: Array) -> tuple[DiscountingChainState, TimeStep[Array]]:
        """Chooses a chain, or goes along it."""
        action = self.action_space.validate(action)
        state = DiscountingChainState(
            chain=jnp.where(state.elapsed == 0, action, state.chain),
            elapsed=state.elapsed + 1,
        )
        pays = (np.arange(_CHAINS, dtype=np.int32) == state.chain) & (state.elapsed == _REWARD_TIMES)
        reward = jnp.where(pays, self.chain_rewards, 0.0).sum()
        return state, transition(self.observe(state), reward, state.elapsed >= _LENGTH)

    def observe(self, state: DiscountingChainState) -> Array:
        """(1, 2) float32: the chain and the time."""
        chain, elapsed = state.chain.astype(jnp.float32), state.elapsed.astype(jnp.float32)
        return jnp.stack([chain, elapsed / _LENGTH])[None]

    def render(self, state: DiscountingChainState) -> Array:
        """(240, 480, 3) uint8: the chains, a disc where each pays, larger for the bonus, and the progress so far."""
        left, right, gap = 40.0, WIDTH - 28.0, HEIGHT / _CHAINS
        rewards = self.chain_rewards
        canvas = Canvas.blank(HEIGHT, WIDTH, palette.PAPER)
        x = left + (right - left) * jnp.minimum(state.elapsed, _LENGTH).astype(jnp.float32) / _LENGTH
        for chain, time in enumerate(_REWARD_TIMES.tolist()):
            y = (chain + 0.5) * gap
            pay = left + (right - left) * time / _LENGTH
            canvas = canvas.line((left, y), (right, y), 4.0, palette.SILVER)
            chosen = (state.chain == chain).astype(jnp.float32)
            canvas = canvas.line((left, y), (x, y), 6.0, palette.BLUE, opacity=chosen)
            canvas = canvas.circle((pay, y), 9.0 * rewards[chain] ** 4, palette.YELLOW)
        y = jnp.where(state.chain < 0, HEIGHT / 2, (state.chain.astype(jnp.float32) + 0.5) * gap)
        x = jnp.where(state.chain < 0, left / 2, x)
        return canvas.circle((x, y), 8.0, palette.ORANGE).to_rgb()
