"""report: a comparison of a folder of one's own runs, scored as the boards do."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxenvs.errors import CheckpointError, InvalidField, JaxenvsError
from jaxenvs.monitor.pictures.curve_groups import curves_of_runs
from jaxenvs.monitor.recording.episode_table import read_episodes
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.registration import registry
from jaxenvs.scoreboard.scoring import Score, Summary, score, summarize

_LAST = 0.1
"""Of the reports of a run whose episodes were not recorded: the part that its score is the mean of."""


@dataclasses.dataclass(frozen=True)
class ReportRow:
    """The runs that differ in nothing but their seeds.

    Attributes:
        env_id: the id of their environment.
        label: what tells them from the others.
        threshold: the reward threshold of the environment; None for none.
        summary: over seeds, of the best mean of 100 episodes, or if no episodes were recorded, of the last tenth of the
            reports.
        solved: of how many seeds the recorded episodes reach the threshold.
        solved_after: the mean over those seeds of the episodes before; None if no seed reaches it.
        is_recorded: whether the episodes of all seeds were recorded.
    """

    env_id: str
    label: str
    threshold: float | None
    summary: Summary
    solved: int
    solved_after: float | None
    is_recorded: bool


def report(folder: Path, *, on_run: Callable[[int, int], object] = lambda done, total: None) -> list[ReportRow]:
    """Compares the runs in a folder. Environments come in the order of their ids, and the best runs first.

    Nothing is verified, since the runs are one's own.

    Args:
        folder: a folder of run folders, at any depth.
        on_run: `on_run(done, total)`, called after each run.

    Raises:
        InvalidField: it holds no runs with reports.
        CheckpointError: a run is damaged.
    """
    runs = _runs_in(folder)
    rows: list[ReportRow] = []
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.settings.env_id, []).append(run)
    done = 0
    for env_id, members in sorted(groups.items()):
        threshold = registry[env_id].reward_threshold if env_id in registry else None
        for label, several in _by_label(members).items():
            scores: list[Score | float] = []
            for run in several:
                scores += _scores(run, threshold)
                done += 1
                on_run(done, len(runs))
            if scores:
                rows.append(_row(env_id, label, threshold, scores))
    if not rows:
        raise InvalidField(f"{folder} holds no run with a finished episode, as `jaxenvs train` makes them.")
    return sorted(rows, key=lambda row: (row.env_id, -row.solved, row.solved_after or 0.0, -row.summary.mean))


def _runs_in(folder: Path) -> list[Run]:
    runs = []
    for path in sorted(folder.rglob("run.json")):
        try:
            run = Run.open(path.parent)
            if run.training is not None:
                runs.append(run)
        except CheckpointError:  # another program's `run.json`, or a run that was only begun
            continue
    return runs


def _by_label(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs whose settings are equal, by the label of their curve."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        one = run.settings
        what = (one.algorithm, one.max_episode_steps, one.preprocessed, one.fields, one.hyper_parameters)
        groups.setdefault(repr(what), []).append(run)
    labels = [curve.label for curve in curves_of_runs([several[0] for several in groups.values()])]
    if len(labels) != len(groups):  # settings that differ in the number of steps alone
        labels = [f"{several[0].settings.algorithm} {number}" for number, several in enumerate(groups.values(), 1)]
    return dict(zip(labels, groups.values()))


def _scores(run: Run, threshold: float | None) -> list[Score | float]:
    """The score of each seed: of its recorded episodes, or else the mean of its last reports."""
    try:
        episodes = read_episodes(run)
    except JaxenvsError:
        episodes = {"mode": np.zeros(0, str)}
    training = episodes["mode"] == "training"
    if training.any():
        order = np.argsort(episodes["env_steps"][training], kind="stable")
        column = {name: values[training][order] for name, values in episodes.items()}
        return [
            score(*(column[name][column["seed"] == seed] for name in ("episode_return", "env_steps", "seconds")),
                  threshold=threshold)
            for seed in np.unique(column["seed"])
        ]  # fmt: skip
    rows = run.read_progress()
    found: list[Score | float] = []
    for seed in sorted({row["seed"] for row in rows}):
        values = [row["mean_return"] for row in rows if row["seed"] == seed and np.isfinite(row["mean_return"])]
        if values:
            found.append(float(np.mean(values[-max(1, round(_LAST * len(values))) :])))
    return found


def _row(env_id: str, label: str, threshold: float | None, scores: list[Score | float]) -> ReportRow:
    solved = [one.solved_after for one in scores if isinstance(one, Score) and one.solved_after is not None]
    return ReportRow(
        env_id=env_id,
        label=label,
        threshold=threshold,
        summary=summarize([one.best if isinstance(one, Score) else one for one in scores]),
        solved=len(solved),
        solved_after=float(np.mean(solved)) if solved else None,
        is_recorded=all(isinstance(one, Score) for one in scores),
    )
