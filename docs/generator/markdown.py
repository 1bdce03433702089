"""Pieces of Markdown: tables, blocks of code, and paths of generated pages."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table in Markdown; the columns in `numbers` are aligned to the right."""
    rule = "|".join("--:" if column in numbers else "---" for column in range(len(head)))
    first, *others = (" | ".join(str(cell).replace("|", "&#124;") for cell in line) for line in (head, *rows))
    return "\n".join([f"| {first} |", f"|{rule}|", *(f"| {line} |" for line in others)])


def fenced(text: str, language: str) -> str:
    """Text in a block of code."""
    return f"````{language}\n{text}\n````"


def page_of(id: str) -> str:
    """The page of an id; case and dashes make a difference, slashes would make folders."""
    return f"environments/{id.replace('/', '-')}.md"
