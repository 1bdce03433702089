"""The table of adapters: names that resolve, or errors that say what is missing."""

import importlib
import subprocess
import sys
import textwrap

import pytest

from jaxenvs import adapters
from jaxenvs.errors import DependencyNotInstalled

PACKAGES = {
    "GymnasiumEnv": "gymnasium",
    "TorchVectorEnv": "torch",
    "GymnaxEnv": "gymnax",
    "from_gymnax": "gymnax",
    "BraxEnv": "brax",
    "wrap_with_fresh_starts": "brax",
    "DmEnvironment": "dm_env",
    "from_gymnasium_functional": "gymnasium",
    "PettingZooAECEnv": "pettingzoo",
    "PettingZooParallelEnv": "pettingzoo",
    "from_pgx": "pgx",
}

ALONE = f"""
import sys
for package in {sorted({*PACKAGES.values(), "stable_baselines3"})}:
    sys.modules[package] = None  # as if it were not installed
"""


def run(code):
    """The output of a new process in which none of the packages is installed."""
    code = ALONE + textwrap.dedent(code)
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_a_missing_package_is_named_with_what_to_install():
    """An import raises an ImportError, and reading the attribute an AttributeError, with the same message."""
    lines = run(f"""
    from jaxenvs import adapters
    for name in {list(PACKAGES)}:
        try:
            exec(f"from jaxenvs.adapters import {{name}}")
        except ImportError as error:
            print(type(error).__name__, error)
        try:
            getattr(adapters, name)
        except AttributeError as error:
            print(type(error).__name__, error)
    """)
    assert len(lines) == 2 * len(PACKAGES)
    for (name, package), imported, read in zip(PACKAGES.items(), lines[::2], lines[1::2], strict=True):
        text = f"`jaxenvs.adapters.{name}` needs `{package}`, which is not installed: run `pip install"
        assert imported.startswith(f"{DependencyNotInstalled.__name__} {text}")
        assert read.startswith(f"AdapterUnavailable {text}")


def test_a_module_of_missing_adapters_can_be_inspected_and_imported_from():
    lines = run("""
    import inspect, pydoc
    import jaxenvs_ale_bridge
    from jaxenvs import adapters
    print([name for name in dir(adapters) if hasattr(adapters, name)], adapters.__all__)
    print(*[name for name, _ in inspect.getmembers(adapters)])
    print(*["Adapters" in pydoc.render_doc(adapters), "Arcade" in pydoc.render_doc(jaxenvs_ale_bridge)])
    from jaxenvs.adapters import *
    from jaxenvs_ale_bridge import *
    """)
    assert lines == ["['record'] ['record']", "record", "True True"]  # what needs no package


def test_importing_all_names_imports_those_whose_packages_are_installed():
    names = {}
    exec("from jaxenvs.adapters import *", names)
    assert {"GymnasiumEnv", "StableBaselines3VecEnv", "to_torch"} <= names.keys()
    assert names.keys() - {"__builtins__"} == {name for name in dir(adapters) if hasattr(adapters, name)}


def test_no_name_is_that_of_a_module():
    """Importing a module sets its name on the package, where it would hide the adapter of that name."""
    assert not set(adapters._MODULES) & {module.partition(".")[0] for module in adapters._MODULES.values()}


def test_a_name_means_the_same_each_time():
    importlib.import_module("jaxenvs.adapters.gymnasium.from_functional")
    for _ in range(2):
        assert callable(adapters.from_gymnasium_functional)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"has no attribute 'GymEnv'. It has: GymnasiumEnv"):
        _ = adapters.GymEnv
    assert set(PACKAGES) < set(dir(adapters))
