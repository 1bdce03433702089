"""Databases, files, uploads and jobs, in SQLite and in PostgreSQL."""

import contextlib
import hashlib
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.jobs import Jobs, again
from jaxenvs.scoreboard.store.people import create_key, key_of, revoke_key
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.tables import ApiKey, Attempt, Person, Submission, Table, Upload
from jaxenvs.scoreboard.store.uploads import NotFound, TooMany, Uploads

DATA = b"an archive" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path, database_url):
    with contextlib.closing(Store.open(tmp_path / "board", database_url)) as store:
        yield store


@pytest.fixture
def person(store):
    with store.database.writing() as session:
        key = create_key(session, "ada")
        return key_of(session, key).person_id


class Clock:
    """A clock that only a test moves."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def described(path):
    assert path.read_bytes()[:10] == b"an archive"
    names = ("env_id", "board", "mode", "kind", "algorithm", "write_up")
    return {**dict.fromkeys(names, "x"), "manifest": {"é": [1.5]}}


def uploaded(store, person, data=DATA, **options):
    uploads = Uploads(store.database, store.files, **options)
    begun = uploads.begin(person, hashlib.sha256(data).hexdigest(), len(data))
    if isinstance(begun, Submission):
        return begun
    uploads.append(person, begun.name, 0, data)
    return uploads.complete(person, begun.name, described)


def rows(store, table):
    with store.database.reading() as session:
        return session.scalars(select(table)).unique().all()


def test_migrations_make_the_tables(store):
    with store.database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_a_database_is_opened_again_with_what_it_had(store, person, tmp_path, database_url):
    uploaded(store, person)
    with contextlib.closing(Store.open(tmp_path / "board", database_url)) as again:
        (row,) = rows(again, Submission)
        assert (row.person.name, row.state, row.manifest) == ("ada", "queued", {"é": [1.5]})


def test_an_upload_in_pieces_goes_on_where_it_was(store, person):
    name = store.uploads.begin(person, SHA256, len(DATA)).name
    assert store.uploads.append(person, name, 0, DATA[:4000]) == 4000
    assert store.uploads.begin(person, SHA256, len(DATA)).name == name
    with pytest.raises(InvalidField, match=r"4,000 of 10,000 bytes have arrived"):
        store.uploads.complete(person, name, described)
    with pytest.raises(InvalidField, match="only 4000 bytes are here"):
        store.uploads.append(person, name, 5000, DATA[5000:])
    with pytest.raises(InvalidField, match="not within"):
        store.uploads.append(person, name, 9999, b"xy")
    assert store.uploads.append(person, name, 3000, DATA[3000:6000]) == 6000, "a piece may be repeated"
    assert store.uploads.append(person, name, 6000, DATA[6000:]) == 10_000
    made = store.uploads.complete(person, name, described)
    assert store.files.archive(made.sha256).read_bytes() == DATA
    assert rows(store, Upload) == [] and store.files.received(name) == 0
    with pytest.raises(NotFound):
        store.uploads.complete(person, name, described)
    assert store.uploads.begin(person, SHA256, len(DATA)).name == made.name, "the same archive is the same submission"
    assert len(rows(store, Submission)) == 1


def test_other_bytes_than_announced_leave_nothing(store, person, tmp_path):
    name = store.uploads.begin(person, SHA256, len(DATA)).name
    store.uploads.append(person, name, 0, b"x" + DATA[1:])
    with pytest.raises(InvalidField, match="SHA-256"):
        store.uploads.complete(person, name, described)
    assert rows(store, Upload) == rows(store, Submission) == []
    assert not [path for path in (tmp_path / "board").rglob("*") if path.suffix in (".part", ".zip", ".tmp")]


def test_what_is_not_a_submission_leaves_nothing(store, person, tmp_path):
    name = store.uploads.begin(person, SHA256, len(DATA)).name
    store.uploads.append(person, name, 0, DATA)

    def refuse(path):
        raise InvalidField("no")

    with pytest.raises(InvalidField, match="no"):
        store.uploads.complete(person, name, refuse)
    assert rows(store, Upload) == rows(store, Submission) == []
    assert not [path for path in (tmp_path / "board").rglob("*") if path.suffix in (".part", ".zip", ".tmp")]


def test_uploads_are_each_persons_own_and_bounded(store, person):
    with store.database.writing() as session:
        other = key_of(session, create_key(session, "bo")).person_id
    name = store.uploads.begin(person, SHA256, len(DATA)).name
    with pytest.raises(NotFound):
        store.uploads.find(other, name)
    for number in range(3):
        store.uploads.begin(person, hashlib.sha256(bytes([number])).hexdigest(), 1)
    with pytest.raises(TooMany, match="4 open uploads"):
        store.uploads.begin(person, "0" * 64, 1)
    uploaded(store, other, most_waiting=1)
    with pytest.raises(TooMany, match="wait to be verified"):
        uploaded(store, other, b"an archive of another", most_waiting=1)
    store.uploads.sweep(keep_seconds=0.0)
    assert rows(store, Upload) == [] and store.files.received(name) == 0


def test_requests_at_once_make_one_submission(store, person):
    name = store.uploads.begin(person, SHA256, len(DATA)).name
    store.uploads.append(person, name, 0, DATA)
    made, barrier = [], threading.Barrier(4)

    def complete():
        barrier.wait()
        try:
            made.append(store.uploads.complete(person, name, described).name)
        except (NotFound, FileNotFoundError):  # another request has already completed it
            made.append(None)

    threads = [threading.Thread(target=complete) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(store, Submission)) == 1
    assert {name for name in made if name} == {rows(store, Submission)[0].name}


def test_workers_at_once_take_each_submission_once(store, person):
    for number in range(12):
        uploaded(store, person, b"an archive %d" % number)
    jobs, taken = Jobs(store.database), []

    def take(worker):
        while (job := jobs.take(worker)) is not None:
            taken.append(job.submission.name)
            jobs.finish(job, "verified", "done", result={"x": 1}, mean_return=1.0)

    threads = [threading.Thread(target=take, args=(f"worker {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 12
    assert {row.state for row in rows(store, Submission)} == {"verified"}


def test_whoever_hands_in_many_makes_nobody_wait_for_all(store, person):
    with store.database.writing() as session:
        create_key(session, "bo")
    other = next(row.id for row in rows(store, Person) if row.name == "bo")
    for number in range(4):
        uploaded(store, person, b"an archive of many %d" % number)
    uploaded(store, other, b"an archive of one")
    jobs = Jobs(store.database)
    assert [jobs.take("worker").submission.person_id for _ in range(5)] == [person, other, person, person, person]


def test_a_lost_lease_is_another_workers(store, person, clock):
    uploaded(store, person)
    jobs = Jobs(store.database, lease_seconds=30.0, clock=clock)
    first = jobs.take("first")
    clock.now += 29.0
    assert jobs.take("second") is None, "the first has it"
    assert jobs.renew(first)
    clock.now += 29.0
    assert jobs.take("second") is None, "the first has renewed its lease"
    clock.now += 2.0
    assert not jobs.renew(first), "an ended lease does not come back"
    second = jobs.take("second")
    assert second.number == 2
    assert not jobs.finish(first, "verified", "late")
    assert not jobs.fail(first, "late")
    assert jobs.finish(second, "rejected", "for a reason")
    assert [(row.state, row.reason) for row in rows(store, Submission)] == [("rejected", "for a reason")]
    assert [row.outcome for row in rows(store, Attempt)] == ["", "rejected"]


def test_failures_are_tried_again_up_to_a_limit(store, person, clock):
    uploaded(store, person)
    jobs = Jobs(store.database, most_attempts=2, retry_seconds=(10.0, 60.0), clock=clock)
    assert jobs.fail(jobs.take("one"), "out of luck")
    (row,) = rows(store, Submission)
    assert (row.state, row.reason) == ("queued", "out of luck")
    assert jobs.take("one") is None, "not at once"
    clock.now += 11.0
    assert jobs.fail(jobs.take("one"), "out of luck again")
    (row,) = rows(store, Submission)
    assert (row.state, row.reason) == ("error", "out of luck again")
    with store.database.writing() as session:
        assert again(session, row.name) and not again(session, "nothing")
    assert jobs.take("one").number == 1


def test_a_submission_that_ends_every_worker_is_given_up(store, person, clock):
    uploaded(store, person)
    jobs = Jobs(store.database, lease_seconds=30.0, most_attempts=2, clock=clock)
    for _ in range(2):
        assert jobs.take("one") is not None
        clock.now += 31.0
    assert jobs.take("one") is None
    (row,) = rows(store, Submission)
    assert row.state == "error" and "several times" in row.reason


def test_keys_are_kept_as_hashes_and_can_be_revoked(store):
    with store.database.writing() as session:
        key = create_key(session, "ada", label="laptop", reviewer=True)
        assert key_of(session, key).reviewer
        assert key_of(session, key[:-1] + "x") is None and key_of(session, "") is None
    (row,) = rows(store, ApiKey)
    assert key not in repr(row) and key.rpartition("_")[2] not in repr(row)
    with store.database.writing() as session:
        revoke_key(session, row.prefix)
        assert key_of(session, key) is None
        with pytest.raises(InvalidField, match="no key"):
            revoke_key(session, "12345678")


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "é", "a" * 40, "<b>", "a\n"])
def test_names_of_people_are_plain(tmp_path, name):
    opened = contextlib.closing(Store.open(tmp_path))
    with opened as store, pytest.raises(InvalidField, match="A name has"), store.database.writing() as session:
        create_key(session, name)


@pytest.mark.parametrize("url", ["mysql://host/x", "nonsense", "sqlite:////nowhere/at/all.sqlite"])
def test_databases_that_cannot_be_used_are_refused(url):
    with pytest.raises(InvalidField):
        Database(url)


def test_nobody_takes_a_name_that_differs_in_capitals_alone(tmp_path):
    """In the files of an export, many systems take both for the same."""
    with contextlib.closing(Store.open(tmp_path / "board")) as store, store.database.writing() as session:
        create_key(session, "ada")
        create_key(session, "ada")
        with pytest.raises(InvalidField, match="There is 'ada' already"):
            create_key(session, "Ada")
