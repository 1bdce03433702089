"""Packages of extras, and what is said where one is missing."""

import json
import sys

import pytest

from jaxenvs.core.packages import load_package
from jaxenvs.errors import DependencyNotInstalled


def test_a_package_that_is_there_is_loaded():
    assert load_package("json", "Reading needs json", "json") is json


@pytest.mark.parametrize("module", ["absent_package", "absent_package.part"])
def test_a_missing_package_is_an_error_that_says_what_to_install(module):
    with pytest.raises(DependencyNotInstalled, match=r"^Reading needs it: run `pip install \"jaxenvs\[train\]\"`\.$"):
        load_package(module, "Reading needs it", '"jaxenvs[train]"')


def test_a_failure_inside_a_package_is_not_hidden(monkeypatch, tmp_path):
    (tmp_path / "broken_package.py").write_text("raise RuntimeError('broken inside')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="broken inside"):
        load_package("broken_package", "Reading needs it", "it")
    assert "broken_package" not in sys.modules
