"""export: a scoreboard as static files, which any web server or git host can serve."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.scoreboard.site import models
from jaxenvs.scoreboard.site.api import board_data, everything, person_data
from jaxenvs.scoreboard.site.environments import environments
from jaxenvs.scoreboard.site.feed import atom_feed
from jaxenvs.scoreboard.site.links import Links
from jaxenvs.scoreboard.site.pages import ASSETS, Pages, asset, assets_version
from jaxenvs.scoreboard.store.store import Store
from jaxenvs.scoreboard.store.tables import Person, Submission

_MARK = "scoreboard.json"
"""The file that says that a folder was written by this."""


def export(store: Store, folder: Path, *, on_file: Callable[[], object] = lambda: None) -> int:
    """Writes the site and its data.

    Files that the folder already has are replaced, and those of entries that no longer exist stay.

    Args:
        store: the scoreboard.
        folder: where to write; missing, empty, or written by this before.
        on_file: called for each file.

    Returns:
        The number of files.

    Raises:
        InvalidField: the folder holds something else.
    """
    if folder.is_file():
        raise InvalidField(f"{folder} is a file; name a folder to write to.")
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise InvalidField(f"{folder} holds other files; name an empty folder, or one that was exported before.")
    return _Export(store, folder, on_file).run()


class _Export:
    def __init__(self, store: Store, folder: Path, on_file: Callable[[], object]) -> None:
        self._store, self._folder, self._on_file = store, folder, on_file
        self._count = 0

    def run(self) -> int:
        top, below = (Pages(self._store.files, Links(root, ".html", version=assets_version())) for root in ("", "../"))
        with self._store.database.reading() as session:
            self._write(_MARK, json.dumps({"format": "jaxenvs scoreboard", "format_version": 1}) + "\n")
            for name in ASSETS:
                self._write(f"assets/{name}", asset(name))
            self._write("index.html", top.home(session))
            self._write("about.html", top.about())
            self._write("data/everything.json", "".join(everything(self._store, "")))
            self._boards(session, below)
            self._entries(session, below)
            for person in session.scalars(select(Person).order_by(Person.id)):
                self._write(f"people/{person.name}.html", below.person(session, person))
                self._write_json(f"data/people/{person.name}.json", person_data(session, person, ""))
            self._write("feed.atom", atom_feed(session, top))
            self._write(".nojekyll", "")
        return self._count

    def _boards(self, session: Session, pages: Pages) -> None:
        for environment in environments().values():
            name = environment.slug
            self._write(f"boards/{name}.html", pages.board(session, environment))
            self._write_json(f"data/boards/{name}.json", board_data(session, environment))
            self._write(f"feeds/{name}.atom", atom_feed(session, pages, environment.id))
            self._copy(self._store.files.picture(f"{name}.png"), f"pictures/{name}.png")

    def _entries(self, session: Session, pages: Pages) -> None:
        for entry in session.scalars(select(Submission).order_by(Submission.id)).unique():
            name = entry.name
            self._write(f"entries/{name}.html", pages.entry(entry))
            self._write_json(f"data/submissions/{name}.json", models.full_of(entry, ""))
            self._copy(self._store.files.archive(entry.sha256), f"archives/{name}.zip")
            played = (entry.result or {}).get("played")
            if played is not None:
                self._copy(self._store.files.archive(played), f"archives/{name}-played.zip")
            for picture in (f"{name}.mp4", f"{name}-sheet.png", f"{name}-poster.png"):
                self._copy(self._store.files.picture(picture), f"pictures/{picture}")

    def _write(self, name: str, content: str | bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        if not path.exists() or path.read_bytes() != data:  # so that git sees only what changed
            write_bytes(path, data)
        self._note()

    def _write_json(self, name: str, content: Any) -> None:
        self._write(name, json.dumps(content, indent=1, allow_nan=False) + "\n")

    def _copy(self, source: Path, name: str) -> None:
        """Copies a file, if there is one that is not empty."""
        if not source.is_file() or not source.stat().st_size:
            return
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size != source.stat().st_size:
            temporary = path.with_name(f".{path.name}.tmp")
            shutil.copyfile(source, temporary)
            os.replace(temporary, path)
        self._note()

    def _note(self) -> None:
        self._count += 1
        self._on_file()
