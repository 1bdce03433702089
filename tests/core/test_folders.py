"""Folders of the user, with and without a home."""

from pathlib import Path

import pytest

from jaxenvs.core import folders
from jaxenvs.core.folders import expanded, named_folder, user_cache


def test_a_tilde_in_a_variable_is_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("JAXENVS_CACHE", "~/kept")
    assert named_folder("JAXENVS_CACHE") == tmp_path / "kept"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_or_empty_names_no_folder(monkeypatch, value):
    monkeypatch.delenv("JAXENVS_CACHE", raising=False)
    if value is not None:
        monkeypatch.setenv("JAXENVS_CACHE", value)
    assert named_folder("JAXENVS_CACHE") is None


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "home/.cache"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg"),
        ("linux", {"XDG_CACHE_HOME": ""}, "home/.cache"),
        ("darwin", {"XDG_CACHE_HOME": "xdg"}, "home/Library/Caches"),
        ("win32", {}, "home/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "local"}, "local"),
    ],
)
def test_the_users_cache_is_where_the_system_keeps_it(monkeypatch, platform, variables, folder):
    monkeypatch.setattr(folders.sys, "platform", platform)
    monkeypatch.setenv("HOME", "home")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_cache() == Path(folder)


def test_without_a_home_there_is_no_cache_and_nothing_raises(monkeypatch):
    def expanduser(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expanduser)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_cache() is None
    assert expanded(Path("~/x")) == Path("~/x")
