"""Texts of strangers: which characters may be in them, so that they say to a reader what they are."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from jaxenvs.scoreboard.limits import MOST_DEPTH

_MOST_ITEMS = 100_000
_UNSEEN = "\u115f\u1160\u3164\uffa0\u2800"
"""Letters and a symbol that look like a space."""
_MOST_MARKS = 4
"""Accents on one letter; more of them would cover other lines."""


def is_shown(text: str, allowed: str = "") -> bool:
    """Whether a text has no character that cannot be shown, but for those that are allowed.

    Control characters could change the terminal of whoever prints it, and surrogates cannot be written.
    """
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Cf") and c not in allowed for c in text)


def problem_of_name(name: str) -> str | None:
    """What is wrong with a name as it looks, as the end of a sentence; None if nothing is."""
    if name != name.strip():
        return "begins or ends with a space"
    if any(c in name for c in _UNSEEN):
        return "has a letter that cannot be seen"
    marks = 0
    for character in unicodedata.normalize("NFC", name):
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        if marks > _MOST_MARKS:
            return f"has more than {_MOST_MARKS} accents on one letter"
    return None


def same_name(name: str) -> str:
    """What names that look alike have in common: capitals, and the widths and forms of letters, do not count."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_small(value: Any) -> bool:
    """Whether JSON has few items, and none of them deep within others."""
    stack, seen = [(value, 0)], 0
    while stack:
        item, depth = stack.pop()
        seen += 1
        if depth > MOST_DEPTH or seen > _MOST_ITEMS:
            return False
        parts = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        stack += [(part, depth + 1) for part in parts]
    return True


def all_shown(values: Mapping[str, Any]) -> bool:
    """Whether `is_shown` for all texts in JSON, and for the names of its entries."""
    stack: list[Any] = [values]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and not is_shown(item):
            return False
        if isinstance(item, dict):
            stack += [*item, *item.values()]
        elif isinstance(item, list):
            stack += item
    return True
