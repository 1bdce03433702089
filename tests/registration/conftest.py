"""A registry that looks for no plug-ins, whichever packages are installed."""

import pytest

from jaxenvs.registration.registry import registry


@pytest.fixture(autouse=True)
def registry_without_plugins(monkeypatch):
    monkeypatch.setattr(registry, "_plugins_loaded", True)
    return registry
