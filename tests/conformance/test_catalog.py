"""Every check on every id in the registry."""

import functools

import pytest

import jaxenvs
from jaxenvs.errors import DependencyNotInstalled, RenderingUnavailable
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.testing import CHECKS, ConformanceError, Subject
from tests.conformance.claims import CHEAP_CHECKS, CLAIMS, REPRESENTATIVES, SLOW, SLOW_FAMILIES

SPECS = {spec.id: spec for spec in CATALOG}


def marks(id, check):
    """Slow, unless the id stands for others or the check is cheap."""
    is_fast = id in REPRESENTATIVES or (check.name in CHEAP_CHECKS and id not in SLOW)
    return () if is_fast else pytest.mark.slow


CASES = [
    pytest.param(id, check, id=f"{id}-{check}", marks=marks(id, check)) for id in SPECS for check in CHECKS
]  # an id's checks in a row, since they share its programs


@functools.lru_cache(maxsize=1)
def subject_of(id):
    """The subject of an id; only the latest is kept, since a subject holds whole rollouts."""
    return Subject(jaxenvs.make(id), **CLAIMS.get(id, {}))


@pytest.mark.parametrize(("id", "check"), CASES)
def test_conformance(id, check):
    try:
        subject = subject_of(id)
    except DependencyNotInstalled as error:
        pytest.skip(f"needs an extra: {error}")
    try:
        check(subject)
    except ConformanceError as error:
        if isinstance(error.__cause__, RenderingUnavailable):  # no graphics library on this machine
            pytest.skip(f"needs what is not installed: {error.__cause__}")
        raise


def test_every_claim_is_about_a_registered_id():
    claimed = set(CLAIMS) | SLOW | set(REPRESENTATIVES)
    assert claimed <= set(SPECS), f"no such id: {sorted(claimed - set(SPECS))}"
    assert not SLOW & set(REPRESENTATIVES)
    assert {check.name for check in CHECKS} >= CHEAP_CHECKS


def family_of(spec):
    return str(spec.entry_point).partition(":")[0].rpartition(".")[0]


def kinds_of(spec):
    """What distinguishes an environment from others for the checks, in words."""
    claims = CLAIMS.get(spec.id, {})
    yield f"family {family_of(spec)}"
    yield f"extra {spec.extra}"
    yield f"limited {spec.max_episode_steps is not None}"
    yield f"random {claims.get('random', True)}"
    yield f"reaches {sorted(claims['reaches']) if 'reaches' in claims else 'all'}"
    env = jaxenvs.make(spec.id)
    base = jaxenvs.unwrap(env)
    for name in ("can_observe", "can_render", "changes_between_episodes", "reset_is_costly"):
        yield f"{name} {getattr(base, name)}"
    for name, space in (("observation", env.observation_space), ("action", env.action_space)):
        yield f"{name} {type(space).__name__} {getattr(space, 'dtype', None)}"
        yield f"{name} of {min(len(getattr(space, 'shape', None) or ()), 3)} axes"


def test_the_representatives_have_every_kind():
    made = {}
    for id, spec in SPECS.items():
        if family_of(spec).rpartition(".")[2] in SLOW_FAMILIES:
            continue
        try:
            made[id] = set(kinds_of(spec))
        except DependencyNotInstalled:
            continue
    represented = set().union(*(made[id] for id in REPRESENTATIVES if id in made))
    missing = {id: sorted(kinds - represented) for id, kinds in made.items() if kinds - represented}
    assert not missing, f"add an id to REPRESENTATIVES for these: {missing}"
