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
        files = Files(folder.absolute())
        opened = Database(database or f"sqlite:///{files.folder / DATABASE_FILE}")
        return Store(opened, files, Uploads(opened, files))

    def close(self) -> None:
        """Closes the database."""
        self.database.close()
