"""Uploads: archives that arrive in pieces, until one of them becomes a submission.

What was acknowledged stays: a piece is on disk before its bytes are counted, and a submission is committed, with its
archive on disk, before its name is answered. Everything may be repeated. The same archive of the same person is one
submission, whatever was repeated or interrupted.
"""

import re
import secrets
import time
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.limits import MOST_ARCHIVE
from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.store.tables import QUEUED, VERIFYING, Submission, Upload

MOST_OPEN_UPLOADS = 4
"""That one person may have at a time."""
MOST_WAITING = 200
"""Submissions of one person that wait for a worker."""
KEEP_SECONDS = 24 * 3600.0
"""How long an upload that was not completed is kept."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_BYTES = 6


class TooMany(InvalidField):
    """A person has as many uploads or waiting submissions as they may have."""


class NotFound(InvalidField):
    """There is nothing of this name, or it belongs to somebody else."""


class Uploads:
    """The uploads of a scoreboard.

    Args:
        database: where they are listed.
        files: where their bytes are.
        most_open: how many one person may have at a time.
        most_waiting: how many submissions of one person may wait for a worker.
    """

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        most_open: int = MOST_OPEN_UPLOADS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._database, self._files = database, files
        self._most_open, self._most_waiting = most_open, most_waiting

    def begin(self, person_id: int, sha256: str, size: int) -> Upload | Submission:
        """Begins an upload, or finds the one that was begun, or the submission that it has become.

        Raises:
            InvalidField: the digest or the size is not one.
            TooMany: the person has to wait.
        """
        if not _SHA256.fullmatch(sha256):
            raise InvalidField("`sha256` is written as 64 hexadecimal digits, in small letters.")
        if not 0 < size <= MOST_ARCHIVE:
            raise InvalidField(f"An archive has from 1 to {MOST_ARCHIVE:,} bytes.")
        with self._database.writing() as session:
            done = session.scalar(select(Submission).filter_by(person_id=person_id, sha256=sha256))
            if done is not None:
                return done
            found = session.scalar(select(Upload).filter_by(person_id=person_id, sha256=sha256))
            if found is not None:
                if found.size != size:
                    raise InvalidField(f"This upload was begun with {found.size} bytes, not {size}.")
                return found
            if (session.scalar(select(func.count()).select_from(Upload).filter_by(person_id=person_id)) or 0) >= (
                self._most_open
            ):
                raise TooMany(f"You have {self._most_open} open uploads; complete or delete one of them.")
            waiting = (
                select(func.count())
                .select_from(Submission)
                .where(Submission.person_id == person_id, Submission.state.in_((QUEUED, VERIFYING)))
            )
            if (session.scalar(waiting) or 0) >= self._most_waiting:
                raise TooMany(f"{self._most_waiting} of your submissions wait to be verified; try again later.")
            upload = Upload(
                name=secrets.token_hex(_NAME_BYTES), person_id=person_id, sha256=sha256, size=size, created=time.time()
            )
            session.add(upload)
        return upload

    def find(self, person_id: int, name: str) -> tuple[Upload, int]:
        """An upload, and how many of its bytes are on disk.

        Raises:
            NotFound: the person has no such upload.
        """
        with self._database.reading() as session:
            upload = session.scalar(select(Upload).filter_by(person_id=person_id, name=name))
        if upload is None:
            raise NotFound(f"You have no open upload {name[:24]!r}.")
        return upload, self._files.received(name)

    def append(self, person_id: int, name: str, offset: int, data: bytes) -> int:
        """Writes a piece; returns the bytes that are on disk then.

        Raises:
            NotFound: the person has no such upload.
            InvalidField: the piece is not within the upload, or would leave a gap.
        """
        upload, _ = self.find(person_id, name)
        if offset < 0 or offset + len(data) > upload.size:
            raise InvalidField(f"This piece is not within the {upload.size} bytes of the upload.")
        return self._files.append(name, offset, data)

    def complete(self, person_id: int, name: str, describe: Any) -> Submission:
        """Makes a submission of an upload that has arrived completely.

        Args:
            person_id: whose upload it is.
            name: its name.
            describe: called with the path of the archive; returns the columns of the submission that describe it, and
                raises if it is not an archive of a submission, which ends the upload.

        Raises:
            NotFound: the person has no such upload.
            InvalidField: bytes are missing, or they are not those that were announced.
        """
        upload, received = self.find(person_id, name)
        if received < upload.size:
            raise InvalidField(f"{received:,} of {upload.size:,} bytes have arrived; send the rest first.")
        if not self._files.keep(name, upload.sha256):
            self.abandon(person_id, name)
            raise InvalidField("The bytes do not have the SHA-256 that was announced; upload them again.")
        path = self._files.archive(upload.sha256)
        try:
            columns = describe(path)
        except Exception:
            self.abandon(person_id, name)
            self._drop_archive(upload.sha256)
            raise
        submission = Submission(
            name=secrets.token_hex(_NAME_BYTES),
            person_id=person_id,
            sha256=upload.sha256,
            size=upload.size,
            created=time.time(),
            **columns,
        )
        try:
            with self._database.writing() as session:
                session.add(submission)
                session.execute(delete(Upload).where(Upload.name == name))
        except IntegrityError:  # a repeated request was faster
            with self._database.reading() as session:
                submission = session.scalars(
                    select(Submission).filter_by(person_id=person_id, sha256=upload.sha256)
                ).one()
        self._files.drop(name)
        return submission

    def abandon(self, person_id: int, name: str) -> None:
        """Deletes an upload.

        Raises:
            NotFound: the person has no such upload.
        """
        self.find(person_id, name)
        with self._database.writing() as session:
            session.execute(delete(Upload).where(Upload.name == name))
        self._files.drop(name)

    def sweep(self, keep_seconds: float = KEEP_SECONDS) -> None:
        """Deletes uploads that were begun long ago, parts that belong to none, and files that are half-written."""
        oldest = time.time() - keep_seconds
        with self._database.writing() as session:
            session.execute(delete(Upload).where(Upload.created < oldest))
            known = set(session.scalars(select(Upload.name)))
        for path in (self._files.folder / "uploads").glob("*.part"):
            if path.name.removesuffix(".part") not in known:
                path.unlink(missing_ok=True)
        for path in self._files.folder.glob("*/**/.*.tmp*"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _drop_archive(self, sha256: str) -> None:
        """Deletes an archive that no submission has."""
        with self._database.writing() as session:
            if session.scalar(select(Submission.id).where(Submission.sha256 == sha256).limit(1)) is None:
                self._files.archive(sha256).unlink(missing_ok=True)
