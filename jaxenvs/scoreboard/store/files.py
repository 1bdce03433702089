"""Files: the folder of a scoreboard, in which a file is complete and on disk before anything refers to it."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import replacing, write_bytes

_COPY_BYTES = 1 << 20
_NAME = re.compile(r"[0-9a-z]{1,64}")


class Files:
    """The folder of a scoreboard.

    Args:
        folder: the folder, which is made if it is missing. All web servers and workers of a scoreboard share it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("uploads", "archives", "pictures"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def part(self, name: str) -> Path:
        """What has arrived of an upload."""
        return self.folder / "uploads" / f"{_checked(name)}.part"

    def archive(self, sha256: str) -> Path:
        """An archive that arrived completely."""
        return self.folder / "archives" / _checked(sha256)[:2] / f"{sha256}.zip"

    def picture(self, name: str) -> Path:
        """A picture by its file name, such as `CartPole-v1.png`."""
        return self.folder / "pictures" / name

    def received(self, name: str) -> int:
        """How many bytes of an upload are on disk."""
        try:
            return self.part(name).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, name: str, offset: int, data: bytes) -> int:
        """Writes a piece of an upload at its place; returns the bytes that are on disk then.

        Bytes that arrive twice are written twice to the same place, so a repeated request does no harm.

        Raises:
            InvalidField: the piece would leave a gap.
        """
        path = self.part(name)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            if offset > size:
                raise InvalidField(f"This piece begins at byte {offset}, but only {size} bytes are here.")
            file.seek(offset)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        if is_new:
            _sync_folder(path.parent)
        return size

    def keep(self, name: str, sha256: str) -> bool:
        """Copies an upload to its place among the archives, if it has this SHA-256; returns whether it has.

        It is a copy so that nobody who still writes to the upload can change the archive.
        """
        path = self.archive(sha256)
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True)
            _sync_folder(path.parent.parent)
        digest = hashlib.sha256()
        try:
            with replacing(path) as temporary, self.part(name).open("rb") as source, temporary.open("xb") as copy:
                for piece in _pieces(source):
                    digest.update(piece)
                    copy.write(piece)
                copy.flush()
                if digest.hexdigest() != sha256:
                    raise _OtherContent
        except _OtherContent:
            return False
        _sync_folder(path.parent)
        return True

    def write_archive(self, data: bytes) -> str:
        """Writes an archive that was made here; returns its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.archive(sha256)
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, data)
        _sync_folder(path.parent)
        return sha256

    def drop(self, name: str) -> None:
        """Deletes what has arrived of an upload."""
        self.part(name).unlink(missing_ok=True)


class _OtherContent(Exception):
    pass


def _pieces(source: object) -> Iterator[bytes]:
    while piece := source.read(_COPY_BYTES):  # pyright: ignore[reportAttributeAccessIssue]  # a file
        yield piece


def _checked(name: str) -> str:
    """A name that this program made, or a digest: neither a path nor empty."""
    if not _NAME.fullmatch(name):
        raise InvalidField(f"{name[:80]!r} is not the name of a file.")
    return name


def _sync_folder(folder: Path) -> None:
    """Makes sure that the names in a folder are on disk, where the system can do that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
