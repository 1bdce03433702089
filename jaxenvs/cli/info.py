"""`jaxenvs info ID`: everything about one environment."""

import dataclasses
import inspect
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from jaxenvs.cli.agents import look_up
from jaxenvs.cli.console import console, reports_errors
from jaxenvs.cli.list_envs import reward_text
from jaxenvs.cli.settings import print_settings
from jaxenvs.core.env import RendersText
from jaxenvs.core.wrapper import unwrap
from jaxenvs.registry import make


@reports_errors
def info(id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default=False)]) -> None:
    """Show an environment's spec, spaces, fields and description."""
    spec = look_up(id)
    env = make(spec)
    base = unwrap(env)
    cls = type(base)
    out = console()
    out.print(f"[bold]{spec.id}[/]  {cls.__module__}.{cls.__qualname__}\n")

    facts = Table.grid(padding=(0, 2))
    facts.add_row("family", spec.family)
    facts.add_row("observation space", escape(repr(env.observation_space)))
    facts.add_row("action space", escape(repr(env.action_space)))
    facts.add_row("reward of a step", reward_text(*(float(bound) for bound in env.reward_range)))
    facts.add_row("time limit", f"{spec.max_episode_steps} steps" if spec.max_episode_steps else "none")
    facts.add_row("reward threshold", "none" if spec.reward_threshold is None else f"{spec.reward_threshold:g}")
    facts.add_row("shown as", "pictures and text" if isinstance(base, RendersText) else "pictures")
    facts.add_row("needs", f'pip install "jaxenvs\\[{spec.extra}]"' if spec.extra else "nothing further")
    facts.add_row("source", escape(spec.source) or "not given")
    out.print(facts)

    fields = Table(title="Fields", title_justify="left", title_style="bold")
    for name in ("field", "value", "default", "kind"):
        fields.add_column(name, overflow="fold")
    for field in dataclasses.fields(base):
        static = not field.metadata.get("pytree_node", True)
        fields.add_row(
            field.name,
            escape(_short(getattr(base, field.name))),
            escape(_default(field)),
            "static: a new value is compiled anew" if static else "number: may differ per lane",
        )
    if fields.row_count:
        out.print()
        out.print(fields)
        out.print(f"\nSet a field with --field name=value, or `jaxenvs.make({spec.id!r}, name=value)`.", markup=False)
    print_settings(out, spec.id, env)
    out.print()
    out.print(inspect.getdoc(cls) or "", markup=False)


def _default(field: dataclasses.Field[Any]) -> str:
    """What a field holds where no value is given, in words."""
    if field.default_factory is not dataclasses.MISSING:
        return "read or computed when the environment is made"
    return "required" if field.default is dataclasses.MISSING else _short(field.default)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
