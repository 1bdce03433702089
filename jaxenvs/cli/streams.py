"""Standard output and error: their width, and support for any character."""

import codecs
import contextlib
import io
import os
import shutil
import sys
import unicodedata

_PLAIN = {
    "\u00b1": "+/-",
    "\u00b7": "-",
    "\u00d7": "x",
    "\u2013": "-",
    "\u2014": "-",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2022": "*",
    "\u2026": "...",
    "\u2192": "->",
}
"""Replacements for characters that an encoding lacks, other than letters without their accents."""

_HANDLER = "jaxenvs.plain"

_PIPE_WIDTH = 160
"""The width if neither the output nor anything else is a terminal."""


def write_anything() -> None:
    """From now on, replaces characters that the encoding of standard output or error lacks by plainer ones.

    Without this, a picture, a table or a name that is printed at the end of a long job could end it with an error: a
    Windows console has code page 1252, and the output of a cron job may support only ASCII.
    """
    codecs.register_error(_HANDLER, _plainer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def forget_no_width() -> None:
    """Removes the variable `COLUMNS` if it is not a width: if it is 0, Typer's help and errors would be empty."""
    if _stated_width() is None:
        os.environ.pop("COLUMNS", None)


def can_write(text: str) -> bool:
    """Whether standard output's encoding has all of these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def output_width() -> int:
    """Columns of standard output; for a pipe, those of the terminal that it may end in, or else `_PIPE_WIDTH`."""
    return _stated_width() or next(filter(None, map(_terminal_width, (sys.stdout, sys.stderr, sys.stdin))), _PIPE_WIDTH)


def message_width() -> int | None:
    """Columns of standard error; None if it is not a terminal, in which case every message is one line."""
    return _stated_width() or _terminal_width(sys.stderr)


def picture_size() -> tuple[int, int]:
    """Columns and lines that a picture may fill."""
    size = shutil.get_terminal_size((80, 24))
    return size.columns, max(2, size.lines - 2)


def _stated_width() -> int | None:
    """The value of the variable `COLUMNS`."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) > 0 else None


def _terminal_width(stream: object) -> int | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(stream.fileno()).columns or None  # pyright: ignore[reportAttributeAccessIssue]  # suppressed
    return None


def _plainer(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join(map(_plain_character, missing)), error.end


def _plain_character(character: str) -> str:
    code = ord(character)
    if character in _PLAIN:
        return _PLAIN[character]
    if 0x2500 <= code < 0x2580:  # lines of tables
        name = unicodedata.name(character)
        return "-" if name.endswith("HORIZONTAL") else "|" if name.endswith("VERTICAL") else "+"
    if 0x2580 <= code < 0x25A0:  # blocks of bars
        return "#"
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or "?"
