"""The learning curve: return over environment steps, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import DependencyNotInstalled
from jaxenvs.monitor.atomic import replacing

_INK, _GRID, _LINE, _THRESHOLD = "#1f2933", "#e4e7eb", "#2563eb", "#d9480f"
_SMOOTHING = 0.04
"""Width of the moving average, as a fraction of all reports."""


def draw_learning_curve(
    path: Path,
    rows: Sequence[Mapping[str, float]],
    *,
    title: str,
    subtitle: str = "",
    threshold: float | None = None,
    column: str = "mean_return",
) -> None:
    """Draws what `Run.read_progress` returns into a PNG file.

    With one seed, it shows the mean return of the episodes that ended in each report, a moving average of it, and a
    band of one standard deviation of the reports in the average. With more seeds, it shows each seed faintly, their
    mean, and a band of one standard deviation between seeds.

    Args:
        path: the PNG file; an existing one is replaced.
        rows: reports with the columns `env_steps`, `seed` and `column`; reports without a finished episode hold NaN
            and are skipped.
        title: the heading.
        subtitle: a smaller line under it.
        threshold: the return at which the task counts as solved, drawn as a line.
        column: the column to draw.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled(
            'The learning curve needs matplotlib: run `pip install "jaxenvs[train]"`.'
        ) from error

    # A separate canvas makes this independent of pyplot, its backend and its settings.
    figure = Figure(figsize=(9.0, 5.0), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    seeds = _by_seed(rows, column)
    if len(seeds) == 1:
        _draw_one(axes, *seeds[0])
    elif seeds:
        _draw_many(axes, seeds)
    else:
        axes.text(0.5, 0.5, "no episode has ended yet", ha="center", va="center", transform=axes.transAxes, color=_INK)
    if threshold is not None:
        axes.axhline(
            threshold, color=_THRESHOLD, linewidth=1.3, linestyle=(0, (5, 3)), label=f"solved at {threshold:g}"
        )
    _dress(axes, title, subtitle)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _by_seed(rows: Sequence[Mapping[str, float]], column: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per seed: environment steps and returns, of the reports that hold a return."""
    seeds = []
    for seed in sorted({row["seed"] for row in rows}):
        own = [row for row in rows if row["seed"] == seed and np.isfinite(row[column])]
        if own:
            seeds.append((np.array([row["env_steps"] for row in own]), np.array([row[column] for row in own])))
    return seeds


def _smooth(values: np.ndarray) -> np.ndarray:
    """Centred moving average that narrows towards the ends."""
    half = round(len(values) * _SMOOTHING / 2)
    total = np.cumsum(np.concatenate([[0.0], values]))
    index = np.arange(len(values))
    reach = np.minimum(np.minimum(index, len(values) - 1 - index), half)
    return (total[index + reach + 1] - total[index - reach]) / (2 * reach + 1)


def _draw_one(axes: Any, steps: np.ndarray, returns: np.ndarray) -> None:
    smooth = _smooth(returns)
    band = np.sqrt(np.maximum(_smooth(returns**2) - smooth**2, 0.0))
    axes.fill_between(
        steps, smooth - band, smooth + band, color=_LINE, alpha=0.14, linewidth=0, label="±1 std around it"
    )
    axes.plot(steps, returns, color=_LINE, alpha=0.35, linewidth=0.9, label="episodes that ended in a report")
    axes.plot(steps, smooth, color=_LINE, linewidth=2.2, label="moving average")


def _draw_many(axes: Any, seeds: list[tuple[np.ndarray, np.ndarray]]) -> None:
    grid = np.unique(np.concatenate([steps for steps, _ in seeds]))
    curves = np.stack([np.interp(grid, steps, _smooth(returns)) for steps, returns in seeds])
    mean, std = curves.mean(axis=0), curves.std(axis=0)
    axes.fill_between(grid, mean - std, mean + std, color=_LINE, alpha=0.16, linewidth=0, label="±1 std of seeds")
    for curve in curves:
        axes.plot(grid, curve, color=_LINE, alpha=0.25, linewidth=0.8)
    axes.plot(grid, mean, color=_LINE, linewidth=2.2, label=f"mean of {len(seeds)} seeds")


def _dress(axes: Any, title: str, subtitle: str) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_title(title, loc="left", fontsize=15, fontweight="bold", color=_INK, pad=26 if subtitle else 12)
    if subtitle:
        axes.text(0.0, 1.025, subtitle, transform=axes.transAxes, fontsize=10, color="#52606d")
    axes.set_xlabel("environment steps", color=_INK)
    axes.set_ylabel("episode return", color=_INK)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.margins(x=0.01)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#9aa5b1")
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="lower right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.85, fontsize=9)
