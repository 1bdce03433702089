"""The names of the writers of a run folder, each held by one living writer."""

import os
import re
import secrets
from pathlib import Path

from jaxenvs.errors import InvalidField, NotWritten, RunInUse
from jaxenvs.monitor.recording.parts import parts_in
from jaxenvs.monitor.run_folder.lock import is_locked, take

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def has_writers(folder: Path) -> bool | None:
    """Whether living writers have names in a folder; None if nobody ever had one, or if there is no telling.

    Args:
        folder: the folder `episodes` of a run.
    """
    held = [is_locked(path) for path in folder.glob(".*.lock")]
    return True if True in held else None if None in held or not held else False


class WriterName:
    """A name that no other writer of the folder has while this one lives.

    It is held by a lock on the file `.NAME.lock`. The system releases the lock when the process ends, however it ends.

    Attributes:
        name: the name.
    """

    def __init__(self, folder: Path, name: str | None, prefix: str, *, must_exist: bool) -> None:
        """Takes a name.

        Args:
            folder: the folder `episodes` of the run; it is made if it is missing.
            name: the name; None for `prefix`, or the first of `prefix-2`, `prefix-3` and so on that nobody has taken.
            prefix: the beginning of a name that is chosen here.
            must_exist: whether to raise if the folder cannot be written. If not, a name is made up then.

        Raises:
            InvalidField: files cannot have this name.
            RunInUse: a living writer has this name.
            NotWritten: the folder cannot be written.
        """
        if name is not None and not _NAME.fullmatch(name):
            raise InvalidField(
                f"A writer's name may have 100 letters, digits, dots, hyphens and underscores, and begins with a letter"
                f" or digit; got {name!r}."
            )
        self._descriptor: int | None = None
        try:
            folder.mkdir(exist_ok=True)
            if name is not None:
                self.name = name
                self._lock(folder, os.O_CREAT | os.O_RDWR)
                return
            number = 1
            while not self._take(folder, prefix if number == 1 else f"{prefix}-{number}"):
                number += 1
        except OSError as error:
            if must_exist:
                raise NotWritten(
                    f"{folder} cannot be written: {error.strerror}. Make the folder writable, or free some space."
                ) from error
            self.name = name or f"{prefix}-{secrets.token_hex(4)}"

    def release(self) -> None:
        """Gives the name back; another writer may continue it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, folder: Path, name: str) -> bool:
        """Takes a name that nobody has had; False if somebody has."""
        self.name = name
        if parts_in(folder, name):
            return False
        try:
            self._lock(folder, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        except (FileExistsError, RunInUse):
            return False
        return True

    def _lock(self, folder: Path, flags: int) -> None:
        descriptor = os.open(folder / f".{self.name}.lock", flags, 0o666)
        try:
            take(descriptor)
        except BlockingIOError as error:
            os.close(descriptor)
            raise RunInUse(
                f"Another writer called `{self.name}` writes to {folder}. Close it, or give this one another name."
            ) from error
        self._descriptor = descriptor
