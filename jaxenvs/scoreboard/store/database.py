"""Database: the tables in SQLite or PostgreSQL, brought up to date when it is opened."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.scoreboard.store.tables import Table

_BUSY_MILLISECONDS = 60_000
"""How long a writer of SQLite waits for another one."""
_MIGRATION_LOCK = 4_211_620
"""Any number; PostgreSQL lets one process at a time hold it."""


class Database:
    """The tables of a scoreboard.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.

    Raises:
        InvalidField: the URL is not one of these, or the database cannot be reached.
        DependencyNotInstalled: the driver of PostgreSQL is missing.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidField("A database is given as sqlite:///FILE or postgresql://HOST/NAME.") from error
        kind = parsed.get_backend_name()
        if kind not in ("sqlite", "postgresql"):
            raise InvalidField(f"A scoreboard is kept in SQLite or PostgreSQL, not in `{kind}`.")
        self.is_sqlite = kind == "sqlite"
        options: dict[str, Any] = {"json_serializer": _json}
        if self.is_sqlite:
            options["connect_args"] = {"check_same_thread": False}
        else:
            parsed = parsed.set(drivername="postgresql+psycopg")
            options |= {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
        try:
            self._engine = create_engine(parsed, **options)
        except ModuleNotFoundError as error:
            raise DependencyNotInstalled(
                'PostgreSQL needs psycopg: run `pip install "jaxenvs[scoreboard]"`.'
            ) from error
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        try:
            self._upgrade()
        except OperationalError as error:
            self.close()
            raise InvalidField(f"The database cannot be opened: {error.orig}") from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is on disk once the block has ended, or has changed nothing if it raises."""
        writer = self._engine.execution_options(jaxenvs_writes=True)
        with Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _upgrade(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
        script = ScriptDirectory.from_config(config)

        def steps(revision: Any, context: Any) -> Any:
            del context
            return script._upgrade_revs("head", revision)  # as the documentation of EnvironmentContext does

        with self._engine.execution_options(jaxenvs_writes=True).begin() as connection:
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            with EnvironmentContext(config, script, fn=steps) as environment:
                environment.configure(connection=connection, target_metadata=Table.metadata)
                environment.run_migrations()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Readers do not wait for the writer, and a commit is on disk before it returns."""
    del record
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that will write takes the lock at once, so that it never has to give up half-way."""
    writes = connection.get_execution_options().get("jaxenvs_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
