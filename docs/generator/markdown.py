"""Pieces of Markdown: tables, blocks of code, and paths of generated pages."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table in Markdown; the columns in `numbers` are aligned to the right."""
    rule = ["--:" if column in numbers else "---" for column in range(len(head))]
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)


def fenced(text: str, language: str) -> str:
    """Text in a block of code."""
    return f"````{language}\n{text}\n````"


def page_of(id: str) -> str:
    """The page of an id; case and dashes make a difference, slashes would make folders."""
    return f"environments/{id.replace('/', '-')}.md"
