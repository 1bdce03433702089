"""`jaxenvs info ID`: everything about one environment."""

import dataclasses
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jaxenvs.cli.agents import look_up
from jaxenvs.cli.console import console, reports_errors
from jaxenvs.cli.docstring_text import docstring_blocks
from jaxenvs.cli.list_envs import reward_text
from jaxenvs.cli.settings import print_settings
from jaxenvs.core.env import Env, RendersText
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import short_repr
from jaxenvs.registration import make


@reports_errors
def info(id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default=False)]) -> None:
    """Show an environment's spec, spaces, fields and description."""
    spec = look_up(id)
    env = make(spec)
    base = unwrap(env)
    cls = type(base)
    out = console()
    out.print(f"[bold]{spec.id}[/]  {cls.__module__}.{cls.__qualname__}\n")

    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("family", spec.family)
    facts.add_row("in Gymnasium", spec.gymnasium_id)
    facts.add_row("observation space", escape(repr(env.observation_space)))
    facts.add_row("action space", escape(repr(env.action_space)))
    facts.add_row("reward of a step", reward_text(*(float(bound) for bound in env.reward_range)))
    facts.add_row("time limit", f"{spec.max_episode_steps} steps" if spec.max_episode_steps else "none")
    facts.add_row("reward threshold", "none" if spec.reward_threshold is None else f"{spec.reward_threshold:g}")
    shown = ["pictures"] * base.can_render + ["text"] * isinstance(base, RendersText)
    facts.add_row("shown as", " and ".join(shown) or "nothing: its class does not define `render`")
    facts.add_row("needs", f'pip install "jaxenvs\\[{spec.extra}]"' if spec.extra else "nothing further")
    facts.add_row("source", escape(spec.source) or "not given")
    out.print(facts)

    if dataclasses.fields(base):
        out.print("\n[bold]Fields[/]")
        out.print(_fields(base))
        out.print(f"\nSet a field with --field name=value, or `jaxenvs.make({spec.id!r}, name=value)`.", markup=False)
        out.print("Static fields are part of the compiled program; other fields may differ from lane to lane.")
    print_settings(out, spec.id, env)
    for block in docstring_blocks(cls, out.width):
        out.print()
        out.print(block)


def _fields(base: Env[Any, Any]) -> Table:
    """Every field with its value, and its default if that is different."""
    rows = _grid("field", "value", "")
    for field in dataclasses.fields(base):
        value, default = short_repr(getattr(base, field.name)), _default(field)
        static = not field.metadata.get("pytree_node", True)
        rows.add_row(
            field.name,
            escape(value if value == default else f"{value} (default: {default})"),
            "static" if static else "",
        )
    return rows


def _grid(*names: str) -> Table:
    """An empty table whose first column never breaks a word."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for index, name in enumerate(names):
        grid.add_column(name, overflow="fold", no_wrap=index != 1)
    return grid


def _default(field: dataclasses.Field[Any]) -> str:
    """The default of a field, in words."""
    if field.default_factory is not dataclasses.MISSING:
        return "read or computed when the environment is made"
    return "required" if field.default is dataclasses.MISSING else short_repr(field.default)
