"""The moves of a game as text, in the notation that its players use."""

import re
from collections.abc import Iterable
from typing import Any

from jaxenvs.errors import InvalidGameRecord
from jaxenvs.games.game import Game
from jaxenvs.games.records.places import place
from jaxenvs.games.records.played_game import PlayedGame, replayed


def write_moves(game: Game[Any], actions: Iterable[Any]) -> str:
    """The names of actions, with spaces between: `"d3 c5 f6"` for Othello, `"4 4 3"` for Connect Four.

    Args:
        game: the rules.
        actions: the numbers of the actions from the start of the game, as integers or as an array, (number of moves,).

    Raises:
        InvalidGameRecord: an action is illegal; the message names the move, counted from 1.
    """
    played = replayed(game, actions)
    return " ".join(played.names[action] for action in played.actions)


def read_moves(game: Game[Any], text: str) -> list[int]:
    """The actions that a text names, the inverse of `write_moves`.

    Names may follow each other with spaces, commas and line breaks, or with nothing between them, as in `"f5d6c3"` and
    `"443"`. Case does not matter. Numbers of moves, such as `"12."`, are skipped.

    Args:
        game: the rules.
        text: the names of the moves from the start of the game.

    Raises:
        InvalidGameRecord: something is not the name of an action, and the message says where; or a move is illegal,
            and the message gives its number, counted from 1.
    """
    played = PlayedGame(game)
    numbers = {name.lower(): action for action, name in enumerate(played.names)}
    longest_first = sorted(numbers, key=len, reverse=True)
    token = re.compile(rf"[\s,]+|\d+\.+|(?P<name>{'|'.join(map(re.escape, longest_first))})", re.IGNORECASE)
    at = 0
    while at < len(text):
        found = token.match(text, at)
        if found is None:
            written = text[at:].split(maxsplit=1)[0][:20]
            raise InvalidGameRecord(
                f"{place(text, at)}: no action is called {written!r}. They go from {played.names[0]!r} to"
                f" {played.names[-1]!r}."
            )
        if found["name"] is not None:
            played.play(numbers[found["name"].lower()], f"{place(text, at)}: move {len(played.actions) + 1}")
        at = found.end()
    return played.actions
