"""The table of adapters: names that resolve, or say what is missing."""

import importlib
import subprocess
import sys

import pytest

from jaxenvs import adapters
from jaxenvs.errors import DependencyNotInstalled

PACKAGES = {
    "GymnaxEnv": "gymnax",
    "from_gymnax": "gymnax",
    "BraxEnv": "brax",
    "wrap_with_fresh_starts": "brax",
    "DmEnvironment": "dm_env",
    "from_gymnasium_functional": "gymnasium",
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_with_what_to_install(name):
    package = PACKAGES[name]
    code = f"""
import sys
sys.modules[{package!r}] = None  # as if it were not installed
from jaxenvs import adapters
try:
    adapters.{name}
except ImportError as error:
    print(type(error).__name__, error)
"""
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"{DependencyNotInstalled.__name__} `jaxenvs.adapters.{name}` needs `{package}`")
    assert "pip install" in result.stdout


def test_no_name_is_that_of_a_module():
    """Importing a module sets its name on the package, where it would hide the adapter of that name."""
    assert not set(adapters.__all__) & set(adapters._MODULES.values())


def test_a_name_means_the_same_each_time():
    importlib.import_module("jaxenvs.adapters.foreign_functional")
    for _ in range(2):
        assert callable(adapters.from_gymnasium_functional)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"has no attribute 'GymEnv'. It has: GymnasiumEnv"):
        _ = adapters.GymEnv
    assert set(PACKAGES) < set(dir(adapters))
