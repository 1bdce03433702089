"""Games of Go played side by side by one compiled program for each kind, with the choice of moves on the host."""

from collections.abc import Iterable
from functools import partial
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.trees import tree_where
from jaxenvs.games import Go
from jaxenvs.games.go import GoPosition

Seen = dict[str, np.ndarray]
"""What the rules say of a batch of positions; see `seen`."""


def seen(game: Go, position: GoPosition) -> dict[str, Any]:
    return {
        "legal": game.legal_actions(position),
        "stones": game.stones(position),
        "liberties": game.liberties(position),
        "ko": game.observe(position, position.player)[:, :, 2],
        "score": game.score(position),
        "player": position.player,
        "is_over": position.is_over,
        "winner": position.winner,
    }


@jax.jit
@partial(jax.vmap, in_axes=(None, 0, 0))
def _step(game: Go, position: GoPosition, action: jax.Array) -> tuple[GoPosition, dict[str, Any]]:
    position = tree_where(position.is_over, position, game.play(position, action))
    return position, seen(game, position)


def step(game: Go, positions: GoPosition, actions: np.ndarray) -> tuple[GoPosition, Seen]:
    """The positions after an action in each whose game is not over, and what is seen of these."""
    positions, seen = _step(game, positions, np.asarray(actions, np.int32))
    return positions, jax.tree.map(np.asarray, seen)


def starts(game: Go, count: int) -> GoPosition:
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), game.start())


def seen_at_start(game: Go, count: int) -> Seen:
    return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (count, *leaf.shape)), seen(game, game.start()))


def boards(seen: Seen) -> list[str]:
    """The boards as strings of X, O and points, row by row."""
    return [
        "".join("X" if black else "O" if white else "." for black, white in zip(*stones, strict=True))
        for stones in seen["stones"].reshape(len(seen["stones"]), 2, -1)
    ]


class RepetitionHunter:
    """Chooses legal moves at random: captures, and points that were emptied lately, much more often than others, and
    passes seldom."""

    def __init__(self, seed: int, memory: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.memory = memory
        self.occupied: list[np.ndarray] = []

    def choose(self, seen: Seen) -> np.ndarray:
        stones = seen["stones"]
        lanes = np.arange(len(stones))
        now = stones.any(axis=1)
        self.occupied = [*self.occupied[-self.memory :], now]
        in_danger = np.pad(stones[lanes, 1 - seen["player"]] & (seen["liberties"] == 1), ((0, 0), (1, 1), (1, 1)))
        captures = in_danger[:, 2:, 1:-1] | in_danger[:, :-2, 1:-1] | in_danger[:, 1:-1, 2:] | in_danger[:, 1:-1, :-2]
        weight = np.where(np.any(self.occupied, axis=0) & ~now, 5.0, 1.0) * np.where(captures, 200.0, 1.0)
        weight = np.append(weight.reshape(len(stones), -1), np.full((len(stones), 1), 0.1), axis=1) * seen["legal"]
        # With probability proportional to the weight: the first of exponential clocks that race.
        clocks = self.random.exponential(size=weight.shape) / np.maximum(weight, 1e-9)
        return np.where(weight > 0, clocks, np.inf).argmin(axis=1)


def set_up(game: Go, rows: str) -> list[int]:
    """Actions that lead to a board with black to move: stones in turn, and passes when one colour has no more. The last
    of them places a stone, if there are as many white ones as black ones."""
    board = "".join(rows.split())
    assert len(board) == game.size**2
    pairs = zip_longest(
        *([point for point, content in enumerate(board) if content == colour] for colour in "XO"),
        fillvalue=game.size**2,
    )
    return [action for pair in pairs for action in pair]


def played(game: Go, count: int, actions: Iterable[int]) -> tuple[GoPosition, Seen]:
    """The position after some legal actions, in the first of `count` games, all of which are the same."""
    positions, now = starts(game, count), seen_at_start(game, count)
    for action in actions:
        assert now["legal"][0, action], f"{game.action_name(action)} is illegal on\n{boards(now)[0]}"
        positions, now = step(game, positions, np.full(count, action))
    return positions, now
