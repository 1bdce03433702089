"""report: a comparison of a folder of one's own runs, scored as the boards do."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jaxenvs.errors import CheckpointError, InvalidField, JaxenvsError
from jaxenvs.monitor.pictures.curve_groups import labels_of_runs
from jaxenvs.monitor.recording.episode_table import read_episodes
from jaxenvs.monitor.run_folder.manifest import environment_name
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
        label: what tells them from the others: algorithm and settings, or without a learner the folder.
        threshold: the reward threshold of the environment; None for none.
        summary: over seeds, of the best mean of 100 episodes, or if no episodes were recorded, of the last tenth of the
            reports.
        solved: of how many seeds the recorded episodes reach the threshold.
        solved_after: the mean over those seeds of the episodes before; None if no seed reaches it.
        is_recorded: whether the episodes were recorded.
    """

    env_id: str
    label: str
    threshold: float | None
    summary: Summary
    solved: int
    solved_after: float | None
    is_recorded: bool


@dataclasses.dataclass(frozen=True)
class Report:
    """A comparison of runs.

    Attributes:
        rows: in the order of the environments' ids; the best runs of each come first.
        left_out: the runs that are in none of them, each with the reason.
    """

    rows: list[ReportRow]
    left_out: list[tuple[Path, str]]


def report(folder: Path, *, on_run: Callable[[int, int], object] = lambda done, total: None) -> Report:
    """Compares the runs in a folder.

    Nothing is verified, since the runs are one's own. An agent that occurs twice, such as in a copy of a run, counts
    once. Runs whose episodes were not recorded have rows of their own, since their scores do not compare.

    Args:
        folder: a folder of run folders, at any depth.
        on_run: `on_run(done, total)`, called after each run.

    Raises:
        InvalidField: there is no such folder, or it holds no runs with finished episodes.
    """
    if not folder.is_dir():
        raise InvalidField(
            f"{folder} is a file, and no folder of runs."
            if folder.exists()
            else f"There is no folder {folder}; name the one that holds your runs."
        )
    runs, left_out = _runs_in(folder)
    labels = _labels(runs, folder)
    groups: dict[tuple[str, str, bool], dict[tuple[object, ...], Score | float]] = {}
    for done, run in enumerate(runs, 1):
        env_id, label = labels[run.path]
        threshold = registry[env_id].reward_threshold if env_id in registry else None
        scores = _scores(run, threshold)
        if not scores:
            left_out.append((run.path, "No episode has finished."))
        seed = run.path if run.training is None else run.training.seed
        for agent, one in scores.items():
            groups.setdefault((env_id, label, isinstance(one, Score)), {}).setdefault((seed, *agent), one)
        on_run(done, len(runs))
    if not groups:
        raise InvalidField(f"{folder} holds no run with a finished episode, as `jaxenvs train` makes them.")
    rows = [_row(*names, list(scores.values())) for names, scores in groups.items()]
    return Report(sorted(rows, key=_order), left_out)


def _order(row: ReportRow) -> tuple[str, bool, float, float, float]:
    solved = row.solved / row.summary.seeds
    return row.env_id, not row.is_recorded, -solved, row.solved_after or 0.0, -row.summary.mean


def _runs_in(folder: Path) -> tuple[list[Run], list[tuple[Path, str]]]:
    """The runs in a folder, and those that cannot be read, each with the reason."""
    runs, damaged = [], []
    for path in sorted(folder.rglob("run.json")):
        try:
            run = Run.open(path.parent)
            run.read_progress()
            runs.append(run)
        except CheckpointError as error:
            damaged.append((path.parent, str(error)))
    return runs, damaged


def _labels(runs: list[Run], folder: Path) -> dict[Path, tuple[str, str]]:
    """The id and the label of each run: equal for runs whose settings are."""
    found: dict[Path, tuple[str, str]] = {}
    by_env: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        one = run.training
        if one is None:
            name = run.path.relative_to(folder).as_posix()
            found[run.path] = environment_name(run.manifest()), run.path.name if name == "." else name
        else:
            what = (one.algorithm, one.max_episode_steps, one.preprocessed, one.fields, one.hyper_parameters)
            by_env.setdefault(one.env_id, {}).setdefault(repr(what), []).append(run)
    for env_id, groups in by_env.items():
        labels = labels_of_runs([several[0] for several in groups.values()])
        for label, several in zip(labels, groups.values()):
            found |= {run.path: (env_id, label) for run in several}
    return found


def _scores(run: Run, threshold: float | None) -> dict[tuple[str, int], Score | float]:
    """The score of each agent: of its recorded episodes, or else the mean of its last reports.

    An agent is named by its number. Without a learner, processes that record for themselves have agents of their own.
    """
    try:
        episodes = read_episodes(run)
    except JaxenvsError:
        episodes = {"mode": np.zeros(0, str)}
    training = episodes["mode"] == "training"
    if training.any():
        order = np.argsort(episodes["env_steps"][training], kind="stable")
        column = {name: values[training][order] for name, values in episodes.items()}
        writer = column["writer"] if run.training is None else np.full(len(order), "")
        names = ("episode_return", "env_steps", "seconds")
        own = {
            (name, seed): (writer == name) & (column["seed"] == seed)
            for name, seed in sorted(set(zip(writer.tolist(), column["seed"].tolist())))
        }
        return {
            agent: score(*(column[name][mine] for name in names), threshold=threshold) for agent, mine in own.items()
        }
    rows = run.read_progress()
    found: dict[tuple[str, int], Score | float] = {}
    for seed in sorted({int(row["seed"]) for row in rows}):
        values = [row["mean_return"] for row in rows if row["seed"] == seed and np.isfinite(row["mean_return"])]
        if values:
            found["", seed] = float(np.mean(values[-max(1, round(_LAST * len(values))) :]))
    return found


def _row(env_id: str, label: str, is_recorded: bool, scores: list[Score | float]) -> ReportRow:
    solved = [one.solved_after for one in scores if isinstance(one, Score) and one.solved_after is not None]
    return ReportRow(
        env_id=env_id,
        label=label,
        threshold=registry[env_id].reward_threshold if env_id in registry else None,
        summary=summarize([one.best if isinstance(one, Score) else one for one in scores]),
        solved=len(solved),
        solved_after=float(np.mean(solved)) if solved else None,
        is_recorded=is_recorded,
    )
