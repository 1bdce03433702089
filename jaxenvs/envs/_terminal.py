"""Colours for text in a terminal."""

_FOREGROUND = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35}
_TO_BACKGROUND = 10  # an ANSI background colour is its foreground colour plus 10


def colorize(text: str, color: str, *, bold: bool = False, highlight: bool = False) -> str:
    """`text` between the ANSI codes that colour it.

    Args:
        text: what to colour.
        color: red, green, yellow, blue or magenta.
        bold: whether to print it in bold.
        highlight: whether to colour the background rather than the letters.
    """
    code = str(_FOREGROUND[color] + _TO_BACKGROUND * highlight) + (";1" if bold else "")
    return f"\x1b[{code}m{text}\x1b[0m"
