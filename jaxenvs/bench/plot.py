"""A picture of steps per second: over batch sizes if there are several, else as bars."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.figures import short
from jaxenvs.bench.tasks import JAXENVS, PEERS
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.monitor.atomic import replacing

FORMATS = ".png", ".svg", ".pdf"

_INK, _GRID = "#1f2933", "#e4e7eb"
_COLORS = dict(
    zip(
        (JAXENVS.name, *(peer.name for peer in PEERS)),
        ("#2563eb", "#1f2933", "#d9480f", "#9c36b5", "#c2255c", "#2b8a3e", "#e8a33d", "#868e96", "#0b7285"),
    )
)
_MAX_COLUMNS = 3


def check_plot_path(path: Path) -> None:
    """Raises InvalidField if the file's format is not supported, or its folder does not exist."""
    if path.suffix.lower() not in FORMATS:
        raise InvalidField(f"A plot must be a file with the suffix {', '.join(FORMATS)}; got `{path}`.")
    if not path.parent.is_dir():
        raise InvalidField(f"The folder `{path.parent}` for the plot does not exist.")


def draw_steps_per_second(path: Path, measurements: Sequence[Measurement]) -> None:
    """Draws one panel for each task and device, on logarithmic axes, with the range of the repeats.

    Args:
        path: the file; its suffix determines the format.
        measurements: the measurements; those without figures are left out.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidField: the format is unknown.
    """
    check_plot_path(path)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled('The plot needs matplotlib: run `pip install "jaxenvs[bench]"`.') from error
    panels: dict[tuple[str, str | None], list[Measurement]] = {}
    for measurement in measurements:
        if measurement.rates:
            panels.setdefault((measurement.env_id, measurement.platform), []).append(measurement)
    columns = max(1, min(_MAX_COLUMNS, len(panels)))
    rows = max(1, -(-len(panels) // columns))
    # A separate canvas makes this independent of pyplot, its backend and its settings.
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    for place, ((env_id, platform), own) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        sizes = sorted({measurement.num_envs for measurement in own})
        if len(sizes) == 1:
            _draw_bars(axes, own)
        else:
            _draw_lines(axes, own, sizes)
        where = "" if platform is None else f", {platform}"
        many = f", {sizes[0]:,} environments" if len(sizes) == 1 else ""
        axes.set_title(f"{env_id}{where}{many}", fontsize=10, color=_INK, loc="left")
        axes.tick_params(labelsize=8, colors=_INK)
        axes.spines[["top", "right"]].set_visible(False)
    handles = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower())


def _draw_bars(axes: Any, measurements: Sequence[Measurement]) -> None:
    ordered = sorted(measurements, key=lambda m: m.steps_per_second)
    medians = [m.steps_per_second for m in ordered]
    ranges = [
        [m.steps_per_second - min(m.rates) for m in ordered],
        [max(m.rates) - m.steps_per_second for m in ordered],
    ]
    bars = axes.barh(
        [m.peer for m in ordered],
        medians,
        xerr=ranges,
        color=[_COLORS.get(m.peer, _INK) for m in ordered],
        error_kw={"ecolor": _INK, "elinewidth": 0.8},
    )
    axes.bar_label(bars, [f" {short(median)}" for median in medians], fontsize=8, color=_INK, padding=4)
    axes.set_xscale("log")
    axes.set_xlim(min(medians) / 3, max(medians) * 6)
    axes.set_xlabel("environment steps per second", fontsize=8, color=_INK)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _draw_lines(axes: Any, measurements: Sequence[Measurement], sizes: Sequence[int]) -> None:
    for peer in dict.fromkeys(m.peer for m in measurements):
        own = sorted((m for m in measurements if m.peer == peer), key=lambda m: m.num_envs)
        color, x = _COLORS.get(peer, _INK), [m.num_envs for m in own]
        axes.plot(x, [m.steps_per_second for m in own], marker="o", markersize=3.5, color=color, label=peer)
        axes.fill_between(x, [min(m.rates) for m in own], [max(m.rates) for m in own], color=color, alpha=0.15)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("environments", fontsize=8, color=_INK)
    axes.set_ylabel("environment steps per second", fontsize=8, color=_INK)
    axes.grid(color=_GRID, linewidth=0.8)
