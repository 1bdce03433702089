"""The head that every report of a training shares."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from jaxenvs.bench.provenance import provenance
from jaxenvs.training.learner import Learner


def training_report(
    command: str,
    env_id: str,
    learner: Learner[Any],
    seed: int,
    seconds: float,
    processor_seconds: float,
    versions: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """JSON values: where the figures come from, what was trained with which settings, and how long it took.

    Args:
        command: the command that measures again.
        env_id: the environment.
        learner: its settings are reported.
        seed: the seed of the training.
        seconds: duration of the training in seconds.
        processor_seconds: processor time of the training in seconds, of all cores together.
        versions: those of further packages.
    """
    return {
        **provenance(command, versions=versions),
        "env_id": env_id,
        "seed": seed,
        "niceness": os.nice(0),
        "settings": {setting: getattr(learner, setting) for setting in learner.setting_names()},
        "minutes": round(seconds / 60, 2),
        "processor_minutes": round(processor_seconds / 60, 2),
    }
