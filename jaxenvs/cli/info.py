"""`jaxenvs info ID`: everything about one environment."""

import dataclasses
import typing
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from jaxenvs.cli.agents import look_up
from jaxenvs.cli.console import console, reports_errors
from jaxenvs.cli.docstring_text import docstring_blocks
from jaxenvs.cli.list_envs import reward_text
from jaxenvs.core.env import Env, RendersText
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.wrapper import unwrap
from jaxenvs.registry import make
from jaxenvs.training.presets import Algorithm, preset


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
    facts.add_row("observation space", escape(repr(env.observation_space)))
    facts.add_row("action space", escape(repr(env.action_space)))
    facts.add_row("reward of a step", reward_text(*(float(bound) for bound in env.reward_range)))
    facts.add_row("time limit", f"{spec.max_episode_steps} steps" if spec.max_episode_steps else "none")
    facts.add_row("reward threshold", "none" if spec.reward_threshold is None else f"{spec.reward_threshold:g}")
    facts.add_row("shown as", "pictures and text" if isinstance(base, RendersText) else "pictures")
    facts.add_row("needs", f'pip install "jaxenvs\\[{spec.extra}]"' if spec.extra else "nothing further")
    facts.add_row("source", escape(spec.source) or "not given")
    out.print(facts)

    if dataclasses.fields(base):
        out.print("\n[bold]Fields[/]")
        out.print(_fields(base))
        out.print(f"\nSet a field with --field name=value, or `jaxenvs.make({spec.id!r}, name=value)`.", markup=False)
        out.print(
            "What a static field holds is part of the compiled program; other fields may differ from lane to lane."
        )
    for algorithm in typing.get_args(Algorithm):
        settings = _settings(env, spec.id, algorithm)
        if settings:
            out.print(f"\n[bold]{algorithm.upper()} learns it with[/]")
            out.print(Text(", ".join(settings), overflow="fold"))
            out.print(f"Change one: `jaxenvs train {spec.id} -a {algorithm} --set name=value`.", markup=False)
    for block in docstring_blocks(cls, out.width):
        out.print()
        out.print(block)


def _fields(base: Env[Any, Any]) -> Table:
    """Every field with its value, and with its default where that is another."""
    rows = _grid("field", "value", "")
    for field in dataclasses.fields(base):
        value, default = _short(getattr(base, field.name)), _default(field)
        static = not field.metadata.get("pytree_node", True)
        rows.add_row(
            field.name,
            escape(value if value == default else f"{value} (default: {default})"),
            "static" if static else "",
        )
    return rows


def _settings(env: Env[Any, Any], env_id: str, algorithm: Algorithm) -> list[str]:
    """A learner's settings for an id as `name=value`, its defaults last; nothing if it cannot learn it."""
    learner = preset(env_id, algorithm)
    try:
        learner.check_env(env)
    except InvalidField:
        return []
    values = [(field, getattr(learner, field.name)) for field in dataclasses.fields(learner)]
    values.sort(key=lambda pair: _short(pair[1]) == _default(pair[0]))
    return [f"{field.name}={value}" for field, value in values]


def _grid(*names: str) -> Table:
    """An empty table whose first column keeps its words whole."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for index, name in enumerate(names):
        grid.add_column(name, overflow="fold", no_wrap=index != 1)
    return grid


def _default(field: dataclasses.Field[Any]) -> str:
    """What a field holds where no value is given, in words."""
    if field.default_factory is not dataclasses.MISSING:
        return "read or computed when the environment is made"
    return "required" if field.default is dataclasses.MISSING else _short(field.default)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
