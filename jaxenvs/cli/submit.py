"""`jaxenvs submit RUN` and `jaxenvs verify ENTRY`: results for a scoreboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from tqdm import tqdm

from jaxenvs.cli.agents import import_from_here
from jaxenvs.cli.console import ProgressBar, console, reports_errors, say
from jaxenvs.cli.values import read_count
from jaxenvs.errors import InvalidField, InvalidSubmission
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.registration import spec
from jaxenvs.scoreboard.challenge import EPISODES, Challenge
from jaxenvs.scoreboard.client import Client
from jaxenvs.scoreboard.limits import MIB, MOST_WRITE_UP
from jaxenvs.scoreboard.scoring import Score, learning_curve, score, seed_means, summarize
from jaxenvs.scoreboard.submission import BOARDS, KINDS, Author, Submission
from jaxenvs.scoreboard.submitting import checked, env_id_of, plays, prepare, read_entry
from jaxenvs.scoreboard.verification import Rules, Verdict
from jaxenvs.scoreboard.verification import verify as verify_submission

_MOST_VIDEO = 32 * MIB


@reports_errors
def submit(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="A run folder, or an archive that --output wrote.", show_default=False)],
    url: Annotated[
        str | None,
        typer.Option(help="The address of the scoreboard.", envvar="JAXENVS_SCOREBOARD_URL", show_default=False),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(help="Your key.", envvar="JAXENVS_SCOREBOARD_KEY", show_default=False)
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="The name of the algorithm.", show_default="that of the training")
    ] = None,
    kind: Annotated[str, typer.Option(help="learned, planned or hand-written.")] = "learned",
    board: Annotated[str, typer.Option(help="control or policy.")] = "control",
    write_up: Annotated[Path | None, typer.Option(help="A Markdown file on what you did.", show_default=False)] = None,
    code: Annotated[str | None, typer.Option(help="A link to the code.", show_default=False)] = None,
    video: Annotated[Path | None, typer.Option(help="An MP4 file.", show_default=False)] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Submit the recorded episodes, and not the trained agent.")
    ] = False,
    writer: Annotated[
        str | None, typer.Option(help="The writer of the recorded episodes, if there are several.", show_default=False)
    ] = None,
    agent: Annotated[int, typer.Option(min=0, help="Which agent's policy goes to the policy board.")] = 0,
    challenge: Annotated[
        str | None, typer.Option(help="The challenge to answer.", show_default="the server's, or the public one")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the archive to this file.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Verify here, and show what would be shown; send nothing.")
    ] = False,
) -> None:
    """Submit a trained agent or a recorded run to a scoreboard.

    A trained agent plays 100 episodes with the keys of a challenge. The result is verified on this machine first, and
    only a verified one is sent. An interrupted upload goes on when the command is given again with the archive that it
    names.
    """
    import_from_here()
    _check_alone(context, run)
    sends = not dry_run and output is None
    if sends and (url is None or api_key is None):
        raise InvalidField(
            "Give --url and --api-key (or JAXENVS_SCOREBOARD_URL and JAXENVS_SCOREBOARD_KEY); --dry-run only verifies,"
            " and --output writes the archive."
        )
    client = Client(url, api_key, on_wait=_tell) if url is not None and api_key is not None else None
    if output is not None and output.exists():
        raise InvalidField(f"{output} exists already; name another file, or remove it first.")
    if output is not None and not output.parent.is_dir():
        raise InvalidField(f"There is no folder {output.parent} for the archive.")
    rules = Rules(challenge=None if challenge is None else Challenge.from_text(challenge))
    if run.is_file():
        submission = Submission.read(run)
        if submission.challenge.name.startswith("server:"):  # the server knows whether it set this one
            rules = Rules(challenge=submission.challenge)
    else:
        author = _author(run, algorithm, kind, write_up, code)
        film = None if video is None else _video(video)
        wanted = rules.challenge
        if wanted is None and sends and client is not None and board == "control" and plays(run, recorded=recorded):
            wanted = client.challenge(env_id_of(run))
            rules = Rules(challenge=wanted)
        with ProgressBar("playing", "", rounds=True) as bar:
            submission = prepare(
                run,
                author,
                board=_choice("--board", board, BOARDS),
                challenge=wanted,
                recorded=recorded or None,
                writer=writer,
                agent=agent,
                video=film,
                on_progress=bar.show,
            )
    with ProgressBar("verifying", " steps", rounds=True) as bar:
        archive, verdict = checked(submission, rules=rules, on_progress=bar.show)
    print_verdict(submission, verdict)
    _require(verdict)
    if output is not None:
        output.write_bytes(archive)
        say(f"Wrote {output} ({len(archive) / 1000:,.0f} kB).")
    if not sends:
        say(
            f"Nothing was sent. The archive has {len(archive) / 1000:,.0f} kB."
            if output is None
            else "Nothing was sent."
        )
        return
    assert client is not None
    kept = run if run.is_file() else _kept(run, archive)
    later = f"Go on later: jaxenvs submit {kept}" if kept else "To keep the archive, name a file: --output FILE"
    try:
        with ProgressBar("sending", "B", rounds=True) as bar:
            answer = client.submit(archive, on_progress=bar.show)
    except OSError as error:
        raise InvalidSubmission(f"{error}. {later}") from error
    say(f"The server has it: {answer.get('url', answer.get('name', ''))}")


@reports_errors
def verify(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(help="An archive: its path, or its address.", show_default=False)],
    challenge: Annotated[
        str | None,
        typer.Option(help="The challenge that the board set, NAME/WORD/WORD/EPISODES.", show_default="the public one"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the board's public challenge.")] = 0,
    episodes: Annotated[
        int, typer.Option(parser=read_count, metavar="INTEGER", help="The episodes that the board asks for.")
    ] = EPISODES,
) -> None:
    """Play every episode of a scoreboard's entry again, and print its exact score.

    The exit code is 1 if it is not what it claims.
    """
    import_from_here()
    _check_alone(context, entry)
    submission = read_entry(entry)
    answer = None if challenge is None else Challenge.from_text(challenge)
    with ProgressBar("verifying", " steps", rounds=True) as bar:
        verdict = verify_submission(
            submission, rules=Rules(challenge=answer, seed=seed, episodes=episodes), on_progress=bar.show
        )
    print_verdict(submission, verdict)
    if (
        verdict.state == "rejected"
        and answer is None
        and not submission.challenge.name.startswith("public:")
        and submission.board == "control"
    ):
        say(f"Its challenge is not the public one. Compare it with its page: --challenge {submission.challenge}")
    _require(verdict)


def _check_alone(context: typer.Context, first: object) -> None:
    """Raises `InvalidField` if the command was given more than one argument."""
    if context.args:
        name = f"jaxenvs {context.info_name}"
        raise InvalidField(
            f"`{name}` takes one at a time, got {1 + len(context.args)}: give `{name} {first}`, then"
            f" `{name} {context.args[0]}`."
        )


def _require(verdict: Verdict) -> None:
    if verdict.state != "verified":
        raise typer.Exit(1)


def _author(run: Path, algorithm: str | None, kind: str, write_up: Path | None, code: str | None) -> Author:
    training = Run.open(run).training
    name = algorithm or (training.algorithm.upper() if training is not None else None)
    if name is None:
        raise InvalidField("Name the algorithm: --algorithm NAME.")
    text = ""
    if write_up is not None:
        try:
            text = write_up.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidField(f"{write_up} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise InvalidField(f"{write_up} cannot be read, since it is not text in UTF-8.") from error
        if len(text) > MOST_WRITE_UP:
            raise InvalidField(f"{write_up} has {len(text):,} characters, at most {MOST_WRITE_UP:,} are allowed.")
    return Author(name, _choice("--kind", kind, KINDS), text, code)


def _choice(option: str, value: str, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise InvalidField(f"{option} must be one of {', '.join(choices)}, got {value!r}.")
    return value


def _video(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _MOST_VIDEO or data[4:8] != b"ftyp":
        raise InvalidField(f"{path} must be an MP4 file of at most {_MOST_VIDEO // MIB} MiB.")
    return data


def _kept(run: Path, archive: bytes) -> Path | None:
    """The archive in the run folder, from which an interrupted upload goes on; None if the folder is read-only."""
    path = run / "submission.zip"
    try:
        path.write_bytes(archive)
    except OSError:
        return None
    return path


def _tell(text: str) -> None:
    """Says something above a progress bar."""
    with tqdm.external_write_mode():
        say(text)


def print_verdict(submission: Submission, verdict: Verdict) -> None:
    """Prints a verdict, and what the board would show."""
    out = console()
    author = submission.author
    if verdict.state != "verified" or verdict.submission is None:
        out.print(f"[bold red]{verdict.state}[/]", end=" ")
        out.print(verdict.reason, markup=False)
        return
    out.print("[bold green]verified[/]", end=" ")
    out.print(verdict.reason, markup=False)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows_of(submission, verdict):
        table.add_row(name, text)
    title = f"{submission.env_id} · {author.algorithm} · {author.kind} · {submission.board} board"
    out.print(title, markup=False, style="bold")
    out.print(table)


def rows_of(submission: Submission, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What a board shows of a verified submission, as names and texts."""
    played = verdict.submission
    assert played is not None
    agent = played.episodes.agent
    seeds = seed_means(verdict.returns, agent)
    summary = summarize(seeds)
    first = agent == 0
    threshold = spec(played.env_id).reward_threshold
    one = score(verdict.returns[first], played.env_steps[first], played.episodes.seconds[first], threshold=threshold)
    yield "episodes", f"{len(verdict.returns):,} in {int(verdict.lengths.sum()):,} steps"
    yield "mean return", f"{summary.mean:.9g}"
    yield "range", f"{verdict.returns.min():.9g} to {verdict.returns.max():.9g}"
    yield "best 100 episodes", f"{one.best:.6g} ± {one.best_error:.2g}"
    if played.mode == "training":
        yield "solved", _solved(one)
        curve = learning_curve(verdict.returns, played.env_steps)
        yield "last 100 episodes", f"{curve.means[-1]:.6g}"
    if summary.iqm is not None:
        yield "interquartile mean", f"{summary.iqm:.6g}, 95 % interval {summary.low:.6g} to {summary.high:.6g}"
    yield "seeds", f"{summary.seeds}"
    yield "challenge", str(played.challenge)
    if submission.digest:
        yield "SHA-256", submission.digest


def _solved(one: Score) -> str:
    if one.threshold is None:
        return "the environment has no threshold"
    if one.solved_after is None:
        return f"not yet (mean of 100 episodes ≥ {one.threshold:g})"
    return f"after {one.solved_after:,} episodes, {one.solved_steps:,} steps"
