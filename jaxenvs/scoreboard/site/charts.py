"""Charts as SVG in the page: learning curves and histograms, coloured by the style sheet."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 480, 220
"""Few units, so that numbers can be read on a phone, whose style sheet makes them larger."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 20, 36, 42
_TICKS = 5
_LEAST_BAR = 2.0
"""Pixels of a bar, so that a single episode is seen beside thousands."""


def curve_chart(curves: Sequence[dict[str, Any]], threshold: float | None) -> Markup:
    """Learning curves: the mean return of the last 100 episodes over environment steps.

    Args:
        curves: JSON of `Curve`, one for each agent.
        threshold: the reward threshold, drawn as a line; None for none.
    """
    means = [value for curve in curves for value in curve["means"]] + ([threshold] if threshold is not None else [])
    plot = _Plot((0.0, max(curve["env_steps"][-1] for curve in curves)), (min(means), max(means)))
    parts = [plot.axes("environment steps", "mean return of 100 episodes")]
    if threshold is not None:
        y = plot.y(threshold)
        parts.append(f'<line class="threshold" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="threshold" x="{_LEFT + 4}" y="{y - 4:.1f}">solved at {escape(number(threshold))}</text>'
        )
    for index, curve in enumerate(curves):
        points = " ".join(f"{plot.x(x):.1f},{plot.y(y):.1f}" for x, y in zip(curve["env_steps"], curve["means"]))
        parts.append(f'<polyline class="line line-{index % 5}" points="{points}"/>')
    last = curves[0]["means"][-1]
    return plot.finished(parts, f"Learning curve: the mean return of 100 episodes ends at {number(last)}.")


def histogram_chart(counts: Sequence[int], edges: Sequence[float]) -> Markup:
    """How many episodes had which return.

    Args:
        counts: episodes in each bin.
        edges: where the bins begin and end.
    """
    plot = _Plot((edges[0], edges[-1]), (0.0, max(counts)))
    parts = [plot.axes("return of an episode", "episodes")]
    for count, low, high in zip(counts, edges, edges[1:]):
        left, right, top = plot.x(low), plot.x(high), plot.y(count)
        if count:
            width, height = max(1.0, right - left - 1), max(_LEAST_BAR, plot.y(0) - top)
            top = plot.y(0) - height
            parts.append(
                f'<rect class="bar" x="{left + 0.5:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
            )
    return plot.finished(parts, f"Histogram of returns, from {number(edges[0])} to {number(edges[-1])}.")


def number(value: float) -> str:
    """A number for people: few digits, thousands apart."""
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    else:
        text = f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")


class _Plot:
    """The area of a chart, and where numbers are in it."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = _widened(*x), _widened(*y)
        self._y_ticks = _ticks(*self._y)
        self._y = min(self._y[0], self._y_ticks[0]), max(self._y[1], self._y_ticks[-1])

    def x(self, value: float) -> float:
        """Pixels from the left."""
        low, high = self._x
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        low, high = self._y
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def axes(self, x_name: str, y_name: str) -> str:
        """Lines and numbers of the axes, and their names."""
        parts = []
        for value in self._y_ticks:
            y = self.y(value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 7}" y="{y:.1f}" dy="0.35em" text-anchor="end">{_short(value)}</text>')
        for value in _ticks(*self._x):
            if self._x[0] <= value <= self._x[1]:
                parts.append(
                    f'<text x="{self.x(value):.1f}" y="{_HEIGHT - 24}" text-anchor="middle">{_short(value)}</text>'
                )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(f'<text class="name" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_name)}</text>')
        parts.append(f'<text class="name" x="{_LEFT - 7}" y="{_TOP - 19}">{escape(y_name)}</text>')
        return "".join(parts)

    def finished(self, parts: Sequence[str], description: str) -> Markup:
        """The chart, with words for those who do not see it."""
        inner = "".join(parts)
        box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        return Markup(f'<svg class="chart" role="img" aria-label="{escape(description)}" {box}>{inner}</svg>')


def _widened(low: float, high: float) -> tuple[float, float]:
    """A range that is not empty."""
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that cover a range."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}".replace("-", "\N{MINUS SIGN}")
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
