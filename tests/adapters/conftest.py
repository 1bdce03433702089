"""Shared fixtures for the tests of the adapters."""

import warnings

import pytest

GYMNASIUM_IGNORES = (
    "A Box observation space minimum value is -infinity",
    "A Box observation space maximum value is infinity",
    "For Box action spaces, we recommend using a symmetric and normalized space",
)
"""Warnings of `check_env` that Gymnasium's own tests allow its own environments (1.4.0, tests/envs/test_envs.py)."""


@pytest.fixture(autouse=True)
def ignore_old_versions():
    """Gymnasium warns about any version but the latest, such as its own CartPole-v0."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is out of date", DeprecationWarning)
        yield
