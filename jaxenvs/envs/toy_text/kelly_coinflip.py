"""KellyCoinflip: bet on a coin that favours you, and do not go broke."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer, check_probability, check_range
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete, Tuple

_CENTS = 100
_WIDTH, _HEIGHT = 480, 320  # pixels


class KellyCoinflipState(PyTreeNode):
    """State of `KellyCoinflip`.

    Attributes:
        cents: () int32, the wealth.
        rounds: () int32, rounds left.
        last: () int32, 1 if the last flip was won, -1 if it was lost, 0 at reset; for the picture only.
        key: () key that flips are drawn from.
    """

    cents: Array
    rounds: Array
    last: Array
    key: Key


class KellyCoinflip(Env[KellyCoinflipState, tuple[Array, Array]], RendersText):
    """Start with 25 dollars, bet any part of it on each of 300 coin flips, and keep what is left.

    Betting a fifth each time, as Kelly's criterion suggests, earns about 240 dollars on average; optimal play earns
    246.

    Observation: a tuple of (1,) float32 and () int32.

        | index | meaning     | min | max        | unit    |
        |-------|-------------|-----|------------|---------|
        | 0     | wealth      | 0   | max_wealth | dollars |
        | 1     | rounds left | 0   | max_rounds |         |

    Action: () int32: the bet in cents. A bet of more than the wealth bets all of it.

    Reward: the wealth in dollars at the end; 0 before that.

    Start: `initial_wealth` dollars and `max_rounds` rounds.

    Episode end:
        Termination: nothing is left, the wealth is `max_wealth`, which it cannot exceed, or no rounds are left.
        Truncation: none here; `make` adds no time limit.

    Info: `won`, () int32: 1 if the last flip was won, -1 if it was lost, 0 at reset.

    Parameters:
        initial_wealth: wealth at the start, dollars, rounded to cents.
        edge: probability of winning a flip.
        max_wealth: greatest wealth, dollars.
        max_rounds: number of flips.

    Differences from the reference: wealth is counted in whole cents; the reference adds up binary fractions.

    Source: V. Haghani and R. Dewey, "Rational Decision-Making under Uncertainty", 2016; OpenAI Gym 0.17,
        `KellyCoinflip-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    frames_per_second: ClassVar[int] = 10

    initial_wealth: ArrayLike = 25.0
    edge: ArrayLike = 0.6
    max_wealth: int = static(default=250)
    max_rounds: int = static(default=300)

    def check_fields(self) -> None:
        """Checks amounts, the number of rounds and the probability."""
        for name in ("max_wealth", "max_rounds"):
            check_integer(self, name, getattr(self, name))
        most = self.max_wealth
        check_range(self, "initial_wealth", self.initial_wealth, 0, most, above=True, high_is="max_wealth")
        check_probability(self, "edge", self.edge)

    @property
    def observation_space(self) -> Tuple:
        return Tuple((Box(0, self.max_wealth, (1,), np.float32), Discrete(self.max_rounds + 1)))

    @property
    def action_space(self) -> Discrete:
        return Discrete(self._most_cents)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, self.max_wealth

    def reset(self, key: Key) -> tuple[KellyCoinflipState, TimeStep[tuple[Array, Array]]]:
        state = KellyCoinflipState(
            cents=jnp.round(jnp.asarray(self.initial_wealth, jnp.float32) * _CENTS).astype(jnp.int32),
            rounds=jnp.full((), self.max_rounds, jnp.int32),
            last=jnp.zeros((), jnp.int32),
            key=check_key(key),
        )
        return state, restart(self.observe(state), {"won": state.last})

    def step(
        self, state: KellyCoinflipState, action: Array
    ) -> tuple[KellyCoinflipState, TimeStep[tuple[Array, Array]]]:
        bet = jnp.minimum(self.action_space.validate(action), state.cents)
        key, flip_key = jax.random.split(state.key)
        won = jnp.where(jax.random.uniform(flip_key, (), jnp.float32) < self.edge, 1, -1).astype(jnp.int32)
        cents = jnp.minimum(state.cents + won * bet, self._most_cents)
        rounds = jnp.maximum(state.rounds - 1, 0)
        state = KellyCoinflipState(cents=cents, rounds=rounds, last=won, key=key)
        terminated = (cents == 0) | (cents == self._most_cents) | (rounds == 0)
        reward = jnp.where(terminated, _dollars(cents), 0.0)
        return state, transition(self.observe(state), reward, terminated, {"won": won})

    def observe(self, state: KellyCoinflipState) -> tuple[Array, Array]:
        """The wealth in dollars, (1,) float32, and the rounds left, () int32."""
        return _dollars(state.cents)[None], state.rounds

    def render_text(self, state: KellyCoinflipState) -> str:
        return f"{int(state.cents) / _CENTS:.2f} dollars, {int(state.rounds)} rounds left\n"

    def render(self, state: KellyCoinflipState) -> Array:
        """(320, 480, 3) uint8: a pile as high as the wealth, the last flip, and the rounds left as a bar."""
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER)
        bottom, top, left, right = 250.0, 30.0, 60.0, 180.0
        share = state.cents.astype(jnp.float32) / self._most_cents
        height = (bottom - top) * share
        frame = ((left + right) / 2, (bottom + top) / 2), (right - left, bottom - top)
        canvas = canvas.rectangle(*frame, palette.MIST, corner_radius=6.0)
        canvas = canvas.rectangle(
            ((left + right) / 2, bottom - height / 2), (right - left, height), palette.YELLOW, corner_radius=6.0
        )
        canvas = canvas.rectangle(*frame, palette.STEEL, corner_radius=6.0, stroke=3.0)
        dollars = _dollars(state.cents)
        canvas = canvas.number(dollars, (430.0, 70.0), 26.0, palette.INK, digits=7, decimals=2, align="right")
        canvas = canvas.text("dollars", (430.0, 100.0), 14.0, palette.SLATE, align="right")
        coin = (330.0, 180.0)
        canvas = canvas.circle(coin, 48.0, palette.YELLOW_DARK).circle(coin, 42.0, palette.YELLOW)
        for text, sign, color in (("+", 1, palette.TEAL_DARK), ("-", -1, palette.RED_DARK)):
            seen = (state.last == sign).astype(jnp.float32)
            canvas = canvas.text(text, (330.0, 196.0), 34.0, color, align="center", opacity=seen)
        long = (_WIDTH - 120.0) * state.rounds.astype(jnp.float32) / self.max_rounds
        canvas = canvas.line((60.0, 288.0), (_WIDTH - 60.0, 288.0), 10.0, palette.SILVER)
        return canvas.line((60.0, 288.0), (60.0 + long, 288.0), 10.0, palette.BLUE).to_rgb()

    @property
    def _most_cents(self) -> int:
        return self.max_wealth * _CENTS


def _dollars(cents: Array) -> Array:
    return cents.astype(jnp.float32) / _CENTS
