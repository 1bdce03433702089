"""NChain: take small rewards now, or large ones at the end of a slippery chain."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_integer, check_probability
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.envs.toy_text._tabular import HasTransitionTable, TabularState, TransitionTable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete

_WIDTH, _HEIGHT = 720, 200  # pixels


class NChain(Env[TabularState, Array], RendersText, HasTransitionTable):
    """Walk along a chain of states: going forward pays only at its end, and going back to its beginning pays a little.

    Observation: () int32, from 0 to n - 1: the position in the chain.

    Action: () int32. 0 goes forward, 1 goes back to the beginning. With probability `slip` the other action is taken.

    Reward: `small` for going back; `large` for going forward at the end of the chain, where the agent stays; else 0.

    Start: position 0.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: `slipped`, () bool: whether the other action was taken.

    Parameters:
        n: length of the chain.
        slip: probability that the other action is taken.
        small: reward for going back.
        large: reward at the end of the chain.

    Source: M. Strens, "A Bayesian Framework for Reinforcement Learning", 2000, section 6.1; OpenAI Gym 0.17,
        `NChain-v0`.

    Version history:
        v0: same behaviour as in Gym.
    """

    frames_per_second: ClassVar[int] = 4

    n: int = static(default=5)
    slip: ArrayLike = 0.2
    small: ArrayLike = 2.0
    large: ArrayLike = 10.0

    def check_fields(self) -> None:
        """Checks the length and the probability."""
        check_integer(self, "n", self.n, 2)
        check_probability(self, "slip", self.slip)

    @property
    def observation_space(self) -> Discrete:
        return Discrete(self.n)

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        small, large = (jnp.asarray(reward, jnp.float32) for reward in (self.small, self.large))
        least, greatest = jnp.minimum(small, large), jnp.maximum(small, large)
        return jnp.minimum(0.0, least), jnp.maximum(0.0, greatest)

    def reset(self, key: Key) -> tuple[TabularState, TimeStep[Array]]:
        state = TabularState(index=jnp.zeros((), jnp.int32), key=check_key(key))
        return state, restart(self.observe(state), {"slipped": jnp.zeros((), bool)})

    def step(self, state: TabularState, action: Array) -> tuple[TabularState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        assert state.key is not None, "the state belongs to another environment"
        key, slip_key = jax.random.split(state.key)
        slipped = jax.random.uniform(slip_key, (), jnp.float32) < self.slip
        goes_back = (action == 1) ^ slipped
        is_end = state.index == self.n - 1
        small, large = jnp.asarray(self.small, jnp.float32), jnp.asarray(self.large, jnp.float32)
        reward = jnp.where(goes_back, small, jnp.where(is_end, large, 0.0))
        index = jnp.where(goes_back, 0, jnp.minimum(state.index + 1, self.n - 1))
        state = TabularState(index=index, key=key)
        return state, transition(self.observe(state), reward, False, {"slipped": slipped})

    def observe(self, state: TabularState) -> Array:
        return state.index

    def transition_table(self) -> TransitionTable:
        """The exact model: one branch for each direction."""
        place = np.arange(self.n)
        small, large, slip = (np.asarray(x, np.float64) for x in (self.small, self.large, self.slip))
        reward = np.stack([np.where(place == self.n - 1, large, 0.0), np.full(self.n, small)], axis=-1)
        target = np.stack([np.minimum(place + 1, self.n - 1), np.zeros(self.n, int)], axis=-1)
        probability = np.array([[1 - slip, slip], [slip, 1 - slip]])
        shape = (self.n, 2, 2)
        start = np.zeros(self.n)
        start[0] = 1.0
        return TransitionTable(
            probability=np.broadcast_to(probability, shape).copy(),
            next_state=np.broadcast_to(target[:, None], shape).astype(np.int32),
            reward=np.broadcast_to(reward[:, None], shape).copy(),
            terminated=np.zeros(shape, bool),
            start=start,
        )

    def render_text(self, state: TabularState) -> str:
        return "-".join("x" if i == int(state.index) else "o" for i in range(self.n)) + "\n"

    def render(self, state: TabularState) -> Array:
        """(200, 720, 3) uint8: the chain, the treasure at its end, and the agent."""
        gap = _WIDTH / self.n
        radius = min(0.32 * gap, 0.2 * _HEIGHT)
        middle = 0.55 * _HEIGHT
        canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER)
        canvas = canvas.line((gap / 2, middle), (_WIDTH - gap / 2, middle), 6.0, palette.SILVER)
        for place in range(self.n):
            ground = palette.YELLOW if place == self.n - 1 else palette.TEAL_LIGHT if place == 0 else palette.WHITE
            center = ((place + 0.5) * gap, middle)
            canvas = canvas.circle(center, radius, ground).circle(center, radius, palette.STEEL, stroke=3.0)
        x = (state.index.astype(jnp.float32) + 0.5) * gap
        return canvas.circle((x, middle), 0.55 * radius, palette.BLUE).to_rgb()
