"""`jaxenvs export RUN`: the episodes of a run in the files of another program."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from jaxenvs.cli.console import reports_errors, say
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import Run, read_episodes, write_gym_run
from jaxenvs.monitor.run_folder.manifest import environment_name


@reports_errors
def export(
    run: Annotated[Path, typer.Argument(help="The folder of a recorded run.", show_default=False)],
    gym: Annotated[
        Path, typer.Option("--gym", help="The folder for files like those of OpenAI Gym's monitor.", show_default=False)
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Add to a folder that holds such files already.")] = False,
) -> None:
    """Write the episodes of a run as OpenAI Gym's monitor did, for programs that read its files."""
    manifest = Run.open(run).manifest()
    episodes = read_episodes(run)
    count = len(episodes["length"])
    if count == 0:
        raise InvalidField(f"{run} holds no recorded episodes, so there is nothing to export.")
    started = datetime.datetime.fromisoformat(manifest["started"]).timestamp()
    written = write_gym_run(gym, episodes, env_id=environment_name(manifest), started=started, resume=resume)
    say(f"Wrote {count:,} episodes of {len(written)} writer{'s' * (len(written) > 1)} to {gym}")
