"""`jaxenvs list`: the table of environments."""

import itertools
import json
import math
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jaxenvs.cli.catalog_spaces import described, recorded
from jaxenvs.cli.console import console, reports_errors
from jaxenvs.errors import DatasetNotFound, DependencyNotInstalled, InvalidField, did_you_mean
from jaxenvs.registration import EnvSpec, make, registry

_WHOLE_WIDTH = 132
"""The width of the complete table, in columns."""


@reports_errors
def list_envs(
    filter: Annotated[
        str, typer.Argument(help="Show only ids that contain this, in any case.", show_default=False)
    ] = "",
    family: Annotated[str, typer.Option("--family", "-f", help="Show only this family.", show_default=False)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
) -> None:
    """List the environments, with their spaces, time limit and reward threshold."""
    families = sorted({spec.family for spec in registry.values()})
    if family and family not in families:
        raise InvalidField(
            f"There is no family `{family}`.{did_you_mean(family, families)} Families: {', '.join(families)}."
        )
    specs = [s for s in registry.values() if filter.lower() in s.id.lower() and family in ("", s.family)]
    order = {name: place for place, name in enumerate(dict.fromkeys(s.family for s in registry.values()))}
    rows = [_describe(spec) for spec in sorted(specs, key=lambda s: (order[s.family], s.id))]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        hint = did_you_mean(filter, registry)
        if filter in families:
            hint = f" It is a family: `jaxenvs list --family {filter}` shows its ids."
        raise InvalidField(f"No id contains `{filter}`.{hint} `jaxenvs list` without a filter shows every id.")
    if as_markdown:
        typer.echo(markdown_table(rows))
        return
    out = console()
    title = f"{len(rows)} environments" if len(rows) > 1 else None
    if out.width >= _WHOLE_WIDTH:
        out.print(_table(rows, title, brief=False))
        return
    # A table for each family, so that long ids in one do not narrow the columns of the others.
    for number, (_, members) in enumerate(itertools.groupby(rows, key=lambda row: row["family"])):
        if number:
            out.print()
        out.print(_table(list(members), None if number else title, brief=True))


def _table(rows: list[dict[str, Any]], title: str | None, *, brief: bool) -> Table:
    """The rows as a table, with the name of each family above its ids; a brief one omits rewards and bounds."""
    built = Table(title=title, title_justify="left", box=None)
    built.title_style, built.padding, built.pad_edge = "bold", (0, 1 if brief else 2, 0, 0), False
    columns = ("id", "observation", "action", *(() if brief else ("reward",)), "limit", "threshold")
    for name in columns:
        number = name in ("limit", "threshold")
        fixed = number or name in ("id", "reward")
        built.add_column(name, justify="right" if number else "left", no_wrap=fixed, overflow="fold")
    for family, members in itertools.groupby(rows, key=lambda row: row["family"]):
        if built.row_count:
            built.add_row()
        built.add_row(f"[dim]{escape(family)}[/]")
        for row in members:
            limit, threshold = row["max_episode_steps"], row["reward_threshold"]
            spaces = [row["observation_space"], row["action_space"]]
            if brief and spaces[0]:
                spaces = [text.replace("Tuple(", "(") for text in (spaces[0].partition(" in [")[0], spaces[1])]
            built.add_row(
                f"[bold]{row['id']}[/]",
                *((f"[red]{escape(row['problem'])}[/]", "") if row["problem"] else map(escape, spaces)),
                *(() if brief else (_reward_of(row),)),
                "" if limit is None else str(limit),
                "" if threshold is None else f"{threshold:g}",
            )
    return built


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table, the form of those in docs/environments.md."""
    lines = [
        "| id | observation | action | reward of a step | limit | threshold | source |",
        "|---|---|---|---|--:|--:|---|",
    ]
    for row in rows:
        spaces = (row["problem"], "") if row["problem"] else (row["observation_space"], row["action_space"])
        threshold = "" if row["reward_threshold"] is None else f"{row['reward_threshold']:g}"
        cells = f"`{row['id']}`", *spaces, _reward_of(row), row["max_episode_steps"] or "", threshold, row["source"]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def reward_text(low: float, high: float) -> str:
    """A range of rewards in a few words."""
    if math.isinf(low):
        return "unbounded" if math.isinf(high) else f"at most {high:g}"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}"


def _reward_of(row: dict[str, Any]) -> str:
    if row["reward_range"] is None:
        return ""
    low, high = row["reward_range"]
    return reward_text(-math.inf if low is None else low, math.inf if high is None else high)


def _describe(spec: EnvSpec) -> dict[str, Any]:
    """A row; an environment that cannot be made has a `problem` and no spaces."""
    row: dict[str, Any] = {
        "id": spec.id,
        "family": spec.family,
        "observation_space": None,
        "action_space": None,
        "reward_range": None,
        "max_episode_steps": spec.max_episode_steps,
        "reward_threshold": spec.reward_threshold,
        "source": spec.source,
        "problem": None,
    }
    try:
        row.update(recorded(spec) or described(make(spec)))
    except DependencyNotInstalled:
        row["problem"] = f'needs: pip install "jaxenvs[{spec.extra}]"'
    except DatasetNotFound:
        row["problem"] = "needs its dataset, see `jaxenvs info`"
    except Exception as error:  # noqa: BLE001  # one broken environment must not hide the others
        row["problem"] = f"cannot be made: {type(error).__name__}: {error}"
    return row
