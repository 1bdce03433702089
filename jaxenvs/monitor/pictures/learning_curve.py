"""Learning curves: return over environment steps or seconds, of one training or of several, as a picture."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxenvs.errors import DependencyNotInstalled, InvalidField, did_you_mean
from jaxenvs.monitor.atomic import replacing
from jaxenvs.monitor.pictures.statistics import Statistic, bootstrap_interval, moving_average, over_runs, statistic_name

SUFFIXES = (".png", ".svg")

_INK, _SOFT_INK, _GRID, _THRESHOLD = "#1f2933", "#52606d", "#e4e7eb", "#b33a0a"
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#1f2933", "#e69f00", "#56b4e9")
"""Hues that stay apart for colour-blind readers: M. Okabe and K. Ito, "Color Universal Design", 2008."""
_LINES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.4)), (0, (7, 2, 1.5, 2)))
_MARKERS = "os^Dv"
"""Lines and markers tell curves apart in black and white as well."""
_MOST_POINTS = 500
_LONG_LABEL, _INCHES_PER_LABEL = 50, 0.24
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Curve:
    """A curve of a picture: the reports of one or more seeds.

    Attributes:
        label: its name in the legend.
        rows: reports with the columns `env_steps`, `seconds`, `seed` and the one that is drawn, as `Run.read_progress`
            returns them; `seed` tells seeds apart.
    """

    label: str
    rows: Sequence[Mapping[str, float]]


def draw_learning_curve(
    path: str | os.PathLike[str],
    rows: Sequence[Mapping[str, float]],
    *,
    title: str,
    subtitle: str = "",
    threshold: float | None = None,
    column: str = "mean_return",
    statistic: Statistic = "mean",
) -> None:
    """Draws what `Run.read_progress` returns into a PNG or SVG file.

    With one seed, it shows the mean return of the episodes that ended in each report, a moving average of it, and a
    band of one standard deviation of the reports in the average. With more seeds, it shows each seed faintly, their
    mean, and the bootstrap interval of the mean; see `draw_learning_curves`.

    Args:
        path: the file, `.png` or `.svg`; an existing one is replaced.
        rows: reports with the columns `env_steps`, `seed` and `column`; reports without a finished episode hold NaN
            and are skipped.
        title: the heading.
        subtitle: a smaller line under it.
        threshold: the return at which the task counts as solved, drawn as a line.
        column: the column to draw.
        statistic: of several seeds, `"mean"`, or `"iqm"` for the interquartile mean.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidField: the file is neither `.png` nor `.svg`, or there is no such column.
    """
    draw_learning_curves(
        path,
        [Curve("", rows)],
        title=title,
        subtitle=subtitle,
        threshold=threshold,
        column=column,
        statistic=statistic,
    )


def draw_learning_curves(
    path: str | os.PathLike[str],
    curves: Sequence[Curve],
    *,
    title: str,
    subtitle: str = "",
    threshold: float | None = None,
    column: str = "mean_return",
    x: Literal["steps", "seconds"] = "steps",
    statistic: Statistic = "mean",
) -> None:
    """Draws the learning curves of several trainings into one PNG or SVG file; `curves_of_runs` makes them.

    A curve is the mean or the interquartile mean over its seeds of their moving averages. The band is its 95 %
    interval by the bootstrap over seeds (`bootstrap_interval`). Both cover what all seeds of the curve have
    reached. With one seed there is no band.

    Args:
        path: the file, `.png` or `.svg`; an existing one is replaced.
        curves: the curves, in the order of the legend.
        title: the heading.
        subtitle: a smaller line under it.
        threshold: the return at which the task counts as solved, drawn as a line.
        column: the column to draw.
        x: `"steps"` for environment steps, or `"seconds"` of training.
        statistic: `"mean"`, or `"iqm"` for the interquartile mean.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidField: the file is neither `.png` nor `.svg`, or there is no such statistic or column.
    """
    path = Path(path)
    check_curve_suffix(path)
    statistic_name(statistic)  # refuses an unknown one
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            'The learning curve needs matplotlib: run `pip install "jaxenvs[train]"`.'
        ) from error

    # A separate canvas makes this independent of pyplot, its backend and its settings.
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(9.0, 5.0), dpi=150, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    drawn = [(curve.label, _by_seed(curve.rows, column, x)) for curve in curves]
    drawn = [(label, seeds) for label, seeds in drawn if seeds]
    if not drawn:
        axes.text(0.5, 0.5, "no episode has ended yet", ha="center", va="center", transform=axes.transAxes, color=_INK)
    elif len(drawn) == 1 and len(drawn[0][1]) == 1:
        _draw_one(axes, *drawn[0][1][0])
    else:
        for index, (label, seeds) in enumerate(drawn):
            _draw_seeds(axes, label, seeds, statistic, index, alone=len(drawn) == 1)
    if threshold is not None:
        axes.axhline(
            threshold, color=_THRESHOLD, linewidth=1.3, linestyle=(0, (1, 2)), label=f"solved at {threshold:g}"
        )
    _dress(axes, title, subtitle, x, column)
    _add_legend(figure, axes, outside=len(drawn) > 1)
    kind = path.suffix.lower()[1:]
    # Without a date and random names, the same curves give the same file.
    with replacing(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "jaxenvs"}):
        figure.savefig(temporary, format=kind, metadata={"Date": None} if kind == "svg" else None)


def check_curve_suffix(path: Path) -> None:
    """Raises `InvalidField` if no learning curve with that suffix can be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidField(f"`{path}` must end in {' or '.join(SUFFIXES)}.")


def _by_seed(
    rows: Sequence[Mapping[str, float]], column: str, x: Literal["steps", "seconds"]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per seed: environment steps or seconds, and values, of the reports that hold a value."""
    along = {"steps": "env_steps", "seconds": "seconds"}[x]
    for row in rows:
        if missing := next((name for name in (column, along, "seed") if name not in row), None):
            raise InvalidField(
                f"The rows have no column `{missing}`.{did_you_mean(missing, row)} Their columns are {', '.join(row)}."
            )
    seeds = []
    for seed in sorted({row["seed"] for row in rows}):
        own = [row for row in rows if row["seed"] == seed and np.isfinite(row[column])]
        if own:
            seeds.append((np.array([row[along] for row in own]), np.array([row[column] for row in own])))
    return seeds


def _shared_grid(seeds: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The points of all seeds, thinned out, within the part that all of them cover."""
    first, last = max(x[0] for x, _ in seeds), min(x[-1] for x, _ in seeds)
    grid = np.unique(np.concatenate([x for x, _ in seeds]))
    grid = grid[(grid >= first) & (grid <= last)]
    return grid[np.unique(np.linspace(0, len(grid) - 1, min(len(grid), _MOST_POINTS)).round().astype(int))]


def _draw_one(axes: Any, x: np.ndarray, returns: np.ndarray) -> None:
    smooth = moving_average(returns)
    band = np.sqrt(np.maximum(moving_average(returns**2) - smooth**2, 0.0))
    color = _COLORS[0]
    axes.fill_between(x, smooth - band, smooth + band, color=color, alpha=0.14, linewidth=0, label="±1 std around it")
    axes.plot(x, returns, color=color, alpha=0.35, linewidth=0.9, label="episodes that ended in a report")
    axes.plot(x, smooth, color=color, linewidth=2.2, label="moving average")


def _draw_seeds(
    axes: Any,
    label: str,
    seeds: Sequence[tuple[np.ndarray, np.ndarray]],
    statistic: Statistic,
    index: int,
    *,
    alone: bool,
) -> None:
    """Draws the statistic of seeds and its interval; if the curve is alone, each seed as well."""
    color, name = _COLORS[index % len(_COLORS)], statistic_name(statistic)
    smooth = [(x, moving_average(values)) for x, values in seeds]
    grid = _shared_grid(smooth)
    table = np.stack([np.interp(grid, x, values) for x, values in smooth]) if len(grid) else np.zeros((len(seeds), 0))
    count = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    if alone:
        for x, values in smooth:
            axes.plot(x, values, color=color, alpha=0.3, linewidth=0.9)
    if len(seeds) > 1 and len(grid):
        low, high = bootstrap_interval(table, statistic, confidence=_CONFIDENCE)
        note = f"{100 * _CONFIDENCE:.0f} % interval of the {name}" if alone else None
        axes.fill_between(grid, low, high, color=color, alpha=0.16, linewidth=0, label=note)
    axes.plot(
        grid,
        over_runs(table, statistic) if len(grid) else grid,
        color=color,
        linewidth=2.2,
        linestyle=_LINES[index % len(_LINES)],
        marker=None if alone else _MARKERS[index % len(_MARKERS)],
        markevery=(0.03 + 0.02 * (index % 4), 0.12),
        markersize=5.5,
        label=f"{name} of {count}" if alone else f"{label} ({count})",
    )


def _dress(axes: Any, title: str, subtitle: str, x: Literal["steps", "seconds"], column: str) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_title(title, loc="left", fontsize=16, fontweight="bold", color=_INK, pad=28 if subtitle else 12)
    if subtitle:
        axes.text(0.0, 1.025, subtitle, transform=axes.transAxes, fontsize=11, color=_SOFT_INK)
    axes.set_xlabel({"steps": "environment steps", "seconds": "seconds of training"}[x], color=_INK, fontsize=12)
    name = {"mean_return": "episode return"}.get(column, column.replace("_", " "))
    axes.set_ylabel(name, color=_INK, fontsize=12)
    if x == "steps":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(x=0.01)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, length=0, labelsize=11.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#9aa5b1")


def _add_legend(figure: Any, axes: Any, *, outside: bool) -> None:
    """Names what is drawn: in a corner, or below the picture, where many names hide no curve."""
    handles, labels = axes.get_legend_handles_labels()
    look = {"fontsize": 11, "handlelength": 3.0, "labelcolor": _INK, "edgecolor": "none"}
    if labels and outside:
        columns = 1 if max(map(len, labels)) > _LONG_LABEL else 2
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + _INCHES_PER_LABEL * -(-len(labels) // columns))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, **look)
    elif labels:
        axes.legend(loc="best", frameon=True, facecolor="white", framealpha=0.85, **look)
