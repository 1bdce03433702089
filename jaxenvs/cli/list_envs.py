"""`jaxenvs list`: the table of environments."""

import json
import math
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jaxenvs.cli.console import console, reports_errors
from jaxenvs.cli.space_text import space_text
from jaxenvs.core.errors import DatasetNotFound, DependencyNotInstalled, InvalidField, did_you_mean
from jaxenvs.registry import EnvSpec, make, registry


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
    rows = [_describe(spec) for spec in sorted(specs, key=lambda s: (s.family, s.id))]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        hint = did_you_mean(filter, registry)
        raise InvalidField(f"No id contains `{filter}`.{hint} `jaxenvs list` without a filter shows every id.")
    if as_markdown:
        typer.echo(markdown_table(rows))
        return
    table = Table(
        title=f"{len(rows)} environments" if len(rows) > 1 else None, title_justify="left", title_style="bold"
    )
    for name in ("id", "family", "observation", "action", "reward"):
        table.add_column(name, overflow="fold")
    table.add_column("limit", justify="right")
    table.add_column("threshold", justify="right")
    for row in rows:
        spaces = (
            (row["observation_space"], row["action_space"])
            if not row["problem"]
            else (f"[red]{escape(row['problem'])}[/]", "")
        )
        limit, threshold = row["max_episode_steps"], row["reward_threshold"]
        table.add_row(
            f"[bold]{row['id']}[/]",
            row["family"],
            *spaces,
            _reward_of(row),
            "" if limit is None else str(limit),
            "" if threshold is None else f"{threshold:g}",
        )
    console().print(table)


def markdown_table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table, the one in README.md."""
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
        env = make(spec)
        row["observation_space"] = space_text(env.observation_space)
        row["action_space"] = space_text(env.action_space)
        bounds = [float(bound) for bound in env.reward_range]
        row["reward_range"] = [bound if math.isfinite(bound) else None for bound in bounds]  # JSON has no infinity
    except DependencyNotInstalled:
        row["problem"] = f'needs: pip install "jaxenvs[{spec.extra}]"'
    except DatasetNotFound:
        row["problem"] = f"needs its dataset: see `jaxenvs info {spec.id}`"
    except Exception as error:  # noqa: BLE001  # one broken environment must not hide the others
        row["problem"] = f"cannot be made: {type(error).__name__}: {error}"
    return row
