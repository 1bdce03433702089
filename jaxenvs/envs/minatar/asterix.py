"""MinAtar's Asterix: pick up gold and avoid enemies in eight lanes."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.core.pytree import static
from jaxenvs.envs.minatar._game import (
    COLUMNS,
    DOWN,
    LANES,
    LEFT,
    NOTHING,
    RIGHT,
    SIZE,
    UP,
    Game,
    GameState,
    below,
    cell,
    in_lanes,
    stepped,
)
from jaxenvs.envs.minatar._picture import Tile

_RAMP_INTERVAL = 100
_FIRST_SPAWN_INTERVAL = 10
_FIRST_MOVE_INTERVAL = 5
_EARLIER = np.tril(np.ones((8, 8), bool), -1)


class AsterixState(GameState, kw_only=True):
    """State of `Asterix`; each () int32 unless stated otherwise.

    Attributes:
        row: row of the player, from 1 to 8.
        column: column of the player, from 0 to 9.
        occupied: (8,) bool, whether something is in the lane; lane i is row i + 1.
        columns: (8,) int32, the column of that object; 0 in a free lane.
        rightwards: (8,) bool, whether it moves right, not left; False in a free lane.
        is_gold: (8,) bool, whether it is gold, not an enemy; False in a free lane.
        spawn_interval: frames between two spawns.
        spawn_timer: frames until something spawns.
        move_interval: frames between two moves of all objects.
        move_timer: frames until the objects move.
        ramp_timer: frames until the game gets harder, minus one.
        ramp_index: how often it has got harder.
    """

    row: Array
    column: Array
    occupied: Array
    columns: Array
    rightwards: Array
    is_gold: Array
    spawn_interval: Array
    spawn_timer: Array
    move_interval: Array
    move_timer: Array
    ramp_timer: Array
    ramp_index: Array


class Asterix(Game[AsterixState]):
    """Pick up gold and avoid enemies; both cross the screen in eight lanes, faster and faster.

    Every `spawn_interval` frames, 10 at first, something enters a random free lane, from the left or the right with
    equal probability. It is gold with probability 1/3. Everything moves one cell every `move_interval` frames, 5 at
    first. Every 102 frames the spawn interval shrinks by one, and every other time the move interval does as well,
    until both are 1.

    Observation: (10, 10, 4) bool: row, column and channel.

        | channel | meaning                                                    |
        |---------|------------------------------------------------------------|
        | 0       | `player`                                                   |
        | 1       | `enemy`                                                    |
        | 2       | `trail`: the cell behind each enemy and each piece of gold |
        | 3       | `gold`                                                     |

    Action: () int32. 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire, which has no effect. The minimal action set leaves
        out 5.

    Reward: 1 for each piece of gold.

    Start: the player in row 5 and column 5, and empty lanes.

    Episode end:
        Termination: an enemy is where the player is.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: whether there are five actions rather than six.
        difficulty_ramping: whether the game gets harder.

    Differences from the reference: the first action of an episode can stick to action 0. In the reference it can stick
        to the last action of the previous episode.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal action set.
        v0: all six actions.
    """

    channels: ClassVar[tuple[str, ...]] = ("player", "enemy", "trail", "gold")
    minimal_actions: ClassVar[tuple[int, ...]] = (NOTHING, LEFT, UP, RIGHT, DOWN)
    tiles: ClassVar[tuple[Tile, ...]] = (
        Tile(palette.BLUE_LIGHT),
        Tile(palette.RED),
        Tile(palette.STEEL, "dot"),
        Tile(palette.YELLOW, "disc"),
    )
    num_draws: ClassVar[int] = 3

    difficulty_ramping: bool = static(default=True)

    def start_with(self, surroundings: GameState, draws: Array) -> AsterixState:
        del draws
        nowhere = jnp.zeros(8, bool)
        return AsterixState(
            row=jnp.full((), 5, jnp.int32),
            column=jnp.full((), 5, jnp.int32),
            occupied=nowhere,
            columns=jnp.zeros(8, jnp.int32),
            rightwards=nowhere,
            is_gold=nowhere,
            spawn_interval=jnp.full((), _FIRST_SPAWN_INTERVAL, jnp.int32),
            spawn_timer=jnp.full((), _FIRST_SPAWN_INTERVAL, jnp.int32),
            move_interval=jnp.full((), _FIRST_MOVE_INTERVAL, jnp.int32),
            move_timer=jnp.full((), _FIRST_MOVE_INTERVAL, jnp.int32),
            ramp_timer=jnp.full((), _RAMP_INTERVAL, jnp.int32),
            ramp_index=jnp.zeros((), jnp.int32),
            **vars(surroundings),
        )

    def play(self, state: AsterixState, action: Array, draws: Array) -> tuple[AsterixState, Array]:
        """A frame; the draws decide from which side something comes, whether it is gold, and in which free lane."""
        state = _spawned(state, draws)
        row = stepped(state.row, action == DOWN, action == UP, 1, 8)
        column = stepped(state.column, action == RIGHT, action == LEFT)

        met = state.occupied & (row == LANES) & (state.columns == column)
        occupied = state.occupied & ~(met & state.is_gold)
        moves = state.move_timer == 0
        columns = state.columns + jnp.where(moves, jnp.where(state.rightwards, 1, -1), 0)
        occupied = occupied & (columns >= 0) & (columns < SIZE)
        met_now = moves & occupied & (row == LANES) & (columns == column)
        occupied = occupied & ~(met_now & state.is_gold)
        touched = (met | met_now) & ~state.is_gold
        collected = (met | met_now) & state.is_gold

        state = state.replace(
            row=row,
            column=column,
            occupied=occupied,
            columns=jnp.where(occupied, columns, 0),
            rightwards=state.rightwards & occupied,
            is_gold=state.is_gold & occupied,
            spawn_timer=state.spawn_timer - 1,
            move_timer=jnp.where(moves, state.move_interval, state.move_timer) - 1,
            is_over=touched.any(),
        )
        reward = collected.sum(dtype=jnp.int32)
        return (_ramped(state) if self.difficulty_ramping else state), reward

    def planes(self, state: AsterixState) -> tuple[Array, ...]:
        behind = state.columns + jnp.where(state.rightwards, -1, 1)
        things = state.occupied[:, None] & (state.columns[:, None] == COLUMNS)
        trails = state.occupied[:, None] & (behind[:, None] == COLUMNS)
        gold = state.is_gold[:, None]
        return (
            cell(state.row, state.column),
            in_lanes(things & ~gold),
            in_lanes(trails),
            in_lanes(things & gold),
        )


def _spawned(state: AsterixState, draws: Array) -> AsterixState:
    """Lets something enter a free lane, if it is time and there is one."""
    spawns = state.spawn_timer == 0
    free = ~state.occupied
    order = (_EARLIER & free[None, :]).sum(-1, dtype=jnp.int32)  # how many free lanes come before
    chosen = spawns & free & (order == below(draws[2], free.sum(dtype=jnp.int32)))
    rightwards = draws[0] < 1 / 2
    return state.replace(
        occupied=state.occupied | chosen,
        columns=jnp.where(chosen, jnp.where(rightwards, 0, SIZE - 1), state.columns),
        rightwards=jnp.where(chosen, rightwards, state.rightwards),
        is_gold=jnp.where(chosen, draws[1] < 1 / 3, state.is_gold),
        spawn_timer=jnp.where(spawns, state.spawn_interval, state.spawn_timer),
    )


def _ramped(state: AsterixState) -> AsterixState:
    """Makes the game harder, if it is time and possible."""
    can = (state.spawn_interval > 1) | (state.move_interval > 1)
    now = can & (state.ramp_timer < 0)
    faster = now & (state.move_interval > 1) & (state.ramp_index % 2 == 1)
    return state.replace(
        move_interval=state.move_interval - faster.astype(jnp.int32),
        spawn_interval=state.spawn_interval - (now & (state.spawn_interval > 1)).astype(jnp.int32),
        ramp_index=state.ramp_index + now.astype(jnp.int32),
        ramp_timer=jnp.where(now, _RAMP_INTERVAL, state.ramp_timer - can.astype(jnp.int32)),
    )
