"""UmbrellaChain: take an umbrella or not, and find out much later whether that was right."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import INT32_MAX, check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs._tileset import sprite_of
from jaxenvs.envs.bsuite._coins import flip_coins
from jaxenvs.envs.bsuite._picture import HEIGHT, WIDTH, time_bar
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_SPRITE = 100  # pixels
_GROUND = HEIGHT - 48


class UmbrellaChainState(PyTreeNode):
    """State of `UmbrellaChain`.

    Attributes:
        need_umbrella: () bool, whether it will rain.
        has_umbrella: () bool, whether there is one; before the first step, drawn by a fair coin.
        distractors: (n_distractor,) bool, the observed distractors, drawn by fair coins.
        elapsed: () int32, steps since reset.
        key: () key that randomness is drawn from.
    """

    need_umbrella: Array
    has_umbrella: Array
    distractors: Array
    elapsed: Array
    key: Key


class UmbrellaChain(Env[UmbrellaChainState, Array]):
    """The first action decides whether to take an umbrella. The last step pays for it; all others pay at random.

    Observation: (1, 3 + n_distractor) float32.

        | index | meaning                                                          | min | max | unit |
        |-------|------------------------------------------------------------------|-----|-----|------|
        | 0     | 1 if an umbrella is needed, else 0                               | 0   | 1   |      |
        | 1     | 1 if there is an umbrella, else 0; at reset drawn by a fair coin | 0   | 1   |      |
        | 2     | 1 - steps since the start / chain_length                         | 0   | 1   |      |
        | 3...  | distractors: 0 or 1, drawn by fair coins in each step            | 0   | 1   |      |

    Action: () int32. 0 leaves the umbrella, 1 takes it. Only the first action matters.

    Reward: in the last step, 1 if there is an umbrella exactly when one is needed, else -1. In the steps before, 1 or
        -1, drawn by a fair coin. So the best mean return is 1 and the worst is -1.

    Start: whether an umbrella is needed is drawn by a fair coin.

    Episode end:
        Termination: after `chain_length` steps.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        chain_length: number of steps.
        n_distractor: number of distractors.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `UmbrellaChain`, whose
        experiments are `umbrella_length` and `umbrella_distract`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 6

    chain_length: int = static(default=20)
    n_distractor: int = static(default=20)

    def check_fields(self) -> None:
        check_integer(self, "chain_length", self.chain_length, 1, INT32_MAX)
        check_integer(self, "n_distractor", self.n_distractor, 0, 10_000)

    @property
    def observation_space(self) -> Box:
        """(1, 3 + n_distractor) float32, from 0 to 1."""
        return Box(0.0, 1.0, (1, 3 + self.n_distractor))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[UmbrellaChainState, TimeStep[Array]]:
        key, coin_key = jax.random.split(check_key(key))
        coins = flip_coins(coin_key, 2 + self.n_distractor)
        state = UmbrellaChainState(
            need_umbrella=coins[0],
            has_umbrella=coins[1],
            distractors=coins[2:],
            elapsed=jnp.zeros((), jnp.int32),
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: UmbrellaChainState, action: Array) -> tuple[UmbrellaChainState, TimeStep[Array]]:
        """Takes the umbrella or not, or walks on."""
        key, coin_key = jax.random.split(state.key)
        coins = flip_coins(coin_key, 1 + self.n_distractor)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), coins)

    def step_with(
        self, state: UmbrellaChainState, action: Array, coins: Array
    ) -> tuple[UmbrellaChainState, TimeStep[Array]]:
        """A step with given randomness.

        Args:
            state: as for `step`.
            action: as for `step`.
            coins: (1 + n_distractor,) bool: whether a step before the last pays 1 rather than -1, and the distractors.
        """
        state = state.replace(
            has_umbrella=jnp.where(state.elapsed == 0, action == 1, state.has_umbrella),
            distractors=coins[1:],
            elapsed=state.elapsed + 1,
        )
        terminated = state.elapsed >= self.chain_length
        is_good = jnp.where(terminated, state.has_umbrella == state.need_umbrella, coins[0])
        return state, transition(self.observe(state), jnp.where(is_good, 1.0, -1.0), terminated)

    def observe(self, state: UmbrellaChainState) -> Array:
        left = jnp.maximum(self.chain_length - state.elapsed, 0).astype(jnp.float32) / self.chain_length
        need, has = (flag.astype(jnp.float32) for flag in (state.need_umbrella, state.has_umbrella))
        return jnp.concatenate([jnp.stack([need, has, left]), state.distractors.astype(jnp.float32)])[None]

    def render(self, state: UmbrellaChainState) -> Array:
        """(240, 480, 3) uint8: the coming weather, the walker with or without an umbrella, and the distractors."""
        need, has = (flag.astype(jnp.float32) for flag in (state.need_umbrella, state.has_umbrella))
        sun, cloud, walker, umbrella = (
            sprite_of(painter, _SPRITE, _SPRITE) for painter in (_sun, _cloud, _walker, _umbrella)
        )
        canvas = Canvas.blank(HEIGHT, WIDTH, palette.SKY)
        canvas = canvas.image(sun, (380, 8), opacity=1.0 - need).image(cloud, (380, 8), opacity=need)
        canvas = canvas.rectangle((WIDTH / 2, HEIGHT - 24.0), (WIDTH, 48.0), palette.PAPER)
        canvas = canvas.line((0.0, _GROUND), (WIDTH, _GROUND), 4.0, palette.GRASS_DARK)
        share = jnp.minimum(state.elapsed, self.chain_length).astype(jnp.float32) / self.chain_length
        corner = jnp.round(10.0 + 310.0 * share).astype(jnp.int32), _GROUND - _SPRITE
        canvas = canvas.image(walker, corner).image(umbrella, corner, opacity=has)
        if self.n_distractor:
            size = min(max(300 // self.n_distractor, 2), 16)
            colors = jnp.where(state.distractors[:, None], np.array(palette.SLATE), np.array(palette.WHITE))
            strip = jnp.repeat(colors.astype(jnp.uint8), size, axis=0)[: WIDTH - 40]
            canvas = canvas.image(jnp.broadcast_to(strip[None], (16, *strip.shape)), (20, 20))
        return time_bar(canvas, share).to_rgb()


def _sun(canvas: Canvas) -> Canvas:
    return canvas.circle((50.0, 42.0), 24.0, palette.YELLOW)


def _cloud(canvas: Canvas) -> Canvas:
    for x, y, radius in ((25.0, 48.0, 18.0), (50.0, 38.0, 24.0), (75.0, 48.0, 18.0)):
        canvas = canvas.circle((x, y), radius, palette.SLATE)
    for x in (24.0, 42.0, 60.0, 78.0):
        canvas = canvas.line((x, 74.0), (x - 6.0, 94.0), 3.0, palette.BLUE)
    return canvas


def _walker(canvas: Canvas) -> Canvas:
    canvas = canvas.line((50.0, 60.0), (50.0, 78.0), 10.0, palette.BLUE_DARK)
    for foot in (45.0, 55.0):
        canvas = canvas.line((50.0, 78.0), (foot, 95.0), 5.0, palette.BLUE_DARK)
    canvas = canvas.circle((50.0, 44.0), 9.0, palette.ORANGE_LIGHT)
    return canvas.line((50.0, 64.0), (64.0, 58.0), 4.0, palette.BLUE_DARK)


def _umbrella(canvas: Canvas) -> Canvas:
    canvas = canvas.line((64.0, 60.0), (64.0, 14.0), 3.0, palette.INK)
    dome = [(64.0 + 34.0 * np.cos(angle), 28.0 - 24.0 * np.sin(angle)) for angle in np.linspace(0, np.pi, 13)]
    return canvas.polygon(dome, palette.RED)
