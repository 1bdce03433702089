"""MinAtar's Seaquest: a submarine that rescues divers, shoots enemies and needs air."""

from typing import ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.minatar._game import (
    COLUMNS,
    DOWN,
    FIRE,
    LANES,
    LEFT,
    NOTHING,
    RIGHT,
    ROWS,
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

_MOST_OXYGEN = 200
_MOST_DIVERS = 6
_FIRST_SPAWN_INTERVAL = 20
_DIVER_SPAWN_INTERVAL = 30
_FIRST_MOVE_INTERVAL = 5
_DIVER_MOVE_INTERVAL = 5
_FASTEST_MOVE_INTERVAL = 2
_RELOAD = 5
_ENEMY_RELOAD = 10

# How many there can be at once. A bullet lives 9 frames, and the next comes after 5. A diver lives 60, and the next
# comes after 30. An enemy lives 30 frames once one comes in every frame, and less than 14 intervals before that.
_BULLETS = 2
_DIVERS = 2
_ENEMIES = 30


class Bullets(PyTreeNode):
    """The submarine's bullets, the newest first.

    Attributes:
        exists: (2,) bool, whether there is one; the other fields are 0 or false where not.
        rows: (2,) int32.
        columns: (2,) int32.
        rightwards: (2,) bool, whether it flies right, not left.
    """

    exists: Array
    rows: Array
    columns: Array
    rightwards: Array


class Swimmers(PyTreeNode):
    """Divers or enemies, the newest first: (2,) divers or (30,) enemies.

    Attributes:
        exists: bool, whether there is one; the other fields are 0 or false where not.
        rows: int32, from 1 to 8.
        columns: int32.
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
    """State of `Seaquest`; each () int32 where nothing else is said.

    Attributes:
        row: of the submarine, from 0, the surface, to 8.
        column: of its front, from 0 to 9.
        faces_right: () bool, whether it points right, not left.
        oxygen: how many frames the air will last.
        divers_on_board: how many were picked up; below 0 after a full load was set down.
        at_surface: () bool, whether it has been at the surface since the last frame.
        reload_timer: frames until it can shoot.
        bullets: its own.
        enemy_bullets: (2, 8) int32, the enemies' bullets that fly left and those that fly right, in each of the rows 1
            to 8: bit i is column i.
        enemies: fish and submarines.
        is_submarine: (30,) bool, which enemies are submarines.
        enemy_reload_timers: (30,) int32, frames until an enemy submarine shoots.
        divers: those in the water.
        spawn_interval: frames from one enemy to the next.
        spawn_timer: frames until one comes.
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


class Seaquest(Game[SeaquestState]):
    """Pick up divers, shoot fish and enemy submarines, and surface before the air runs out.

    Observation: (10, 10, 10) bool, row, column and channel.

    | channel | what it shows |
    |---|---|
    | 0 sub_front, 1 sub_back | the submarine, two cells long |
    | 2 friendly_bullet | its own |
    | 3 trail | the cell behind each enemy and diver |
    | 4 enemy_bullet | |
    | 5 enemy_fish, 6 enemy_sub | |
    | 7 oxygen_guage | in the last row from the left, a cell for each 20 frames that the air will last |
    | 8 diver_guage | in the last row from column 8 leftwards, a cell for each diver on board |
    | 9 diver | in the water |

    Action: 0 nothing, 1 left, 2 up, 3 right, 4 down, 5 fire; all of them matter.

    The submarine shoots at most every fifth frame. An enemy comes every `spawn_interval` frames, 20 at first, in a
    random row from 1 to 8, from the left or the right with equal probability, a submarine with probability 1/3; it does
    not where enemies swim the other way in that row. Enemies wait `move_interval` frames between moves, 5 at first;
    submarines shoot every eleventh frame. A diver comes every 30 frames and moves every sixth; the submarine takes
    divers in, up to 6, by touching them. The air lasts for 200 frames under water. Surfacing renews it and sets one
    diver down, or all 6, and makes the game harder: the spawn interval falls by 1, down to 1, and every other time the
    move interval, down to 2.

    Reward: 1 for each enemy shot; for surfacing with 6 divers a tenth of the percentage of air left, rounded down.

    Start: the submarine at the surface, in column 5, facing left, nothing else in the water.

    Episode end:
        Termination: the front of the submarine meets an enemy or its bullet, the air runs out, or the submarine
            surfaces with no diver on board.
        Truncation: none.

    Attributes:
        sticky_action_prob: probability that the last action is carried out in place of the chosen one.
        use_minimal_action_set: all six actions are the minimal ones here.
        difficulty_ramping: whether surfacing makes the game harder.

    Differences from the reference: the first action of an episode can stick to 0; there, to the last action of the
    episode before. As there, one diver more is taken off after all 6 were set down, which leaves -1 on board, and one
    can surface with fewer than none.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal actions, which are the same.
        v0: all six actions.
    """

    channels: ClassVar[tuple[str, ...]] = (
        "sub_front",
        "sub_back",
        "friendly_bullet",
        "trail",
        "enemy_bullet",
        "enemy_fish",
        "enemy_sub",
        "oxygen_guage",
        "diver_guage",
        "diver",
    )
    minimal_actions: ClassVar[tuple[int, ...]] = (NOTHING, LEFT, UP, RIGHT, DOWN, FIRE)
    tiles: ClassVar[tuple[Tile, ...]] = (
        Tile(palette.YELLOW),
        Tile(palette.YELLOW_DARK),
        Tile(palette.WHITE, "dot"),
        Tile(palette.STEEL, "dot"),
        Tile(palette.RED_LIGHT, "dot"),
        Tile(palette.TEAL, "disc"),
        Tile(palette.RED),
        Tile(palette.BLUE_LIGHT, "brick"),
        Tile(palette.ORANGE, "disc"),
        Tile(palette.ORANGE, "disc"),
    )
    num_draws: ClassVar[int] = 5

    difficulty_ramping: bool = static(default=True)

    def start_with(self, surroundings: GameState, draws: Array) -> SeaquestState:
        """Still water; no draws."""
        del draws
        zero = jnp.zeros((), jnp.int32)
        return SeaquestState(
            row=zero,
            column=zero + 5,
            faces_right=jnp.zeros((), bool),
            oxygen=zero + _MOST_OXYGEN,
            divers_on_board=zero,
            at_surface=jnp.ones((), bool),
            reload_timer=zero,
            bullets=Bullets(*_nothing(_BULLETS)),
            enemy_bullets=jnp.zeros((2, 8), jnp.int32),
            enemies=Swimmers(*_nothing(_ENEMIES), jnp.zeros(_ENEMIES, jnp.int32)),
            is_submarine=jnp.zeros(_ENEMIES, bool),
            enemy_reload_timers=jnp.zeros(_ENEMIES, jnp.int32),
            divers=Swimmers(*_nothing(_DIVERS), jnp.zeros(_DIVERS, jnp.int32)),
            spawn_interval=zero + _FIRST_SPAWN_INTERVAL,
            spawn_timer=zero + _FIRST_SPAWN_INTERVAL,
            diver_spawn_timer=zero + _DIVER_SPAWN_INTERVAL,
            move_interval=zero + _FIRST_MOVE_INTERVAL,
            ramp_index=zero,
            **vars(surroundings),
        )

    def play(self, state: SeaquestState, action: Array, draws: Array) -> tuple[SeaquestState, Array]:
        """A frame; the draws are for an enemy's side, kind and row, and a diver's side and row."""
        state = _diver_come(_enemy_come(state, draws[:3]), draws[3:])
        state = _steered(state, action)
        state, first_hits = _bullets_flown(state)
        state = _divers_swum(state)
        state, second_hits = _enemies_swum(state)
        state = _enemy_bullets_flown(state)
        state = state.replace(
            spawn_timer=jnp.maximum(state.spawn_timer - 1, 0),
            diver_spawn_timer=jnp.maximum(state.diver_spawn_timer - 1, 0),
            reload_timer=jnp.maximum(state.reload_timer - 1, 0),
            terminal=state.terminal | (state.oxygen <= 0),
        )
        state, bonus = _breathed(state, self.difficulty_ramping)
        return state, first_hits + second_hits + bonus

    def planes(self, state: SeaquestState) -> tuple[Array, ...]:
        """See the table of channels."""
        enemies, divers, bullets = state.enemies, state.divers, state.bullets
        trails = _lanes_of(enemies.exists, enemies.rows, _behind(enemies)) | _lanes_of(
            divers.exists, divers.rows, _behind(divers)
        )
        fish, submarines = enemies.exists & ~state.is_submarine, enemies.exists & state.is_submarine
        own = [cell(bullets.rows[i], bullets.columns[i]) & bullets.exists[i] for i in range(_BULLETS)]
        last = ROWS == SIZE - 1
        return (
            cell(state.row, state.column),
            cell(state.row, state.column + jnp.where(state.faces_right, -1, 1)),
            own[0] | own[1],
            _drawn(trails),
            _drawn(state.enemy_bullets[0] | state.enemy_bullets[1]),
            _drawn(_lanes_of(fish, enemies.rows, enemies.columns)),
            _drawn(_lanes_of(submarines, enemies.rows, enemies.columns)),
            last & (jnp.maximum(state.oxygen, 0) * 10 // _MOST_OXYGEN > COLUMNS),
            last & (SIZE - 1 - state.divers_on_board <= COLUMNS) & (COLUMNS < SIZE - 1),
            _drawn(_lanes_of(divers.exists, divers.rows, divers.columns)),
        )


def _nothing(count: int) -> tuple[Array, Array, Array, Array]:
    """No bullets or swimmers: existence, rows, columns and directions."""
    return (
        jnp.zeros(count, bool),
        jnp.zeros(count, jnp.int32),
        jnp.zeros(count, jnp.int32),
        jnp.zeros(count, bool),
    )


# ---------------------------------------------------------------- what comes


def _pushed(items: Array, item: Array, when: Array) -> Array:
    """With an item before the others, of which the oldest falls out; or as they are."""
    return jnp.where(when, jnp.concatenate([item.astype(items.dtype)[None], items[:-1]]), items)


def _enemy_come(state: SeaquestState, draws: Array) -> SeaquestState:
    """After an enemy has come, if it is time."""
    now = state.spawn_timer == 0
    rightwards, is_submarine = draws[0] < 1 / 2, draws[1] < 1 / 3
    row = 1 + below(draws[2], 8)
    enemies = state.enemies
    against = enemies.exists & (enemies.rows == row) & (enemies.rightwards != rightwards)
    comes = now & ~against.any()
    # The place at the front stays empty where none comes.
    new = Swimmers(comes, row, jnp.where(rightwards, 0, SIZE - 1), rightwards, state.move_interval)
    new = _cleared(new)
    return state.replace(
        enemies=jax.tree.map(lambda items, item: _pushed(items, item, now), enemies, new),
        is_submarine=_pushed(state.is_submarine, comes & is_submarine, now),
        enemy_reload_timers=_pushed(state.enemy_reload_timers, jnp.where(comes & is_submarine, _ENEMY_RELOAD, 0), now),
        spawn_timer=jnp.where(now, state.spawn_interval, state.spawn_timer),
    )


def _diver_come(state: SeaquestState, draws: Array) -> SeaquestState:
    """After a diver has come, if it is time."""
    now = state.diver_spawn_timer == 0
    rightwards = draws[0] < 1 / 2
    timer = jnp.full((), _DIVER_MOVE_INTERVAL, jnp.int32)
    new = Swimmers(now, 1 + below(draws[1], 8), jnp.where(rightwards, 0, SIZE - 1), rightwards, timer)
    return state.replace(
        divers=jax.tree.map(lambda items, item: _pushed(items, item, now), state.divers, new),
        diver_spawn_timer=jnp.where(now, _DIVER_SPAWN_INTERVAL, state.diver_spawn_timer),
    )


# ---------------------------------------------------------------- what moves


def _steered(state: SeaquestState, action: Array) -> SeaquestState:
    """After the submarine has moved or shot."""
    fires = (action == FIRE) & (state.reload_timer == 0)
    new = Bullets(fires, state.row, state.column, state.faces_right)
    return state.replace(
        bullets=jax.tree.map(lambda items, item: _pushed(items, item, fires), state.bullets, new),
        reload_timer=jnp.where(fires, _RELOAD, state.reload_timer),
        row=stepped(state.row, action == DOWN, action == UP, 0, 8),
        column=stepped(state.column, action == RIGHT, action == LEFT),
        faces_right=jnp.where(action == RIGHT, True, jnp.where(action == LEFT, False, state.faces_right)),
    )


def _bullets_flown(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """After the submarine's bullets have moved, and how many enemies they hit: fish before submarines, the oldest."""
    bullets = state.bullets
    columns = bullets.columns + jnp.where(bullets.rightwards, 1, -1)
    exists = bullets.exists & (columns >= 0) & (columns < SIZE)
    state = state.replace(bullets=bullets.replace(exists=exists, columns=columns))
    first = np.arange(_ENEMIES, dtype=np.int32) + jnp.where(state.is_submarine, 0, _ENEMIES)
    state, hits = _struck(state, range(_BULLETS), state.enemies.exists, first)
    return state.replace(bullets=_cleared(state.bullets)), hits


def _struck(
    state: SeaquestState, order: range, targets: Array, rank: Array | np.ndarray
) -> tuple[SeaquestState, Array]:
    """After each bullet has taken out an enemy in its cell and itself, and how many did.

    Args:
        state: before.
        order: the bullets, the first to strike first.
        targets: (30,) bool, which enemies can be hit.
        rank: (30,) int32, different and at least 0: of several in a cell the one of the highest rank is hit.
    """
    enemies, bullets, hits = state.enemies, state.bullets, jnp.zeros((), jnp.int32)
    alive, flying = enemies.exists, bullets.exists
    for i in order:
        in_cell = (enemies.rows == bullets.rows[i]) & (enemies.columns == bullets.columns[i])
        score = jnp.where(targets & alive & in_cell & flying[i], rank, -1)
        best = score.max()
        alive = alive & ~((score == best) & (best >= 0))
        flying = flying & ~((np.arange(_BULLETS) == i) & (best >= 0))
        hits = hits + (best >= 0).astype(jnp.int32)
    return state.replace(enemies=enemies.replace(exists=alive), bullets=bullets.replace(exists=flying)), hits


def _divers_swum(state: SeaquestState) -> SeaquestState:
    """After divers have been taken in, before or after they moved."""
    divers, count = state.divers, state.divers_on_board
    moves = divers.timers == 0
    columns = divers.columns + jnp.where(moves, jnp.where(divers.rightwards, 1, -1), 0)
    touched = (divers.rows == state.row) & ((divers.columns == state.column) | (columns == state.column))
    inside = (columns >= 0) & (columns < SIZE)
    stay = []
    for i in range(_DIVERS):  # the newest first: the last free seat is taken once
        taken = divers.exists[i] & touched[i] & (count < _MOST_DIVERS)
        count = count + taken.astype(jnp.int32)
        stay.append(divers.exists[i] & inside[i] & ~taken)
    timers = jnp.where(moves, _DIVER_MOVE_INTERVAL, divers.timers - 1)
    divers = divers.replace(exists=jnp.stack(stay), columns=columns, timers=timers)
    return state.replace(divers=_cleared(divers), divers_on_board=count)


def _enemies_swum(state: SeaquestState) -> tuple[SeaquestState, Array]:
    """After the enemies have moved and shot, and how many ran into a bullet."""
    before = state.enemies
    moves = before.timers == 0
    columns = before.columns + jnp.where(moves, jnp.where(before.rightwards, 1, -1), 0)
    in_row = before.exists & (before.rows == state.row)
    meets = in_row & moves & (columns == state.column)
    collides = (in_row & (before.columns == state.column)) | meets
    inside = (columns >= 0) & (columns < SIZE)
    timers = jnp.where(moves, state.move_interval, before.timers - 1)
    enemies = before.replace(exists=before.exists & inside, columns=columns, timers=timers)
    # Of those that move onto a bullet submarines come before fish, and the newest first.
    last = np.arange(_ENEMIES, 0, -1, dtype=np.int32) + jnp.where(state.is_submarine, _ENEMIES, 0)
    moved = state.replace(enemies=enemies, terminal=state.terminal | collides.any())
    moved, hits = _struck(moved, range(_BULLETS - 1, -1, -1), moves & ~meets, last)
    # A submarine that is shot in this frame, too, gets its own shot off.
    shoots = before.exists & inside & state.is_submarine & (state.enemy_reload_timers == 0)
    shots = jnp.stack(
        [_lanes_of(shoots & (before.rightwards == right), before.rows, columns) for right in (False, True)]
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


def _enemy_bullets_flown(state: SeaquestState) -> SeaquestState:
    """After the enemies' bullets have moved."""
    left, right = state.enemy_bullets[0], state.enemy_bullets[1]
    flown = jnp.stack([left >> 1, (right << 1) & (2**SIZE - 1)])
    passed = (state.enemy_bullets | flown)[0] | (state.enemy_bullets | flown)[1]
    hit = (((passed >> state.column) & 1) == 1) & (state.row == LANES)
    return state.replace(enemy_bullets=flown, terminal=state.terminal | hit.any())


def _breathed(state: SeaquestState, difficulty_ramping: bool) -> tuple[SeaquestState, Array]:
    """After a frame's air was used up or renewed, and the reward for all divers set down."""
    under_water = state.row > 0
    arrives = ~under_water & ~state.at_surface
    surfaces = arrives & (state.divers_on_board != 0)
    is_full = surfaces & (state.divers_on_board == _MOST_DIVERS)
    bonus = jnp.where(is_full, state.oxygen * 10 // _MOST_OXYGEN, 0)
    # One diver less, even after all six.
    divers = jnp.where(is_full, 0, state.divers_on_board) - surfaces.astype(jnp.int32)
    oxygen = jnp.where(surfaces, _MOST_OXYGEN, state.oxygen - under_water.astype(jnp.int32))

    more_often, faster = state.spawn_interval > 1, state.move_interval > _FASTEST_MOVE_INTERVAL
    harder = surfaces & (more_often | faster) & difficulty_ramping
    faster = harder & faster & (state.ramp_index % 2 == 1)
    state = state.replace(
        oxygen=oxygen,
        divers_on_board=divers,
        at_surface=surfaces | (state.at_surface & ~under_water),
        terminal=state.terminal | (arrives & ~surfaces),
        move_interval=state.move_interval - faster.astype(jnp.int32),
        spawn_interval=state.spawn_interval - (harder & more_often).astype(jnp.int32),
        ramp_index=state.ramp_index + harder.astype(jnp.int32),
    )
    return state, bonus


# ---------------------------------------------------------------- rows of bits


def _cleared(items: _Items) -> _Items:
    """With zeros where nothing is."""
    return jax.tree.map(lambda values: jnp.where(items.exists, values, jnp.zeros_like(values)), items)


def _behind(items: Swimmers) -> Array:
    """The columns that they come from; may lie outside."""
    return items.columns + jnp.where(items.rightwards, -1, 1)


def _lanes_of(exists: Array, rows: Array, columns: Array) -> Array:
    """(8,) int32: bit i of an entry says whether one of them is in that lane and column i."""
    seen = exists & (columns >= 0) & (columns < SIZE)
    bits = jnp.where(seen, 1 << jnp.clip(columns, 0, SIZE - 1), 0)
    lanes = jnp.where(rows[:, None] == LANES[None, :], bits[:, None], 0)
    return jax.lax.reduce_or(lanes, (0,))


def _drawn(lanes: Array) -> Array:
    """(10, 10) bool of such bits."""
    return in_lanes(((lanes[:, None] >> COLUMNS) & 1) == 1)
