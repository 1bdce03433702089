"""The arrows between the rooms of the package, and other rules that only the source text shows."""

import ast
import subprocess
import sys
import types
from functools import cache
from pathlib import Path

import pytest

import jaxenvs
from tests.neighbours import NEIGHBOURS

PACKAGE = Path(jaxenvs.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

CONTRACT = {"errors", "random", "spaces", "host", "core"}
"""The rooms that every other room may import. The first four are public; `core` is public through `jaxenvs` itself."""

OF_THE_CONTRACT = {
    "errors": set(),
    "random": {"errors"},
    "host": {"errors"},
    "spaces": {"core", "errors", "random"},
    "core": {"errors", "random", "spaces"},
}
"""The same table as the next, within the contract."""

MAY_IMPORT = {
    "canvas": set(),
    "simulators": set(),
    "games": set(),
    "envs": {"canvas", "simulators", "games"},
    "wrappers": set(),
    "registration": {"wrappers"},
    "bsuite": {"wrappers", "registration"},
    "preprocessing": {"wrappers", "registration"},
    "fusion": set(),
    "rollouts": {"wrappers", "fusion"},
    "testing": {"wrappers"},
    "training": {"wrappers", "fusion", "rollouts", "games"},
    "adapters": {"wrappers", "registration", "monitor", "games"},
    "monitor": {"canvas", "wrappers", "registration", "rollouts"},
    "agents": {"wrappers", "registration", "rollouts", "training", "monitor"},
    "web_server": set(),
    "play": {"registration", "monitor", "web_server"},
    "bench": {"wrappers", "fusion", "registration", "rollouts", "training", "monitor"},
    "scoreboard": {"fusion", "wrappers", "registration", "rollouts", "monitor", "agents", "web_server"},
    "cli": {
        "fusion",
        "wrappers",
        "registration",
        "rollouts",
        "training",
        "monitor",
        "agents",
        "play",
        "bench",
        "scoreboard",
    },
}
"""Room: the rooms outside the contract that it may import.

`envs` is in no set: the registry names envs by string.
"""

CORE_PACKAGES = {"jax", "jaxlib", "numpy"}
"""Packages outside the standard library that any room may import."""

EXTRA_PACKAGES = {
    "spaces": {"gymnasium"},  # inside `to_gymnasium`, on call
    "simulators": {"mujoco"},
    "games": {"mctx"},  # for the opponent that searches
    "training": {"flax", "optax"},
    "adapters": {
        "gymnasium",
        "stable_baselines3",
        "torch",
        "pygame",
        "gymnax",
        "brax",
        "dm_env",
        "flax",
        "pettingzoo",
        "pgx",
    },
    "monitor": {
        "flax",
        "matplotlib",
        "PIL",
        "imageio_ffmpeg",
        "pyarrow",
        "tensorboard",
        "wandb",
    },
    "web_server": {"starlette", "uvicorn"},
    "play": {"starlette", "PIL", "IPython", "google"},
    "fusion": {"llvmlite"},
    "rollouts": {"tqdm"},
    "scoreboard": {
        "fastapi",
        "starlette",
        "pydantic",
        "sqlalchemy",
        "alembic",
        "jinja2",
        "markupsafe",
        "flatbuffers",
        "markdown_it",
        "nh3",
    },
    "bench": {
        "matplotlib",
        "gymnasium",
        "gymnax",
        "ale_py",
        "envpool",
        "minatar",
        "rejax",
        "stable_baselines3",
        "torch",
        # Files beside the peers, which run where nothing of jaxenvs can be imported.
        "jax_scan",
        "compiled_training",
        "learning_loop",
    },
    "cli": {"typer", "rich", "tqdm"},
}

HEAVY = {
    "flax",
    "chex",
    "absl",
    "rich",
    "yaml",
    "jaxenvs.games",
    "jaxenvs.testing",
    "jaxenvs.agents",
    "jaxenvs.training",
    "jaxenvs.monitor",
    "jaxenvs.play",
    "jaxenvs.scoreboard",
    "starlette",
    "uvicorn",
    "fastapi",
    "sqlalchemy",
    "optax",
    "matplotlib",
    "tensorboard",
    "tqdm",
    "typer",
    "PIL",
    "imageio",
    "pyarrow",
    "scipy.stats",
    "torch",
    "mujoco",
    "ale_py",
    "gymnax",
    "brax",
    "dm_env",
    "pettingzoo",
    "pgx",
    "mctx",
}
"""Never loaded by `import jaxenvs`. (Gymnasium is loaded if it is installed, so that it knows the ids.)"""

LIMIT = 420  # "about 400"


@cache
def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def name_of(path):
    return str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT))


def room_of(path):
    """The room that a file lies in, or is; None for the package's own `__init__.py` and `__main__.py`."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if room.startswith("__") else room


def module_of(path):
    """The dotted name of a file of the package."""
    return ".".join(("jaxenvs", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def imports_of(path):
    """The dotted names that a file imports, wherever in it, by a statement or by `load_package`."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} has a relative import; write the full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "load_package":
            names |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    return names


def test_every_room_is_known():
    assert {room_of(path) for path in MODULES} - {None} <= OF_THE_CONTRACT.keys() | MAY_IMPORT.keys()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_import_only_what_they_may(path):
    room = room_of(path)
    inner = {name for name in imports_of(path) if name.split(".")[0] == "jaxenvs"}
    if path.name == "__main__.py":
        allowed = {"cli"}
    elif room is None:
        allowed = CONTRACT | MAY_IMPORT.keys() - {"envs", "cli", "bench"}  # some for type checkers alone
    elif room in CONTRACT:
        allowed = OF_THE_CONTRACT[room] | {room}
    else:
        allowed = CONTRACT | MAY_IMPORT[room] | {room, "__version__"}
    wrong = sorted(name for name in inner if name == "jaxenvs" or name.split(".")[1] not in allowed)
    assert not wrong, f"{name_of(path)} may not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_use_only_their_outside_packages(path):
    allowed = CORE_PACKAGES | EXTRA_PACKAGES.get(room_of(path), set()) | set(sys.stdlib_module_names) | {"jaxenvs"}
    wrong = sorted(name for name in imports_of(path) if name.split(".")[0] not in allowed)
    assert not wrong, f"{name_of(path)} may not import {wrong}"


def test_the_tables_allow_nothing_that_no_file_does():
    imports = [(room_of(path), name.split(".")) for path in MODULES for name in imports_of(path)]
    rooms = {(room, names[1]) for room, names in imports if names[0] == "jaxenvs" and len(names) > 1}
    packages = {(room, names[0]) for room, names in imports}
    assert not {(room, inner) for room, allowed in MAY_IMPORT.items() for inner in allowed} - rooms
    assert not {(room, package) for room, allowed in EXTRA_PACKAGES.items() for package in allowed} - packages


def test_the_table_of_neighbours_is_what_their_modules_import():
    """Modules that it names are left out where their package is missing, so it may name no other."""
    packages = {"gymnax", "brax", "dm_env", "pgx"}
    modules = [path for path in MODULES if room_of(path) != "bench"]  # its peers import inside their functions
    used = {module_of(path): {name.split(".")[0] for name in imports_of(path)} & packages for path in modules}
    found = {module: package for module, imported in used.items() for package in imported}
    assert found == NEIGHBOURS


BRIDGE = ROOT / "jaxenvs_ale_bridge"
BRIDGE_MODULES = sorted(BRIDGE.rglob("*.py"))
PUBLIC_MODULES = {
    "jaxenvs.errors",
    "jaxenvs.host",
    "jaxenvs.random",
    "jaxenvs.spaces",
    "jaxenvs.wrappers",
    "jaxenvs.testing",
}
WORKERS_MODULES = {"layout.py", "messages.py", "emulator.py", "worker.py"}
"""What the bridge's worker processes import, besides its `__init__.py`."""


@pytest.mark.parametrize("path", BRIDGE_MODULES, ids=lambda path: path.name)
def test_the_ale_bridge_uses_public_names_alone(path):
    names = {name for name in imports_of(path) if name.split(".")[0] == "jaxenvs"}
    assert not {name for name in names if name != "jaxenvs" and name.rpartition(".")[0] not in PUBLIC_MODULES}
    packages = {name.split(".")[0] for name in imports_of(path)} - set(sys.stdlib_module_names)
    allowed = {"numpy", "jaxenvs_ale_bridge"}
    allowed |= {"ale_py"} if path.name in WORKERS_MODULES else {"jax", "flax", "jaxenvs"}
    assert packages <= allowed
    if path.name in WORKERS_MODULES:
        own = {name.split(".")[1] + ".py" for name in imports_of(path) if name.startswith("jaxenvs_ale_bridge.")}
        assert own <= WORKERS_MODULES


def test_nothing_imports_the_ale_bridge():
    assert not [name_of(path) for path in MODULES if any(n.startswith("jaxenvs_ale_bridge") for n in imports_of(path))]


def test_importing_jaxenvs_loads_no_env_and_nothing_heavy():
    code = "import sys, jaxenvs; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "jaxenvs.core.env" in loaded
    assert not loaded & HEAVY
    assert not [name for name in loaded if name.startswith("jaxenvs.envs.")]
    wrappers = {name.rpartition(".")[2] for name in loaded if name.startswith("jaxenvs.wrappers.")}
    assert {name for name in wrappers if not name.startswith("_")} == {"auto_reset", "time_limit"}


def test_the_lazy_names_of_wrappers_are_those_that_type_checkers_see():
    tree = tree_of(PACKAGE / "wrappers" / "__init__.py")
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {statement.names[0].name: statement.module for statement in block.body}
    assert list(seen) == jaxenvs.wrappers.__all__
    assert {name: getattr(jaxenvs.wrappers, name).__module__ for name in seen} == seen
    with pytest.raises(AttributeError, match=r"'jaxenvs\.wrappers' has no attribute 'AutoRest'"):
        jaxenvs.wrappers.AutoRest  # noqa: B018  # the lookup is what is tested


def test_importing_any_module_makes_no_array():
    """An array made at import would start a backend before the caller could configure it."""
    names = [module_of(path) for path in MODULES if path.stem != "__main__"]
    # Importing gymnax and pgx makes arrays, and so does brax through its simulator.
    names = [name for name in names if name not in NEIGHBOURS]
    # The hook runs when JAX first needs a device, which is when the first array is made.
    code = f"""
import importlib
from jax.extend import backend
for name in {names!r}:
    importlib.import_module(name)
    from jax._src import xla_bridge
    assert not xla_bridge.backends_are_initialized(), name
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


OTHER_FILES = sorted(path for room in ("benchmarks", "docs", "tests") for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", [*MODULES, *BRIDGE_MODULES, *OTHER_FILES], ids=name_of)
def test_files_are_short_and_say_what_they_are(path):
    lines = len(path.read_text().splitlines())
    assert lines <= LIMIT, f"{name_of(path)} has {lines} lines; split it"
    assert ast.get_docstring(tree_of(path)) or not lines, f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("path", [*MODULES, *BRIDGE_MODULES], ids=name_of)
def test_no_unfinished_work_and_no_bare_suppression(path):
    text = path.read_text()
    assert not [word for word in ("TODO", "FIXME", "XXX", "NotImplementedError") if word in text]
    for number, line in enumerate(text.splitlines(), 1):
        for mark in ("# noqa", "# type: ignore", "# pyright: ignore"):
            if mark in line:
                rest = line.split(mark, 1)[1]
                assert rest.startswith((":", "[")), f"{name_of(path)}:{number} suppresses without naming a rule"


PUBLIC_NAMES = """
    AutoReset Env EnvSpec Evaluation GoalEnv PyTreeNode RandomPolicy RendersText StatefulWrapper StatelessWrapper
    TimeLimit TimeStep Trajectory Wrapper WrapperState adapters bsuite canvas errors evaluate evaluation fuse fusion
    games host load make monitor play pprint_registry preprocessing random register registry restart rewrap rollout
    scoreboard spaces spec static testing training transition unwrap unwrap_state wrappers
"""


def test_dir_shows_the_public_names_and_nothing_else():
    assert dir(jaxenvs) == PUBLIC_NAMES.split()


@pytest.mark.parametrize("name", PUBLIC_NAMES.split())
def test_public_names_exist(name):
    assert hasattr(jaxenvs, name)


def test_no_package_is_hidden_by_a_public_name():
    """`jaxenvs.rollout` is the function, whatever has been imported."""
    rooms = {room_of(path) for path in MODULES} - {None}
    hidden = [name for name in rooms & set(dir(jaxenvs)) if not isinstance(getattr(jaxenvs, name), types.ModuleType)]
    assert not hidden


def test_modules_load_on_first_use():
    code = """
import sys, jaxenvs
names = "bsuite", "canvas", "games", "host", "monitor", "play", "preprocessing", "scoreboard", "testing", "training"
assert not {f"jaxenvs.{name}" for name in names} & set(sys.modules)
for name in names:
    assert getattr(jaxenvs, name) is sys.modules[f"jaxenvs.{name}"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_type_checkers_see_is_what_is_public():
    tree = tree_of(PACKAGE / "__init__.py")
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    on_first_use = {alias.name for statement in block.body for alias in statement.names}
    at_once = {
        alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names if alias.asname
    }
    assert on_first_use | at_once == set(dir(jaxenvs))
    assert at_once == set(jaxenvs.__all__)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'jaxenvs' has no attribute 'mkae'"):
        jaxenvs.mkae  # noqa: B018  # the lookup is what is tested
