"""The API against whatever its description allows, and against a crowd."""

import hashlib
import threading

import pytest
from sqlalchemy import func, select

from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.store.tables import Submission, Upload
from tests.scoreboard.site.conftest import PUBLIC, archive_of, bearer, hand_in

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis, which the extra test has")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402  # comes with schemathesis
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402  # after the skip


def check_operations(store, headers, examples):
    """Every operation of the description answers as described, whatever is asked."""
    app = site_app(store, PUBLIC, cache_seconds=0.0, burst=1e9, requests_per_second=1e9)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    load_all_checks()
    names = "status_code_conformance", "content_type_conformance", "response_schema_conformance"
    chosen = [schemathesis.checks.not_a_server_error, *map(CHECKS.get_one, names)]
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/key"):
            continue  # would end the key that the others are asked with

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(headers=headers, checks=chosen)

        ask()
        seen.add((operation.method, operation.path))
    assert len(seen) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("has_key", [True, False])
def test_every_request_that_the_description_allows_is_answered_as_described(store, make_key, entered, has_key):
    entered("bo")
    check_operations(store, bearer(make_key(reviewer=True)) if has_key else {}, 25)


def test_a_crowd_of_uploads_is_bounded(client, make_key, store):
    """Each person has at most four uploads, whatever they send, and the disk has no more than that."""
    keys = [make_key(f"person{number}") for number in range(3)]
    statuses = []

    def crowd(key, number):
        for count in range(15):
            digest = hashlib.sha256(f"{number} {count}".encode()).hexdigest()
            answer = client.post("/api/v1/uploads", json={"sha256": digest, "size": 2**20}, headers=bearer(key))
            statuses.append(answer.status_code)
            if answer.status_code == 200:
                client.patch(
                    f"/api/v1/uploads/{answer.json()['name']}?offset=0", content=b"x" * 1000, headers=bearer(key)
                )

    threads = [threading.Thread(target=crowd, args=(key, number)) for number, key in enumerate(keys)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(statuses)) == [200, 429] and statuses.count(200) == 12
    with store.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 12
    assert sum(path.stat().st_size for path in (store.files.folder / "uploads").iterdir()) == 12_000


@pytest.mark.slow
def test_thousands_of_submissions_are_kept_and_shown(client, make_key, store):
    store.uploads._most_waiting = 10_000
    try:
        key = make_key()
        for number in range(2000):
            assert hand_in(client, key, archive_of(f"A{number}")).status_code == 201
    finally:
        store.uploads._most_waiting = 200
    with store.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 2000
    page = client.get("/people/ada")
    assert page.status_code == 200 and len(page.content) < 2**20


NESTED = b'{"sha256": ' + b"[" * 100_000


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (NESTED, "application/json"),
        (b'{"sha256": "' + b"0" * 64 + b'", "size": NaN}', "application/json"),
        (b'{"sha256": "' + b"0" * 64 + b'", "size": 1e999}', "application/json"),
        (b'{"sha256": "\\ud800", "size": 1}', "application/json"),
        (b'{"sha256": "' + b"0" * 64 + b'", "size": 1, "person_id": 7}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"sha256=0&size=1", "application/x-www-form-urlencoded"),
        (b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>", "application/xml"),
    ],
)
def test_bodies_that_are_not_what_was_asked_for_are_refused(client, make_key, content, kind):
    headers = {**bearer(make_key()), "Content-Type": kind}
    answer = client.post("/api/v1/uploads", content=content, headers=headers)
    assert answer.status_code in (400, 422) and isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("note", ["a\r\nSet-Cookie: x=1", "\u202egnp.exe", "\ud7ff\ufffe", "x" * 2001])
def test_notes_with_characters_that_cannot_be_shown_are_refused(client, make_key, entered, note):
    path = f"/api/v1/submissions/{entered('ada')}/reviews"
    headers = bearer(make_key("rev", reviewer=True))
    assert client.post(path, json={"kind": "reviewed", "note": note}, headers=headers).status_code == 422
