"""A registry that each test may write to without the others seeing it."""

import pytest

from jaxenvs.registry.registry import registry


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch):
    monkeypatch.setattr(registry, "_specs", dict(registry._specs))
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    return registry
