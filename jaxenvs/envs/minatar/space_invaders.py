"""MinAtar's Space Invaders: a cannon against waves of aliens."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.core.pytree import static
from jaxenvs.envs.minatar._game import (
    COLUMNS,
    FIRE,
    LEFT,
    NOTHING,
    RIGHT,
    ROWS,
    SIZE,
    Game,
    GameState,
    cell,
    stepped,
)
from jaxenvs.envs.minatar._picture import Tile

_RELOAD = 5
_SHOT_INTERVAL = 10
_SLOWEST_MOVE_INTERVAL = 12
_FASTEST_MOVE_INTERVAL = 6  # at the start of a wave
_FLOOR = SIZE - 1
_WAVE = (ROWS < 4) & (COLUMNS >= 2) & (COLUMNS < 8)


class SpaceInvadersState(GameState, kw_only=True):
    """State of `SpaceInvaders`; each () int32 unless stated otherwise.

    Attributes:
        cannon: column of the cannon, which is in row 9.
        aliens: (10, 10) bool, row and column of the aliens.
        shots: (10, 10) bool, the cannon's bullets.
        alien_shots: (10, 10) bool, the aliens' bullets.
        rightwards: () bool, whether the aliens move right, not left.
        reload_timer: frames until the cannon can shoot.
        alien_move_interval: frames between two moves of the aliens, unless there are fewer aliens than that.
        alien_move_timer: frames until they move.
        alien_shot_timer: frames until one of them shoots.
        ramp_index: how often the game has got harder.
    """

    cannon: Array
    aliens: Array
    shots: Array
    alien_shots: Array
    rightwards: Array
    reload_timer: Array
    alien_move_interval: Array
    alien_move_timer: Array
    alien_shot_timer: Array
    ramp_index: Array


class SpaceInvaders(Game[SpaceInvadersState]):
    """Shoot the aliens before they shoot the cannon or land.

    The cannon shoots at most every fifth frame; bullets fly one cell per frame. Aliens move every 12 frames, or every n
    frames if only n < 12 are left. They move sideways or, if one of them is at the border, down, and turn around. Every
    10 frames the lowest alien of the column nearest to the cannon (the left one of two) shoots. When the last alien is
    shot, a new wave of 24 appears, whose interval is one frame shorter, down to 6. The only chance in the game is in
    sticky actions.

    Observation: (10, 10, 6) bool: row, column and channel.

        | channel | meaning                                       |
        |---------|-----------------------------------------------|
        | 0       | `cannon`, in the last row                     |
        | 1       | `alien`                                       |
        | 2       | `alien_left`: the aliens, if they move left   |
        | 3       | `alien_right`: the aliens, if they move right |
        | 4       | `friendly_bullet`: the cannon's bullets       |
        | 5       | `enemy_bullet`: the aliens' bullets           |

    Action: () int32. 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. The minimal action set is 0 no-op, 1 left, 2
        right, 3 fire.

    Reward: 1 for each alien.

    Start: 24 aliens in rows 0 to 3 and columns 2 to 7, moving left; the cannon in column 5.

    Episode end:
        Termination: a bullet or an alien reaches the cannon, or an alien in the last row reaches a border.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: whether there are four actions rather than six.
        difficulty_ramping: whether later waves are faster.

    Differences from the reference: the first action of an episode can stick to action 0. In the reference it can stick
        to the last action of the previous episode. As in the reference, a new wave keeps the previous wave's direction
        and timers, and appears among the bullets.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal action set.
        v0: all six actions.
    """

    channels: ClassVar[tuple[str, ...]] = (
        "cannon",
        "alien",
        "alien_left",
        "alien_right",
        "friendly_bullet",
        "enemy_bullet",
    )
    minimal_actions: ClassVar[tuple[int, ...]] = (NOTHING, LEFT, RIGHT, FIRE)
    tiles: ClassVar[tuple[Tile, ...]] = (
        Tile(palette.BLUE_LIGHT),
        Tile(palette.TEAL),
        Tile(palette.TEAL),
        Tile(palette.PURPLE),
        Tile(palette.YELLOW, "bar"),
        Tile(palette.RED, "bar"),
    )

    difficulty_ramping: bool = static(default=True)

    def start_with(self, surroundings: GameState, draws: Array) -> SpaceInvadersState:
        del draws
        nowhere = jnp.zeros((SIZE, SIZE), bool)
        return SpaceInvadersState(
            cannon=jnp.full((), 5, jnp.int32),
            aliens=jnp.asarray(_WAVE),
            shots=nowhere,
            alien_shots=nowhere,
            rightwards=jnp.zeros((), bool),
            reload_timer=jnp.zeros((), jnp.int32),
            alien_move_interval=jnp.full((), _SLOWEST_MOVE_INTERVAL, jnp.int32),
            alien_move_timer=jnp.full((), _SLOWEST_MOVE_INTERVAL, jnp.int32),
            alien_shot_timer=jnp.full((), _SHOT_INTERVAL, jnp.int32),
            ramp_index=jnp.zeros((), jnp.int32),
            **vars(surroundings),
        )

    def play(self, state: SpaceInvadersState, action: Array, draws: Array) -> tuple[SpaceInvadersState, Array]:
        """Moves the cannon, the bullets and the aliens; there are no draws."""
        del draws
        fires = (action == FIRE) & (state.reload_timer == 0)
        # A bullet moves in the frame in which it is fired: from the cannon's row to the one above.
        shots = _shifted_up(state.shots | (cell(_FLOOR, state.cannon) & fires))
        reload_timer = jnp.where(fires, _RELOAD, state.reload_timer)
        cannon = stepped(state.cannon, action == RIGHT, action == LEFT)
        cannon_cell = cell(_FLOOR, cannon)
        alien_shots = _shifted_down(state.alien_shots)
        is_hit = (cannon_cell & (alien_shots | state.aliens)).any()

        moves = state.alien_move_timer == 0
        aliens, rightwards, land = _marched(state.aliens, state.rightwards)
        aliens, rightwards = jnp.where(moves, aliens, state.aliens), jnp.where(moves, rightwards, state.rightwards)
        is_hit = is_hit | (moves & (land | (cannon_cell & aliens).any()))
        interval = jnp.minimum(state.aliens.sum(dtype=jnp.int32), state.alien_move_interval)
        shoots = state.alien_shot_timer == 0
        alien_shots = alien_shots | (_nearest(aliens, cannon) & shoots)

        killed = aliens & shots
        aliens, shots = aliens & ~killed, shots & ~killed
        cleared = ~aliens.any()
        harder = cleared & (state.alien_move_interval > _FASTEST_MOVE_INTERVAL) & self.difficulty_ramping
        state = state.replace(
            cannon=cannon,
            aliens=aliens | (_WAVE & cleared),
            shots=shots,
            alien_shots=alien_shots,
            rightwards=rightwards,
            reload_timer=jnp.maximum(reload_timer - 1, 0),
            alien_move_interval=state.alien_move_interval - harder.astype(jnp.int32),
            alien_move_timer=jnp.where(moves, interval, state.alien_move_timer) - 1,
            alien_shot_timer=jnp.where(shoots, _SHOT_INTERVAL, state.alien_shot_timer) - 1,
            ramp_index=state.ramp_index + harder.astype(jnp.int32),
            is_over=is_hit,
        )
        return state, killed.sum(dtype=jnp.int32)

    def planes(self, state: SpaceInvadersState) -> tuple[Array, ...]:
        """Cannon, aliens, aliens by direction, bullets."""
        return (
            cell(_FLOOR, state.cannon),
            state.aliens,
            state.aliens & ~state.rightwards,
            state.aliens & state.rightwards,
            state.shots,
            state.alien_shots,
        )


def _shifted_up(grid: Array) -> Array:
    return jnp.pad(grid[1:], ((0, 1), (0, 0)))


def _shifted_down(grid: Array) -> Array:
    return jnp.pad(grid[:-1], ((1, 0), (0, 0)))


def _marched(aliens: Array, rightwards: Array) -> tuple[Array, Array, Array]:
    """The aliens after a move, whether they move right from then on, and whether one has landed."""
    turns = jnp.where(rightwards, aliens[:, -1].any(), aliens[:, 0].any())
    # Aliens that land re-enter at the top; only the last picture of an episode shows it.
    down, right, left = jnp.roll(aliens, 1, 0), jnp.roll(aliens, 1, 1), jnp.roll(aliens, -1, 1)
    marched = jnp.where(turns, down, jnp.where(rightwards, right, left))
    return marched, rightwards ^ turns, turns & aliens[-1].any()


def _nearest(aliens: Array, column: Array) -> Array:
    """(10, 10) bool: the lowest alien in the column nearest to `column`; of two such columns, the left one."""
    distance = 2 * jnp.abs(COLUMNS - column) + (column < COLUMNS).astype(jnp.int32)
    distance = jnp.where(aliens.any(0, keepdims=True), distance, 2 * SIZE)
    lowest = jnp.where(aliens, ROWS, -1).max(0, keepdims=True)
    return aliens & (lowest == ROWS) & (distance == distance.min())
