"""SGF, the Smart Game Format, for games of Go."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from jaxenvs.errors import InvalidField, InvalidGameRecord
from jaxenvs.games.go import Go, GoPosition
from jaxenvs.games.records.places import place
from jaxenvs.games.records.played_game import PlayedGame, as_integers, replayed
from jaxenvs.games.records.sgf_syntax import Node, Value, failure, main_line, written

_COORDINATES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""SGF's columns from the left, and its rows from the top."""

_COLUMNS = "abcdefghjklmnopqrstuvwxyz"
"""The columns in the names of actions."""

_RULES = {"simple": "Area scoring, simple ko", "positional": "Chinese", "situational": "AGA"}
"""What is written for each of our rules of ko: the best known rules with the same one."""

_KO = {
    **{rules.lower(): ko for ko, rules in _RULES.items()},
    "japanese": "simple",
    "korean": "simple",
    "new zealand": "situational",
    "nz": "situational",
    "tromp-taylor": "positional",
}
"""Our rule of ko for the names of rules, in lower case."""

_COMPUTED = ("FF", "GM", "CA", "SZ", "KM", "AB", "AW", "AE", "B", "W", "PL")
"""Properties that are not tags: they follow from the game and its moves."""

_SIZE_WITH_TT = 19
"""The largest board on which `tt` means a pass, as before FF[4]."""


class SgfRecord(NamedTuple):
    """A game of Go that was read.

    Attributes:
        game: the rules, with the size of the board, komi and the rule of ko.
        actions: the moves from the start, black's first.
        tags: the other properties of the root, such as `"PB"`, the name of black, `"DT"`, the date, and `"RE"`, the
            result.
    """

    game: Go
    actions: list[int]
    tags: dict[str, str]


def to_sgf(game: Go, actions: Iterable[Any], tags: Mapping[str, str] | None = None) -> str:
    """A game of Go as SGF, FF[4].

        to_sgf(Go(size=9), actions, {"PB": "search", "PW": "random", "DT": "2026-11-28"})

    The rules (`RU`) are named after the rule of ko: Chinese for positional superko, AGA for situational superko. The
    result (`RE`) is written if the game is over, or if `tags` has it. A last action that is one above those of the game
    is the resignation of the environments with `can_resign`.

    Args:
        game: the rules.
        actions: the moves from the start, as integers or as an array, (number of moves,).
        tags: further properties of the root by their names in SGF.

    Raises:
        InvalidGameRecord: an action is illegal, and the message names the move, counted from 1; or a tag is not one.
    """
    if not isinstance(game, Go):
        raise InvalidGameRecord(f"SGF is for Go, got {type(game).__name__}. Use `write_moves` for other games.")
    moves = as_integers(actions)
    resigns = bool(moves) and moves[-1] == game.num_actions
    played = replayed(game, moves[:-1] if resigns else moves)
    root = {
        "FF": "4",
        "GM": "1",
        "CA": "UTF-8",
        "SZ": str(game.size),
        "KM": f"{_komi(game):g}",
        "RU": _RULES[game.ko],
    }
    if resigns and played.is_over:
        raise InvalidGameRecord(f"Move {len(moves)} resigns after the end of the game.")
    if resigns:
        root["RE"] = "WB"[played.player] + "+R"
    elif played.is_over:
        root["RE"] = _result(game, played)
    root |= _checked(dict(tags or {}), game.ko)
    points = [_point(name, game.size) for name in played.names]
    return written([root, *({"BW"[turn % 2]: points[action]} for turn, action in enumerate(played.actions))])


def from_sgf(text: str | bytes, *, ko: str | None = None) -> SgfRecord:
    """Reads a game of Go from SGF, and replays it.

        game, actions, tags = from_sgf(Path("game.sgf").read_bytes())

    Where the record has variations, the main line is taken, and of several games the first. Properties of later nodes
    other than moves, such as comments and marks, are ignored. Without `KM`, komi is 0.

    Stones that are set up before the first move (`AB`, `AW`, as with a handicap) become moves, with passes of the
    other player between, and lead to the same position. If White begins, Black passes first. If a record has more moves
    than the rules allow by default, `move_limit` is raised.

    Args:
        text: the record. Bytes are decoded as `CA` says; without `CA`, as UTF-8, or as Latin-1 if they are not UTF-8.
        ko: the rule of ko. By default it follows from `RU`: "simple" for Japanese and Korean rules, "situational" for
            those of the AGA and of New Zealand, and otherwise "positional". Scores are those of area scoring
            whichever it is; `tags["RE"]` has the result of the record.

    Raises:
        InvalidGameRecord: the text is not SGF, or not of Go; it sets up or removes stones during the game; the colours
            do not alternate; or a move is illegal. The message says where, and names the move, counted from 1.
    """
    if not isinstance(text, str | bytes):
        raise InvalidGameRecord(
            f"from_sgf reads text or bytes, got {text!r} of type {type(text).__name__}. For a file, pass"
            " `path.read_bytes()`."
        )
    if isinstance(text, bytes):
        text = _decoded(text)
    nodes = main_line(text)
    game = _long_enough(text, nodes, _game(text, nodes[0], ko))
    played = PlayedGame(game)
    actions = {point: action for action, point in enumerate(_point(name, game.size) for name in played.names)}
    if game.size <= _SIZE_WITH_TT:
        actions["tt"] = actions[""]
    first = next((i for i, node in enumerate(nodes) if "B" in node or "W" in node), len(nodes))
    _set_up(text, game, played, nodes[: first + 1], actions)
    _play(text, played, nodes[first:], actions)
    return SgfRecord(game, played.actions, _tags(nodes[0]))


@jax.jit
def _score(game: Go, position: GoPosition) -> Array:
    return game.score(position)


@jax.jit
def _stones(game: Go, position: GoPosition) -> Array:
    return game.stones(position)


def _komi(game: Go) -> float:
    return float(np.asarray(game.komi))


def _result(game: Go, played: PlayedGame) -> str:
    """`RE` of a game that is over."""
    black, white = np.asarray(_score(game, played.position)).tolist()
    lead = black - white - _komi(game)
    return "0" if lead == 0 else f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"


def _checked(tags: dict[str, str], ko: str) -> dict[str, str]:
    for name, value in tags.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Z]+", name) or name in _COMPUTED:
            raise InvalidGameRecord(
                f"A tag is a property of SGF in capital letters, such as PB, PW, DT, EV or RE, and none of"
                f" {', '.join(_COMPUTED)}; got {name!r}."
            )
        if not isinstance(value, str):
            raise InvalidGameRecord(f"The tag {name} must be text, got {value!r} of type {type(value).__name__}.")
    if "RU" in tags and _ko_of(tags["RU"]) != ko:
        raise InvalidGameRecord(
            f"The tag RU, {tags['RU']!r}, means {_ko_of(tags['RU'])!r} ko here, and the game has {ko!r} ko."
        )
    return tags


def _point(name: str, size: int) -> str:
    """SGF's point for the name of an action, such as `"d4"`: columns skip the letter i, rows are from the bottom."""
    if name == "pass":
        return ""
    return _COORDINATES[_COLUMNS.index(name[0])] + _COORDINATES[size - int(name[1:])]


def _ko_of(rules: str) -> str:
    return _KO.get(rules.strip().lower(), "positional")


def _decoded(data: bytes) -> str:
    declared = re.search(rb"CA\s*\[([^\]]*)\]", data)
    charset = declared[1].decode("latin-1").strip() if declared else "utf-8"
    try:
        return data.decode(charset)
    except UnicodeError as error:
        if declared is None:
            return data.decode("latin-1")
        raise InvalidGameRecord(f"The record is not in {charset!r}, as CA says: {error}.") from None
    except (LookupError, ValueError):
        raise InvalidGameRecord(
            f"CA names an unknown character set, {charset!r}. Decode the record yourself."
        ) from None


def _single(text: str, node: Node, name: str) -> Value | None:
    """The value of a property that has one; None without the property."""
    values = node.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise failure(text, values[1].offset, f"{name} has one value, not {len(values)}")
    return Value(values[0].text.strip(), values[0].offset)


def _game(text: str, root: Node, ko: str | None) -> Go:
    kind, form, size, komi, rules = (_single(text, root, name) for name in ("GM", "FF", "SZ", "KM", "RU"))
    if kind is not None and kind.text != "1":
        raise failure(text, kind.offset, f"this is a game of another kind: GM[{kind.text}], and Go is GM[1]")
    if form is not None and form.text not in ("1", "2", "3", "4"):
        raise failure(text, form.offset, f"FF[{form.text}] is unknown; SGF goes from FF[1] to FF[4]")
    if size is not None and not re.fullmatch(r"[0-9]{1,3}", size.text):
        raise failure(text, size.offset, f"the size of the board must be a number: SZ[{size.text}]")
    if komi is not None and not re.fullmatch(r"[+-]?[0-9]{1,4}(\.[0-9]{0,6})?", komi.text):
        raise failure(text, komi.offset, f"komi must be a number: KM[{komi.text}]")
    try:
        return Go(
            size=19 if size is None else int(size.text),
            komi=0.0 if komi is None else float(komi.text),
            ko=ko or ("positional" if rules is None else _ko_of(rules.text)),
        )
    except InvalidField as error:
        where = size or komi or Value("", 0)
        raise failure(text, where.offset, f"the rules do not allow this game: {str(error).rstrip('.')}") from error


def _long_enough(text: str, nodes: list[Node], game: Go) -> Go:
    """The rules with a limit that leaves room for all moves of the record."""
    stones = sum(len(_points(text, node.get(name, ()), game.size)) for node in nodes for name in ("AB", "AW"))
    moves = [node for node in nodes if "B" in node or "W" in node]
    begins_with_pass = stones > 0 or bool(moves and "W" in moves[0])
    most = 2 * stones + begins_with_pass + len(moves)  # at most a pass for each stone
    return game if most <= game.limit else game.replace(move_limit=most + 1)


def _tags(root: Node) -> dict[str, str]:
    return {name: values[0].text for name, values in root.items() if name not in _COMPUTED and len(values) == 1}


def _set_up(text: str, game: Go, played: PlayedGame, nodes: list[Node], actions: dict[str, int]) -> None:
    """Plays the stones that are there before the first move; the last node is that of the move, if there is one."""
    stones: tuple[list[int], list[int]] = [], []
    begins: Value | None = None
    seen: set[int] = set()
    for node in nodes:
        for player, name in enumerate(("AB", "AW")):
            for point, value in _points(text, node.get(name, ()), game.size):
                action = _action(text, actions, point, value, f"a stone of {name}")
                if action in seen or action == actions[""]:
                    raise failure(text, value.offset, f"{name} must place a stone on a free point, not {value.text!r}")
                seen.add(action)
                stones[player].append(action)
        if "AE" in node:
            raise failure(text, node["AE"][0].offset, "AE removes stones, which no move can do")
        begins = _single(text, node, "PL") or begins
    mover = [player for player, colour in enumerate("BW") if nodes and colour in nodes[-1]]
    if begins is not None and begins.text[:1].upper() not in ("B", "W"):
        raise failure(text, begins.offset, f"PL says who is to move, B or W, not {begins.text!r}")
    wanted = mover[0] if mover else None if begins is None else "BW".index(begins.text[0].upper())
    total = sum(map(len, stones))
    while any(stones):
        own = stones[played.player]
        played.play(own.pop(0) if own else actions[""], "A stone that was set up")
    if wanted is not None and played.player != wanted:
        played.play(actions[""], "The pass before the first move")
    if int(_stones(game, played.position).sum()) != total:
        raise InvalidGameRecord("The stones that are set up before the first move capture each other.")


def _points(text: str, values: Iterable[Value], size: int) -> list[tuple[str, Value]]:
    """Points and the values they come from; `"aa:cc"` is all points of a rectangle."""
    found: list[tuple[str, Value]] = []
    for value in values:
        corners = re.fullmatch(r"\s*([a-zA-Z])([a-zA-Z])\s*:\s*([a-zA-Z])([a-zA-Z])\s*", value.text)
        if corners is None:
            found.append((value.text.strip(), value))
            continue
        left, top, right, bottom = map(_COORDINATES.index, corners.groups())
        if not (left <= right < size and top <= bottom < size):
            raise failure(text, value.offset, f"{value.text!r} is not a rectangle on a board of {size} by {size}")
        columns, rows = range(left, right + 1), range(top, bottom + 1)
        found += [(_COORDINATES[column] + _COORDINATES[row], value) for row in rows for column in columns]
    return found


def _play(text: str, played: PlayedGame, nodes: Iterable[Node], actions: dict[str, int]) -> None:
    """Plays the moves of nodes, of which the first has one."""
    number = 0
    for node in nodes:
        setup = next((name for name in ("AB", "AW", "AE") if name in node), None)
        if number and setup is not None:
            raise failure(text, node[setup][0].offset, f"{setup} changes the board after move {number}, as no move can")
        colours = [colour for colour in "BW" if colour in node]
        if not colours:
            continue
        number += 1
        move = _single(text, node, colours[0])
        assert move is not None  # the node has the property
        if len(colours) > 1:
            raise failure(text, move.offset, f"move {number} is both Black's and White's; a node has one move")
        if "BW".index(colours[0]) != played.player:
            who, other = ("Black", "White") if colours == ["B"] else ("White", "Black")
            raise failure(text, move.offset, f"move {number} is {who}'s, and it is {other}'s turn, who could pass")
        played.play(
            _action(text, actions, move.text, move, f"move {number}"), f"{place(text, move.offset)}: move {number}"
        )


def _action(text: str, actions: dict[str, int], point: str, value: Value, what: str) -> int:
    if point not in actions:
        raise failure(text, value.offset, f"{what} is {value.text!r}, which is not a point of this board")
    return actions[point]
