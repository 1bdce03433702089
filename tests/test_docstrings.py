"""Every environment is described in the same way: the same headings, in the same order, with tables of one style.

Every public method has a docstring, its own or that of the method that it overrides.

The docstrings are read from the syntax trees, so that the environments' extras need not be installed.
"""

import ast
import functools
import re
from pathlib import Path

import pytest

import jaxenvs

ROOT = Path(jaxenvs.__file__).parents[1]
ATARI = "jaxenvs_ale_bridge.env:AleEnv"
ENVS = sorted({spec.entry_point for spec in jaxenvs.registry.loaded() if spec.entry_point.startswith("jaxenvs.envs.")})

REQUIRED = ("Observation", "Action", "Reward", "Start", "Episode end", "Source", "Version history")
HEADINGS = (
    *("Observation", "Action", "Reward", "Start", "Episode end", "Info", "Parameters"),
    *("Differences from the reference", "Source", "Version history"),
)
HEADING = re.compile(rf"({'|'.join(HEADINGS)})(, besides those of `(\w+)`)?:(?: |$)", re.MULTILINE)
VECTOR = re.compile(r"\((1, )?[^(),]+,?\) \w+|a tuple of")
ENTRY = re.compile(r"    (\S[^:]*): \S")


@functools.cache
def class_at(entry_point: str) -> tuple[ast.ClassDef, ast.Module]:
    module, name = entry_point.split(":")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    return next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), tree


def bases_of(entry_point: str) -> list[str]:
    """The entry points of the bases that a class has within the same family."""
    definition, tree = class_at(entry_point)
    imported = {
        alias.name: f"{node.module}:{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and ".envs." in node.module
        for alias in node.names
    }
    names = [ast.unparse(base).split("[")[0] for base in definition.bases]
    return [imported[name] for name in names if name in imported]


def fields_of(entry_point: str) -> set[str]:
    """The names of the fields that a class declares or inherits."""
    own = {
        node.target.id
        for node in class_at(entry_point)[0].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if "ClassVar" not in ast.unparse(node.annotation)
    }
    return own.union(*map(fields_of, bases_of(entry_point)))


def base_named(entry_point: str, name: str) -> str:
    """The entry point of the base of that name, however far up."""
    bases = bases_of(entry_point)
    return next((base for base in bases if base.endswith(f":{name}")), None) or base_named(bases[0], name)


def sections_of(docstring: str) -> list[tuple[str, str | None, str]]:
    """The parts of a docstring: a heading, the base that it refers to, and the text. The first has no heading."""
    parts = HEADING.split(docstring)
    rest = iter(parts[1:])
    return [("", None, parts[0]), *((heading, base, next(rest)) for heading, _, base in zip(rest, rest, rest))]


def entries(text: str) -> list[str]:
    """What the indented lines of a section are about."""
    return [match[1] for line in text.splitlines() if (match := ENTRY.match(line))]


@pytest.fixture(params=[*ENVS, ATARI])
def entry_point(request):
    return request.param


@pytest.fixture
def docstring(entry_point):
    return ast.get_docstring(class_at(entry_point)[0]) or ""


def test_an_environment_is_described_under_the_usual_headings(docstring):
    found = [heading for heading, _, _ in sections_of(docstring)[1:]]
    assert docstring.splitlines()[0].endswith((".", "?")), "the first line states the task"
    assert found == sorted(found, key=HEADINGS.index), "headings are in the order of HEADINGS"
    assert set(REQUIRED) <= set(found) and len(found) == len(set(found))


def test_both_ends_of_an_episode_are_labelled(docstring):
    text = next(text for heading, _, text in sections_of(docstring) if heading == "Episode end")
    assert entries(text) == ["Termination", "Truncation"]


def test_every_parameter_is_described(docstring, entry_point):
    found = {heading: (base, text) for heading, base, text in sections_of(docstring)}
    base, text = found.get("Parameters", (None, ""))
    elsewhere = fields_of(base_named(entry_point, base)) if base else set()
    assert sorted(entries(text)) == sorted(fields_of(entry_point) - elsewhere)


@pytest.mark.parametrize(
    "base",
    [
        "mujoco._mujoco_env:MujocoEnv",
        "robotics._robot_goal_env:RobotGoalEnv",
        "robotics._fetch_env:FetchEnv",
        "robotics._maze_env:MazeEnv",
        "board._against_opponent:AgainstOpponent",
    ],
)
def test_a_base_describes_the_parameters_that_its_tasks_share(base):
    entry_point = f"jaxenvs.envs.{base}"
    sections = sections_of(ast.get_docstring(class_at(entry_point)[0]))
    base, text = next((base, text) for heading, base, text in sections if heading)
    elsewhere = fields_of(base_named(entry_point, base)) if base else set()
    assert sorted(entries(text)) == sorted(fields_of(entry_point) - elsewhere)


def test_every_version_has_its_history(docstring, entry_point):
    text = next(text for heading, _, text in sections_of(docstring) if heading == "Version history")
    described = entries(text)
    registered = {spec.id.rpartition("-")[2] for spec in jaxenvs.registry.loaded() if spec.entry_point == entry_point}
    assert registered <= set(described)
    assert described == sorted(described, key=lambda version: -int(version.removeprefix("v")))


def test_tables_are_of_one_style(docstring, entry_point):
    blocks = [block.splitlines() for block in docstring.split("\n\n") if block.lstrip().startswith("|")]
    for header, rule, *rows in blocks:
        pipes = [index for index, character in enumerate(header) if character == "|"]
        assert header.startswith("    | ") and set(rule.strip()) == {"|", "-"} and rows
        assert all([line[index] for index in pipes] == ["|"] * len(pipes) for line in (rule, *rows))
        assert {len(line) for line in (rule, *rows)} == {len(header)}
    headers = [tuple(cell.strip() for cell in header.strip(" |").split("|")) for header, *_ in blocks]
    assert all(header == ("index", "meaning", "min", "max", "unit") for header in headers if header[0] == "index")
    observation = next(text for heading, _, text in sections_of(docstring) if heading == "Observation").strip()
    if entry_point != ATARI:
        assert re.match(r"\(.*?\) \w+|a tuple of", observation), "an observation begins with its shape and dtype"
        assert headers[:1] == [("index", "meaning", "min", "max", "unit")] or not VECTOR.match(observation)


@functools.cache
def classes_by_name() -> dict[str, list[ast.ClassDef]]:
    """All classes of both packages; a few names occur twice."""
    found: dict[str, list[ast.ClassDef]] = {}
    for package in ("jaxenvs", "jaxenvs_ale_bridge"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(node)
    return found


def is_documented(definition: ast.ClassDef, method: str) -> bool:
    """Whether a method of a class, or a method that it overrides, has a docstring."""
    own = [node for node in definition.body if isinstance(node, ast.FunctionDef) and node.name == method]
    if any(map(ast.get_docstring, own)):
        return True
    bases = [ast.unparse(base).split("[")[0].rpartition(".")[2] for base in definition.bases]
    return any(is_documented(base, method) for name in bases for base in classes_by_name().get(name, []))


def test_every_public_method_has_a_docstring_or_inherits_one():
    missing = [
        f"{name}.{node.name}"
        for name, definitions in classes_by_name().items()
        for definition in definitions
        if not name.startswith("_")
        for node in definition.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if not is_documented(definition, node.name)
    ]
    assert missing == []
