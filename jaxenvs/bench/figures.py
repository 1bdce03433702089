"""The figures of a comparison as a table of numbers, for JSON files, tables and plots."""

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from jaxenvs.bench.comparison import Measurement
from jaxenvs.bench.imports import ImportTime
from jaxenvs.bench.tasks import JAXENVS


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median and the range around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Median, lowest and highest of the values; None if there are none."""
        return cls(statistics.median(values), min(values), max(values)) if values else None


def ratio(measurement: Measurement, measurements: Sequence[Measurement]) -> Spread | None:
    """How many times faster jaxenvs was, round by round; None for itself, and if either has no figures."""
    if measurement.peer == JAXENVS.name:
        return None
    ours = our_counterpart(measurement, measurements)
    return None if ours is None else Spread.of(measurement.ratios(ours))


def cpu_ratio(measurement: Measurement, measurements: Sequence[Measurement]) -> Spread | None:
    """How many times less processor time jaxenvs took, round by round; None as for `ratio`."""
    ours = our_counterpart(measurement, measurements)
    if ours is None or measurement.peer == JAXENVS.name:
        return None
    return Spread.of([its / our for our, its in zip(ours.cpu_nanoseconds, measurement.cpu_nanoseconds) if our > 0])


def our_counterpart(measurement: Measurement, measurements: Sequence[Measurement]) -> Measurement | None:
    """The measurement of jaxenvs at the same task, batch size and platform."""
    for other in measurements:
        if (other.peer, other.env_id, other.num_envs, other.platform) == (
            JAXENVS.name,
            measurement.env_id,
            measurement.num_envs,
            measurement.platform,
        ):
            return other
    return None


def as_json(measurement: Measurement, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Everything about a measurement: its fields, and medians, ranges and ratios computed from them."""
    rates, cpu = Spread.of(measurement.rates), Spread.of(measurement.cpu_nanoseconds)
    ratios, cpu_ratios = ratio(measurement, measurements), cpu_ratio(measurement, measurements)
    return {
        **dataclasses.asdict(measurement),
        "repeats": len(measurement.rates),
        "steps_per_second": rates and rates.median,
        "slowest": rates and rates.low,
        "fastest": rates and rates.high,
        "cpu_nanoseconds_per_step": cpu and cpu.median,
        "jaxenvs_is_faster_by": ratios and dataclasses.asdict(ratios),
        "jaxenvs_needs_less_processor_time_by": cpu_ratios and dataclasses.asdict(cpu_ratios),
    }


def import_as_json(time: ImportTime, times: Sequence[ImportTime]) -> dict[str, Any]:
    """Everything about an import, and how many times as long as the first one in the list it takes."""
    return {**dataclasses.asdict(time), "median": time.median if time.seconds else None, "ratio": share(time, times[0])}


def share(time: ImportTime, baseline: ImportTime) -> float | None:
    """How many times as long as the baseline's an import takes: the median over the rounds."""
    shares = [a / b for a, b in zip(time.seconds, baseline.seconds)]
    return statistics.median(shares) if shares else None


def short(number: float) -> str:
    """A number with three digits, such as 13.8 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def spread_text(spread: Spread, text: Callable[[float], str]) -> str:
    """The median and, in a second line, the range, each number formatted by `text`; one line if they are equal."""
    median, low, high = text(spread.median), text(spread.low), text(spread.high)
    return median if low == high else f"{median}\n{low} to {high}"
