"""Who takes part."""

import dataclasses
import os
import sys

import pytest

from jaxenvs.bench import subject as module
from jaxenvs.bench.subject import PYTHON_VARIABLE, gather, parse_pythons
from jaxenvs.bench.tasks import JAXENVS
from jaxenvs.errors import DependencyNotInstalled, InvalidField

ABSENT = 'PACKAGES = ("no_such_package",)'


@pytest.fixture
def two_peers(fake_peer, monkeypatch):
    monkeypatch.setattr(module, "PEERS", (fake_peer("present").peer, fake_peer("absent", ABSENT).peer))


def test_missing_peers_are_listed_unless_asked_for(two_peers):
    subjects, missing_peers = gather(None, {})
    assert [s.peer.name for s in subjects] == ["present"]
    assert [(a.peer.name, a.reason) for a in missing_peers] == [("absent", "no_such_package is not installed")]


def test_a_missing_peer_asked_for_by_name_is_an_error_with_the_install_line(two_peers):
    with pytest.raises(DependencyNotInstalled, match=r"no_such_package .*pip install absent.*--python absent="):
        gather(["present", "absent"], {})


def test_an_interpreter_that_does_not_work_makes_a_peer_missing(two_peers):
    subjects, missing_peers = gather(None, {"present": "/no/such/python"})
    assert not subjects and "/no/such/python" in missing_peers[0].reason


@pytest.mark.parametrize(("names", "pythons"), [(["presnt"], {}), (None, {"presnt": "python"})])
def test_an_unknown_peer_is_an_error_with_a_near_match(two_peers, names, pythons):
    with pytest.raises(InvalidField, match=r"no peer `presnt`.*Did you mean: `present`"):
        gather(names, pythons)


def test_interpreters_come_from_the_variable_and_from_arguments(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, os.pathsep.join(["gymnax=/a/python", "envpool=/b/python"]))
    assert parse_pythons(["gymnax=/c/python"]) == {"gymnax": "/c/python", "envpool": "/b/python"}


@pytest.mark.parametrize("text", ["gymnax", "=python", "gymnax="])
def test_an_interpreter_without_a_name_is_an_error(text):
    with pytest.raises(InvalidField, match="NAME=PATH"):
        parse_pythons([text])


def test_environment_of_a_peer(fake_peer, monkeypatch):
    """Its compile times come from no cache, its packages from its own interpreter, its memory is its share."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/cache")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    subject = fake_peer("peer")
    own = subject._environment("cpu")
    assert own["PYTHONPATH"] == "/mine" and own["JAX_PLATFORMS"] == "cpu"
    assert "JAX_COMPILATION_CACHE_DIR" not in own and own["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    foreign = dataclasses.replace(subject, python=sys.executable + "-other")._environment(None)
    assert "PYTHONPATH" not in foreign and foreign.get("JAX_PLATFORMS") == os.environ.get("JAX_PLATFORMS")
    ours = dataclasses.replace(subject, peer=JAXENVS)._environment(None)["PYTHONPATH"].split(os.pathsep)
    assert os.path.isfile(os.path.join(ours[0], "jaxenvs", "__init__.py")) and ours[1] == "/mine"
