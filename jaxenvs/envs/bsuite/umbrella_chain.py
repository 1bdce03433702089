"""UmbrellaChain: take an umbrella or not, and learn much later whether that was right."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.spaces import Box, Discrete
from jaxenvs.envs.bsuite._fields import check_integer, flip_coins
from jaxenvs.envs.bsuite._picture import HEIGHT, WIDTH, time_bar


class UmbrellaChainState(PyTreeNode):
    """State of `UmbrellaChain`.

    Attributes:
        need_umbrella: () bool, whether it will rain.
        has_umbrella: () bool, whether there is one; before the first step a coin's.
        distractors: (n_distractor,) bool, the coins that are seen.
        elapsed: () int32, steps since reset.
        key: () key that chance is drawn from.
    """

    need_umbrella: Array
    has_umbrella: Array
    distractors: Array
    elapsed: Array
    key: Key


class UmbrellaChain(Env[UmbrellaChainState, Array]):
    """The first action says whether to take an umbrella; the last step pays for that, and all between pay at random.

    Observation: (1, 3 + n_distractor) float32.

    | index | meaning | min | max |
    |---|---|---|---|
    | 0 | 1 if an umbrella is needed, else 0 | 0 | 1 |
    | 1 | 1 if there is one, else 0; at reset a coin's | 0 | 1 |
    | 2 | 1 - steps since the start / chain_length | 0 | 1 |
    | 3... | distractors: new coins in each step, 0 or 1 | 0 | 1 |

    Action: 1 takes the umbrella, 0 leaves it; only the first action matters.

    Reward: in the last step 1 where there is an umbrella if and only if one is needed, else -1. In the steps before, 1
        or -1 by a coin. So the best mean return is 1, and the worst -1.

    Start: whether one is needed is a coin's.

    Episode end:
        Termination: after `chain_length` steps.
        Truncation: none.

    Attributes:
        chain_length: how many steps there are.
        n_distractor: how many coins are seen.

    Differences from the reference: none.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `UmbrellaChain`, whose
        experiments are `umbrella_length` and `umbrella_distract`.

    Version history: v0, as bsuite's.
    """

    frames_per_second: ClassVar[int] = 6

    chain_length: int = static(default=20)
    n_distractor: int = static(default=20)

    def check_fields(self) -> None:
        """Checks both sizes."""
        check_integer("UmbrellaChain", "chain_length", self.chain_length, 1)
        check_integer("UmbrellaChain", "n_distractor", self.n_distractor, 0, 10_000)

    @property
    def observation_space(self) -> Box:
        """(1, 3 + n_distractor) float32, from 0 to 1."""
        return Box(0.0, 1.0, (1, 3 + self.n_distractor))

    @property
    def action_space(self) -> Discrete:
        """Leave it, take it."""
        return Discrete(2)

    def reset(self, key: Key) -> tuple[UmbrellaChainState, TimeStep[Array]]:
        """Looks at the sky."""
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
        """Takes the umbrella or not, or goes on."""
        key, coin_key = jax.random.split(state.key)
        coins = flip_coins(coin_key, 1 + self.n_distractor)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), coins)

    def step_with(
        self, state: UmbrellaChainState, action: Array, coins: Array
    ) -> tuple[UmbrellaChainState, TimeStep[Array]]:
        """A step whose chance is given.

        Args:
            state: as for `step`.
            action: as for `step`.
            coins: (1 + n_distractor,) bool; the reward of a step on the way, 1 where true, and the distractors.
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
        """(1, 3 + n_distractor) float32."""
        left = jnp.maximum(self.chain_length - state.elapsed, 0).astype(jnp.float32) / self.chain_length
        need, has = (flag.astype(jnp.float32) for flag in (state.need_umbrella, state.has_umbrella))
        return jnp.concatenate([jnp.stack([need, has, left]), state.distractors.astype(jnp.float32)])[None]

    def render(self, state: UmbrellaChainState) -> Array:
        """(240, 480, 3) uint8: the sky to come, the walker with an umbrella or without, and the distractors."""
        need, has = (flag.astype(jnp.float32) for flag in (state.need_umbrella, state.has_umbrella))
        canvas = Canvas.blank(HEIGHT, WIDTH, palette.SKY)
        canvas = canvas.circle((430.0, 50.0), 24.0, palette.YELLOW, opacity=1.0 - need)
        for x, y, radius in ((405.0, 56.0, 18.0), (430.0, 46.0, 24.0), (455.0, 56.0, 18.0)):
            canvas = canvas.circle((x, y), radius, palette.SLATE, opacity=need)
        for x in (404.0, 422.0, 440.0, 458.0):
            canvas = canvas.line((x, 82.0), (x - 6.0, 104.0), 3.0, palette.BLUE, opacity=need)
        ground = HEIGHT - 48.0
        canvas = canvas.rectangle((WIDTH / 2, HEIGHT - 24.0), (WIDTH, 48.0), palette.PAPER)
        canvas = canvas.line((0.0, ground), (WIDTH, ground), 4.0, palette.GRASS_DARK)
        share = jnp.minimum(state.elapsed, self.chain_length).astype(jnp.float32) / self.chain_length
        x = 60.0 + 310.0 * share
        canvas = canvas.line((x, ground - 40.0), (x, ground - 22.0), 10.0, palette.BLUE_DARK)
        for side in (-5.0, 5.0):
            canvas = canvas.line((x, ground - 22.0), (x + side, ground - 4.0), 5.0, palette.BLUE_DARK)
        canvas = canvas.circle((x, ground - 56.0), 9.0, palette.ORANGE_LIGHT)
        handle = x + 14.0
        canvas = canvas.line((x, ground - 36.0), (handle, ground - 42.0), 4.0, palette.BLUE_DARK)
        canvas = canvas.line((handle, ground - 40.0), (handle, ground - 86.0), 3.0, palette.INK, opacity=has)
        dome = [(handle + 34.0 * np.cos(a), ground - 78.0 - 26.0 * np.sin(a)) for a in np.linspace(0, np.pi, 9)]
        canvas = canvas.polygon(dome, palette.RED, opacity=has)
        if self.n_distractor:
            size = max(min(300 // self.n_distractor, 16), 2)
            tone = jnp.where(
                jnp.repeat(state.distractors, size)[:, None], np.array(palette.SLATE), np.array(palette.WHITE)
            )
            strip = jnp.broadcast_to(tone.astype(jnp.uint8)[None], (16, tone.shape[0], 3))
            canvas = canvas.image(strip[:, : WIDTH - 20], (20, 20))
        return time_bar(canvas, share).to_rgb()
