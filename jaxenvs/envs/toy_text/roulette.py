"""Roulette: bet on the wheel, or walk away."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs._tileset import sprite_of
from jaxenvs.envs.toy_text._tabular import HasTransitionTable, TransitionTable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete

_NO_SPIN = -1
_SIZE = 400  # pixels
_MOST_POCKETS = 100


class RouletteState(PyTreeNode):
    """State of `Roulette`.

    Attributes:
        spin: () int32, the pocket of the ball; -1 before the first spin and after walking away. For the picture only.
        bet: () int32, the last action; -1 at reset. For the picture only.
        key: () key that spins are drawn from.
    """

    spin: Array
    bet: Array
    key: Key


class Roulette(Env[RouletteState, Array], RendersText, HasTransitionTable):
    """Bet on a roulette wheel with 37 pockets. The wheel wins in the long run, so the best play is to walk away.

    Observation: () int32, from 0 to 0: always 0.

    Action: () int32. 0 bets 1 on the number 0, 1 to 36 bets 1 on the parity of that number, and 37 walks away.

    Reward: 36 for a bet on 0 that comes up (probability 1/37); 1 for a bet on the right parity, unless the ball lands
        on 0; -1 for any other bet; 0 for walking away.

    Start: a single state.

    Episode end:
        Termination: the agent walks away.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Info: `spin`, () int32: the pocket the ball landed in; -1 if the wheel was not spun.

    Parameters:
        spots: number of pockets.

    Differences from the reference: none. As there, a winning bet on 0 pays 36, although the reference's own description
        and casinos say 35.

    Source: OpenAI Gym 0.17, `Roulette-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    frames_per_second: ClassVar[int] = 2

    spots: int = static(default=37)

    def check_fields(self) -> None:
        check_integer(self, "spots", self.spots, 2, _MOST_POCKETS)

    @property
    def observation_space(self) -> Discrete:
        return Discrete(1)

    @property
    def action_space(self) -> Discrete:
        """A bet on each pocket, and walking away."""
        return Discrete(self.spots + 1)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 36.0

    def reset(self, key: Key) -> tuple[RouletteState, TimeStep[Array]]:
        nothing = jnp.full((), _NO_SPIN, jnp.int32)
        state = RouletteState(spin=nothing, bet=nothing, key=check_key(key))
        return state, restart(self.observe(state), {"spin": nothing})

    def step(self, state: RouletteState, action: Array) -> tuple[RouletteState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        key, spin_key = jax.random.split(state.key)
        leaves = action == self.spots
        spin = jnp.where(leaves, _NO_SPIN, jax.random.randint(spin_key, (), 0, self.spots, jnp.int32))
        is_parity = (spin != 0) & (action != 0) & (spin % 2 == action % 2)
        reward = jnp.where(is_parity, 1.0, -1.0)
        reward = jnp.where((spin == 0) & (action == 0), self.spots - 1.0, reward)
        state = RouletteState(spin=spin, bet=action, key=key)
        return state, transition(self.observe(state), jnp.where(leaves, 0.0, reward), leaves, {"spin": spin})

    def observe(self, state: RouletteState) -> Array:
        return jnp.zeros_like(state.spin)

    def transition_table(self) -> TransitionTable:
        """The exact model: a branch for each pocket."""
        bet, spin = np.arange(self.spots + 1)[:, None], np.arange(self.spots)
        reward = np.where((spin != 0) & (bet != 0) & (spin % 2 == bet % 2), 1.0, -1.0)
        reward[0, 0] = self.spots - 1.0
        reward[-1] = 0.0
        shape = (1, self.spots + 1, self.spots)
        terminated = np.zeros(shape, bool)
        terminated[:, -1] = True
        return TransitionTable(
            probability=np.full(shape, 1.0 / self.spots),
            next_state=np.zeros(shape, np.int32),
            reward=reward[None],
            terminated=terminated,
            start=np.ones(1),
        )

    def render_text(self, state: RouletteState) -> str:
        """The bet and where the ball lies."""
        bet, spin = int(state.bet), int(state.spin)
        if bet == self.spots:
            return "walked away\n"
        return "no bet yet\n" if bet < 0 else f"bet on {_bet_text(bet)}, the ball lies on {spin}\n"

    def render(self, state: RouletteState) -> Array:
        """(400, 400, 3) uint8: the wheel, its even numbers dark and its odd ones red, with the ball."""
        wheel = sprite_of(_wheel_painter(self.spots), _SIZE, _SIZE, in_tiles=True)
        canvas = Canvas.blank(_SIZE, _SIZE, palette.TEAL_DARK, (0, 1), (0, 1)).image(wheel, (0, 0))
        angle = _angle(state.spin.astype(jnp.float32), self.spots)
        ball = 0.5 + 0.31 * jnp.cos(angle), 0.5 + 0.31 * jnp.sin(angle)
        seen = (state.spin >= 0).astype(jnp.float32)
        canvas = canvas.circle(ball, 0.022, palette.WHITE, opacity=seen)
        canvas = canvas.number(
            state.spin, (0.5 + 0.075, 0.45), 0.1, palette.WHITE, digits=2, align="right", opacity=seen
        )
        return canvas.to_rgb()


def _bet_text(bet: int) -> str:
    return "0" if bet == 0 else "even" if bet % 2 == 0 else "odd"


def _angle(pocket: Any, spots: int) -> Any:
    """The angle of a pocket in rad, clockwise from the top."""
    return np.pi / 2 - 2 * np.pi * pocket / spots


@cache
def _wheel_painter(spots: int) -> Callable[[Canvas], Canvas]:
    """Paints the wheel without the ball, (0, 0) to (1, 1)."""

    def paint(tile: Canvas) -> Canvas:
        center = (0.5, 0.5)
        tile = tile.circle(center, 0.47, palette.WOOD_DARK).circle(center, 0.43, palette.WOOD)
        for pocket in range(spots):
            middle, half = _angle(pocket, spots), np.pi / spots
            color = palette.TEAL if pocket == 0 else palette.RED if pocket % 2 else palette.INK
            ends = [(0.5 + 0.4 * np.cos(a), 0.5 + 0.4 * np.sin(a)) for a in (middle - half, middle + half)]
            tile = tile.polygon([center, *ends], color)
        for pocket in range(spots):
            edge = _angle(pocket + 0.5, spots)
            start, end = ((0.5 + r * np.cos(edge), 0.5 + r * np.sin(edge)) for r in (0.2, 0.4))
            tile = tile.line(start, end, 0.004, palette.SAND)
        tile = tile.circle(center, 0.4, palette.SAND, stroke=0.008).circle(center, 0.22, palette.WOOD)
        return tile.circle(center, 0.22, palette.WOOD_DARK, stroke=0.012).circle(center, 0.12, palette.WOOD_DARK)

    return paint
