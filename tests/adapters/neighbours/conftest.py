"""Shared fixtures for the tests against other libraries."""

import jax
import pytest


@pytest.fixture
def default_numerics():
    """JAX's default promotion, which other libraries' wrappers and learners rely on."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
