"""MultiArmedBandit of rlenvs: find the best of ten arms, which may wander."""

from collections.abc import Sequence
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
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
        arm: () int32, the arm that was pulled last; -1 at reset. For the picture alone.
        reward: () float32, what it gave. For the picture alone.
        key: () key that rewards are drawn from.
    """

    means: Array
    arm: Array
    reward: Array
    key: Key


class MultiArmedBandit(Env[MultiArmedBanditState, Array]):
    """Pull one of some arms; the reward is normal around the arm's mean, with a standard deviation of 1.

    The arms outlive episodes: `after_episode` hands their means on, so AutoReset and the adapters go on with the same
    bandit. A `reset` from outside begins with a new one, unless `means` says which.

    Observation: () int32, always 0.

    Action: the arm, 0 to `num_arms - 1`.

    Reward: a draw from the normal distribution around the arm's mean.

    Start: each mean is drawn from the standard normal distribution. The best of ten is 1.54 on average.

    Episode end:
        Termination: none.
        Truncation: none here; 1,000 steps in the registered id.

    Info: `regret`, () float32, by how much the best mean was above that of the arm pulled; 0 at reset.

    Attributes:
        means: (num_arms,) the mean reward of each arm, or None to draw them; `after_episode` sets it.
        drift: the standard deviation of what is added to each mean after every pull, with `is_restless`.
        is_restless: whether the means wander.
        num_arms: how many arms there are.

    Differences from the reference: it counts plays from 1, up to and not including 1,000, and never starts counting
    anew. So its first episode ends after 999 pulls, and no later one ends by this count. Here all are of 1,000.

    Source: Sutton and Barto, Reinforcement Learning: An Introduction, 1998, section 2.1; Whittle, Restless bandits:
    Activity allocation in a changing world, 1988; Kaixhin/rlenvs, `MultiArmedBandit.lua` of commit 1c276f2.

    Version history: v0, as in rlenvs.
    """

    outlives_episodes: ClassVar[bool] = True
    frames_per_second: ClassVar[int] = 8

    means: ArrayLike | Sequence[ArrayLike] | None = None
    drift: ArrayLike = 0.1
    is_restless: bool = static(default=False)
    num_arms: int = static(default=10)

    def check_fields(self) -> None:
        """Checks the number of arms and of means, and the drift."""
        if not isinstance(self.num_arms, int) or isinstance(self.num_arms, bool) or self.num_arms < 1:
            raise InvalidField(f"MultiArmedBandit: `num_arms` must be an integer of at least 1, got {self.num_arms!r}.")
        if isinstance(self.drift, int | float) and self.drift < 0:
            raise InvalidField(f"MultiArmedBandit: `drift` must not be negative, got {self.drift!r}.")
        if self.means is not None:
            shape = (len(self.means),) if isinstance(self.means, Sequence) else np.shape(self.means)
            if not shape or shape[-1] != self.num_arms:
                raise InvalidField(
                    f"MultiArmedBandit: `means` must hold one number for each of {self.num_arms} arms,"
                    f" got shape {shape}; set `num_arms` to match."
                )

    @property
    def observation_space(self) -> Discrete:
        """There is nothing to see."""
        return Discrete(1)

    @property
    def action_space(self) -> Discrete:
        """The arms."""
        return Discrete(self.num_arms)

    def reset(self, key: Key) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        """Draws the means, where they are not given."""
        key, means_key = jax.random.split(check_key(key))
        if self.means is None:
            means = jax.random.normal(means_key, (self.num_arms,), jnp.float32)
        else:
            means = jnp.asarray(self.means, jnp.float32)
        zero = jnp.zeros((), jnp.float32)
        state = MultiArmedBanditState(means=means, arm=jnp.full((), _NO_ARM, jnp.int32), reward=zero, key=key)
        return state, restart(self.observe(state), {"regret": zero})

    def step(self, state: MultiArmedBanditState, action: Array) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        """Pulls an arm."""
        key, noise_key = jax.random.split(state.key)
        count = 1 + self.num_arms * self.is_restless
        noise = jax.random.normal(noise_key, (count,), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), noise)

    def step_with(
        self, state: MultiArmedBanditState, action: Array, noise: Array
    ) -> tuple[MultiArmedBanditState, TimeStep[Array]]:
        """A step whose chance is given.

        Args:
            state: the state.
            action: () int32, the arm.
            noise: standard normal numbers, (1,) float32 for the reward; where the arms are restless, (1 + num_arms,),
                for the reward and for each mean.
        """
        mean = state.means.at[action].get(mode="clip")
        regret = state.means.max() - mean
        reward = mean + noise[0]
        means = state.means + self.drift * noise[1:] if self.is_restless else state.means
        state = state.replace(means=means, arm=action, reward=reward)
        return state, transition(self.observe(state), reward, False, {"regret": regret})

    def observe(self, state: MultiArmedBanditState) -> Array:
        """() int32: 0."""
        return jnp.zeros_like(state.arm)

    def after_episode(self, state: MultiArmedBanditState) -> Self:
        """The same arms."""
        return self.replace(means=state.means)

    def render(self, state: MultiArmedBanditState) -> Array:
        """(360, 640, 3) uint8: how likely each arm gives what, from -4 to 4, and what the last pull gave."""
        column, row = jnp.arange(_WIDTH, dtype=jnp.int32), jnp.arange(_HEIGHT, dtype=jnp.float32)
        arm = column * self.num_arms // _WIDTH
        value = _HIGHEST * (1.0 - 2.0 * (row + 0.5) / _HEIGHT)
        mean = state.means[arm][None, :]
        density = jnp.exp(-0.5 * (value[:, None] - mean) ** 2)
        # As in the book's figure 2.1, an arm is as wide as its density.
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
