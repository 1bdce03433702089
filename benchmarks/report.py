"""What the programs of this folder share: the options for their reports, and the reports of trainings."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.clocks import Times
from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor.atomic import write_json
from jaxenvs.training.learner import Learner


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--json` and `--note`, which `write_report` follows."""
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    parser.add_argument("--note", help="what else to know of the figures, for the page")


def write_report(options: argparse.Namespace, figures: Mapping[str, Any]) -> None:
    """Writes figures to the file that the options name, if they name one, with the note."""
    if options.json is not None:
        write_json(options.json, {**figures, "note": options.note} if options.note else dict(figures))


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--seed` and `--steps`, and the options for a report."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="steps of training; the preset's by default")
    add_report_options(parser)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """The settings of a learner that `--steps` replaces."""
    return {} if options.steps is None else {"total_steps": options.steps}


def training_report(
    command: str,
    env_id: str,
    learner: Learner[Any],
    seed: int,
    times: Times,
    versions: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """JSON values: where the figures come from, what was trained with which settings, and how long it took.

    Args:
        command: the command that measures again.
        env_id: the environment.
        learner: its settings are reported.
        seed: the seed of the training.
        times: how long the training took, in seconds.
        versions: those of further packages.
    """
    return {
        **provenance(command, versions=versions),
        "env_id": env_id,
        "seed": seed,
        "niceness": os.nice(0),
        "settings": {setting: getattr(learner, setting) for setting in learner.setting_names()},
        "minutes": round(times.passed / 60, 2),
        "processor_minutes": round(times.spent / 60, 2),
    }
