"""The README and the pages that a reader starts from agree with the code: tables, names, links and counts."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jaxenvs
import jaxenvs.adapters
from jaxenvs.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ENVIRONMENTS = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
TABLES = dict(re.findall(r"<!-- jaxenvs list --markdown --family (\w+) -->\n(.*?)\n\n", ENVIRONMENTS, re.DOTALL))
"""The committed table of each family."""


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_family_has_a_table():
    assert set(TABLES) == {spec.family for spec in jaxenvs.registry.values()} - {"ALE"}


@pytest.mark.parametrize("family", TABLES)
def test_table_of_environments_is_the_catalogs(family):
    result = CliRunner().invoke(app, ["list", "--markdown", "--family", family])
    assert result.exit_code == 0
    table = result.stdout.strip()
    assert TABLES[family] == table, f"Write what `jaxenvs list --markdown --family {family}` prints into the page."


def test_the_readme_counts_the_ids_of_each_family():
    counts = re.findall(r"^\| \[[\w ]+\]\(docs/([\w.#-]+)\) \| (\d+) \|", read("README.md"), re.MULTILINE)
    specs = Counter(spec.family for spec in jaxenvs.registry.values())
    specs["board"] += specs.pop("two_player")  # the same games, in one row
    assert [int(count) for _, count in counts[:-1]] == [specs[family] for family in TABLES if family in specs]
    assert counts[-1] == ("atari.md", "104")  # the bridge need not be installed


def test_extras_are_all_listed():
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    hidden = {"test-tools", "test-torch", "test-newest", "test-neighbours"}
    listed = re.findall(r"^\| `([\w-]+)` \|", read("docs/install.md"), re.MULTILINE)
    assert sorted(listed) == sorted(set(extras) - hidden)


def test_adapters_are_all_named():
    page = read("docs/adapters.md")
    assert {name for name in dir(jaxenvs.adapters) if f"`{name}(" in page or f" `{name}(" in page} | {
        "to_torch",
        "from_torch",
        "wrap_with_fresh_starts",
    } == set(dir(jaxenvs.adapters))


def test_commands_are_all_listed():
    listed = set(re.findall(r"^\| `jaxenvs ([\w-]+)", read("docs/command.md"), re.MULTILINE))
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert listed == commands | {group.name for group in app.registered_groups}


def anchors_of(path):
    """The anchors of the headings of a page, which are the same on GitHub and on the site."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_exist(page):
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", page.read_text(encoding="utf-8")):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors_of(path), f"{target}#{anchor}"
