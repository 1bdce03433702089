"""`jaxenvs scoreboard`: serve a scoreboard, look after it, write it as static files, and compare one's own runs."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from jaxenvs.cli.console import ProgressBar, console, reports_errors, say
from jaxenvs.core.packages import load_package
from jaxenvs.errors import InvalidField

app = typer.Typer(no_args_is_help=True, help="Serve a scoreboard, write it as static files, or compare your own runs.")
keys = typer.Typer(no_args_is_help=True, help="The keys of the people who may submit.")
app.add_typer(keys, name="key")

Folder = Annotated[Path, typer.Argument(help="The folder of the scoreboard; it is made if it is missing.")]
FolderOption = Annotated[Path, typer.Option("--folder", help="The folder of the scoreboard.")]
SubmissionName = Annotated[str, typer.Argument(help="The name of a submission, the last part of its address.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        help="The database: postgresql://USER:SECRET@HOST/NAME, or sqlite:///FILE.",
        envvar="JAXENVS_SCOREBOARD_DATABASE",
        show_default="SQLite in the folder",
        show_envvar=True,
    ),
]
NoPictures = Annotated[bool, typer.Option("--no-pictures", help="Do not draw pictures of the environments.")]
_DEFAULT_FOLDER = Path("scoreboard")


@app.command("serve", epilog="Example:  `jaxenvs scoreboard serve --url https://scores.example.org --workers 2`")
@reports_errors
def serve(
    folder: Folder = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="The address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any.", min=0, max=65_535, metavar="N")] = 8000,
    url: Annotated[
        str | None, typer.Option(help="The address that others use.", show_default="that of the port")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that verify, beside the site.", min=0, max=256, metavar="N")
    ] = 1,
    rate: Annotated[
        float, typer.Option(help="Requests to the API per second and client.", min=0.1, metavar="RATE")
    ] = 20.0,
    no_pictures: NoPictures = False,
) -> None:
    """Serve the site, with workers that verify what is submitted; Ctrl-C ends it."""
    _check_folder(folder)
    _room("serving").serve(
        folder,
        database=database,
        host=host,
        port=port,
        public=url,
        workers=workers,
        draws=not no_pictures,
        requests_per_second=rate,
        on_ready=lambda address: say(f"The scoreboard is at {address}/ (Ctrl-C ends it)"),
    )


@app.command("worker", epilog="Example:  `jaxenvs scoreboard worker /srv/scoreboard`")
@reports_errors
def worker(
    folder: Folder = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
    no_pictures: NoPictures = False,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """Verify what is submitted, beside a site that was started with `--workers 0` or with others."""
    _check_folder(folder)
    _room("serving").work(folder, database=database, draws=not no_pictures, is_attached=attached)


@app.command("export", epilog="Example:  `jaxenvs scoreboard export public`")
@reports_errors
def export(
    output: Annotated[Path, typer.Argument(help="Where to write; empty, or exported before.", show_default=False)],
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
) -> None:
    """Write the whole site and its data as static files, which any web server or git host can serve."""
    with _opened(folder, database) as store, ProgressBar("writing", "file") as bar:
        count = _room("export").export(store, output, on_file=bar.update)
    say(f"Wrote {count:,} files to {output}; open {output / 'index.html'}")


@app.command("report", epilog="Example:  `jaxenvs scoreboard report runs`")
@reports_errors
def report(
    folder: Annotated[Path, typer.Argument(help="A folder of run folders.")] = Path("runs"),
) -> None:
    """Compare your own runs, scored as the boards do, with the interquartile mean from five seeds on."""
    from jaxenvs.scoreboard.report import report as compare

    with ProgressBar("reading", "run") as bar:
        found = compare(folder, on_run=bar.show)
    for env_id in dict.fromkeys(row.env_id for row in found.rows):
        rows = [row for row in found.rows if row.env_id == env_id]
        threshold = rows[0].threshold
        solved_at = "" if threshold is None else f", solved at {threshold:g}"
        table = Table(title=f"{env_id}{solved_at}", title_justify="left", title_style="bold")
        table.add_column("algorithm", overflow="fold")
        for name in ("seeds", "best mean", "IQM, 95 %"):
            table.add_column(name, justify="right", no_wrap=True)
        if threshold is not None:
            table.add_column("solved", justify="right", no_wrap=True)
            table.add_column("after episodes", justify="right")
        for row in rows:
            summary = row.summary
            has_iqm = summary.iqm is not None
            cells = [
                row.label,
                str(summary.seeds),
                f"{summary.mean:.4g}" + ("" if row.is_recorded else "*"),
                f"{summary.iqm:.4g} [{summary.low:.4g}, {summary.high:.4g}]" if has_iqm else "",
            ]
            if threshold is not None:
                cells.append(f"{row.solved}/{summary.seeds}" if row.is_recorded else "")
                cells.append("" if row.solved_after is None else f"{row.solved_after:,.0f}")
            table.add_row(*cells)
        console().print(table)
    if not all(row.is_recorded for row in found.rows):
        say("* The episodes were not recorded, so this is the mean of the last tenth of the reports.")
    for path, reason in found.left_out:
        say(f"Left out: {path}. {reason}")


@app.command("review", epilog="Example:  `jaxenvs scoreboard review 3f2a91c07be4 --key jxs_... --note 'I read it.'`")
@reports_errors
def review(
    name: SubmissionName,
    key: Annotated[
        str, typer.Option(help="The key of a reviewer.", envvar="JAXENVS_SCOREBOARD_KEY", show_default=False)
    ],
    note: Annotated[str, typer.Option(help="A sentence.")] = "",
    reproduced_by: Annotated[
        str | None, typer.Option(help="Your own submission that reproduces it.", show_default=False)
    ] = None,
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
) -> None:
    """Mark a submission as reviewed, or as reproduced by one of your own."""
    tables = _room("store.tables")
    with _opened(folder, database) as store, store.database.writing() as session:
        whose = _room("store.people").key_of(session, key)
        found = session.query(tables.Submission).filter_by(name=name).one_or_none()
        if whose is None or found is None:
            raise InvalidField("The key is unknown or revoked." if whose is None else f"There is no submission {name}.")
        kind = tables.REVIEWED if reproduced_by is None else tables.REPRODUCED
        _room("store.reviews").add_review(session, whose, found, kind, note, reproduced_by)
    say(f"Marked {name} as {kind}.")


@app.command("again", epilog="Example:  `jaxenvs scoreboard again 3f2a91c07be4`")
@reports_errors
def again(
    name: SubmissionName,
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
) -> None:
    """Have a submission verified again that was rejected, or whose verification failed."""
    with _opened(folder, database) as store, store.database.writing() as session:
        if not _room("store.jobs").again(session, name):
            raise InvalidField(f"There is no submission {name} that was rejected or failed.")
    say(f"{name} waits to be verified again.")


@keys.command("create", epilog="Example:  `jaxenvs scoreboard key create ada --label laptop`")
@reports_errors
def create_key(
    person: Annotated[str, typer.Argument(help="The name on the boards.", show_default=False)],
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    reviewer: Annotated[bool, typer.Option("--reviewer", help="It may mark submissions as reviewed.")] = False,
) -> None:
    """Make a key, and print it. It is kept nowhere, so it is shown this once."""
    with _opened(folder, database, makes_one=True) as store, store.database.writing() as session:
        key = _room("store.people").create_key(session, person, label=label, reviewer=reviewer)
    print(key)
    say(f"This is the key of {person}. It is shown this once.")


@keys.command("revoke", epilog="Example:  `jaxenvs scoreboard key revoke 1b2c3d4e`")
@reports_errors
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or the eight digits that `key list` shows.", show_default=False)],
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
) -> None:
    """End a key at once."""
    with _opened(folder, database) as store, store.database.writing() as session:
        _room("store.people").revoke_key(session, key)
    say("The key is revoked.")


@keys.command("list")
@reports_errors
def list_keys(
    folder: FolderOption = _DEFAULT_FOLDER,
    database: DatabaseUrl = None,
) -> None:
    """List all keys by their first digits."""
    table_of_keys = _room("store.tables").ApiKey
    table = Table()
    for name in ("key", "person", "label", "reviewer", "created", "revoked"):
        table.add_column(name)
    with _opened(folder, database) as store, store.database.reading() as session:
        found = session.query(table_of_keys).order_by(table_of_keys.id).all()
        for key in found:
            ended = "" if key.revoked is None else _day(key.revoked)
            row = key.prefix, key.person.name, key.label, "yes" if key.reviewer else "", _day(key.created), ended
            table.add_row(*row)
    if not found:
        say(f"{folder} has no keys yet; `jaxenvs scoreboard key create PERSON` makes one.")
        return
    console().print(table)


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def _check_folder(folder: Path) -> None:
    """Raises `InvalidField` if a scoreboard would be made within a run, or where a file is."""
    if folder.is_file():
        raise InvalidField(f"{folder} is a file; name a folder for the scoreboard.")
    if (folder / "run.json").exists():
        raise InvalidField(
            f"{folder} is a run folder. Name another folder for the scoreboard; `jaxenvs submit` hands in runs."
        )


@contextlib.contextmanager
def _opened(folder: Path, database: str | None, *, makes_one: bool = False) -> Iterator[Any]:
    """The scoreboard in a folder, which must exist unless one may be made; it is closed afterwards."""
    _check_folder(folder)
    if not (makes_one or folder.is_dir() or database is not None):
        raise InvalidField(f"There is no scoreboard in {folder}; `jaxenvs scoreboard serve {folder}` makes one.")
    with contextlib.closing(_room("store.store").Store.open(folder, database)) as store:
        yield store


def _room(module: str) -> Any:
    """A module of the scoreboard that needs the extra."""
    return load_package(
        f"jaxenvs.scoreboard.{module}", "A scoreboard's site needs packages that are missing", '"jaxenvs[scoreboard]"'
    )
