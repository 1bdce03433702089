"""MultiArmedBandit of rlenvs: find the best of ten arms, whose means may drift."""

from collections.abc import Sequence
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete

_NO_ARM = -1
_WIDTH, _HEIGHT = 640, 360  # pixels
_HIGHEST = 4.0  # the reward at the upper edge of the picture


class MultiArmedBanditState(PyTreeNode):
    """State of `MultiArmedBandit`.

    Attributes:
        means: (num_arms,) float32, the mean reward of each arm.
        arm: () int32, the arm that was pulled last; -1 at reset. For the picture only.
        reward: () float32, the reward it gave. For the picture only.
        key: () key that rewards are drawn from.
    """

    means: Array
    arm: Array
    reward: Array
    key: Key


class MultiArmedBandit(Env[MultiArmedBanditState, Array]):
    """Pull one of several arms; the reward is normal around the arm's mean, with a standard deviation of 1.

    The arms outlast episodes: `after_episode` passes their means on, so AutoReset and the adapters continue with the
    same bandit. Calling `reset` from outside begins a new one, unless `means` is given.

    Observation: () int32, from 0 to 0: always 0.

    Action: () int32, from 0 to num_arms - 1: the arm.

    Reward: a sample from the normal distribution around the arm's mean.

    Start: each mean is drawn from the standard normal distribution. The best of ten is 1.54 on average.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: `regret`, () float32: the best mean minus the mean of the arm pulled; 0 at reset.

    Parameters:
        means: (num_arms,) mean reward of each arm, or None to draw them; `after_episode` sets it.
        drift: with `is_restless`, the standard deviation of the noise added to each mean after every pull.
        is_restless: whether the means drift.
        num_arms: number of arms.

    Differences from the reference: it counts pulls from 1 up to but excluding 1,000, and never resets the count. So its
        first episode ends after 999 pulls, and no later one ends by this count. Here every episode has 1,000.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, section 2.1; P. Whittle,
        "Restless bandits: Activity allocation in a changing world", 1988; Kaixhin/rlenvs, `MultiArmedBandit.lua` of
        commit 1c276f2.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    changes_between_episodes: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 8

    means: ArrayLike | Sequence[ArrayLike] | None = None
    drift: ArrayLike = 0.1
    is_restless: bool = static(default=False)
    num_arms: int = static(default=10)

    def check_fields(self) -> None:
        """Checks the number of arms and of means, and the drift."""
        check_integer(self, "num_arms", self.num_arms)
        check_range(self, "drift", self.drift, 0)
        if self.means is not None:
            shape = (len(self.means),) if isinstance(self.means, Sequence) else np.shape(self.means)
            if not shape or shape[-1] != self.num_arms:
                raise InvalidField(
                    f"MultiArmedBandit: `means` must hold one number for each of {self.num_arms} arms,"
                    f" got shape {shape}; set `num_arms` to match."
                )

    @property
    def observation_space(self) -> Discrete:
        return Discrete(1)

    @property
    def action_space(self) -> Discrete:
        return Discrete(self.num_arms)

    def reset(self, key: Key) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        """Draws the means, unless they are given."""
        key, means_key = jax.random.split(check_key(key))
        if self.means is None:
            means = jax.random.normal(means_key, (self.num_arms,), jnp.float32)
        else:
            means = jnp.asarray(self.means, jnp.float32)
        zero = jnp.zeros((), jnp.float32)
        state = MultiArmedBanditState(means=means, arm=jnp.full((), _NO_ARM, jnp.int32), reward=zero, key=key)
        return state, restart(self.observe(state), {"regret": zero})

    def step(self, state: MultiArmedBanditState, action: Array) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        key, noise_key = jax.random.split(state.key)
        count = 1 + self.num_arms * self.is_restless
        noise = jax.random.normal(noise_key, (count,), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), noise)

    def step_with(
        self, state: MultiArmedBanditState, action: Array, noise: Array
    ) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        """A step with given randomness.

        Args:
            state: the state.
            action: () int32, the arm.
            noise: standard normal numbers, (1,) float32 for the reward; if the arms are restless, (1 + num_arms,) for
                the reward and for each mean.
        """
        mean = state.means.at[action].get(mode="clip")
        regret = state.means.max() - mean
        reward = mean + noise[0]
        means = state.means + self.drift * noise[1:] if self.is_restless else state.means
        state = state.replace(means=means, arm=action, reward=reward)
        return state, transition(self.observe(state), reward, False, {"regret": regret})

    def observe(self, state: MultiArmedBanditState) -> Array:
        return jnp.zeros_like(state.arm)

    def after_episode(self, state: MultiArmedBanditState) -> Self:
        return self.replace(means=state.means)

    def render(self, state: MultiArmedBanditState) -> Array:
        """(360, 640, 3) uint8: the reward density of each arm, from -4 to 4, and the reward of the last pull."""
        column, row = jnp.arange(_WIDTH, dtype=jnp.int32), jnp.arange(_HEIGHT, dtype=jnp.float32)
        arm = column * self.num_arms // _WIDTH
        value = _HIGHEST * (1.0 - 2.0 * (row + 0.5) / _HEIGHT)
        mean = state.means[arm][None, :]
        density = jnp.exp(-0.5 * (value[:, None] - mean) ** 2)
        # As in the book's figure 2.1, the width of an arm is its density.
        beside = jnp.abs((column.astype(jnp.float32) + 0.5) * self.num_arms / _WIDTH - arm.astype(jnp.float32) - 0.5)
        is_inside = beside[None, :] < 0.42 * density
        paper, plain, best, pulled = (
            jnp.asarray(color, jnp.uint8)
            for color in (palette.PAPER, palette.BLUE_LIGHT, palette.TEAL_LIGHT, palette.YELLOW_LIGHT)
        )
        arm_color = jnp.where((mean[0] == state.means.max())[:, None], best[None], plain[None])
        ground = jnp.where((arm == state.arm)[:, None], pulled[None], paper[None])
        picture = jnp.where(is_inside[..., None], arm_color[None], ground[None])
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER).image(picture, (0, 0))
        canvas = canvas.line((0.0, _HEIGHT / 2), (float(_WIDTH), _HEIGHT / 2), 2.0, palette.STEEL)
        x = (state.arm.astype(jnp.float32) + 0.5) * _WIDTH / self.num_arms
        y = _HEIGHT / 2 * (1.0 - state.reward / _HIGHEST)
        return canvas.circle((x, y), 8.0, palette.WHITE).circle((x, y), 6.0, palette.RED).to_rgb()
