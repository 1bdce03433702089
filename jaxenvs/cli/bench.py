"""`jaxenvs bench`: environment steps a second."""

import dataclasses
import os
import platform
from pathlib import Path
from typing import Annotated

import jax
import typer
from rich.table import Table
from tqdm import tqdm

from jaxenvs import __version__
from jaxenvs.cli.agents import look_up
from jaxenvs.cli.benchmark import Measurement, jaxenvs_workload, measure, steps_for
from jaxenvs.cli.console import console, reports_errors, say
from jaxenvs.core.errors import InvalidField
from jaxenvs.monitor.atomic import write_json
from jaxenvs.registry import make


@reports_errors
def bench(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids to measure.", show_default="CartPole-v1")] = None,
    num_envs: Annotated[str, typer.Option(help="Batch sizes, separated by commas.")] = "1,64,4096",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each environment in a repeat.", show_default="up to 1000")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Measure environment steps a second.

    What is timed is the whole loop as a learner runs it: random actions drawn on the device, AutoReset
    with fresh starts, and every observation, reward and end returned.
    """
    sizes = _sizes(num_envs)
    specs = [look_up(id) for id in ids or ["CartPole-v1"]]
    measurements: list[Measurement] = []
    with tqdm(total=len(specs) * len(sizes), unit="run", leave=False) as bar:
        for entry in specs:
            env = make(entry)
            for size in sizes:
                bar.set_description(f"{entry.id} x {size}")
                length = steps or steps_for(env, size)
                measurements.append(
                    measure(entry.id, jaxenvs_workload(env, size, length), size, length, repeats=repeats)
                )
                bar.update()
    device = (
        f"{jax.devices()[0].device_kind} ({jax.default_backend()}), {os.cpu_count()} CPU cores, jax {jax.__version__}"
    )
    _print(measurements, device)
    if json_file is not None:
        facts = {"device": device, "jaxenvs": __version__, "platform": platform.platform()}
        write_json(json_file, {**facts, "measurements": [dataclasses.asdict(m) for m in measurements]})
        say(f"Wrote {json_file}")


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InvalidField(f"--num-envs takes positive whole numbers, such as 1,64,4096; got `{text}`.")
    return [int(part) for part in parts]


def _print(measurements: list[Measurement], device: str) -> None:
    table = Table(title=device, title_justify="left", title_style="bold")
    table.add_column("id")
    for name in ("environments", "steps each", "steps/s (median)", "slowest", "fastest", "compile"):
        table.add_column(name, justify="right")
    for m in measurements:
        table.add_row(
            m.env_id,
            f"{m.num_envs:,}",
            f"{m.steps:,}",
            *(f"{rate:,.0f}" for rate in (m.steps_per_second, m.slowest, m.fastest)),
            f"{m.compile_seconds:.2f} s",
        )
    console().print(table)
