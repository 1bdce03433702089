"""The objects in the water of Seaquest, and how they appear and move: the parts of a frame, in order."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs.minatar._game import (
    COLUMNS,
    DOWN,
    FIRE,
    LANES,
    LEFT,
    RIGHT,
    SIZE,
    UP,
    GameState,
    below,
    in_lanes,
    stepped,
)

MOST_OXYGEN = 200
_MOST_DIVERS = 6
FIRST_SPAWN_INTERVAL = 20
DIVER_SPAWN_INTERVAL = 30
FIRST_MOVE_INTERVAL = 5
_DIVER_MOVE_INTERVAL = 5
_FASTEST_MOVE_INTERVAL = 2
_RELOAD = 5
_ENEMY_RELOAD = 10

# How many there can be at once. A bullet lives 9 frames, and the next comes after 5. A diver lives 60, and the next
# comes after 30. An enemy lives 30 frames once one comes in every frame, and fewer than 14 intervals before that.
BULLETS = 2
DIVERS = 2
ENEMIES = 30


class Bullets(PyTreeNode):
    """The submarine's bullets, the newest first.

    Attributes:
        exists: (2,) bool, whether there is one; if not, the other fields are 0 or False.
        rows: (2,) int32, the rows.
        columns: (2,) int32, the columns.
        rightwards: (2,) bool, whether it flies right, not left.
    """

    exists: Array
    rows: Array
    columns: Array
    rightwards: Array


class Swimmers(PyTreeNode):
    """Divers or enemies, the newest first: (2,) divers or (30,) enemies.

    Attributes:
        exists: bool, whether there is one; if not, the other fields are 0 or False.
        rows: int32, the rows, from 1 to 8.
        columns: int32, the columns.
        rightwards: bool, whether it swims right, not left.
        timers: int32, frames until it moves.
    """

    exists: Array
    rows: Array
    columns: Array
    rightwards: Array
    timers: Array


_Items = TypeVar("_Items", Bullets, Swimmers)


class SeaquestState(GameState, kw_only=True):
    """State of `Seaquest`; each () int32 unless stated otherwise.

    Attributes:
        row: row of the submarine, from 0, the surface, to 8.
        column: column of its front, from 0 to 9.
        faces_right: () bool, whether it points right, not left.
        oxygen: number of frames the air will last.
        divers_on_board: number of divers on board; below 0 after a full load was set down.
        at_surface: () bool, whether it has been at the surface since the last frame.
        reload_timer: frames until it can shoot.
        bullets: the submarine's bullets.
        enemy_bullets: (2, 8) int32, the enemies' bullets that fly left and those that fly right, in each of rows 1 to
            8: bit i is column i.
        enemies: fish and submarines.
        is_submarine: (30,) bool, which enemies are submarines.
        enemy_reload_timers: (30,) int32, frames until an enemy submarine shoots.
        divers: divers in the water.
        spawn_interval: frames between two enemies.
        spawn_timer: frames until an enemy comes.
        diver_spawn_timer: frames until a diver comes.
        move_interval: frames that an enemy waits between two moves.
        ramp_index: how often the game has grown harder.
    """

    row: Array
    column: Array
    faces_right: Array
    oxygen: Array
    divers_on_board: Array
    at_surface: Array
    reload_timer: Array
    bullets: Bullets
    enemy_bullets: Array
    enemies: Swimmers
    is_submarine: Array
    enemy_reload_timers: Array
    divers: Swimmers
    spawn_interval: Array
    spawn_timer: Array
    diver_spawn_timer: Array
    move_interval: Array
    ramp_index: Array


def nothing(count: int) -> tuple[Array, Array, Array, Array]:
    """No bullets or swimmers: empty existence, rows, columns and directions."""
    return (
        jnp.zeros(count, bool),
        jnp.zeros(count, jnp.int32),
        jnp.zeros(count, jnp.int32),
        jnp.zeros(count, bool),
    )


# ---------------------------------------------------------------- arrivals


def _pushed(items: Array, item: Array, when: Array) -> Array:
    """Puts an item before the others, of which the oldest is dropped, if `when`; else leaves them unchanged."""
    return jnp.where(when, jnp.concatenate([item.astype(items.dtype)[None], items[:-1]]), items)


def spawn_enemy(state: SeaquestState, draws: Array) -> SeaquestState:
    """Adds an enemy, if it is time."""
    now = state.spawn_timer == 0
    rightwards, is_submarine = draws[0] < 1 / 2, draws[1] < 1 / 3
    row = 1 + below(draws[2], 8)
    enemies = state.enemies
    against = enemies.exists & (enemies.rows == row) & (enemies.rightwards != rightwards)
    comes = now & ~against.any()
    # The place at the front stays empty if none comes.
    new = Swimmers(comes, row, jnp.where(rightwards, 0, SIZE - 1), rightwards, state.move_interval)
    new = _cleared(new)
    return state.replace(
        enemies=jax.tree.map(lambda items, item: _pushed(items, item, now), enemies, new),
        is_submarine=_pushed(state.is_submarine, comes & is_submarine, now),
        enemy_reload_timers=_pushed(state.enemy_reload_timers, jnp.where(comes & is_submarine, _ENEMY_RELOAD, 0), now),
        spawn_timer=jnp.where(now, state.spawn_interval, state.spawn_timer),
    )


def spawn_diver(state: SeaquestState, draws: Array) -> SeaquestState:
    """Adds a diver, if it is time."""
    now = state.diver_spawn_timer == 0
    rightwards = draws[0] < 1 / 2
    timer = jnp.full((), _DIVER_MOVE_INTERVAL, jnp.int32)
    new = Swimmers(now, 1 + below(draws[1], 8), jnp.where(rightwards, 0, SIZE - 1), rightwards, timer)
    return state.replace(
        divers=jax.tree.map(lambda items, item: _pushed(items, item, now), state.divers, new),
        diver_spawn_timer=jnp.where(now, DIVER_SPAWN_INTERVAL, state.diver_spawn_timer),
    )


# ---------------------------------------------------------------- moves


def move_submarine(state: SeaquestState, action: Array) -> SeaquestState:
    """Moves the submarine, or lets it shoot."""
    fires = (action == FIRE) & (state.reload_timer == 0)
    new = Bullets(fires, state.row, state.column, state.faces_right)
    return state.replace(
        bullets=jax.tree.map(lambda items, item: _pushed(items, item, fires), state.bullets, new),
        reload_timer=jnp.where(fires, _RELOAD, state.reload_timer),
        row=stepped(state.row, action == DOWN, action == UP, 0, 8),
        column=stepped(state.column, action == RIGHT, action == LEFT),
        faces_right=jnp.where(action == RIGHT, True, jnp.where(action == LEFT, False, state.faces_right)),
    )


def move_bullets(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """Moves the submarine's bullets, and counts the enemies they hit: fish before submarines, the oldest first."""
    bullets = state.bullets
    columns = bullets.columns + jnp.where(bullets.rightwards, 1, -1)
    exists = bullets.exists & (columns >= 0) & (columns < SIZE)
    state = state.replace(bullets=bullets.replace(exists=exists, columns=columns))
    first = np.arange(ENEMIES, dtype=np.int32) + jnp.where(state.is_submarine, 0, ENEMIES)
    state, hits = _strike(state, range(BULLETS), state.enemies.exists, first)
    return state.replace(bullets=_cleared(state.bullets)), hits


def _strike(
    state: SeaquestState, order: range, targets: Array, rank: Array | np.ndarray
) -> tuple[SeaquestState, Array]:
    """Removes each bullet that hits an enemy in its cell, and that enemy, and counts them.

    Args:
        state: the state before.
        order: the bullets, in the order in which they hit.
        targets: (30,) bool, which enemies can be hit.
        rank: (30,) int32, distinct and at least 0: of several enemies in a cell, the one with the highest rank is hit.
    """
    enemies, bullets, hits = state.enemies, state.bullets, jnp.zeros((), jnp.int32)
    alive, flying = enemies.exists, bullets.exists
    for i in order:
        in_cell = (enemies.rows == bullets.rows[i]) & (enemies.columns == bullets.columns[i])
        score = jnp.where(targets & alive & in_cell & flying[i], rank, -1)
        best = score.max()
        alive = alive & ~((score == best) & (best >= 0))
        flying = flying & ~((np.arange(BULLETS) == i) & (best >= 0))
        hits = hits + (best >= 0).astype(jnp.int32)
    return state.replace(enemies=enemies.replace(exists=alive), bullets=bullets.replace(exists=flying)), hits


def move_divers(state: SeaquestState) -> SeaquestState:
    """Takes divers on board, before or after they move."""
    divers, count = state.divers, state.divers_on_board
    moves = divers.timers == 0
    columns = divers.columns + jnp.where(moves, jnp.where(divers.rightwards, 1, -1), 0)
    touched = (divers.rows == state.row) & ((divers.columns == state.column) | (columns == state.column))
    inside = (columns >= 0) & (columns < SIZE)
    stay = []
    for i in range(DIVERS):  # the newest first: the last free seat is taken once
        taken = divers.exists[i] & touched[i] & (count < _MOST_DIVERS)
        count = count + taken.astype(jnp.int32)
        stay.append(divers.exists[i] & inside[i] & ~taken)
    timers = jnp.where(moves, _DIVER_MOVE_INTERVAL, divers.timers - 1)
    divers = divers.replace(exists=jnp.stack(stay), columns=columns, timers=timers)
    return state.replace(divers=_cleared(divers), divers_on_board=count)


def move_enemies(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """Moves the enemies and lets them shoot, and counts those that ran into a bullet."""
    before = state.enemies
    moves = before.timers == 0
    columns = before.columns + jnp.where(moves, jnp.where(before.rightwards, 1, -1), 0)
    in_row = before.exists & (before.rows == state.row)
    meets = in_row & moves & (columns == state.column)
    collides = (in_row & (before.columns == state.column)) | meets
    inside = (columns >= 0) & (columns < SIZE)
    timers = jnp.where(moves, state.move_interval, before.timers - 1)
    enemies = before.replace(exists=before.exists & inside, columns=columns, timers=timers)
    # Of those that move onto a bullet, submarines come before fish, and the newest come first.
    last = np.arange(ENEMIES, 0, -1, dtype=np.int32) + jnp.where(state.is_submarine, ENEMIES, 0)
    moved = state.replace(enemies=enemies, is_over=state.is_over | collides.any())
    moved, hits = _strike(moved, range(BULLETS - 1, -1, -1), moves & ~meets, last)
    # A submarine that is shot in this frame still fires its own shot.
    shoots = before.exists & inside & state.is_submarine & (state.enemy_reload_timers == 0)
    shots = jnp.stack(
        [lanes_of(shoots & (before.rightwards == right), before.rows, columns) for right in (False, True)]
    )
    exists = moved.enemies.exists
    is_submarine = state.is_submarine & exists
    reload_timers = jnp.where(shoots, _ENEMY_RELOAD, state.enemy_reload_timers - 1)
    moved = moved.replace(
        enemies=_cleared(moved.enemies),
        bullets=_cleared(moved.bullets),
        is_submarine=is_submarine,
        enemy_reload_timers=jnp.where(is_submarine, reload_timers, 0),
        enemy_bullets=moved.enemy_bullets | shots,
    )
    return moved, hits


def move_enemy_bullets(state: SeaquestState) -> SeaquestState:
    """Moves the enemies' bullets."""
    left, right = state.enemy_bullets[0], state.enemy_bullets[1]
    flown = jnp.stack([left >> 1, (right << 1) & (2**SIZE - 1)])
    passed = (state.enemy_bullets | flown)[0] | (state.enemy_bullets | flown)[1]
    hit = (((passed >> state.column) & 1) == 1) & (state.row == LANES)
    return state.replace(enemy_bullets=flown, is_over=state.is_over | hit.any())


def use_air(state: SeaquestState, difficulty_ramping: bool) -> tuple[SeaquestState, Array]:
    """Uses or renews the air of a frame; also returns the reward for setting down all divers."""
    under_water = state.row > 0
    arrives = ~under_water & ~state.at_surface
    surfaces = arrives & (state.divers_on_board != 0)
    is_full = surfaces & (state.divers_on_board == _MOST_DIVERS)
    bonus = jnp.where(is_full, state.oxygen * 10 // MOST_OXYGEN, 0)
    # One diver fewer, even after all six.
    divers = jnp.where(is_full, 0, state.divers_on_board) - surfaces.astype(jnp.int32)
    oxygen = jnp.where(surfaces, MOST_OXYGEN, state.oxygen - under_water.astype(jnp.int32))

    more_often, faster = state.spawn_interval > 1, state.move_interval > _FASTEST_MOVE_INTERVAL
    harder = surfaces & (more_often | faster) & difficulty_ramping
    faster = harder & faster & (state.ramp_index % 2 == 1)
    state = state.replace(
        oxygen=oxygen,
        divers_on_board=divers,
        at_surface=surfaces | (state.at_surface & ~under_water),
        is_over=state.is_over | (arrives & ~surfaces),
        move_interval=state.move_interval - faster.astype(jnp.int32),
        spawn_interval=state.spawn_interval - (harder & more_often).astype(jnp.int32),
        ramp_index=state.ramp_index + harder.astype(jnp.int32),
    )
    return state, bonus


# ---------------------------------------------------------------- rows of bits


def _cleared(items: _Items) -> _Items:
    """Sets the fields of absent items to zero."""
    return jax.tree.map(lambda values: jnp.where(items.exists, values, jnp.zeros_like(values)), items)


def behind(items: Swimmers) -> Array:
    """The columns behind them, which may lie outside."""
    return items.columns + jnp.where(items.rightwards, -1, 1)


def lanes_of(exists: Array, rows: Array, columns: Array) -> Array:
    """(8,) int32: bit i of an entry says whether one of them is in that lane, at column i."""
    seen = exists & (columns >= 0) & (columns < SIZE)
    bits = jnp.where(seen, 1 << jnp.clip(columns, 0, SIZE - 1), 0)
    lanes = jnp.where(rows[:, None] == LANES[None, :], bits[:, None], 0)
    return jax.lax.reduce_or(lanes, (0,))


def drawn(lanes: Array) -> Array:
    """(10, 10) bool from such bits."""
    return in_lanes(((lanes[:, None] >> COLUMNS) & 1) == 1)
