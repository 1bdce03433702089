"""Docstrings of environments as Markdown."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jaxenvs

ROOT = Path(__file__).parents[2]
TITLES = "Observation|Action|Reward|Start|Episode end|Info|Parameters|Attributes|Differences from the reference|Source"
HEADING = re.compile(rf"^({TITLES}|Version history):[ ]*", re.MULTILINE)
LABEL = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*|Termination|Truncation): ?(.*)")
LABELLED = "Episode end", "Parameters", "Attributes", "Version history"
"""The sections whose items are labelled, as in `gravity: m/s^2`."""


def docstring(spec: jaxenvs.EnvSpec, env: Any) -> str:
    """The docstring of an id's class, read from its file if the class cannot be imported."""
    if env is not None:
        return inspect.getdoc(type(jaxenvs.unwrap(env))) or ""
    module, _, name = str(spec.entry_point).partition(":")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    return next((ast.get_docstring(node) or "" for node in classes), "")


def docstring_sections(text: str) -> Iterator[tuple[str, str]]:
    """The headings of a docstring with their text in Markdown; what comes first has the heading ""."""
    first, *rest = HEADING.split(text)
    yield "", prose(first, labelled=False)
    for title, body in zip(rest[::2], rest[1::2]):
        written = prose(body, labelled=title in LABELLED)
        yield title, written[:1].upper() + written[1:]


def prose(text: str, *, labelled: bool) -> str:
    """Text without its line breaks and indentation; tables stay tables, and labelled items become a list."""
    blocks: list[tuple[str, str]] = []  # what it is, "|", "-" or "" for a paragraph, and the text
    for line in text.splitlines():
        bare = line.strip() if "`" in line else line.strip().replace("*", r"\*")
        label = LABEL.match(bare) if labelled and line.startswith(" ") else None
        kind, last = blocks[-1] if blocks else ("", "")
        if label:
            blocks.append(("-", f"- **{label[1]}**: {label[2]}"))
        elif not bare or bare.startswith(("|", "- ")):
            blocks.append((bare[:1], bare))
        elif last and kind != "|":
            blocks[-1] = kind, f"{last} {bare}"
        else:
            blocks.append(("", bare))
    pairs = pairwise([("", ""), *blocks])
    lines = [text if kind and kind == before else f"\n{text}" for (before, _), (kind, text) in pairs]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
