"""Counts of games and of positions, level by level: what a game's rules are checked by, against published numbers."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.games import Game, Position


@dataclasses.dataclass(frozen=True)
class Level:
    """What there is after some number of actions.

    Attributes:
        sequences: the number of sequences of actions, or of different positions.
        finished: how many of them end the game.
    """

    sequences: int
    finished: int


@dataclasses.dataclass(frozen=True)
class Perft:
    """Counts for one game, some thousands of positions at a time.

    Attributes:
        game: the rules.
        chunk: how many positions are computed at a time.
    """

    game: Game[Any]
    chunk: int = 4096

    def sequences(self, depth: int) -> list[int]:
        """The number of sequences of 1, 2, ... `depth` actions; the last actions are only counted."""
        return self.sequences_and_ends(depth)[0]

    def sequences_and_ends(self, depth: int) -> tuple[list[int], list[int]]:
        """Those numbers, and how many sequences of 1, 2, ... `depth` - 1 actions end the game."""
        counts, ends = np.zeros(depth, np.int64), np.zeros(depth, np.int64)
        self._descend(self._start(), counts, ends)
        return counts.tolist(), ends[1:].tolist()

    def levels(self, depth: int, different: bool = False) -> list[Level]:
        """What there is after 0, 1, ... `depth` actions, all of it in memory.

        Args:
            depth: the number of actions.
            different: whether sequences that lead to the same position count once.
        """
        positions, levels = self._start(), []
        for _ in range(depth + 1):
            levels.append(Level(len(positions.is_over), int(positions.is_over.sum())))
            parts = [children for _, children in self._children(positions)]
            if not parts:
                break
            positions = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
            if different:
                positions = _take(positions, _first_of_each(positions))
        return levels

    def _descend(self, positions: Position, counts: np.ndarray, ends: np.ndarray) -> None:
        ends[0] += int(positions.is_over.sum())
        if len(counts) == 1:
            for part in self._chunks(positions):
                counts[0] += int(self._legal(part).sum())
            return
        for count, children in self._children(positions):
            counts[0] += count
            self._descend(children, counts[1:], ends[1:])

    def _children(self, positions: Position) -> Iterator[tuple[int, Position]]:
        """The positions after each legal action, and their number, for some of the positions at a time."""
        for part in self._chunks(positions):
            parents, actions = np.nonzero(self._legal(part))
            if len(parents):
                yield len(parents), self._play(part, parents, actions)

    def _start(self) -> Position:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[None], self.game.start())

    def _chunks(self, positions: Position) -> Iterator[Position]:
        for start in range(0, len(positions.is_over), self.chunk):
            yield _take(positions, slice(start, start + self.chunk))

    def _legal(self, positions: Position) -> np.ndarray:
        return _padded(self._jitted_legal, self.chunk, positions)

    def _play(self, positions: Position, parents: np.ndarray, actions: np.ndarray) -> Position:
        parts = []
        for start in range(0, len(parents), self.chunk):
            some = slice(start, start + self.chunk)
            parts.append(
                _padded(self._jitted_play, self.chunk, _take(positions, parents[some]), actions[some].astype(np.int32))
            )
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)

    @cached_property
    def _jitted_legal(self) -> Callable[..., Any]:
        return jax.jit(jax.vmap(self.game.legal_actions))

    @cached_property
    def _jitted_play(self) -> Callable[..., Any]:
        return jax.jit(jax.vmap(self.game.play))


def _take(positions: Position, index: Any) -> Position:
    return jax.tree.map(lambda leaf: leaf[index], positions)


def _padded(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """A mapped function of `size` rows, applied to fewer; the result is in NumPy."""
    count = len(jax.tree.leaves(arguments)[0])
    full = jax.tree.map(lambda leaf: jnp.asarray(np.resize(leaf, (size, *leaf.shape[1:]))), arguments)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:count], function(*full))


def _first_of_each(positions: Position) -> np.ndarray:
    """Where each different position is for the first time."""
    rows = [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(positions)]
    data = np.ascontiguousarray(np.concatenate([row.view(np.uint8) for row in map(np.ascontiguousarray, rows)], axis=1))
    _, first = np.unique(data.view([("", f"V{data.shape[1]}")]).ravel(), return_index=True)
    return first
