"""Taxi: pick up a passenger in a small town and drop them off where they want to go."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.canvas import Canvas, View
from jaxenvs.core.checks import check_probability
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs._taxi_town import ABOARD, SIZE, STOPS, TOWN, draw_empty_town, draw_traffic
from jaxenvs.envs._terminal import colorize
from jaxenvs.envs.toy_text._chance import draw_side
from jaxenvs.envs.toy_text._tabular import HasTransitionTable, TransitionTable
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key, draw_below
from jaxenvs.spaces import Discrete

_STATES = 500
_STARTS = 300  # 25 cells, 4 stops for the passenger, 3 other stops for the destination
# Bit `cell + 1` says whether there is a path from a cell to the one east of it; bit 0, west of cell 0, is a wall.
_WAYS_EAST = sum(1 << (SIZE * r + c + 1) for r in range(SIZE) for c in range(SIZE) if TOWN[r + 1][2 * c + 2] == ":")
_STEP_REWARD, _DELIVERY_REWARD, _ILLEGAL_REWARD = -1.0, 20.0, -10.0


class TaxiState(PyTreeNode):
    """State of `Taxi`.

    Attributes:
        index: () int32, taxi, passenger and destination as one number; also the observation.
        fickle: () bool, whether the passenger will still change their mind in this episode.
        key: () key that rain and changes of mind are drawn from, or None in a town without either.
    """

    index: Array
    fickle: Array
    key: Key | None


class Taxi(Env[TaxiState, Array], RendersText, HasTransitionTable):
    """Drive to the passenger, pick them up, drive to their destination and drop them off.

    The town has 5 by 5 cells, some walls, and four stops, R, G, Y and B, numbered 0 to 3.

    Observation: () int32, from 0 to 499: `((taxi_row * 5 + taxi_column) * 5 + passenger) * 4 + destination`. The
        passenger is the stop where they wait, or 4 if they are aboard; the destination is a stop.

    Action: () int32. 0 south, 1 north, 2 east, 3 west, 4 pick up, 5 drop off.

    Reward: -1 per step; 20 for delivering the passenger; -10 for an illegal pick-up or drop-off. Dropping the passenger
        at a stop other than their destination is legal and costs the usual -1.

    Start: one of 300 states, drawn uniformly: the taxi in any cell, the passenger at any stop, and their destination at
        another stop.

    Episode end:
        Termination: the passenger is dropped off at their destination.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Info: `prob`, () float32: the probability of the direction in which rain let the taxi move, even if another
        direction leads to the same cell; 1 at reset. `action_mask`, (6,) int8: 1 for each action that changes the
        state.

    Parameters:
        rainy_probability: probability, in rain, of moving in the chosen direction. Otherwise the taxi drifts to its
            left or right with equal probability. It stays where it is if the way ahead is blocked.
        fickle_probability: probability that a fickle passenger changes their mind, drawn at reset. The change happens
            once, when the taxi first moves with them aboard, to one of the three other stops.
        is_rainy: whether it rains.
        fickle_passenger: whether the passenger is fickle.

    Differences from the reference: the text rendering does not show the last action, which is not part of the state,
        and the picture shows the taxi from the same side whichever way it went.

    Source: T. G. Dietterich, "Hierarchical Reinforcement Learning with the MAXQ Value Function Decomposition", Journal
        of Artificial Intelligence Research 13, 2000; Gymnasium 1.4.0, `Taxi-v4`.

    Version history:
        v4: same behaviour as Gymnasium's v4, which corrected rain and fickle passengers.
    """

    frames_per_second: ClassVar[int] = 4

    rainy_probability: ArrayLike = 0.8
    fickle_probability: ArrayLike = 0.3
    is_rainy: bool = static(default=False)
    fickle_passenger: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks that the probabilities lie in [0, 1]."""
        for name in ("rainy_probability", "fickle_probability"):
            check_probability(self, name, getattr(self, name))

    @property
    def observation_space(self) -> Discrete:
        return Discrete(_STATES)

    @property
    def action_space(self) -> Discrete:
        """South, north, east, west, pick up, drop off."""
        return Discrete(6)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -10.0, 20.0

    @staticmethod
    def encode(row: Array, column: Array, passenger: Array, destination: Array) -> Array:
        """The observation for these four numbers."""
        return ((row * SIZE + column) * 5 + passenger) * 4 + destination

    @staticmethod
    def decode(index: Array) -> tuple[Array, Array, Array, Array]:
        """The taxi's row and column, the passenger and the destination within an observation."""
        return index // 100, index // 20 % SIZE, index // 4 % 5, index % 4

    def reset(self, key: Key) -> tuple[TaxiState, TimeStep[Array]]:
        """Draws one of the 300 start states."""
        key, start_key = jax.random.split(check_key(key))
        index = _start(draw_below(start_key, _STARTS))
        fickle = jnp.zeros((), bool)
        if self.fickle_passenger:
            key, fickle_key = jax.random.split(key)
            chance = jnp.asarray(self.fickle_probability, jnp.float32)
            fickle = jax.random.uniform(fickle_key, (), jnp.float32) < chance
        state = TaxiState(index=index, fickle=fickle, key=key if self.is_rainy or self.fickle_passenger else None)
        return state, restart(self.observe(state), self._info(index, jnp.ones((), jnp.float32)))

    def step(self, state: TaxiState, action: Array) -> tuple[TaxiState, TimeStep[Array]]:
        """Drives, picks up or drops off."""
        action = self.action_space.validate(action)
        key, fickle = state.key, state.fickle
        side, probability = jnp.zeros((), jnp.int32), jnp.ones((), jnp.float32)
        if self.is_rainy and key is not None:
            key, rain_key = jax.random.split(key)
            ahead = jnp.asarray(self.rainy_probability, jnp.float32)
            side = draw_side(rain_key, ahead)
            drives = action < 4
            probability = jnp.where(drives, jnp.where(side == 0, ahead, (1.0 - ahead) / 2.0), 1.0)
        index, reward, terminated = _drive(state.index, action, side)
        if self.fickle_passenger and key is not None:
            key, mind_key = jax.random.split(key)
            row, column, passenger, destination = self.decode(index)
            was_row, was_column, was_passenger, _ = self.decode(state.index)
            changes = fickle & (was_passenger == ABOARD) & ((row != was_row) | (column != was_column))
            other = (destination + 1 + draw_below(mind_key, 3)) % 4
            index = jnp.where(changes, self.encode(row, column, passenger, other), index)
            fickle = fickle & ~changes
        state = TaxiState(index=index, fickle=fickle, key=key)
        return state, transition(self.observe(state), reward, terminated, self._info(index, probability))

    def observe(self, state: TaxiState) -> Array:
        """() int32: the index, which `decode` splits into its parts."""
        return state.index

    def _info(self, index: Array, probability: Array) -> dict[str, Array]:
        return {"prob": probability, "action_mask": self.action_mask(index)}

    @staticmethod
    def action_mask(index: Array) -> Array:
        """(6,) int8: 1 for each action that changes the state of this index."""
        row, column, passenger, _ = Taxi.decode(jnp.asarray(index))
        stop = _stop_at(SIZE * row + column)
        mask = [
            row < SIZE - 1,
            row > 0,
            _way_east(row, column),
            _way_east(row, column - 1),
            stop == passenger,
            (passenger == ABOARD) & (stop >= 0),
        ]
        return jnp.stack(mask).astype(jnp.int8)

    def transition_table(self) -> TransitionTable:
        """The exact model; three branches in rain, else one.

        Raises:
            InvalidField: the passenger is fickle, so the observation is not the whole state.
        """
        if self.fickle_passenger:
            raise InvalidField(
                "Taxi: a fickle passenger's mind is not part of the observation, so there is no table of transitions"
                " between observations. Use `Taxi(fickle_passenger=False)`."
            )
        sides = (0, -1, 1) if self.is_rainy else (0,)
        grid = np.meshgrid(*(np.asarray(v, np.int32) for v in (range(_STATES), range(6), sides)), indexing="ij")
        index, reward, terminated = (np.asarray(x) for x in _drive(*(jnp.asarray(x) for x in grid)))
        _, action, side = grid
        ahead = float(np.asarray(self.rainy_probability)) if self.is_rainy else 1.0
        probability = np.where(side == 0, ahead, (1.0 - ahead) / 2.0)
        start = np.zeros(_STATES)
        start[np.asarray(_start(jnp.arange(_STARTS, dtype=jnp.int32)))] = 1.0 / _STARTS
        return TransitionTable(
            probability=np.where(action < 4, probability, np.where(side == 0, 1.0, 0.0)),
            next_state=index,
            reward=reward.astype(np.float64),
            terminated=terminated,
            start=start,
        )

    def render_text(self, state: TaxiState) -> str:
        """The town: the taxi yellow, green with the passenger aboard; passenger blue, destination magenta."""
        town = [list(line) for line in TOWN]
        row, column, passenger, destination = (int(x) for x in self.decode(state.index))

        def paint(cell: tuple[int, int], color: str, *, bold: bool = False, highlight: bool = False) -> None:
            r, c = 1 + cell[0], 1 + 2 * cell[1]
            town[r][c] = colorize(town[r][c], color, bold=bold, highlight=highlight)

        if passenger == ABOARD:
            town[1 + row][1 + 2 * column] = town[1 + row][1 + 2 * column].replace(" ", "_")
            paint((row, column), "green", highlight=True)
        else:
            paint((row, column), "yellow", highlight=True)
            paint(divmod(STOPS[passenger], SIZE), "blue", bold=True)
        paint(divmod(STOPS[destination], SIZE), "magenta")
        return "".join("".join(line) + "\n" for line in town) + "\n"

    def render(self, state: TaxiState) -> Array:
        """(456, 536, 3) uint8: the town and the taxi; right of it, where the passenger is and wants to be."""
        row, column, passenger, destination = self.decode(state.index)
        canvas = Canvas(jnp.asarray(draw_empty_town()), View())
        return draw_traffic(canvas, row, column, passenger, destination).to_rgb()


def _start(number: Array) -> Array:
    """The start state with that number, from 0 to 299: the index of a taxi, a passenger and another stop."""
    cell, passenger, other = number // 12, number // 3 % 4, number % 3
    destination = other + (other >= passenger).astype(jnp.int32)
    return (cell * 5 + passenger) * 4 + destination


def _stop_at(cell: Array) -> Array:
    """The number of the stop in a cell, or -1."""
    stop = jnp.full_like(cell, -1)
    for number, place in enumerate(STOPS):
        stop = jnp.where(cell == place, number, stop)
    return stop


def _way_east(row: Array, column: Array) -> Array:
    """Whether there is a path from that cell, which may be left of the town, to the one east of it."""
    bit = (SIZE * row + column + 1).astype(jnp.uint32)
    return (jnp.asarray(_WAYS_EAST, jnp.uint32) >> bit) & 1 == 1


def _is_open(row: Array, column: Array, down: Array, right: Array) -> Array:
    """Whether a taxi can go one cell in that direction; True for no move at all."""
    to_row = row + down
    sideways = _way_east(row, column + jnp.minimum(right, 0))
    return jnp.where(right == 0, (to_row >= 0) & (to_row < SIZE), sideways)


def _drive(index: Array, action: Array, side: Array) -> tuple[Array, Array, Array]:
    """What an action does, elementwise.

    Args:
        index: int32, observations.
        action: int32, of the same shape.
        side: int32, of the same shape: -1 if the rain drives a moving taxi to its left, 1 if to its right, else 0.

    Returns:
        The next observations int32, rewards float32 and terminations bool.
    """
    row, column, passenger, destination = Taxi.decode(index)
    down = (action == 0).astype(jnp.int32) - (action == 1).astype(jnp.int32)
    right = (action == 2).astype(jnp.int32) - (action == 3).astype(jnp.int32)
    is_open = _is_open(row, column, down, right)
    # A quarter turn to the right takes (down, right) to (right, -down), and one to the left to its opposite.
    down, right = jnp.where(side == 0, down, side * right), jnp.where(side == 0, right, -side * down)
    moves = (is_open & _is_open(row, column, down, right)).astype(jnp.int32)
    stop = _stop_at(SIZE * row + column)
    picks_up = (action == 4) & (stop == passenger)
    drops = (action == 5) & (passenger == ABOARD) & (stop >= 0)
    delivers = drops & (stop == destination)
    passenger = jnp.where(picks_up, ABOARD, jnp.where(drops, stop, passenger))
    illegal = (action >= 4) & ~picks_up & ~drops
    reward = jnp.where(delivers, _DELIVERY_REWARD, jnp.where(illegal, _ILLEGAL_REWARD, _STEP_REWARD))
    index = Taxi.encode(row + moves * down, column + moves * right, passenger, destination)
    return index, reward.astype(jnp.float32), delivers
