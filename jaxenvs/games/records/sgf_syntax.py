"""The syntax of SGF, the Smart Game Format: nodes of properties, whatever they mean.

Source: https://www.red-bean.com/sgf/sgf4.html
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from jaxenvs.errors import InvalidGameRecord
from jaxenvs.games.records.places import place


class Value(NamedTuple):
    """One value of a property.

    Attributes:
        text: the value without escapes; line breaks are single line feeds, and other white space is spaces.
        offset: where it begins in the record.
    """

    text: str
    offset: int


Node: TypeAlias = dict[str, list[Value]]
"""The values of each property, by the property's name."""

_SPACE = re.compile(r"[\s\0\ufeff]*")
_IDENTIFIER = re.compile(r"[A-Za-z]+")
_VALUE = re.compile(r"\[((?:[^\]\\]|\\.)*)\]", re.DOTALL)
_LINE_BREAK = re.compile(r"\r\n|\n\r|\r|\n")
_ESCAPED = re.compile(r"\\(\n|.)", re.DOTALL)


class _Tree:
    """A game tree that has been opened and not yet closed.

    Attributes:
        offset: where it was opened.
        is_followed: whether it belongs to the main line.
        has_nodes: whether a node has been read.
        has_variations: whether a tree within it has been read.
    """

    def __init__(self, offset: int, *, is_followed: bool) -> None:
        self.offset = offset
        self.is_followed = is_followed
        self.has_nodes = False
        self.has_variations = False


def main_line(text: str) -> list[Node]:
    """The nodes of the first game in a record; where there are variations, those of the first.

    Other variations are read as well, so that errors in them are found, and so are further games.

    Raises:
        InvalidGameRecord: the text is not SGF; the message says where and why.
    """
    nodes: list[Node] = []
    open_trees: list[_Tree] = []
    games = 0
    at = _after_space(text, 0)
    while at < len(text):
        character = text[at]
        if character == "(":
            if open_trees and not open_trees[-1].has_nodes:
                raise failure(text, at, "a variation begins before the first node; `;` is missing")
            is_followed = not games if not open_trees else _follows(open_trees[-1])
            if open_trees:
                open_trees[-1].has_variations = True
            games += not open_trees
            open_trees.append(_Tree(at, is_followed=is_followed))
            at += 1
        elif not open_trees:
            raise failure(text, at, f"a game begins with `(;`, not with {character!r}")
        elif character == ")":
            if not open_trees.pop().has_nodes:
                raise failure(text, at, "a game without a node; `;` is missing")
            at += 1
        elif character == ";":
            if open_trees[-1].has_variations:
                raise failure(text, at, "a node after a variation; `)` is missing or `(` is")
            node, at = _node(text, at + 1)
            open_trees[-1].has_nodes = True
            if open_trees[-1].is_followed:
                nodes.append(node)
        else:
            raise failure(text, at, f"expected `;`, `(` or `)`, found {character!r}")
        at = _after_space(text, at)
    if open_trees:
        raise failure(text, open_trees[-1].offset, "this `(` is never closed")
    if not nodes:
        raise InvalidGameRecord("The text holds no game: SGF begins with `(;`.")
    return nodes


def written(nodes: Iterable[dict[str, str]]) -> str:
    """A game without variations; each property has one value."""
    parts = [";" + "".join(f"{name}[{_escaped(value)}]" for name, value in node.items()) for node in nodes]
    lines = [parts[0], *("".join(parts[i : i + 10]) for i in range(1, len(parts), 10))]
    return "(" + "\n".join(lines) + ")\n"


def failure(text: str, offset: int, what: str) -> InvalidGameRecord:
    """The error for something in the text."""
    return InvalidGameRecord(f"{place(text, offset)}: {what}.")


def _follows(tree: _Tree) -> bool:
    """Whether the next variation of a tree belongs to the main line."""
    return tree.is_followed and not tree.has_variations


def _node(text: str, at: int) -> tuple[Node, int]:
    """The node whose `;` ends at `at`, and where it ends."""
    node: Node = {}
    at = _after_space(text, at)
    while identifier := _IDENTIFIER.match(text, at):
        # Before FF[4], names could be written out, with only their capital letters counting: `White[aa]` is `W[aa]`.
        name = "".join(letter for letter in identifier[0] if letter.isupper())
        if not name:
            raise failure(text, at, f"the name of a property has capital letters, and {identifier[0]!r} has none")
        if name in node:
            raise failure(text, at, f"the property {name} occurs twice in one node")
        values: list[Value] = []
        at = _after_space(text, identifier.end())
        while at < len(text) and text[at] == "[":
            found = _VALUE.match(text, at)
            if found is None:
                raise failure(text, at, f"the value of {name} is never closed by `]`")
            values.append(Value(_unescaped(found[1]), at + 1))
            at = _after_space(text, found.end())
        if not values:
            raise failure(text, at, f"the property {name} has no value; `[` is missing")
        node[name] = values
    return node, at


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _unescaped(raw: str) -> str:
    text = _LINE_BREAK.sub("\n", raw)
    text = _ESCAPED.sub(lambda found: "" if found[1] == "\n" else found[1], text)
    return re.sub(r"[^\S\n]", " ", text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("]", "\\]")
