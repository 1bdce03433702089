"""`jaxenvs curve RUN [RUN ...]`: learning curves of several runs in one picture."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jaxenvs.agents.loading import find_spec
from jaxenvs.cli.console import reports_errors, say
from jaxenvs.errors import JaxenvsError
from jaxenvs.monitor import Run, curves_of_runs, draw_learning_curves
from jaxenvs.monitor.pictures.learning_curve import check_curve_suffix
from jaxenvs.monitor.pictures.statistics import statistic_name


@reports_errors
def curve(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, as `jaxenvs train` makes them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .png or .svg.")] = Path("curves.png"),
    statistic: Annotated[
        Literal["mean", "iqm"],
        typer.Option("--statistic", "-s", help="Over seeds: the mean, or the interquartile mean."),
    ] = "mean",
    x: Annotated[
        Literal["steps", "seconds"], typer.Option("--x", help="Along the axis: environment steps, or seconds.")
    ] = "steps",
    column: Annotated[
        str, typer.Option("--column", "-c", help="What to draw: a column of progress.csv.")
    ] = "mean_return",
    title: Annotated[str | None, typer.Option(help="The heading.", show_default="the id")] = None,
) -> None:
    """Draw the learning curves of runs, with the 95 % bootstrap interval over seeds.

    Runs that differ in nothing but their seeds are one curve. The legend says what tells the others apart.
    """
    check_curve_suffix(output)
    opened = [Run.open(path) for path in dict.fromkeys(path.resolve() for path in runs)]
    curves = curves_of_runs(opened, column)
    ids = list(dict.fromkeys(run.settings.env_id for run in opened))
    output.parent.mkdir(parents=True, exist_ok=True)
    draw_learning_curves(
        output,
        curves,
        title=title or (ids[0] if len(ids) == 1 else "Learning curves"),
        subtitle=f"{statistic_name(statistic)} over seeds, and its 95 % bootstrap interval",
        threshold=_threshold(opened[0]) if len(ids) == 1 and column == "mean_return" else None,
        column=column,
        x=x,
        statistic=statistic,
    )
    for each in curves:
        count = len({row["seed"] for row in each.rows})
        say(f"{each.label}: {count} seed{'' if count == 1 else 's'}" if count else f"{each.label}: no report yet")
    say(f"Wrote {output}")


def _threshold(run: Run) -> float | None:
    """The return at which the task counts as solved, if the id is known here."""
    try:
        return find_spec(run.settings).reward_threshold
    except (JaxenvsError, ModuleNotFoundError):
        return None
