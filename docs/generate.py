"""A hook of MkDocs: the pages of the site that are not files in `docs/`.

They are the README as the home page, CONTRIBUTING, the changelog, the notebooks with their outputs, and a page for
each id: its picture, its docstring, its fields, what the tests compare it with, and what learners reach. The page of an
id whose extra is not installed has no picture and no fields.

The environment variable DOCS_PICTURES, a regular expression, limits the ids that get a picture, since to draw all of
them takes minutes.
"""

import ast
import base64
import dataclasses
import functools
import importlib
import inspect
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from PIL import Image

import jaxenvs
from jaxenvs.cli.catalog_spaces import described, recorded
from jaxenvs.cli.list_envs import reward_text
from jaxenvs.errors import JaxenvsError
from jaxenvs.training.presets import LEARNERS, preset

ROOT = Path(__file__).parents[1]
TITLES = "Observation|Action|Reward|Start|Episode end|Info|Parameters|Attributes|Differences from the reference|Source"
HEADING = re.compile(rf"^({TITLES}|Version history):[ ]*", re.MULTILINE)
LABEL = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*|Termination|Truncation): ?(.*)")
LABELLED = "Episode end", "Parameters", "Attributes", "Version history"
"""The sections whose items are labelled, as in `gravity: m/s^2`."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages and what they show."""
    for uri, content in generated():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes links that hold in the repository hold on the site, and links the ids in the table of environments."""
    up = "../" if page.file.src_uri.startswith("notebooks/") else ""
    markdown = re.sub(r"\]\((?:\.\./)?docs/", f"]({up}", markdown)
    if "/" not in page.file.src_uri:
        markdown = markdown.replace("](../", "](")
    markdown = re.sub(r"(\]\([\w/]*)\.ipynb\)", r"\1.md)", markdown)
    if page.file.src_uri == "environments.md":
        pages = {id: page_of(id) for id in jaxenvs.registry}
        markdown = re.sub(r"^\| `(\S+)`", lambda row: f"| [`{row[1]}`]({pages[row[1]]})", markdown, flags=re.MULTILINE)
        games = "\n".join(f"- [`{id}`]({uri})" for id, uri in pages.items() if id.startswith("ALE/"))
        markdown = f"{markdown}\n{games}\n"
    return markdown


def generated() -> Iterator[tuple[str, str | bytes]]:
    """The path of each generated file on the site, and what it holds."""
    yield "index.md", (ROOT / "README.md").read_text(encoding="utf-8")
    yield "notebooks/images/gallery.png", (ROOT / "notebooks" / "images" / "gallery.png").read_bytes()
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        yield name, (ROOT / name).read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        yield from notebook(path)
    for spec in jaxenvs.registry.values():
        yield from environment(spec)


def page_of(id: str) -> str:
    """The page of an id; case and dashes make a difference, slashes would make folders."""
    return f"environments/{id.replace('/', '-')}.md"


def notebook(path: Path) -> Iterator[tuple[str, str | bytes]]:
    """A notebook as a page, with the outputs that it keeps."""
    parts: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = re.sub(r"\n\n\[!\[Open in Colab.*", "", "".join(cell["source"]))
        parts.append(source if cell["cell_type"] == "markdown" else fenced(source, "python"))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if image := next((kind for kind in ("image/gif", "image/png") if kind in data), None):
                name = f"{path.stem}_{len(parts)}.{image.removeprefix('image/')}"
                yield f"notebooks/{name}", base64.b64decode("".join(data[image]))
                parts.append(f"![Output of the cell above]({name})")
            elif (html := "".join(data.get("text/html", ""))).startswith('<div id="jaxenvs-'):
                parts.append(html.strip())  # an animation, which brings all that it needs
            elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
                parts.append(fenced(text, "text"))
    yield f"notebooks/{path.stem}.md", "\n\n".join(parts)


def fenced(text: str, language: str) -> str:
    """Text in a block of code."""
    return f"````{language}\n{text}\n````"


def environment(spec: jaxenvs.EnvSpec) -> Iterator[tuple[str, str | bytes]]:
    """The page of an id, and its picture."""
    try:
        env = jaxenvs.make(spec)
    except JaxenvsError:  # its extra, or its data, is not installed
        env = None
    sections = dict(docstring_sections(docstring(spec, env)))
    parts = [f"# {spec.id}", sections.pop("")]
    if env is not None and env.can_render and re.search(os.environ.get("DOCS_PICTURES", ""), spec.id):
        yield page_of(spec.id).replace(".md", ".png"), picture(env)
        parts.append(f"![{spec.id}]({Path(page_of(spec.id)).stem}.png){{ loading=lazy }}")
    parts += [fenced(f'env = jaxenvs.make("{spec.id}")', "python"), facts(spec, env)]
    history = sections.pop("Version history", "")
    parts += [f"## {title}\n\n{text}" for title, text in sections.items()]
    parts += [fields(env) if env is not None else "", fidelity(spec.id), training(spec.id)]
    parts += [f"## Version history\n\n{history}" if history else ""]
    yield page_of(spec.id), "\n\n".join(filter(None, parts))


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


def picture(env: jaxenvs.Env[Any, Any]) -> bytes:
    """A start state, drawn by the environment: a PNG."""
    frame = jax.jit(lambda env, key: env.render(env.reset(key)[0]))(env, jaxenvs.random.key(0))
    file = io.BytesIO()
    Image.fromarray(np.asarray(frame)).save(file, "png", optimize=True)
    return file.getvalue()


def facts(spec: jaxenvs.EnvSpec, env: Any) -> str:
    """A table of what the registry knows."""
    known = recorded(spec) or (described(env) if env is not None else {})
    low, high = known.get("reward_range", (None, None))
    reward = reward_text(-np.inf if low is None else low, np.inf if high is None else high) if known else None
    rows = {
        "Observation space": known.get("observation_space") and f"`{known['observation_space']}`",
        "Action space": known.get("action_space") and f"`{known['action_space']}`",
        "Reward of a step": reward,
        "Time limit": f"{spec.max_episode_steps:,} steps" if spec.max_episode_steps else "none",
        "Reward threshold": None if spec.reward_threshold is None else f"{spec.reward_threshold:g}",
        "In Gymnasium": f'`gymnasium.make("{spec.gymnasium_id}")`',
        "Needs": spec.extra and f'`pip install "jaxenvs[{spec.extra}]"`',
        "Origin": spec.source,
    }
    return table(("Id", f"`{spec.id}`"), [(name, value) for name, value in rows.items() if value])


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)


def fields(env: jaxenvs.Env[Any, Any]) -> str:
    """A table of the fields, with the values that the id has."""
    base, rows = jaxenvs.unwrap(env), []
    for field in dataclasses.fields(base):
        value = " ".join(repr(getattr(base, field.name)).split())
        short = value if len(value) <= 60 else f"{value[:57]}..."
        rows.append((f"`{field.name}`", f"`{short}`", "leaf" if field.metadata.get("pytree_node", True) else "static"))
    text = (
        "Set a field with `jaxenvs.make(id, name=value)`. Leaves may differ from lane to lane; static fields may not."
    )
    return f"## Fields\n\n{text}\n\n{table(('field', 'value', ''), rows)}" if rows else ""


@functools.cache
def parity_rows() -> dict[str, Any]:
    """The rows of the parity table by id."""
    sys.path.insert(0, str(ROOT))
    names = sorted(path.stem for path in (ROOT / "tests" / "parity").glob("rows_*.py"))
    modules = [importlib.import_module(f"tests.parity.{name}") for name in names]
    return {row.id: row for module in modules for row in module.ROWS}


def fidelity(id: str) -> str:
    """What the tests compare an id with."""
    row = parity_rows().get(id)
    if row is None:
        return ""
    rows = [("Largest difference", f"{row.tolerance:g}"), ("Reason", row.reason)]
    text = "The tests allow this difference after one transition, relative to values above 1. [More](../fidelity.md)"
    return f"## Fidelity\n\n{text}\n\n{table(('Compared with', row.reference), rows)}"


def training(id: str) -> str:
    """The presets of an id, and the mean returns that were measured with them, seed by seed."""
    measured = json.loads((ROOT / "tests" / "learning_rates.json").read_text(encoding="utf-8"))
    parts = []
    for name, learner in LEARNERS.items():
        ours, default = preset(id, name), learner()
        values = {key: getattr(ours, key) for key in learner.setting_names()}
        changed = {key: value for key, value in values.items() if value != getattr(default, key)}
        if not changed:
            continue
        settings = ", ".join(f"`{key}={value}`" for key, value in changed.items())
        parts.append(f"`jaxenvs train {id} --algorithm {name}` uses {settings}.")
        for what, row in measured.items():
            if re.fullmatch(rf"{name} preset: {re.escape(id)}( .*)?", what) and row["returns"]:
                returns = ", ".join(f"{value:g}" for value in row["returns"])
                level = what.partition(id)[2]
                parts.append(f"Mean returns{level} after training, for the seeds from 0 on: {returns}.")
    return "## Training\n\n" + "\n\n".join(parts) if parts else ""
