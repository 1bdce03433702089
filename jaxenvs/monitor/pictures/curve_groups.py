"""From run folders to curves: runs that differ in nothing but their seeds belong together."""

import json
import os
from collections.abc import Sequence
from typing import Any

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.monitor.pictures.learning_curve import Curve
from jaxenvs.monitor.run_folder.run import Run, Settings

_MOST_DIFFERENCES = 3
"""Settings that the label of a curve names."""


def curves_of_runs(
    runs: Run | str | os.PathLike[str] | Sequence[Run | str | os.PathLike[str]], column: str = "mean_return"
) -> list[Curve]:
    """The curves of run folders, in the order in which their settings first occur.

    Runs with the same environment, algorithm and settings are seeds of one curve; the number of steps may differ. An
    agent that occurs twice, since a training with the same seed was repeated, counts once, with its longer run.

    The label of a curve is what tells it from the others: the id if there are several, the algorithm, and settings.

    Args:
        runs: the run folders or their paths, or a single one.
        column: the column of `progress.csv` that will be drawn.

    Raises:
        InvalidField: a run has no such column.
        CheckpointError: a folder is not that of a training, or a `progress.csv` is damaged.
    """
    groups: dict[str, tuple[Settings, dict[tuple[int, int], list[dict[str, float]]]]] = {}
    several = [runs] if isinstance(runs, Run | str | os.PathLike) else runs
    for run in (given if isinstance(given, Run) else Run.open(given) for given in several):
        _, agents = groups.setdefault(_what(run.settings), (run.settings, {}))
        rows = run.read_progress()
        if rows and column not in rows[0]:
            raise InvalidField(
                f"{run.path} has no column `{column}`.{did_you_mean(column, rows[0])} Its columns are"
                f" {', '.join(rows[0])}."
            )
        for index in range(run.settings.num_seeds):
            own = [row for row in rows if row["seed"] == index]
            agent = run.settings.seed, index
            if own and (agent not in agents or own[-1]["env_steps"] > agents[agent][-1]["env_steps"]):
                agents[agent] = own
    labels = _labels([settings for settings, _ in groups.values()])
    return [
        Curve(label, [{**row, "seed": number} for number, rows in enumerate(agents.values()) for row in rows])
        for label, (_, agents) in zip(labels, groups.values())
    ]


def labels_of_runs(runs: Sequence[Run]) -> list[str]:
    """The label of each run, as `curves_of_runs` gives it.

    Runs of one curve that differ in their number of steps have that in the label as well. Labels that leave out what
    tells them from each other, since it is too much, are numbered. So equal labels are equal settings.

    Args:
        runs: the run folders.
    """
    groups = {_what(run.settings): run.settings for run in runs}
    labels = dict(zip(groups, _labels(list(groups.values()))))
    steps: dict[str, set[Any]] = {}
    for run in runs:
        steps.setdefault(_what(run.settings), set()).add(run.settings.hyper_parameters.get("total_steps"))
    found: dict[str, list[Any]] = {}
    named = []
    for run in runs:
        what, own = _what(run.settings), run.settings.hyper_parameters.get("total_steps")
        label = labels[what] + (f" · {own:,} steps" if own is not None and len(steps[what]) > 1 else "")
        same = found.setdefault(label, [])
        if (what, own) not in same:
            same.append((what, own))
        number = same.index((what, own)) + 1
        named.append(label if number == 1 else f"{label} ({number})")
    return named


def _described(settings: Settings) -> dict[str, Any]:
    """Everything that makes a curve another one, by the name that a label gives it."""
    parameters = {name: value for name, value in settings.hyper_parameters.items() if name != "total_steps"}
    return {
        "": (settings.env_id, settings.algorithm),
        "max_episode_steps": settings.max_episode_steps,
        "preprocessed": settings.preprocessed,
        **parameters,
        **settings.fields,
    }


def _what(settings: Settings) -> str:
    return json.dumps(_described(settings), sort_keys=True)


def _labels(groups: Sequence[Settings]) -> list[str]:
    several_ids = len({settings.env_id for settings in groups}) > 1
    labels = []
    for settings in groups:
        own = _described(settings)
        others = [_described(other) for other in groups if _described(other)[""] == own[""]]
        names = [name for name in own if any(other.get(name) != own[name] for other in others)]
        shown = [f"{name}={_short(own[name])}" for name in names[:_MOST_DIFFERENCES]]
        labels.append(" · ".join([*([settings.env_id] if several_ids else []), settings.algorithm.upper(), *shown]))
    return labels


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
