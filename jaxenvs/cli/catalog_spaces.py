"""The spaces of the catalog's ids in words, kept in a file: listing them needs no environment, model or emulator.

`python -m jaxenvs.cli.catalog_spaces` updates the file; a test fails when it is out of date.
"""

import functools
import json
import math
from pathlib import Path
from typing import Any

from jaxenvs.cli.space_text import space_text
from jaxenvs.core.env import Env
from jaxenvs.registration import EnvSpec, make
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.registration.spec import is_installed

FILE = Path(__file__).with_name("catalog_spaces.json")

_WITH_DATASETS = {"bsuite/MnistBandit-v0"}
"""Ids that need a data set, and report missing files when they are made."""

_CATALOG = {spec.id: spec for spec in CATALOG}


def described(env: Env[Any, Any]) -> dict[str, Any]:
    """Spaces and rewards of an environment as JSON values; an infinite bound is None."""
    bounds = [float(bound) for bound in env.reward_range]
    return {
        "observation_space": space_text(env.observation_space),
        "action_space": space_text(env.action_space),
        "reward_range": [bound if math.isfinite(bound) else None for bound in bounds],
    }


def recorded(spec: EnvSpec) -> dict[str, Any] | None:
    """The entry of an id of the catalog; None for any other id, and if its extra is not installed."""
    if _CATALOG.get(spec.id) != spec or not is_installed(spec.extra):
        return None
    return _entries().get(spec.id)


def computed() -> dict[str, dict[str, Any]]:
    """What the file should contain: every id of the catalog that needs no data set."""
    return {spec.id: described(make(spec)) for spec in CATALOG if spec.id not in _WITH_DATASETS}


@functools.cache
def _entries() -> dict[str, dict[str, Any]]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def write() -> None:
    """Writes the file."""
    lines = (f"{json.dumps(id)}: {json.dumps(entry)}" for id, entry in computed().items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
