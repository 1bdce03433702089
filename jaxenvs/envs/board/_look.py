"""How a board game looks: its picture, its text, where to click, and what is said of a position."""

import abc
import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.games.game import NOBODY, Game, Position

_SYMBOLS = "XO"
_BRIGHT = "1;38;5;231"
"""The ANSI codes of brackets on a coloured board."""


@dataclasses.dataclass(frozen=True)
class Look:
    """How a game looks on a board of one size.

    Attributes:
        draw: the picture, (height, width, 3) uint8, from the game, the position and the last action, () int32.
        points: (x, y, action) for each cell, row by row: its middle, in fractions of the picture's width and height
            from the top left corner, and the action of playing there.
        columns: the number of cells of a row.
        players: the names of the two players, such as their colours.
        ground: the ANSI codes of an empty board.
        pieces: the ANSI codes of each player's pieces, in addition to those of the board.
        leans: whether each row begins half a cell further to the right than the one above.
        remark: what else is said of a position, from the game and the position; on the host.
        stars: the numbers of the cells that have a dot.
    """

    draw: Callable[[Any, Any, Array], Array]
    points: tuple[tuple[float, float, int], ...]
    columns: int
    players: tuple[str, str]
    ground: str
    pieces: tuple[str, str]
    leans: bool = False
    remark: Callable[[Any, Any], str] = lambda game, position: ""
    stars: frozenset[int] = frozenset()


class OnBoard(abc.ABC):
    """An environment that is played on a board, also by clicking on its picture.

    The state has the attributes `position` and `last_action`.
    """

    @property
    @abc.abstractmethod
    def game(self) -> Game[Any]:
        """The rules."""

    @property
    @abc.abstractmethod
    def look(self) -> Look:
        """How the game looks."""

    @property
    def board_points(self) -> tuple[tuple[float, float, int], ...]:
        """(x, y, action) of each place to play at; see `Look.points`."""
        return self.look.points

    @property
    @abc.abstractmethod
    def action_meanings(self) -> tuple[str, ...]:
        """The name of each action, in the notation of the game."""

    @abc.abstractmethod
    def caption(self, state: Any) -> str:
        """Whose turn it is, or how the game ended; on the host."""


def names_of_actions(game: Game[Any]) -> tuple[str, ...]:
    """The name of each action."""
    return tuple(map(game.action_name, range(game.num_actions)))


def pieces_of(game: Game[Any], position: Position) -> Array:
    """(2, rows, columns) bool: the pieces of the first player and of the second."""
    return jnp.moveaxis(game.observe(position, 0)[..., :2], -1, 0)


def result(look: Look, game: Game[Any], position: Position, agent: int | None = None) -> str:
    """Whose turn it is, or how the game ended, to somebody who looks on or to the player `agent`."""
    winner, mover = int(position.winner), int(position.player)
    if not position.is_over:
        text = f"{look.players[mover]} to move" if agent is None else f"Your move, as {look.players[mover]}"
    elif winner == NOBODY:
        text = "Drawn"
    elif agent is None:
        text = f"{look.players[winner]} won"
    else:
        text = f"You {'won' if winner == agent else 'lost'}, as {look.players[agent]}"
    remark = look.remark(game, position)
    return f"{text} ({remark})" if remark else text


def board_text(look: Look, game: Game[Any], position: Position, last_action: Any, caption: str) -> str:
    """The board in a terminal, with ANSI colours, and readable without them.

    Args:
        look: how the game looks.
        game: the rules, for the names of rows and columns.
        position: the position.
        last_action: () int, the last move, which is between brackets; -1 for none.
        caption: a line below the board.
    """
    pieces = np.asarray(pieces_of(game, position)).reshape(2, -1)
    occupied = pieces.any(axis=0)
    actions = np.array([action for _, _, action in look.points])
    last = np.flatnonzero(occupied & (actions == int(last_action)))[:1].tolist()
    names = [_split(game.action_name(action)) for action in actions.tolist()]
    is_numbered = any(number for _, number in names)
    margin = 3 if is_numbered else 0
    lines = [" " * (margin + 1) + " ".join(letter for letter, _ in names[: look.columns])]
    for row, start in enumerate(range(0, len(names), look.columns)):
        cells = range(start, start + look.columns)
        number = names[start][1].rjust(margin - 1) + " " if is_numbered else ""
        styled = list(itertools.chain.from_iterable(_cell(look, pieces, cell, last) for cell in cells))
        closing = _bracket(look, ")" if [cells[-1]] == last else " ")
        lines.append(" " * (row if look.leans else 0) + number + _in_colors([*styled, closing]))
    moved = f", last move {game.action_name(int(last_action))}" if 0 <= int(last_action) < game.num_actions else ""
    key = ", ".join(f"{symbol} is {name}" for symbol, name in zip(_SYMBOLS, look.players) if symbol != name)
    return "\n".join([*lines, f"{caption}{moved}", *filter(None, [key])]) + "\n"


def _cell(look: Look, pieces: np.ndarray, cell: int, last: list[int]) -> list[tuple[str, str]]:
    """The character before a cell and that of the cell, each with its ANSI codes."""
    before = _bracket(look, "(" if [cell] == last else ")" if [cell - 1] == last and cell % look.columns else " ")
    for player in (0, 1):
        if pieces[player, cell]:
            return [before, (_SYMBOLS[player], f"{look.ground};{look.pieces[player]}".strip(";"))]
    return [before, ("+" if cell in look.stars else ".", look.ground)]


def _bracket(look: Look, character: str) -> tuple[str, str]:
    """A bracket or a space, with its ANSI codes."""
    return character, f"{look.ground};{_BRIGHT}" if look.ground and character != " " else look.ground


def _in_colors(characters: list[tuple[str, str]]) -> str:
    """Characters with their ANSI codes as text, in which runs with the same codes share them."""
    runs = itertools.groupby(characters, key=lambda character: character[1])
    texts = ((codes, "".join(character for character, _ in run)) for codes, run in runs)
    return "".join(f"\x1b[{codes}m{text}\x1b[0m" if codes else text for codes, text in texts)


def _split(name: str) -> tuple[str, str]:
    """The letters and the number of a name such as `"d4"`."""
    letters = name.rstrip("0123456789")
    return letters, name.removeprefix(letters)
