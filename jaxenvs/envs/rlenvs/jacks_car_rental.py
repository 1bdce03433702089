"""JacksCarRental of rlenvs: move cars between two lots so that customers find some at both."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._tileset import tileset_of
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, MultiDiscrete

CAPACITY = 20
"""The greatest number of cars that fit into a lot."""

MOST_MOVED = 5
"""The greatest number of cars moved in a night."""

_START = 10
_HIGHEST_RATE = 100.0  # at this rate and above, 20 or more come practically always
_TILE, _PLACES = 48, (4, 5)  # pixels; rows and columns of a lot
_MARGIN, _BETWEEN, _HEAD = 32, 96, 76  # pixels


class JacksCarRentalState(PyTreeNode):
    """State of `JacksCarRental`.

    Attributes:
        cars: (2,) int32, how many are in each lot in the morning.
        moved: () int32, how many were moved last night, negative towards the first lot; for the picture only.
        key: () key that customers are drawn from.
    """

    cars: Array
    moved: Array
    key: Key


class JacksCarRental(Env[JacksCarRentalState, Array]):
    """Run two lots of a car rental; a step is a day and the following night.

    During the day, a Poisson-distributed number of customers asks for cars at each lot, and they get what is there. In
    the evening other customers return cars; cars that do not fit into a lot are lost. At night cars are moved as the
    action says, as far as there are enough cars and enough room.

    In the book, the action is chosen in the evening, when the number of cars is known. Here it is chosen in the morning
    before, so the best policy is different and earns less. A step with action 5, which moves nothing, is the book's
    day. In the book, a car beyond the 20th is lost when it is moved as well; here it stays.

    Observation: (2,) int32.

        | index | meaning                               | min | max | unit |
        |-------|---------------------------------------|-----|-----|------|
        | 0     | cars in the first lot in the morning  | 0   | 20  | cars |
        | 1     | cars in the second lot in the morning | 0   | 20  | cars |

    Action: () int32, from 0 to 10. The action minus 5 is the number of cars to move from the first lot to the second; a
        negative number moves cars from the second lot to the first. It is chosen before the day begins.

    Reward: 10 for each car rented, -2 for each car moved.

    Start: 10 cars in each lot.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Parameters:
        request_rates: mean number of customers per day who ask for a car, at each lot.
        return_rates: mean number of cars per day that are returned, to each lot.
        price: price of a rented car, dollars.
        move_cost: cost of moving a car, dollars.

    Differences from the reference: its action space lacks the last action, although its rules say that up to 5 cars can
        be moved in either direction.

    Source: R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction", 1998, example 4.2; Kaixhin/rlenvs,
        `JacksCarRental.lua` of commit 1bcbb6d.

    Version history:
        v0: same behaviour as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 2

    request_rates: tuple[ArrayLike, ArrayLike] = (3.0, 4.0)
    return_rates: tuple[ArrayLike, ArrayLike] = (3.0, 2.0)
    price: ArrayLike = 10.0
    move_cost: ArrayLike = 2.0

    def check_fields(self) -> None:
        """Checks that no rate is negative."""
        for name in ("request_rates", "return_rates"):
            for rate in getattr(self, name):
                check_range(self, name, rate, 0)

    @property
    def observation_space(self) -> MultiDiscrete:
        return MultiDiscrete(np.array([CAPACITY + 1, CAPACITY + 1]))

    @property
    def action_space(self) -> Discrete:
        """How many cars to move, from 5 to the first lot up to 5 to the second."""
        return Discrete(2 * MOST_MOVED + 1)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From moving five cars and renting out none, to renting out all cars."""
        return -MOST_MOVED * jnp.asarray(self.move_cost), 2 * CAPACITY * jnp.asarray(self.price)

    def reset(self, key: Key) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        """Puts 10 cars in each lot."""
        state = JacksCarRentalState(
            cars=jnp.full((2,), _START, jnp.int32), moved=jnp.zeros((), jnp.int32), key=check_key(key)
        )
        return state, restart(self.observe(state))

    def step(self, state: JacksCarRentalState, action: Array) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        action = self.action_space.validate(action)
        key, day_key = jax.random.split(state.key)
        rates = jnp.stack([jnp.asarray(rate, jnp.float32) for rate in (*self.request_rates, *self.return_rates)])
        counts = _draw_counts(day_key, rates)
        return self.step_with(state.replace(key=key), action, counts[:2], counts[2:])

    def step_with(
        self, state: JacksCarRentalState, action: Array, requested: Array, returned: Array
    ) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        """A step with given randomness: how many cars are asked for and returned, (2,) int32 each."""
        rented = jnp.minimum(requested, state.cars)
        evening = jnp.minimum(state.cars - rented + returned, CAPACITY)
        room = CAPACITY - evening
        most, least = jnp.minimum(evening[0], room[1]), -jnp.minimum(evening[1], room[0])
        moved = jnp.clip(action - MOST_MOVED, least, most)
        cars = evening + jnp.stack([-moved, moved])
        dollars = rented.sum(dtype=jnp.int32).astype(jnp.float32) * self.price
        dollars = dollars - jnp.abs(moved).astype(jnp.float32) * self.move_cost
        state = state.replace(cars=cars, moved=moved)
        return state, transition(self.observe(state), dollars, False)

    def observe(self, state: JacksCarRentalState) -> Array:
        """(2,) int32: the cars in each lot."""
        return state.cars

    def render(self, state: JacksCarRentalState) -> Array:
        """(300, 640, 3) uint8: both lots in the morning, and the cars moved the night before."""
        rows, columns = _PLACES
        wide, high = columns * _TILE, rows * _TILE
        canvas = Canvas.blank(_HEAD + high + _MARGIN, 2 * (_MARGIN + wide) + _BETWEEN, palette.PAPER)
        tileset = tileset_of((_paint_place, _paint_car), _TILE, palette.SLATE)
        place = jnp.arange(CAPACITY, dtype=jnp.int32).reshape(rows, columns)
        for lot, x in enumerate((_MARGIN, _MARGIN + wide + _BETWEEN)):
            taken = (place < state.cars[lot]).astype(jnp.int32)
            canvas = canvas.tiles(taken, tileset, corner=(x, _HEAD))
            canvas = canvas.number(
                state.cars[lot], (x + wide, _HEAD - 20.0), 26.0, palette.INK, digits=2, align="right"
            )
            canvas = canvas.text(f"lot {lot + 1}", (x, _HEAD - 20.0), 18.0, palette.SLATE)
        middle, y = _MARGIN + wide + _BETWEEN / 2, _HEAD + high / 2
        half = 30.0 * jnp.sign(state.moved).astype(jnp.float32)
        seen = (state.moved != 0).astype(jnp.float32)
        canvas = canvas.arrow((middle - half, y), (middle + half, y), 7.0, palette.TEAL, opacity=seen)
        at = (middle, y - 20.0)
        return canvas.number(
            jnp.abs(state.moved), at, 20.0, palette.TEAL_DARK, digits=1, align="center", opacity=seen
        ).to_rgb()


def _draw_counts(key: Key, rates: Array) -> Array:
    """Poisson numbers, (rates,) int32; those above 20 are 20, which makes no difference to a lot.

    Each is found by comparing a uniform number of 23 bits with the distribution function, so values with a probability
    below 1e-7 do not occur.
    """
    rate = jnp.minimum(rates, _HIGHEST_RATE)[:, None]
    ratios = jnp.concatenate([jnp.exp(-rate), rate / np.arange(1, CAPACITY, dtype=np.float32)[None]], axis=-1)
    up_to = jnp.cumsum(jnp.cumprod(ratios, axis=-1), axis=-1)
    uniform = jax.random.uniform(key, (rates.shape[0], 1), jnp.float32)
    return (uniform >= up_to).sum(-1, dtype=jnp.int32)


# ---------------------------------------------------------------- the picture: a place, and a place with a car


def _paint_place(tile: Canvas) -> Canvas:
    for x in (0.02, 0.98):
        tile = tile.line((x, 0.1), (x, 0.9), 0.05, palette.SILVER)
    return tile


def _paint_car(tile: Canvas) -> Canvas:
    tile = _paint_place(tile)
    for x, y in ((0.24, 0.26), (0.76, 0.26), (0.24, 0.74), (0.76, 0.74)):
        tile = tile.rectangle((x, y), (0.1, 0.18), palette.INK, corner_radius=0.03)
    return (
        tile.rectangle((0.5, 0.5), (0.48, 0.84), palette.ORANGE, corner_radius=0.14)
        .rectangle((0.5, 0.68), (0.36, 0.14), palette.SKY, corner_radius=0.05)
        .rectangle((0.5, 0.24), (0.34, 0.1), palette.SKY, corner_radius=0.04)
        .rectangle((0.5, 0.45), (0.36, 0.26), palette.ORANGE_DARK, corner_radius=0.05)
    )
