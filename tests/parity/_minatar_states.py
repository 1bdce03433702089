"""States of minatar 1.0.15, as the recordings hold them, in the fields of our states."""

import jax
import numpy as np

from jaxenvs.envs.minatar._seaquest_water import Bullets, Swimmers

_ENEMIES, _DIVERS, _BULLETS = 30, 2, 2


def _grid(digits, rows=10):
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8))[: 10 * rows].reshape(rows, 10).astype(bool)


def breakout(row, column, trail_row, trail_column, direction, paddle, strike, bricks):
    return {
        "ball_row": row,
        "ball_column": column,
        "trail_row": trail_row,
        "trail_column": trail_column,
        "ball_right": direction in (1, 2),
        "ball_down": direction in (2, 3),
        "paddle": paddle,
        "bricks": _grid(bricks, 3),
        "in_bricks": bool(strike),
    }


def asterix(row, column, things, *timers):
    things = np.array(things)
    occupied = things >= 0
    things = np.where(occupied, things, 0)
    names = "spawn_interval", "spawn_timer", "move_interval", "move_timer", "ramp_timer", "ramp_index"
    return {
        "row": row,
        "column": column,
        "occupied": occupied,
        "columns": things % 10,
        "rightwards": things // 10 % 2 == 1,
        "is_gold": things >= 20,
        **dict(zip(names, timers, strict=True)),
    }


def freeway(row, pause, frames_left, cars):
    columns, timers, speeds = np.array(cars).T
    return {
        "row": row,
        "pause": pause,
        "frames_left": frames_left,
        "columns": columns,
        "timers": timers,
        "intervals": np.abs(speeds),
        "rightwards": speeds > 0,
    }


def space_invaders(cannon, direction, *rest):
    *timers, aliens, shots, alien_shots = rest
    names = "reload_timer", "alien_move_interval", "alien_move_timer", "alien_shot_timer", "ramp_index"
    return {
        "cannon": cannon,
        "rightwards": direction > 0,
        "aliens": _grid(aliens),
        "shots": _grid(shots),
        "alien_shots": _grid(alien_shots),
        **dict(zip(names, timers, strict=True)),
    }


def _columns(count, items, width):
    """The columns of a list, the newest first: whether there is an item, then its numbers, filled up with zeros."""
    table = np.zeros((count, 1 + width), int)
    for row, item in zip(table, reversed(items), strict=False):
        row[:] = 1, *item
    return table.T


def _swimmers(columns):
    exists, x, y, rightwards, timers, *_ = columns
    return Swimmers(exists == 1, y, x, rightwards == 1, timers)


def seaquest(oxygen, on_board, x, y, rightwards, reload_timer, at_surface, *rest):
    *timers, shots, enemy_shots, fish, submarines, divers = rest
    names = "spawn_interval", "spawn_timer", "diver_spawn_timer", "move_interval", "ramp_index"
    exists, columns, rows, directions = _columns(_BULLETS, shots, 3)
    bits = np.zeros((2, 8), int)
    for column, row, direction in enemy_shots:
        bits[direction, row - 1] |= 1 << column
    # Submarines before fish: only the order within each kind counts.
    enemies = _columns(_ENEMIES, [[*each, 0] for each in fish] + submarines, 5)
    return {
        "row": y,
        "column": x,
        "faces_right": rightwards == 1,
        "oxygen": oxygen,
        "divers_on_board": on_board,
        "at_surface": at_surface == 1,
        "reload_timer": reload_timer,
        "bullets": Bullets(exists == 1, rows, columns, directions == 1),
        "enemy_bullets": bits,
        "enemies": _swimmers(enemies),
        "is_submarine": np.arange(_ENEMIES) < len(submarines),
        "enemy_reload_timers": enemies[5],
        "divers": _swimmers(_columns(_DIVERS, divers, 4)),
        **dict(zip(names, timers, strict=True)),
    }


def in_order(fields):
    """A batch of fields of Seaquest as `seaquest` lays them out, without gaps and submarines before fish."""

    def arranged(tree, rank):
        order = np.argsort(rank, axis=-1, kind="stable")
        return jax.tree.map(lambda values: np.take_along_axis(np.asarray(values), order, -1), tree)

    bullets, divers, enemies = (fields[name] for name in ("bullets", "divers", "enemies"))
    names = "enemies", "is_submarine", "enemy_reload_timers"
    rank = np.where(enemies.exists, np.where(fields["is_submarine"], 0, 1), 2)
    return {
        **fields,
        "bullets": arranged(bullets, ~bullets.exists),
        "divers": arranged(divers, ~divers.exists),
        **arranged({name: fields[name] for name in names}, rank),
    }
