"""Formatting, linting and types, so that the one test command checks everything; and the examples in docstrings."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import jaxenvs
from tests.neighbours import NEIGHBOURS

ROOT = Path(__file__).parents[1]

COMMANDS = {
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "jaxenvs", "benchmarks", "tests", "notebooks"],
    "ruff check": [sys.executable, "-m", "ruff", "check", "jaxenvs", "benchmarks", "tests", "notebooks"],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_code_quality(name):
    result = subprocess.run(COMMANDS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{name} complains:\n{result.stdout[-6000:]}{result.stderr[-2000:]}"


def test_the_folders_of_the_contract_have_the_same_rules():
    pyright = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
    core, spaces = pyright["executionEnvironments"]
    assert (core.pop("root"), spaces.pop("root")) == ("jaxenvs/core", "jaxenvs/spaces")
    assert core == spaces and core["reportPrivateUsage"] == "error"


def _modules():
    """All modules of the package that can be run without being a program, but for those of absent neighbours."""
    absent = {module for module, package in NEIGHBOURS.items() if not find_spec(package)}
    names = (module.name for module in pkgutil.walk_packages(jaxenvs.__path__, "jaxenvs."))
    return ["jaxenvs", *(name for name in names if not name.endswith("__main__") and name not in absent)]


def _examples(name):
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    return [test for test in found if test.examples]


EXAMPLES = {test.name: test for name in _modules() for test in _examples(name)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_run(name):
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(EXAMPLES[name], out=report.append)
    assert runner.failures == 0, "".join(report)


def test_there_are_examples():
    assert "jaxenvs.testing.conformance.check_env" in EXAMPLES
