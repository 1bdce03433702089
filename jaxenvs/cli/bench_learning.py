"""`jaxenvs bench-learning`: PPO, environment and learning together, compared with other libraries' PPO."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from jaxenvs.bench.comparison import Measurement, Plan, Progress
from jaxenvs.bench.figures import Spread, ratio, short, spread_text
from jaxenvs.bench.learning import (
    IDS,
    JAXENVS_PPO,
    LEARNERS,
    REJAX_PPO,
    SIZES,
    Sizes,
    TimeToThreshold,
    compare_speed,
    compare_times_to_threshold,
    learning_as_json,
    speed_as_json,
)
from jaxenvs.bench.provenance import provenance
from jaxenvs.bench.subject import AvailablePeer, gather, parse_pythons
from jaxenvs.cli.agents import look_up
from jaxenvs.cli.console import console, reports_errors, say, table
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import write_json


@reports_errors
def bench_learning(
    id: Annotated[str, typer.Argument(help="Id to learn.")] = "CartPole-v1",
    device: Annotated[
        str | None, typer.Option(help="JAX's platform: cpu, gpu or tpu.", show_default="JAX's choice")
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PATH", help="The interpreter that has a peer's package, if it is not this one."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each training is timed; the median counts.")] = 7,
    steps: Annotated[int, typer.Option(min=1, help="Environment steps of a timed training.")] = 100_000,
    seeds: Annotated[int, typer.Option(min=0, help="Number of seeds trained to the threshold.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write all figures to this file.")] = None,
) -> None:
    """Measure PPO, environment and learning together, compared with rejax and stable-baselines3.

    First, environment steps per second of whole trainings, compared with rejax's with the same network, batch sizes
    and settings, at several sizes. Then, seconds until the mean return over 100 fresh episodes reaches the id's
    threshold, each library with its own settings for the task. Each runs in a separate process, and they take
    turns. Neither time includes compilation, which has a separate column.
    """
    threshold = look_up(id).reward_threshold
    if id not in IDS or threshold is None:
        raise InvalidField(f"Learning is compared on {', '.join(IDS)}; got `{id}`.")
    if json_file is not None and not json_file.parent.is_dir():
        raise InvalidField(f"The folder `{json_file.parent}` does not exist; create it first.")
    subjects, missing_peers = gather(None, parse_pythons(python or []), LEARNERS)
    plan = Plan(repeats=repeats, seconds=0.001, repeat_limit=300.0)
    rivals = [subject for subject in subjects if subject.peer is REJAX_PPO]
    rounds = [
        (sizes, compare_speed(id, sizes, rivals, plan, least_steps=steps, platform=device, progress=_tell(sizes.whose)))
        for sizes in SIZES
    ]
    times = compare_times_to_threshold(
        id, threshold, range(seeds), [AvailablePeer(JAXENVS_PPO), *subjects], plan, platform=device, progress=_tell(id)
    )
    _print_speeds(id, rounds)
    _print_times(times)
    for each in missing_peers:
        say(f"{each.peer.name}: not measured, since {each.reason}. To get it: {each.peer.install}")
    results = *times, *(m for _, measurements in rounds for m in measurements)
    failures = dict.fromkeys(f"{m.peer} failed: it {m.failure}" for m in results if m.failure is not None)
    for failure in failures:
        say(failure)
    if json_file is not None:
        measured = [m for _, measurements in rounds for m in measurements]
        facts = provenance(devices=[m.device for m in measured], versions=[m.versions for m in (*measured, *times)])
        speeds = [speed_as_json(sizes, measurements) for sizes, measurements in rounds]
        write_json(json_file, {**facts, "speed": speeds, "threshold": [learning_as_json(t) for t in times]})
        say(f"Wrote {json_file}")
    if failures:
        raise typer.Exit(1)


def _tell(what: str) -> Progress:
    return lambda who: say(f"{what}: {who}")


def _print_speeds(id: str, rounds: Sequence[tuple[Sizes, Sequence[Measurement]]]) -> None:
    device = next((m.device for _, measurements in rounds for m in measurements if m.device), "")
    out = console()
    out.print(f"[bold]{escape(f'PPO on {id}, {device}, {os.cpu_count()} CPU cores')}[/]")
    for sizes, measurements in rounds:
        out.print(f"\n[bold]{escape(_sizes_text(sizes))}[/]")
        rows = table("measured", "steps/s", "jaxenvs is", "CPU ns\na step", "compile")
        for m in measurements:
            rates, ratios, cpu = Spread.of(m.rates), ratio(m, measurements), Spread.of(m.cpu_nanoseconds)
            rows.add_row(
                m.peer,
                "failed" if rates is None else spread_text(rates, short),
                "" if ratios is None else spread_text(ratios, lambda value: f"{value:.2f}x"),
                "" if cpu is None else f"{cpu.median:,.0f}",
                f"{m.compile_seconds[0]:.1f} s" if m.compile_seconds else "",
            )
        out.print(rows)


def _sizes_text(sizes: Sizes) -> str:
    work = f"{sizes.num_envs:,} envs x {sizes.num_steps} steps, {sizes.num_epochs} epochs"
    return f"{sizes.whose}: {work}, {sizes.num_minibatches} minibatches"


def _print_times(times: Sequence[TimeToThreshold]) -> None:
    if not any(t.seconds for t in times):
        return
    console().print(f"\n[bold]Seconds to a mean return of {times[0].threshold:g}[/]")
    rows = table("measured", "seeds that\nreached it", "training", "with\ncompiling", "env steps")
    for t in times:
        reached, steps = Spread.of([s for s in t.seconds if s is not None]), Spread.of(t.env_steps)
        median, compiled = ("not reached" if v is None else f"{v:.2f} s" for v in (t.median, t.median_with_compiling))
        spread = "" if reached is None else f"\n{reached.low:.2f} to {reached.high:.2f} s"
        rows.add_row(
            f"{t.peer} {t.versions.get(t.peer.replace('-', '_'), '')}".strip(),
            f"{t.reached} of {len(t.seconds)}",
            median + spread,
            compiled,
            "" if steps is None else f"{steps.median:,.0f}",
        )
    console().print(rows)
