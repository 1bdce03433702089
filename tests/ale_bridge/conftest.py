"""Shared fixtures for the tests of the bridge."""

import pytest

from jaxenvs.registration.registry import registry
from jaxenvs_ale_bridge import register_all


@pytest.fixture
def catalog(monkeypatch):
    """The registry with the bridge's ids, as after its entry point was loaded."""
    monkeypatch.setattr(registry, "_specs", {k: v for k, v in registry._specs.items() if not k.startswith("ALE/")})
    monkeypatch.setattr(registry, "_makers", [])
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    register_all()
    return registry
