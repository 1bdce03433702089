"""People and their keys. A key is shown once, and kept only as its hash."""

import hashlib
import re
import secrets
import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.store.tables import ApiKey, Person

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,37}[A-Za-z0-9])?")
_KEY = re.compile(r"jxs_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
_LABEL_CHARACTERS = 100


def create_key(session: Session, name: str, *, label: str = "", reviewer: bool = False) -> str:
    """Makes a key for a person, who is added if there is nobody of this name; returns the key.

    Args:
        session: a transaction that writes.
        name: the person's name on the boards.
        label: what the key is for.
        reviewer: whether it may mark submissions as reviewed.

    Raises:
        InvalidField: the name or the label has a form that it cannot have, or the name is that of somebody else but for
            capitals.
    """
    if not _NAME.fullmatch(name):
        raise InvalidField(
            f"A name has 1 to 39 letters, digits, dots, hyphens and underscores, and begins and ends with a letter or"
            f" digit; got {name!r}."
        )
    if len(label) > _LABEL_CHARACTERS or not label.isprintable():
        raise InvalidField(f"A label has at most {_LABEL_CHARACTERS} printable characters.")
    now = time.time()
    person = session.scalar(select(Person).where(Person.name == name))
    if person is None:
        if alike := session.scalar(select(Person.name).where(func.lower(Person.name) == name.lower())):
            raise InvalidField(f"There is {alike!r} already, whose name differs in capitals alone; got {name!r}.")
        person = Person(name=name, created=now)
        session.add(person)
        session.flush()
    prefix = secrets.token_hex(4)
    key = f"jxs_{prefix}_{secrets.token_urlsafe(32)}"
    session.add(
        ApiKey(person_id=person.id, prefix=prefix, digest=_digest(key), label=label, reviewer=reviewer, created=now)
    )
    return key


def revoke_key(session: Session, prefix: str) -> None:
    """Ends a key at once.

    Args:
        session: a transaction that writes.
        prefix: its first part, the eight digits after `jxs_`; the whole key will do.

    Raises:
        InvalidField: there is no such key.
    """
    found = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix.removeprefix("jxs_")[:8]))
    if found is None:
        raise InvalidField(f"There is no key {prefix[:12]!r}; `jaxenvs scoreboard key list` shows all.")
    found.revoked = found.revoked or time.time()


def key_of(session: Session, key: str) -> ApiKey | None:
    """The key as it was stored, with its person; None if there is no such key or it was revoked."""
    if not _KEY.fullmatch(key):
        return None
    found = session.scalar(select(ApiKey).where(ApiKey.digest == _digest(key)))
    return found if found is not None and found.revoked is None else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
