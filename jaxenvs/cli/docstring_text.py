"""A class's docstring for a terminal: paragraphs in lines that fit, tables with columns."""

import inspect
import re
import textwrap
from collections.abc import Iterator

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_ITEM = re.compile(r"[-*] |\d+\. ")
_LABEL = re.compile(r"[^\s:][^:]*:(\s|$)")
"""The beginning of a new item in an indented block: `gravity: m/s², downwards.`"""


_NAMES = re.compile(r"[a-z_]\w*(, [a-z_]\w*)*: ")
"""The beginning of the first of several fields that follow a sentence."""


def docstring_blocks(cls: type, width: int) -> Iterator[RenderableType]:
    """The blocks of a docstring, in lines of at most `width` characters unless a word is longer."""
    docstring = inspect.getdoc(cls)
    for block in re.split(r"\n\s*\n", docstring) if docstring else ():
        lines = block.splitlines()
        yield _table(lines) if lines[0].lstrip().startswith("|") else Text("\n".join(_wrapped(lines, width)))


def _table(lines: list[str]) -> Table:
    """A table in Markdown."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    built = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in rows[0]:
        built.add_column(escape(name), overflow="fold")
    for row in rows[2:]:
        built.add_row(*map(escape, row))
    return built


def _wrapped(lines: list[str], width: int) -> Iterator[str]:
    """The lines of a block, with continued sentences joined, and long lines wrapped."""
    items: list[tuple[int, str]] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        text, last = line.strip(), items[-1] if items else None
        if last is None or _begins_item(indent, text, *last):
            items.append((indent, text))
        else:
            items[-1] = last[0], f"{last[1]} {text}"
    for indent, text in items:
        margin = " " * indent
        further = margin + " " * 4 if indent else margin
        yield from textwrap.wrap(
            text,
            width,
            initial_indent=margin,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _begins_item(indent: int, text: str, last_indent: int, last_text: str) -> bool:
    """Whether a line begins a new item rather than continuing the last one."""
    if indent < last_indent or _ITEM.match(text):
        return True
    if indent > last_indent:
        return last_text.endswith(":") or (last_indent == 0 and bool(_NAMES.match(text)))
    return indent > 0 and bool(_LABEL.match(text))
