"""The API: uploads, lists, reviews, keys, limits, and what it refuses."""

import hashlib
import json
import xml.etree.ElementTree as xml

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from jaxenvs.scoreboard import Challenge, public_challenge
from jaxenvs.scoreboard.site.app import site_app
from jaxenvs.scoreboard.store.tables import Submission, Upload
from tests.scoreboard.site.conftest import PUBLIC, archive_of, bearer, hand_in, verify_row


def test_a_submission_is_handed_in_and_read_back(client, make_key):
    answer = hand_in(client, make_key(), archive_of("PPO", write_up="# Hi", code="https://example.org/x"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["person"], made["algorithm"], made["env_id"]) == ("queued", "ada", "PPO", "CartPole-v1")
    full = client.get(f"/api/v1/submissions/{made['name']}").json()
    assert full["write_up"] == "# Hi" and full["code"] == "https://example.org/x"
    assert full["manifest"]["challenge"]["name"] == "public:0"
    archive = client.get(f"/archives/{made['name']}.zip")
    assert hashlib.sha256(archive.content).hexdigest() == made["sha256"] and archive.headers["content-type"] == (
        "application/zip"
    )


def test_handing_in_twice_is_one_submission(client, make_key, store):
    key, archive = make_key(), archive_of()
    name = hand_in(client, key, archive).json()["name"]
    begun = {"sha256": hashlib.sha256(archive).hexdigest(), "size": len(archive)}
    again = client.post("/api/v1/uploads", json=begun, headers=bearer(key)).json()
    assert again["submission"]["name"] == name and again["name"] is None
    with store.database.reading() as session:
        assert len(session.scalars(select(Submission)).unique().all()) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/uploads"),
        ("GET", "/uploads/abc"),
        ("PATCH", "/uploads/abc?offset=0"),
        ("DELETE", "/uploads/abc"),
        ("POST", "/uploads/abc/complete"),
        ("POST", "/challenges"),
        ("POST", "/submissions/abc/reviews"),
        ("GET", "/me"),
        ("DELETE", "/key"),
    ],
)
@pytest.mark.parametrize(
    "given", [None, "Bearer nothing", "Basic YTpi", "Bearer jxs_00000000_" + "A" * 43, "Bearer " + "x" * 5000]
)
def test_without_a_known_key_nothing_happens(client, method, path, given):
    headers = {} if given is None else {"Authorization": given}
    bodies = {"/uploads": {"sha256": "0" * 64, "size": 1}, "/challenges": {"env_id": "CartPole-v1"}}
    body = {"kind": "reviewed"} if path.endswith("reviews") else bodies.get(path)
    answer = client.request(method, f"/api/v1{path}", headers=headers, json=body)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"


def test_a_stolen_key_ends_at_once(client, make_key):
    key = make_key()
    assert client.get("/api/v1/me", headers=bearer(key)).json()["person"] == "ada"
    assert client.delete("/api/v1/key", headers=bearer(key)).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(key)).status_code == 401


@pytest.mark.parametrize(
    "header", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_pages_of_other_sites_change_nothing(client, make_key, header, store):
    begun = {"sha256": "0" * 64, "size": 5}
    answer = client.post("/api/v1/uploads", json=begun, headers={**bearer(make_key()), **header})
    assert answer.status_code == 403
    with store.database.reading() as session:
        assert session.scalars(select(Upload)).all() == []


def test_no_page_sets_a_cookie_or_lets_others_read(client, entered):
    name = entered("ada")
    for path in ("/", f"/entries/{name}", "/api/v1/submissions"):
        answer = client.get(path, headers={"Origin": "https://evil.example"})
        assert "set-cookie" not in answer.headers and "access-control-allow-origin" not in answer.headers
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff" and "server" not in answer.headers


def test_large_requests_are_refused_before_they_are_kept(client, make_key, store):
    headers = bearer(make_key())
    assert client.post("/api/v1/uploads", content=b"x" * 1_200_000, headers=headers).status_code == 413

    def pieces():
        for _ in range(30):
            yield b"x" * 65536

    assert client.patch("/api/v1/uploads/abc?offset=0", content=pieces(), headers=headers).status_code == 413
    too_large = {"sha256": "0" * 64, "size": 2**33}
    assert client.post("/api/v1/uploads", json=too_large, headers=headers).status_code == 422
    assert not list((store.files.folder / "uploads").iterdir())


@pytest.mark.parametrize("data", [b"", b"PK", b"not an archive", b"\x80\x04\x95pickle", bytes(1000)])
def test_what_is_not_an_archive_is_refused_and_nothing_stays(client, make_key, store, data):
    if not data:
        answer = client.post("/api/v1/uploads", json={"sha256": "0" * 64, "size": 0}, headers=bearer(make_key()))
    else:
        answer = hand_in(client, make_key(), data)
        assert "not a valid submission" in answer.json()["detail"]
    assert answer.status_code == 422
    with store.database.reading() as session:
        assert session.scalars(select(Submission)).all() == session.scalars(select(Upload)).all() == []
    assert not [path for path in store.files.folder.rglob("*") if path.suffix in (".part", ".zip", ".tmp")]


@pytest.mark.parametrize(
    ("env_id", "reason"),
    [
        ("Nothing-v0", "no board"),
        ("os:system", "without a module"),
        ("../../etc/passwd", "no board"),
        ("cartpole-v1", "no board"),
    ],
)
def test_only_environments_of_the_registry_have_boards(client, make_key, env_id, reason):
    answer = hand_in(client, make_key(), archive_of(env_id=env_id, challenge=public_challenge("CartPole-v1")))
    assert answer.status_code == 422 and reason in answer.json()["detail"]
    assert client.get(f"/api/v1/boards/{env_id}").status_code == 404


def test_challenges_belong_to_those_who_asked(client, make_key):
    ada, bo = make_key("ada"), make_key("bo")
    given = client.post("/api/v1/challenges", json={"env_id": "CartPole-v1"}, headers=bearer(ada)).json()
    challenge = Challenge.from_json(given)
    assert challenge.name.startswith("server:")
    archive = archive_of(challenge=challenge)
    assert "not handed out to you" in hand_in(client, bo, archive).json()["detail"]
    assert hand_in(client, ada, archive).status_code == 201
    statuses = [
        client.post("/api/v1/challenges", json={"env_id": "CartPole-v1"}, headers=bearer(ada)).status_code
        for _ in range(10)
    ]
    assert statuses == [201] * 9 + [429]
    assert client.post("/api/v1/challenges", json={"env_id": "No-v0"}, headers=bearer(ada)).status_code == 422


def test_lists_come_in_pages_and_can_be_narrowed(client, entered):
    names = [entered(person, f"A{number}") for person in ("ada", "bo") for number in range(2)]
    first = client.get("/api/v1/submissions?limit=3").json()
    second = client.get(f"/api/v1/submissions?limit=3&after={first['next']}").json()
    assert [one["name"] for page in (first, second) for one in page["submissions"]] == names and second["next"] is None
    assert len(client.get("/api/v1/submissions?person=bo").json()["submissions"]) == 2
    assert client.get("/api/v1/submissions?state=rejected").json()["submissions"] == []
    assert client.get("/api/v1/submissions?env_id=Acrobot-v1").json()["submissions"] == []
    assert client.get("/api/v1/submissions?limit=0").status_code == 422
    page = client.get("/api/v1/environments?limit=200").json()
    assert len(page["environments"]) <= 200 and {"id", "slug", "family", "threshold"} == page["environments"][0].keys()


def test_letters_of_another_width_are_no_other_algorithm(client, entered):
    entered("ada", "PPO", mean=10.0)
    entered("ada", "\uff30\uff30\uff2f", mean=90.0)
    (table,) = client.get("/api/v1/boards/CartPole-v1").json()["tables"]
    assert [row["submissions"] for row in table["rows"]] == [2]


def test_a_board_has_one_row_for_a_person_and_an_algorithm(client, entered):
    entered("ada", "PPO", mean=100.0, seeds=2)
    entered("ada", "ppo", mean=200.0, seeds=3)
    entered("bo", "PPO", mean=160.0, seeds=6)
    entered("bo", "Search", kind="planned", mean=500.0)
    entered("cy", "PPO", mode="training", mean=480.0, solved_after=120)
    entered("dan", "PPO", mode="training", mean=500.0)
    entered("eve", "PPO", mode="training", mean=475.0, solved_after=80)
    tables = client.get("/api/v1/boards/CartPole-v1").json()["tables"]
    by_name = {(table["kind"], table["mode"]): table["rows"] for table in tables}
    assert [(row["person"], row["rank"]) for row in by_name["learned", "training"]] == [
        ("eve", 1),
        ("cy", 2),
        ("dan", 3),
    ]
    ada, bo = by_name["learned", "evaluation"]
    assert (ada["person"], bo["person"]) == ("ada", "bo"), "160 over all five seeds, and the earlier of equal rows"
    assert (ada["mean_return"], ada["seeds"], ada["submissions"], ada["iqm"]) == (
        160.0,
        5,
        2,
        pytest.approx(166.667, 1e-4),
    )
    assert (ada["rank"], bo["rank"], bo["low"], bo["high"]) == (1, 1, 160.0, 160.0)
    assert [row["person"] for row in by_name["planned", "evaluation"]] == ["bo"], "planned is apart from learned"


def test_reviews_and_reproductions_are_marked_and_checked(client, entered, make_key):
    name, weak, good = entered("ada", mean=100.0), entered("bo", mean=10.0), entered("cy", mean=99.9)
    path = f"/api/v1/submissions/{name}/reviews"
    reviewer, ada = make_key("rev", reviewer=True), make_key("ada", reviewer=True)

    def post(key, **content):
        answer = client.post(path, json=content, headers=bearer(key))
        return answer.status_code, answer.json().get("detail", "")

    assert post(ada, kind="reviewed")[0] == 403, "one's own"
    assert post(make_key("bo"), kind="reviewed")[0] == 403, "not a reviewer"
    assert post(reviewer, kind="praised")[0] == 422
    assert post(reviewer, kind="reviewed", note="a\x00b")[0] == 422
    assert post(reviewer, kind="reviewed", note="Read it.") == (201, "")
    assert post(reviewer, kind="reviewed", note="Read it twice.") == (201, "")
    assert "would reproduce it" in post(make_key("bo"), kind="reproduced", evidence=weak)[1]
    assert "one of your submissions" in post(make_key("bo"), kind="reproduced", evidence=good)[1]
    assert post(make_key("cy"), kind="reproduced", evidence=good) == (201, "")
    full = client.get(f"/api/v1/submissions/{name}").json()
    assert full["marks"] == ["reproduced", "reviewed"]
    assert [review["note"] for review in full["reviews"]] == ["Read it twice.", ""]


def test_a_copy_says_what_it_is_a_copy_of_and_reproduces_nothing(client, make_key, store):
    """The actions of others are public, and the keys of a public challenge are everybody's."""
    keys = {name: make_key(name) for name in ("ada", "bo")}
    names = {}
    for person, algorithm in (("ada", "PPO"), ("bo", "Mine")):
        names[person] = hand_in(client, keys[person], archive_of(algorithm)).json()["name"]
        verify_row(store, names[person])
    again = hand_in(client, keys["ada"], archive_of("PPO 2")).json()["name"]
    own = hand_in(client, keys["bo"], archive_of("Mine", episodes=3)).json()["name"]
    shown = {name: client.get(f"/api/v1/submissions/{name}").json()["manifest"]["same_as"] for name in names.values()}
    assert shown == {names["ada"]: None, names["bo"]: names["ada"]}
    assert client.get(f"/api/v1/submissions/{again}").json()["manifest"]["same_as"] is None
    assert client.get(f"/api/v1/submissions/{own}").json()["manifest"]["same_as"] is None
    assert f'the policy of <a href="/entries/{names["ada"]}">' in client.get(f"/entries/{names['bo']}").text
    assert "the policy of" not in client.get(f"/entries/{names['ada']}").text
    mark = {"kind": "reproduced", "evidence": names["bo"]}
    answer = client.post(f"/api/v1/submissions/{names['ada']}/reviews", json=mark, headers=bearer(keys["bo"]))
    assert answer.status_code == 422 and "may be a copy" in answer.json()["detail"]


def test_everything_is_exported_and_the_feed_is_atom(client, entered):
    name = entered("ada", "<b>&PPO", write_up="x")
    everything = json.loads(client.get("/api/v1/export").content)
    assert [one["name"] for one in everything["submissions"]] == [name]
    for path in ("/feed.atom", "/feeds/CartPole-v1.atom"):
        answer = client.get(path)
        assert answer.headers["content-type"].startswith("application/atom+xml")
        (entry,) = xml.fromstring(answer.content).findall("{http://www.w3.org/2005/Atom}entry")
        assert entry.findtext("{http://www.w3.org/2005/Atom}title") == "<b>&PPO on CartPole-v1 by ada"
        assert entry.find("{http://www.w3.org/2005/Atom}link").get("href") == f"{PUBLIC}/entries/{name}"
    assert xml.fromstring(client.get("/feeds/Acrobot-v1.atom").content).findall("{*}entry") == []


def test_clients_that_ask_too_often_are_told_to_wait(store):
    with TestClient(site_app(store, PUBLIC, requests_per_second=0.1, burst=5), base_url=PUBLIC) as client:
        statuses = [client.get("/api/v1/submissions").status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert int(client.get("/api/v1/submissions").headers["retry-after"]) >= 1
        assert client.get("/").status_code == 200, "pages are kept, and cost little"
        assert client.get("/?q=cart").status_code == 429, "searches are not"


def test_pages_are_kept_for_a_moment_with_an_etag(store, make_key):
    with TestClient(site_app(store, PUBLIC, cache_seconds=60.0), base_url=PUBLIC) as client:
        first = client.get("/boards/CartPole-v1", headers={"Accept-Encoding": "gzip"})
        assert first.headers["content-encoding"] == "gzip" and "Nobody has submitted" in first.text
        same = client.get("/boards/CartPole-v1", headers={"If-None-Match": first.headers["etag"]})
        assert same.status_code == 304 and same.content == b""
        name = hand_in(client, make_key(), archive_of()).json()["name"]
        verify_row(store, name)
        assert client.get("/boards/CartPole-v1").text == first.text
        assert "PPO" in client.get("/boards/CartPole-v1?now").text
        assert client.get("/boards/Nothing").status_code == 404


def test_a_name_in_the_address_never_reaches_the_files(client):
    for path in ("/pictures/../scoreboard.sqlite", "/pictures/..%2fscoreboard.sqlite", "/archives/..%2f..%2fx.zip"):
        assert client.get(path).status_code == 404
    assert client.get("/entries/a%0d%0aSet-Cookie:x=1").status_code == 404
    assert client.get("/people/%00").status_code == 404
    assert client.get("/healthz").json() == {"state": "well"}


def test_only_the_head_of_an_answer_can_be_asked_for(client):
    for path in ("/", "/feed.atom", "/api/v1/environments", "/assets/icon.svg", "/nothing"):
        head, whole = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-length"] == whole.headers["content-length"]


def test_a_page_that_fails_says_so_and_nothing_more(store, monkeypatch):
    app = site_app(store, PUBLIC, cache_seconds=0.0)
    monkeypatch.setattr("jaxenvs.scoreboard.site.pages.Pages.about", lambda self: 1 // 0)
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        answer = client.get("/about")
    assert answer.status_code == 500 and "log of the server" in answer.text and "Zero" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
