"""MemoryChain: remember what was shown at the start until asked for it."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import INT32_MAX, check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.bsuite._coins import flip_coins
from jaxenvs.envs.bsuite._picture import HEIGHT, WIDTH, time_bar
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Box, Discrete


class MemoryChainState(PyTreeNode):
    """State of `MemoryChain`.

    Attributes:
        context: (num_bits,) bool, the bits to remember.
        query: () int32, the number of the bit that will be asked for.
        elapsed: () int32, steps since reset.
    """

    context: Array
    query: Array
    elapsed: Array


class MemoryChain(Env[MemoryChainState, Array]):
    """Bits are shown at the start; at the end the agent is asked for one of them.

    Observation: (1, 2 + num_bits) float32, at time t, which is 0 at reset and after the first step, and k - 1 after
        step k.

        | index | meaning                                                       | min | max          | unit |
        |-------|---------------------------------------------------------------|-----|--------------|------|
        | 0     | 1 - t / memory_length                                         | 0   | 1            |      |
        | 1     | number of the bit asked for, at t = memory_length - 1; else 0 | 0   | num_bits - 1 |      |
        | 2...  | the bits, -1 or 1, at t = 0; else 0                           | -1  | 1            |      |

    Action: () int32, 0 or 1. Only the last action matters, the one after the question was seen.

    Reward: in the last step, 1 if the action is the bit asked for and -1 if not; else 0.

    Start: the bits and the question are drawn uniformly.

    Episode end:
        Termination: after `memory_length + 1` steps.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        memory_length: number of steps to remember the bits for.
        num_bits: number of bits.

    Differences from the reference: none. As in bsuite, observations lag one step behind, so the bits are seen twice.

    Source: I. Osband et al., "Behaviour Suite for Reinforcement Learning", 2020; bsuite 0.3.6, `MemoryChain`, whose
        experiments are `memory_len` and `memory_size`.

    Version history:
        v0: same behaviour as in bsuite.
    """

    frames_per_second: ClassVar[int] = 6

    memory_length: int = static(default=10)
    num_bits: int = static(default=1)

    def check_fields(self) -> None:
        check_integer(self, "memory_length", self.memory_length, 1, INT32_MAX)
        check_integer(self, "num_bits", self.num_bits, 1, 10_000)

    @property
    def observation_space(self) -> Box:
        bits = [1.0] * self.num_bits
        low, high = np.array([0, 0, *bits], np.float32), np.array([1, max(self.num_bits - 1, 1), *bits], np.float32)
        low[2:] = -1
        return Box(low[None], high[None])

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[MemoryChainState, TimeStep[Array]]:
        """Draws the bits and the question."""
        context_key, query_key = jax.random.split(check_key(key))
        state = MemoryChainState(
            context=flip_coins(context_key, self.num_bits),
            query=draw_below(query_key, self.num_bits),
            elapsed=jnp.zeros((), jnp.int32),
        )
        return state, restart(self.observe(state))

    def step(self, state: MemoryChainState, action: Array) -> tuple[MemoryChainState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        state = state.replace(elapsed=state.elapsed + 1)
        terminated = state.elapsed > self.memory_length
        is_right = state.context[state.query] == (action == 1)
        reward = jnp.where(terminated, jnp.where(is_right, 1.0, -1.0), 0.0)
        return state, transition(self.observe(state), reward, terminated)

    def observe(self, state: MemoryChainState) -> Array:
        time = jnp.clip(state.elapsed - 1, 0, self.memory_length)
        left = (self.memory_length - time).astype(jnp.float32) / self.memory_length
        query = jnp.where(time == self.memory_length - 1, state.query, 0).astype(jnp.float32)
        context = jnp.where(time == 0, jnp.where(state.context, 1.0, -1.0), 0.0).astype(jnp.float32)
        return jnp.concatenate([left[None], query[None], context])[None]

    def render(self, state: MemoryChainState) -> Array:
        """(240, 480, 3) uint8: the bits, faint once they are no longer shown, with a frame around the one asked for."""
        canvas = Canvas.blank(HEIGHT, WIDTH, palette.PAPER)
        per_row = min(math.ceil(math.sqrt(2.5 * self.num_bits)), self.num_bits)
        rows = -(-self.num_bits // per_row)
        cell = min(WIDTH / (per_row + 1), 180.0 / rows, 80.0)
        left, top = (WIDTH - per_row * cell) / 2, (HEIGHT - 36.0 - rows * cell) / 2
        time = jnp.maximum(state.elapsed - 1, 0)
        image = _bits(state.context, per_row, rows, int(cell), jnp.where(time == 0, 1.0, 0.25))
        canvas = canvas.image(image, (int(left), int(top)))
        x = int(left) + (state.query % per_row).astype(jnp.float32) * int(cell) + int(cell) / 2
        y = int(top) + (state.query // per_row).astype(jnp.float32) * int(cell) + int(cell) / 2
        asked = (time >= self.memory_length - 1).astype(jnp.float32)
        canvas = canvas.rectangle(
            (x, y), (int(cell), int(cell)), palette.ORANGE, stroke=max(0.08 * cell, 2.0), opacity=asked
        )
        return time_bar(canvas, time.astype(jnp.float32) / self.memory_length).to_rgb()


def _bits(bits: Array, per_row: int, rows: int, cell: int, opacity: Array) -> Array:
    """(rows * cell, per_row * cell, 4) uint8: a square for each bit, dark if it is 1."""
    count = bits.shape[0]
    padded = jnp.pad(bits, (0, per_row * rows - count)).reshape(rows, per_row)
    on, off = (np.array(color, np.uint8) for color in (palette.BLUE_DARK, palette.BLUE_LIGHT))
    color = jnp.where(padded[..., None], on, off)
    place = (np.arange(cell) + 0.5) / cell
    inside = (np.abs(place - 0.5) < 0.4)[:, None] & (np.abs(place - 0.5) < 0.4)[None]
    exists = (np.arange(per_row * rows) < count).reshape(rows, per_row)
    opaque = exists[:, None, :, None] & inside[None, :, None]
    alpha = jnp.where(opaque, jnp.round(255 * opacity), 0.0).astype(jnp.uint8)
    color = jnp.broadcast_to(color[:, None, :, None], (rows, cell, per_row, cell, 3))
    return jnp.concatenate([color, alpha[..., None]], -1).reshape(rows * cell, per_row * cell, 4)
