"""Store: everything that a scoreboard keeps, opened by its folder."""

import dataclasses
from pathlib import Path

from jaxenvs.scoreboard.store.database import Database
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.store.uploads import Uploads

DATABASE_FILE = "scoreboard.sqlite"


@dataclasses.dataclass(frozen=True)
class Store:
    """What the site and the workers of a scoreboard share.

    Attributes:
        database: the tables.
        files: archives, uploads and pictures.
        uploads: archives that arrive.
    """

    database: Database
    files: Files
    uploads: Uploads

    @staticmethod
    def open(folder: Path, database: str | None = None) -> "Store":
        """Opens the scoreboard in a folder, or makes one.

        Args:
            folder: the folder.
            database: the URL of its database; None for the SQLite file in the folder.

        Raises:
            InvalidField: the database cannot be opened.
            OSError: the folder cannot be made.
        """
        folder = folder.absolute()
        if database is None:
            folder.mkdir(parents=True, exist_ok=True)
        opened = Database(database or f"sqlite:///{folder / DATABASE_FILE}")
        try:
            files = Files(folder)  # after the database, whose address may be wrong
        except OSError:
            opened.close()
            raise
        return Store(opened, files, Uploads(opened, files))

    def close(self) -> None:
        """Closes the database."""
        self.database.close()
