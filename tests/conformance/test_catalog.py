"""Every check on every id in the registry."""

import functools

import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, RenderingUnavailable
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.testing import CHECKS, ConformanceError, Subject
from tests.conformance.claims import CLAIMS, SLOW

IDS = [spec.id for spec in CATALOG]
MARKED = [pytest.param(id, marks=pytest.mark.slow) if id in SLOW else id for id in IDS]


@functools.lru_cache(maxsize=1)
def subject_of(id):
    """The subject of an id; only the latest is kept, since a subject holds whole rollouts."""
    return Subject(jaxenvs.make(id), **CLAIMS.get(id, {}))


@pytest.mark.parametrize("check", CHECKS, ids=str)
@pytest.mark.parametrize("id", MARKED, scope="module")
def test_conformance(id, check):
    try:
        subject = subject_of(id)
    except DependencyNotInstalled as error:
        pytest.skip(str(error))
    try:
        check(subject)
    except ConformanceError as error:
        if isinstance(error.__cause__, RenderingUnavailable):  # no graphics library on this machine
            pytest.skip(str(error.__cause__))
        raise


def test_every_claim_is_about_a_registered_id():
    assert set(CLAIMS) | SLOW <= set(IDS), f"no such id: {sorted((set(CLAIMS) | SLOW) - set(IDS))}"
