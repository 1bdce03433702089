"""JacksCarRental of rlenvs: move cars between two lots, so that customers find some at both."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._tileset import tileset_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Discrete, MultiDiscrete

CAPACITY = 20
"""The most cars that a lot holds."""

MOST_MOVED = 5
"""The most cars that are moved in a night."""

_START = 10
_HIGHEST_RATE = 100.0  # with which, as with any higher one, 20 or more come as good as always
_TILE, _PLACES = 48, (4, 5)  # pixels; rows and columns of a lot
_MARGIN, _BETWEEN, _HEAD = 32, 96, 76  # pixels


class JacksCarRentalState(PyTreeNode):
    """State of `JacksCarRental`.

    Attributes:
        cars: (2,) int32, how many are in each lot in the morning.
        moved: () int32, how many were moved in the last night, negative towards the first lot; for the picture alone.
        key: () key that customers are drawn from.
    """

    cars: Array
    moved: Array
    key: Key


class JacksCarRental(Env[JacksCarRentalState, Array]):
    """Run two lots of a car rental; a step is a day and the night after it.

    During the day customers ask for cars at either lot, as many as a Poisson distribution says, and get what there is.
    In the evening others bring cars back, and what a lot has no room for is gone. In the night cars are moved as the
    action says, as far as there are so many, and room for them.

    Observation: (2,) int32, the cars in each lot in the morning, 0 to 20.

    Action: 0 to 10; less 5, how many cars go from the first lot to the second, a negative number from the second to the
    first. It is chosen before the day begins.

    Reward: 10 for each car rented, -2 for each car moved.

    Start: 10 cars in each lot.

    Episode end:
        Termination: none.
        Truncation: none here; 1,000 days in the registered id.

    Attributes:
        request_rates: how many customers ask for cars on average, at each lot.
        return_rates: how many cars come back on average, to each lot.
        price: dollars for a rented car.
        move_cost: dollars for a moved car.

    Differences from the reference: its action space lacks the last action, though its rules say that up to 5 cars can
    be moved either way. From the book: there the action is chosen in the evening, in sight of the cars to be moved,
    here in the morning before, so that the best policy is another one, and earns less. A step with action 5, which
    moves nothing, is the book's day. In the book a car beyond the 20th is lost when it is moved, too; here it stays.

    Source: Sutton and Barto, Reinforcement Learning: An Introduction, 1998, example 4.2;
    Kaixhin/rlenvs, `JacksCarRental.lua` of commit 1bcbb6d.

    Version history: v0, as in rlenvs.
    """

    frames_per_second: ClassVar[int] = 2

    request_rates: tuple[ArrayLike, ArrayLike] = (3.0, 4.0)
    return_rates: tuple[ArrayLike, ArrayLike] = (3.0, 2.0)
    price: ArrayLike = 10.0
    move_cost: ArrayLike = 2.0

    def check_fields(self) -> None:
        """Checks that there are two rates of each kind, and that none is negative."""
        for name in ("request_rates", "return_rates"):
            rates = getattr(self, name)
            if not isinstance(rates, tuple | list) or len(rates) != 2:
                raise InvalidField(f"JacksCarRental: `{name}` takes two rates, one for each lot, got {rates!r}.")
            if any(isinstance(rate, int | float) and not rate >= 0 for rate in rates):
                raise InvalidField(f"JacksCarRental: `{name}` must not be negative, got {rates!r}.")

    @property
    def observation_space(self) -> MultiDiscrete:
        """The cars in each lot."""
        return MultiDiscrete(np.array([CAPACITY + 1, CAPACITY + 1]))

    @property
    def action_space(self) -> Discrete:
        """How many cars to move, from 5 to the first lot up to 5 to the second."""
        return Discrete(2 * MOST_MOVED + 1)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From five cars moved and none rented to all cars rented."""
        return -MOST_MOVED * jnp.asarray(self.move_cost), 2 * CAPACITY * jnp.asarray(self.price)

    def reset(self, key: Key) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        """Puts 10 cars in each lot."""
        state = JacksCarRentalState(
            cars=jnp.full((2,), _START, jnp.int32), moved=jnp.zeros((), jnp.int32), key=check_key(key)
        )
        return state, restart(state.cars)

    def step(self, state: JacksCarRentalState, action: Array) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        """A day and a night."""
        action = self.action_space.validate(action)
        key, day_key = jax.random.split(state.key)
        rates = jnp.stack([jnp.asarray(rate, jnp.float32) for rate in (*self.request_rates, *self.return_rates)])
        counts = _draw_counts(day_key, rates)
        return self.step_with(state.replace(key=key), action, counts[:2], counts[2:])

    def step_with(
        self, state: JacksCarRentalState, action: Array, requested: Array, returned: Array
    ) -> tuple[JacksCarRentalState, TimeStep[Array]]:
        """A step whose chance is given: how many cars are asked for and brought back, (2,) int32 each."""
        rented = jnp.minimum(requested, state.cars)
        evening = jnp.minimum(state.cars - rented + returned, CAPACITY)
        room = CAPACITY - evening
        most, least = jnp.minimum(evening[0], room[1]), -jnp.minimum(evening[1], room[0])
        moved = jnp.clip(action - MOST_MOVED, least, most)
        cars = evening + jnp.stack([-moved, moved])
        dollars = rented.sum(dtype=jnp.int32).astype(jnp.float32) * self.price
        dollars = dollars - jnp.abs(moved).astype(jnp.float32) * self.move_cost
        return state.replace(cars=cars, moved=moved), transition(cars, dollars, False)

    def observe(self, state: JacksCarRentalState) -> Array:
        """(2,) int32: the cars in each lot."""
        return state.cars

    def render(self, state: JacksCarRentalState) -> Array:
        """(300, 640, 3) uint8: both lots in the morning, and what was moved in the night before."""
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
    """Poisson numbers, (rates,) int32, those above 20 as 20, which no lot tells apart.

    Each compares a uniform number of 23 bits with the distribution function, so what is rarer than 1e-7 does not occur.
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
