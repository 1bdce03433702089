"""Taxi of rlenvs: with fuel that runs out."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import Canvas, View, palette
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs._taxi_town import CELL, PANEL_X, SIZE, STOPS, TOWN, corner_of, draw_empty_town, draw_traffic
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Discrete, MultiDiscrete

NORTH, EAST, SOUTH, WEST, PICK_UP, PUT_DOWN, FILL_UP = range(7)

_ABOARD = 5
_PUMP = (2, 1)
_FULL, _LEAST_START = 12, 5
_EMPTY = -1
_STEP_REWARD, _DELIVERY_REWARD, _ILLEGAL_REWARD, _EMPTY_REWARD = -1.0, 20.0, -10.0, -20.0
_STOP_OF_NUMBER = (0, 0, 1, 3, 2, 4)
"""The town's numbers of stops (R, G, Y, B) and of aboard, by those of rlenvs (R, G, B, Y from 1 on)."""
_PUMP_CELL = SIZE * (SIZE - 1 - _PUMP[1]) + _PUMP[0]
_GAUGE_Y, _GAUGE_WIDTH = 388, 72  # pixels


def _is_open(x: int, y: int, action: int) -> bool:
    """Whether a taxi can leave a cell in that direction."""
    if action in (NORTH, SOUTH):
        return y < SIZE - 1 if action == NORTH else y > 0
    return TOWN[SIZE - y][2 * x + 2 if action == EAST else 2 * x] == ":"


_OPEN = np.array([[_is_open(x, y, action) for action in range(4)] for y in range(SIZE) for x in range(SIZE)])
"""(25, 4) bool, by `5 * y + x` and the direction."""


def _stop_at(cell: int) -> int:
    """The number of the stop in a cell of the town, or 0."""
    numbers = {STOPS[stop]: number for number, stop in enumerate(_STOP_OF_NUMBER[:_ABOARD]) if number > 0}
    return numbers.get(cell, 0)


_STOP_AT = np.array([_stop_at(SIZE * (SIZE - 1 - y) + x) for y in range(SIZE) for x in range(SIZE)], np.int32)
"""(25,) the number of the stop in a cell, by `5 * y + x`; 0 for none."""


class TaxiState(PyTreeNode):
    """State of `Taxi`; each () int32.

    Attributes:
        x: the taxi's column, 0 to 4 from the left.
        y: the taxi's row, 0 to 4 from the bottom.
        fuel: number of moves left, up to 12; -1 after one more was made.
        passenger: the stop where they wait, 1 to 4, or 5 if aboard.
        destination: the stop they want to go to, 1 to 4.
    """

    x: Array
    y: Array
    fuel: Array
    passenger: Array
    destination: Array


class Taxi(Env[TaxiState, Array]):
    """Drive to the passenger, pick them up, drive to their destination and put them down, before the fuel runs out.

    The town has 5 by 5 cells, some walls, four stops, R at (0, 4), G at (4, 4), B at (3, 0) and Y at (0, 0), numbered 1
    to 4 in this order, and a fuel pump at (2, 1). Every passenger can be delivered: the best return is -3 from the
    worst starts, and 7.35 on average.

    Compared with `Taxi-v4`, there is fuel, a pump and an action for it; actions and stops come in a different order; a
    passenger may already be at their destination, and cannot be put down anywhere else; and the observation is five
    numbers rather than one.

    Observation: (5,) int32.

        | index | meaning                                             | min | max | unit  |
        |-------|-----------------------------------------------------|-----|-----|-------|
        | 0     | x of the taxi, from the left                        | 0   | 4   |       |
        | 1     | y of the taxi, from the bottom                      | 0   | 4   |       |
        | 2     | fuel left; -1 after moving without fuel             | -1  | 12  | moves |
        | 3     | passenger: the stop where they wait, or 5 if aboard | 1   | 5   |       |
        | 4     | destination: a stop, possibly that of the passenger | 1   | 4   |       |

    Action: () int32. 0 north, 1 east, 2 south, 3 west, 4 pick up, 5 put down, 6 fill up. A move uses 1 unit of fuel,
        unless a wall stops it. At the pump, filling up sets the fuel to 12.

    Reward: -1 per step; 20 for the step that delivers the passenger; -10 for an illegal pick-up or put-down, which
        includes putting the passenger down anywhere but at the destination; -20 for a move without fuel.

    Start: one of 3,200 states, drawn uniformly: the taxi in any cell with 5 to 12 units of fuel, passenger and
        destination at any stop.

    Episode end:
        Termination: the passenger is put down at their destination, or the taxi moves without fuel. (The last unit of
            fuel may take it to the destination.)
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Differences from the reference: actions count from 0.

    Source: T. G. Dietterich, "Hierarchical Reinforcement Learning with the MAXQ Value Function Decomposition", Journal
        of Artificial Intelligence Research 13, 2000, section 3.2; Kaixhin/rlenvs, `Taxi.lua` of commit a56188c.

    Version history:
        v0: first version.
    """

    frames_per_second: ClassVar[int] = 4

    @property
    def observation_space(self) -> MultiDiscrete:
        return MultiDiscrete([SIZE, SIZE, _FULL - _EMPTY + 1, _ABOARD, _ABOARD - 1], [0, 0, _EMPTY, 1, 1])

    @property
    def action_space(self) -> Discrete:
        """North, east, south, west, pick up, put down, fill up."""
        return Discrete(FILL_UP + 1)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -20.0, 20.0

    def reset(self, key: Key) -> tuple[TaxiState, TimeStep[Array]]:
        """Draws one of the 3,200 start states."""
        number = draw_below(check_key(key), SIZE * SIZE * (_FULL - _LEAST_START + 1) * 4 * 4)
        parts = []
        for count in (SIZE, SIZE, _FULL - _LEAST_START + 1, 4, 4):
            parts.append(number % count)
            number = number // count
        x, y, fuel, passenger, destination = parts
        state = TaxiState(x, y, fuel + _LEAST_START, passenger + 1, destination + 1)
        return state, restart(self.observe(state))

    def step(self, state: TaxiState, action: Array) -> tuple[TaxiState, TimeStep[Array]]:
        """Drives, picks up, puts down or fills up."""
        action = self.action_space.validate(action)
        cell = SIZE * state.y + state.x
        is_move = action < PICK_UP
        moves = is_move & jnp.asarray(_OPEN).at[cell, action].get(mode="clip")
        stop = jnp.asarray(_STOP_AT).at[cell].get(mode="clip")
        picks_up = (action == PICK_UP) & (stop == state.passenger)
        delivers = (action == PUT_DOWN) & (state.passenger == _ABOARD) & (stop == state.destination)
        fills_up = (action == FILL_UP) & (state.x == _PUMP[0]) & (state.y == _PUMP[1])

        def change(forwards: int, backwards: int) -> Array:
            return jnp.where(moves, (action == forwards).astype(jnp.int32) - (action == backwards).astype(jnp.int32), 0)

        fuel = jnp.maximum(state.fuel - moves.astype(jnp.int32), _EMPTY)
        state = TaxiState(
            x=state.x + change(EAST, WEST),
            y=state.y + change(NORTH, SOUTH),
            fuel=jnp.where(fills_up, _FULL, fuel),
            passenger=jnp.where(picks_up, _ABOARD, state.passenger),
            destination=state.destination,
        )
        is_empty = state.fuel < 0
        is_illegal = ((action == PICK_UP) & ~picks_up) | ((action == PUT_DOWN) & ~delivers)
        reward = jnp.where(delivers, _DELIVERY_REWARD, jnp.where(is_illegal, _ILLEGAL_REWARD, _STEP_REWARD))
        reward = jnp.where(is_empty, _EMPTY_REWARD, reward)
        return state, transition(self.observe(state), reward, delivers | is_empty)

    def observe(self, state: TaxiState) -> Array:
        """(5,) int32: place, fuel, passenger, destination."""
        return jnp.stack([state.x, state.y, state.fuel, state.passenger, state.destination])

    def render(self, state: TaxiState) -> Array:
        """(456, 536, 3) uint8: the town and the taxi; to the right, the passenger, the destination and the fuel."""
        x, y = corner_of(_PUMP_CELL)
        canvas = _paint_pump(Canvas(jnp.asarray(draw_empty_town()), View()), x, y)
        numbers = jnp.asarray(_STOP_OF_NUMBER, jnp.int32)
        passenger, destination = (numbers.at[n].get(mode="clip") for n in (state.passenger, state.destination))
        canvas = draw_traffic(canvas, SIZE - 1 - state.y, state.x, passenger, destination)
        share = jnp.clip(state.fuel, 0, _FULL).astype(jnp.float32) / _FULL
        color = jnp.where(share < 0.3, jnp.array(palette.RED, jnp.int32), jnp.array(palette.TEAL, jnp.int32))
        left, width = PANEL_X - _GAUGE_WIDTH / 2, _GAUGE_WIDTH * share
        canvas = canvas.text("FUEL", (PANEL_X, _GAUGE_Y - 20), 13, palette.SLATE, align="center")
        canvas = canvas.rectangle((PANEL_X, _GAUGE_Y), (_GAUGE_WIDTH, 16), palette.MIST)
        canvas = canvas.rectangle(
            (left + width / 2, _GAUGE_Y), (width, 16), color, opacity=jnp.where(share > 0, 1.0, 0.0)
        )
        return canvas.number(
            state.fuel, (PANEL_X + 12, _GAUGE_Y + 32), 16, palette.INK, digits=2, align="right"
        ).to_rgb()


def _paint_pump(canvas: Canvas, x: int, y: int) -> Canvas:
    """The pump in the cell whose upper left corner is given."""
    canvas = canvas.rectangle((x + CELL / 2, y + CELL / 2), (CELL - 8, CELL - 8), palette.WHITE, corner_radius=10)
    canvas = canvas.text("F", (x + 10, y + 23), 13, palette.INK)
    canvas = canvas.line((x + 50, y + 34), (x + 62, y + 40), 4, palette.INK)
    canvas = canvas.line((x + 62, y + 40), (x + 62, y + 60), 4, palette.INK)
    canvas = canvas.rectangle((x + 40, y + 44), (22, 40), palette.RED, corner_radius=4)
    canvas = canvas.rectangle((x + 40, y + 36), (14, 12), palette.SKY)
    return canvas.rectangle((x + 40, y + 66), (30, 5), palette.INK)
