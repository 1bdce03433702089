"""A hook of MkDocs: the pages of the site that are not files in `docs/`.

They are the README as the home page, CONTRIBUTING, the changelog, the notebooks with their outputs, and a page for
each id. The page of an id whose extra is not installed has no picture and no fields.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `docs.generator` and the tables of `tests` are not installed

import jaxenvs  # noqa: E402
from docs.generator.environments import environment  # noqa: E402
from docs.generator.markdown import page_of  # noqa: E402
from docs.generator.notebooks import notebook  # noqa: E402

_MOST_PICTURES = 8
"""Of a family, on the page of all ids."""


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
        rows = re.compile(r"(?:^\| \[`.+\n)+", re.MULTILINE)
        markdown = rows.sub(lambda found: f"{found[0]}\n{pictures(found[0], files)}\n", markdown)
        games = "\n".join(f"- [`{id}`]({uri})" for id, uri in pages.items() if id.startswith("ALE/"))
        markdown = f"{markdown}\n{games}\n"
    return markdown


def pictures(rows: str, files: Files) -> str:
    """Pictures of a few of the ids in rows of a table, each a link to the page of its id."""
    drawn = {uri.rpartition(".")[0]: uri for uri in files.src_uris if re.match(r"environments/.*\.(png|webp)$", uri)}
    pages = [page for page in re.findall(r"\]\((environments/\S+)\.md\)", rows) if page in drawn]
    shown = pages[:: -(-len(pages) // _MOST_PICTURES) or 1]
    return " ".join(f"[![{Path(page).name}]({drawn[page]}){{ .small loading=lazy }}]({page}.md)" for page in shown)


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
