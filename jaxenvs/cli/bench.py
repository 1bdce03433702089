"""`jaxenvs bench`: environment steps per second, compared with other libraries."""

import itertools
import os
import platform as host
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from jaxenvs.bench.comparison import Measurement, Plan, compare, count_calls
from jaxenvs.bench.figures import Spread, as_json, import_as_json, ratio, share, short, spread_text
from jaxenvs.bench.imports import ImportTime, count_imports, time_imports
from jaxenvs.bench.plot import check_plot_path, draw_steps_per_second
from jaxenvs.bench.provenance import provenance
from jaxenvs.bench.subject import PYTHON_VARIABLE, AvailablePeer, MissingPeer, gather, parse_pythons
from jaxenvs.bench.tasks import JAXENVS, PEERS
from jaxenvs.cli.agents import look_up
from jaxenvs.cli.console import Bar, console, reports_errors, say, table
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import write_json

_PEER_HELP = (
    f"Libraries to compare with: names separated by commas, of {', '.join(peer.name for peer in PEERS)}; or `none`."
)
_INTERRUPTED = 130

PROGRESS_TEXT = "{id} x {size:,}, {who}"
PROGRESS_FORM = "{percentage:3.0f}%{bar}{remaining} {desc}"
"""The columns of the progress bar: what is measured, and a bar in the rest of the line."""


@reports_errors
def bench(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids to measure.", show_default="CartPole-v1")] = None,
    num_envs: Annotated[str, typer.Option(help="Batch sizes, separated by commas.")] = "1,64,4096",
    device: Annotated[
        str | None,
        typer.Option(help="JAX's platforms, separated by commas: cpu, gpu, tpu.", show_default="JAX's choice"),
    ] = None,
    peers: Annotated[str | None, typer.Option(help=_PEER_HELP, show_default="all that are installed")] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help=f"The interpreter that has a peer's package, if it is not this one. ${PYTHON_VARIABLE} takes the"
            " same, separated as in $PATH.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each environment in a compiled loop.", show_default="up to 1000")
    ] = None,
    fused: Annotated[bool, typer.Option("--fuse", help="jaxenvs steps in kernels: `jaxenvs.fuse`.")] = False,
    repeats: Annotated[int, typer.Option(min=1, help="How often each is timed; the median counts.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.001, help="Shortest duration of a repeat, in seconds.")] = 0.2,
    limit: Annotated[float, typer.Option(min=1.0, help="Seconds after which a peer's repeat is aborted.")] = 60.0,
    starts: Annotated[int, typer.Option(min=1, help="How many fresh processes time compilation.")] = 1,
    imports: Annotated[int, typer.Option(min=0, help="How many fresh processes time the import.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write all figures to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw a picture: PNG, SVG or PDF.")] = None,
) -> None:
    """Measure environment steps per second, compared with other libraries.

    The whole loop is timed as a learner runs it: random actions drawn at every step, fresh starts after the end of
    each episode, and every observation, reward and end returned. Each library runs in a separate process and does
    the same work by its own means. They take turns, one repeat after the other, and each ratio compares repeats of
    the same round. `CPU ns` is the processor time per step, over all threads, which other programs on the machine
    disturb least.
    """
    specs = [look_up(id) for id in ids or ["CartPole-v1"]]
    sizes = _sizes(num_envs)
    platforms = [None] if device is None else _words(device)
    plan = Plan(repeats, seconds, steps, starts, imports, repeat_limit=limit, fused=fused)
    for file in (json_file, plot):
        if file is not None and not file.parent.is_dir():
            raise InvalidField(f"The folder `{file.parent}` does not exist; create it first.")
    if plot is not None:
        check_plot_path(plot)
    names = None if peers is None else [name for name in _words(peers) if name != "none"]
    subjects, missing_peers = gather(names, parse_pythons(python or []))
    busy = [subject for subject in subjects if any(entry.id in subject.peer.tasks for entry in specs)]
    rounds = [(entry.id, size, platform) for entry in specs for platform in platforms for size in sizes]
    measurements: list[Measurement] = []
    import_times: list[ImportTime] = []
    total = sum(count_calls(env_id, subjects, plan) for env_id, _, _ in rounds) + count_imports(busy, plan)
    interrupted = False
    with Bar(total=total, leave=False, bar_format=PROGRESS_FORM, disable=None, dynamic_ncols=True) as bar:

        def show(text: str) -> None:
            bar.set_description_str(text, refresh=False)
            bar.update()

        try:
            for env_id, size, platform in rounds:
                measurements += compare(
                    env_id,
                    size,
                    subjects,
                    plan,
                    platform=platform,
                    progress=lambda who, id=env_id, size=size: show(PROGRESS_TEXT.format(id=id, size=size, who=who)),
                )
            import_times = time_imports(busy, plan, show)
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        say("Interrupted; the measurements so far follow." if measurements else "Interrupted.")
    _print_rates(measurements)
    _print_imports(import_times)
    _say_remarks(measurements, subjects, missing_peers, [entry.id for entry in specs])
    if json_file is not None:
        write_json(json_file, _facts(measurements, import_times, plan, missing_peers))
        say(f"Wrote {json_file}")
    if plot is not None and any(m.rates for m in measurements):
        draw_steps_per_second(plot, measurements)
        say(f"Wrote {plot}")
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if any(m.failure is not None and (m.peer == JAXENVS.name or names is not None) for m in measurements):
        raise typer.Exit(1)


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in (part.strip() for part in text.split(",")) if word))


def _sizes(text: str) -> list[int]:
    parts = _words(text)
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InvalidField(f"--num-envs takes positive whole numbers, such as 1,64,4096; got `{text}`.")
    return [int(part) for part in parts]


def _facts(
    measurements: Sequence[Measurement], imports: Sequence[ImportTime], plan: Plan, missing_peers: Sequence[MissingPeer]
) -> dict[str, Any]:
    return {
        **provenance(devices=[m.device for m in measurements], versions=[m.versions for m in measurements]),
        "seconds": plan.seconds,
        "measurements": [as_json(m, measurements) for m in measurements],
        "imports": [import_as_json(time, imports) for time in imports],
        "missing": {each.peer.name: each.reason for each in missing_peers},
    }


def _print_rates(measurements: Sequence[Measurement]) -> None:
    if not measurements:
        return
    ours = next((m.device for m in measurements if m.peer == JAXENVS.name and m.device), "")
    device = "" if len({m.platform for m in measurements}) > 1 else ours
    title = ", ".join(filter(None, [device, f"{os.cpu_count()} CPU cores", host.platform()]))
    out = console()
    out.print(f"[bold]{escape(title)}[/]")
    for what, group in itertools.groupby(measurements, key=_what):
        out.print(f"\n[bold]{escape(what)}[/]")
        rows = table("measured", "steps/s", "jaxenvs is", "CPU ns\na step", "compile")
        for m in group:
            rates, ratios = Spread.of(m.rates), ratio(m, measurements)
            cpu, compiled = Spread.of(m.cpu_nanoseconds), Spread.of(m.compile_seconds)
            rows.add_row(
                f"{m.peer} {m.versions.get(_distribution(m.peer), '')}".strip(),
                "failed" if rates is None else spread_text(rates, short),
                "" if ratios is None else spread_text(ratios, _times),
                "" if cpu is None else f"{cpu.median:.3g}",
                "" if compiled is None else f"{compiled.median:.2f} s",
            )
        out.print(rows)
    out.print("Medians over the repeats, with the range from the lowest to the highest.")


def _what(m: Measurement) -> str:
    """The measurements of all libraries."""
    where = "" if m.platform is None else f" on {m.platform}"
    return f"{m.env_id}{where}, {m.num_envs:,} environment{'s' * (m.num_envs > 1)}"


def _distribution(peer: str) -> str:
    return next((p.distribution or "" for p in (JAXENVS, *PEERS) if p.name == peer), "")


def _times(value: float) -> str:
    return f"{value:.3g}x" if value < 100 else f"{value:,.0f}x"


def _print_imports(times: Sequence[ImportTime]) -> None:
    if not any(time.seconds for time in times):
        return
    console().print("\n[bold]Import, in a fresh process[/]")
    rows = table("modules", "seconds", f"times\n{times[0].names}")
    for time in times:
        seconds, relative = Spread.of(time.seconds), share(time, times[0])
        if seconds is not None:
            shown = spread_text(seconds, lambda value: f"{value:.2f}")
            rows.add_row(time.names, shown, "" if relative is None else f"{relative:.2f}")
    console().print(rows)


def _say_remarks(
    measurements: Sequence[Measurement],
    subjects: Sequence[AvailablePeer],
    missing_peers: Sequence[MissingPeer],
    ids: Sequence[str],
) -> None:
    """What the tables do not show: how peers differ, which failed, which lack a task, and which are missing."""
    measured = {m.peer for m in measurements}
    for subject in subjects:
        peer = subject.peer
        lacking = [id for id in ids if id not in peer.tasks]
        if peer.name in measured and peer.remark:
            say(f"{peer.name}: {peer.remark}.")
        if lacking:
            say(f"{peer.name}: has no equivalent of {', '.join(lacking)}.")
    for m in measurements:
        if m.failure is not None:
            say(f"{m.peer} failed on {m.env_id} with {m.num_envs:,} environments: it {m.failure}")
    for each in missing_peers:
        say(f"{each.peer.name}: not measured, since {each.reason}. To get it: {each.peer.install}")
