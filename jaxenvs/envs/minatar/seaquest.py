"""MinAtar's Seaquest: a submarine that rescues divers, shoots enemies and needs air."""

from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import palette
from jaxenvs.core.pytree import static
from jaxenvs.envs.minatar import _seaquest_water as water
from jaxenvs.envs.minatar._game import COLUMNS, DOWN, FIRE, LEFT, NOTHING, RIGHT, ROWS, SIZE, UP, Game, GameState, cell
from jaxenvs.envs.minatar._picture import Tile
from jaxenvs.envs.minatar._seaquest_water import Bullets, SeaquestState, Swimmers


class Seaquest(Game[SeaquestState]):
    """Rescue divers, shoot fish and enemy submarines, and surface before the air runs out.

    The submarine shoots at most every fifth frame. An enemy comes every `spawn_interval` frames, 20 at first, in a
    random row from 1 to 8, from the left or the right with equal probability. It is a submarine with probability 1/3.
    It does not come if enemies swim the other way in that row. Enemies wait `move_interval` frames between moves, 5 at
    first; submarines shoot every eleventh frame. A diver comes every 30 frames and moves every sixth frame. Touching a
    diver takes them on board, up to 6. The air lasts for 200 frames under water. Surfacing renews it and sets down one
    diver, or all 6, and makes the game harder: the spawn interval falls by 1, down to 1, and every other time the move
    interval does as well, down to 2.

    Observation: (10, 10, 10) bool: row, column and channel.

        | channel | meaning                                                                                  |
        |---------|------------------------------------------------------------------------------------------|
        | 0       | `sub_front`: front of the submarine, which is two cells long                             |
        | 1       | `sub_back`: back of the submarine                                                        |
        | 2       | `friendly_bullet`: the submarine's bullets                                               |
        | 3       | `trail`: the cell behind each enemy and diver                                            |
        | 4       | `enemy_bullet`                                                                           |
        | 5       | `enemy_fish`                                                                             |
        | 6       | `enemy_sub`                                                                              |
        | 7       | `oxygen_guage`: one cell for each 20 frames of air left, in the last row from the left   |
        | 8       | `diver_guage`: one cell for each diver on board, in the last row from column 8 leftwards |
        | 9       | `diver`: divers in the water                                                             |

    Action: () int32. 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. All six belong to the minimal action set.

    Reward: 1 for each enemy shot; for surfacing with 6 divers, a tenth of the percentage of air left, rounded down.

    Start: the submarine at the surface in column 5, facing left, and nothing else in the water.

    Episode end:
        Termination: the front of the submarine meets an enemy or an enemy's bullet, the air runs out, or the submarine
            surfaces with no diver on board.
        Truncation: none here; `make` adds no time limit.

    Parameters:
        sticky_action_prob: probability that the last action is repeated in place of the chosen one.
        use_minimal_action_set: makes no difference, since all six actions are in the minimal set.
        difficulty_ramping: whether surfacing makes the game harder.

    Differences from the reference: the first action of an episode can stick to action 0. In the reference it can stick
        to the last action of the previous episode. As in the reference, one more diver is subtracted after all 6 were
        set down, which leaves -1 on board, and the submarine can surface with a negative number of divers.

    Source: K. Young and T. Tian, "MinAtar: An Atari-Inspired Testbed", 2019, and the package minatar 1.0.15.

    Version history:
        v1: the minimal action set, which is the same.
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
        del draws
        zero = jnp.zeros((), jnp.int32)
        return SeaquestState(
            row=zero,
            column=zero + 5,
            faces_right=jnp.zeros((), bool),
            oxygen=zero + water.MOST_OXYGEN,
            divers_on_board=zero,
            at_surface=jnp.ones((), bool),
            reload_timer=zero,
            bullets=Bullets(*water.nothing(water.BULLETS)),
            enemy_bullets=jnp.zeros((2, 8), jnp.int32),
            enemies=Swimmers(*water.nothing(water.ENEMIES), jnp.zeros(water.ENEMIES, jnp.int32)),
            is_submarine=jnp.zeros(water.ENEMIES, bool),
            enemy_reload_timers=jnp.zeros(water.ENEMIES, jnp.int32),
            divers=Swimmers(*water.nothing(water.DIVERS), jnp.zeros(water.DIVERS, jnp.int32)),
            spawn_interval=zero + water.FIRST_SPAWN_INTERVAL,
            spawn_timer=zero + water.FIRST_SPAWN_INTERVAL,
            diver_spawn_timer=zero + water.DIVER_SPAWN_INTERVAL,
            move_interval=zero + water.FIRST_MOVE_INTERVAL,
            ramp_index=zero,
            **vars(surroundings),
        )

    def play(self, state: SeaquestState, action: Array, draws: Array) -> tuple[SeaquestState, Array]:
        """A frame; the draws are for an enemy's side, kind and row, and a diver's side and row."""
        state = water.spawn_diver(water.spawn_enemy(state, draws[:3]), draws[3:])
        state = water.move_submarine(state, action)
        state, first_hits = water.move_bullets(state)
        state = water.move_divers(state)
        state, second_hits = water.move_enemies(state)
        state = water.move_enemy_bullets(state)
        state = state.replace(
            spawn_timer=jnp.maximum(state.spawn_timer - 1, 0),
            diver_spawn_timer=jnp.maximum(state.diver_spawn_timer - 1, 0),
            reload_timer=jnp.maximum(state.reload_timer - 1, 0),
            is_over=state.is_over | (state.oxygen <= 0),
        )
        state, bonus = water.use_air(state, self.difficulty_ramping)
        return state, first_hits + second_hits + bonus

    def planes(self, state: SeaquestState) -> tuple[Array, ...]:
        enemies, divers, bullets = state.enemies, state.divers, state.bullets
        trails = water.lanes_of(enemies.exists, enemies.rows, water.behind(enemies)) | water.lanes_of(
            divers.exists, divers.rows, water.behind(divers)
        )
        fish, submarines = enemies.exists & ~state.is_submarine, enemies.exists & state.is_submarine
        own = [cell(bullets.rows[i], bullets.columns[i]) & bullets.exists[i] for i in range(water.BULLETS)]
        last = ROWS == SIZE - 1
        return (
            cell(state.row, state.column),
            cell(state.row, state.column + jnp.where(state.faces_right, -1, 1)),
            own[0] | own[1],
            water.drawn(trails),
            water.drawn(state.enemy_bullets[0] | state.enemy_bullets[1]),
            water.drawn(water.lanes_of(fish, enemies.rows, enemies.columns)),
            water.drawn(water.lanes_of(submarines, enemies.rows, enemies.columns)),
            last & (jnp.maximum(state.oxygen, 0) * 10 // water.MOST_OXYGEN > COLUMNS),
            last & (SIZE - 1 - state.divers_on_board <= COLUMNS) & (COLUMNS < SIZE - 1),
            water.drawn(water.lanes_of(divers.exists, divers.rows, divers.columns)),
        )
