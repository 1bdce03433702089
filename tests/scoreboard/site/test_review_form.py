"""The form on the page of a submission: who may send it, and what it changes."""

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.store.tables import Review
from tests.scoreboard.site.conftest import PUBLIC, archive_of, bearer, hand_in


def reviews_in(store):
    with store.database.reading() as session:
        return [(one.kind, one.person.name, one.note) for one in session.scalars(select(Review)).unique()]


def test_a_mark_is_on_the_page_as_soon_as_the_form_is_answered(store, entered, make_key):
    name, _ = entered("ada"), entered("cy", mean=99.9)
    evidence = entered("bo", mean=99.0)
    key, reviewer = make_key("bo"), make_key("rev", reviewer=True)
    with TestClient(site_app(store, PUBLIC, cache_seconds=60.0), base_url=PUBLIC) as client:
        path = f"/entries/{name}"
        assert "Nobody has marked" in client.get(path).text
        sent = {"kind": "reviewed", "evidence": "", "note": "I read it.\r\nTwice.", "key": f" {reviewer} "}
        answer = client.post(f"{path}/reviews", data=sent, headers={"Origin": PUBLIC}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#reviews")
        assert "I read it.\nTwice." in client.get(path).text
        sent = {"kind": "reproduced", "evidence": f"{PUBLIC}/entries/{evidence}/?a#b", "note": "", "key": key}
        assert f'href="/entries/{evidence}"' in client.post(f"{path}/reviews", data=sent).text
    assert reviews_in(store) == [("reviewed", "rev", "I read it.\nTwice."), ("reproduced", "bo", "")]


def test_a_refused_mark_says_why_and_keeps_what_was_written_except_the_key(client, store, entered, make_key):
    name, other = entered("ada"), entered("bo", mean=1.0)
    path, note = f"/entries/{name}/reviews", "I <b>read</b> it."

    def post(key, kind="reviewed", evidence="", headers=None):
        answer = client.post(path, data={"kind": kind, "evidence": evidence, "note": note, "key": key}, headers=headers)
        assert "I &lt;b&gt;read&lt;/b&gt; it." in answer.text and (not key or key not in answer.text)
        assert "<details open>" in answer.text
        return answer.status_code, answer.text.partition('role="alert">')[2].partition("</p>")[0]

    reviewer, bo = make_key("rev", reviewer=True), make_key("bo")
    assert post("") == post("jxs_no") == (403, "The key is unknown or revoked.")
    assert post("", headers=bearer(reviewer))[0] == 403, "only the field counts"
    assert post(make_key("ada", reviewer=True)) == (403, "Nobody marks their own submission.")
    assert post(bo) == (403, "Only keys of reviewers mark submissions as reviewed.")
    assert "would reproduce it" in post(bo, "reproduced", other)[1]
    for evidence in ("\x00", "http://[", "/", "?#"):
        assert "one of your submissions" in post(bo, "reproduced", evidence)[1]
    assert post(reviewer, "praised")[0] == 422
    assert reviews_in(store) == []


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (403, {"headers": {"Origin": "https://evil.example"}}),
        (403, {"headers": {"Sec-Fetch-Site": "cross-site"}}),
        (415, {"data": None, "json": {"kind": "reviewed"}}),
        (415, {"files": {"note": b"x"}}),
        (400, {"data": {"kind": ["reviewed", "reviewed"]}}),
        (400, {"data": {"admin": "yes"}}),
        (400, {"data": None, "content": b"note=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    ],
)
def test_what_the_page_does_not_send_changes_nothing(client, store, entered, make_key, status, change):
    name = entered("ada")
    sent = {"data": {"kind": "reviewed", "note": "", "evidence": "", "key": make_key("rev", reviewer=True)}}
    answer = client.post(f"/entries/{name}/reviews", **{**sent, **change})
    assert answer.status_code == status, answer.text
    assert reviews_in(store) == []


def test_only_verified_submissions_and_known_names_have_the_form(client, store, entered, make_key):
    reviewer = make_key("rev", reviewer=True)
    for name in ("000000000000", "%00", "a%0Ab"):
        answer = client.post(f"/entries/{name}/reviews", data={"kind": "reviewed", "key": reviewer})
        assert answer.status_code in (404, 422), answer.text
    waiting = hand_in(client, make_key("bo"), archive_of()).json()["name"]
    assert "<form" not in client.get(f"/entries/{waiting}").text
    answer = client.post(f"/entries/{waiting}/reviews", data={"kind": "reviewed", "key": reviewer})
    assert answer.status_code == 422 and reviews_in(store) == []
