"""The page of an id: its picture, docstring and fields, what the tests compare it with, and what learners reach."""

import dataclasses
import functools
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import jaxenvs
from docs.generator.docstrings import docstring, docstring_sections
from docs.generator.figures import when_and_where
from docs.generator.markdown import fenced, page_of, table
from docs.generator.pictures import picture
from jaxenvs.cli.catalog_spaces import described, recorded
from jaxenvs.cli.list_envs import reward_text
from jaxenvs.errors import JaxenvsError
from jaxenvs.training.presets import LEARNERS, preset

ROOT = Path(__file__).parents[2]


def environment(spec: jaxenvs.EnvSpec) -> Iterator[tuple[str, str | bytes]]:
    """The page of an id, and its picture."""
    try:
        env = jaxenvs.make(spec)
    except JaxenvsError:  # its extra, or its data, is not installed
        env = None
    sections = dict(docstring_sections(docstring(spec, env)))
    parts = [f"# {spec.id}", sections.pop("")]
    if env is not None and env.can_render and (drawn := picture(env, spec.id)):
        file = Path(page_of(spec.id)).with_suffix(drawn[0])
        yield str(file), drawn[1]
        parts.append(f"![{spec.id}]({file.name}){{ loading=lazy }}")
    parts += [fenced(f'env = jaxenvs.make("{spec.id}")', "python"), facts(spec, env)]
    history = sections.pop("Version history", "")
    parts += [f"## {title}\n\n{text}" for title, text in sections.items()]
    parts += [fields(env) if env is not None else "", fidelity(spec.id), training(spec.id)]
    parts += [f"## Version history\n\n{history}" if history else ""]
    yield page_of(spec.id), "\n\n".join(filter(None, parts))


def facts(spec: jaxenvs.EnvSpec, env: Any) -> str:
    """A table of what the registry knows."""
    known = recorded(spec) or (described(env) if env is not None else {})
    low, high = known.get("reward_range", (None, None))
    reward = reward_text(-np.inf if low is None else low, np.inf if high is None else high) if known else None
    rows = {
        "Observation space": known.get("observation_space") and f"`{known['observation_space']}`",
        "Action space": known.get("action_space") and f"`{known['action_space']}`",
        "Reward of a step": reward,
        "Time limit": f"{spec.max_episode_steps:,} steps" if spec.max_episode_steps else "none",
        "Reward threshold": None if spec.reward_threshold is None else f"{spec.reward_threshold:g}",
        "In Gymnasium": f'`gymnasium.make("{spec.gymnasium_id}")`',
        "Needs": spec.extra and f'`pip install "jaxenvs[{spec.extra}]"`',
        "Origin": spec.source,
    }
    return table(("Id", f"`{spec.id}`"), [(name, value) for name, value in rows.items() if value])


def fields(env: jaxenvs.Env[Any, Any]) -> str:
    """A table of the fields, with the values that the id has."""
    base, rows = jaxenvs.unwrap(env), []
    for field in dataclasses.fields(base):
        value = " ".join(repr(getattr(base, field.name)).split())
        short = value if len(value) <= 60 else f"{value[:57]}..."
        rows.append((f"`{field.name}`", f"`{short}`", "leaf" if field.metadata.get("pytree_node", True) else "static"))
    text = (
        "Set a field with `jaxenvs.make(id, name=value)`. Leaves may differ from lane to lane; static fields may not."
    )
    return f"## Fields\n\n{text}\n\n{table(('field', 'value', ''), rows)}" if rows else ""


@functools.cache
def parity_rows() -> dict[str, Any]:
    """The rows of the parity table by id."""
    names = sorted(path.stem for path in (ROOT / "tests" / "parity").glob("rows_*.py"))
    modules = [importlib.import_module(f"tests.parity.{name}") for name in names]
    return {row.id: row for module in modules for row in module.ROWS}


@functools.cache
def measured_differences() -> dict[str, Any]:
    """What `python -m tests.measure_parity` wrote."""
    return json.loads((ROOT / "tests" / "parity" / "measured.json").read_text(encoding="utf-8"))


def fidelity(id: str) -> str:
    """What the tests compare an id with, the difference that they allow, and the greatest that they saw."""
    row, measured = parity_rows().get(id), measured_differences()
    if row is None:
        return ""
    seen = measured["differences"].get(id)
    rows = [
        ("Allowed difference", f"{row.tolerance:g}"),
        ("Greatest difference seen", "not measured yet" if seen is None else f"{seen:g}, {when_and_where(measured)}"),
        ("Reason", row.reason),
    ]
    text = "Differences after one transition, relative to values above 1. [More](../fidelity.md)"
    return f"## Fidelity\n\n{text}\n\n{table(('Compared with', row.reference), rows)}"


def training(id: str) -> str:
    """The presets of an id, and the mean returns that were measured with them, seed by seed."""
    measured = json.loads((ROOT / "tests" / "learning_rates.json").read_text(encoding="utf-8"))
    parts = []
    for name, learner in LEARNERS.items():
        ours, default = preset(id, name), learner()
        values = {key: getattr(ours, key) for key in learner.setting_names()}
        changed = {key: value for key, value in values.items() if value != getattr(default, key)}
        if not changed:
            continue
        settings = ", ".join(f"`{key}={value}`" for key, value in changed.items())
        parts.append(f"`jaxenvs train {id} --algorithm {name}` uses {settings}.")
        for what, row in measured.items():
            if re.fullmatch(rf"{name} preset: {re.escape(id)}( .*)?", what) and row["returns"]:
                returns = ", ".join(f"{value:g}" for value in row["returns"])
                level = what.partition(id)[2]
                parts.append(f"Mean returns{level} after training, for the seeds from 0 on: {returns}.")
    return "## Training\n\n" + "\n\n".join(parts) if parts else ""
