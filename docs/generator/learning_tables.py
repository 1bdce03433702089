"""The tables of what learners reached, as functions like those of `figure_tables`."""

from itertools import zip_longest
from typing import Any

from docs.generator.markdown import table

Figures = dict[str, Any]


def learning_time(figures: Figures) -> str:
    """Seconds until the threshold is reached, by library."""
    rows = [
        (
            t["peer"],
            f"{t['median']:.2g} s ({t['fastest']:.2g} to {t['slowest']:.2g})",
            f"{t['median_with_compiling']:.2g} s",
            f"{t['median_env_steps']:,}",
        )
        for t in figures["threshold"]
    ]
    return table(("", "training alone", "with compiling", "environment steps"), rows, range(1, 4))


def learning_games(figures: Figures) -> str:
    """What PPO reached with its presets, by id."""
    rows = []
    for row in figures["rows"]:
        level = "" if row["level"] is None else f", at level {row['level']}"
        best = "" if row["best_return"] is None else f" of {row['best_return']:g}"
        random = "" if row["random_return"] is None else f"{row['random_return']:g}"
        cells = f"{row['steps']:,}", f"{row['mean_return']:g}{best}", random, f"{row['processor_seconds']} s"
        rows.append((f"`{row['id']}`{level}", *cells))
    return table(("id", "steps", "mean return", "random actions", "processor time"), rows, range(1, 5))


def learning_robots(figures: Figures) -> str:
    """What learners reached with robots and landers, seed by seed."""
    rows = []
    for row in figures["rows"]:
        returns = ", ".join(f"{value:,}" for value in row["mean_returns"])
        minutes = "" if row["minutes"] is None else ", ".join(f"{value} min" for value in row["minutes"])
        episodes = "" if row["episodes"] is None else str(row["episodes"])
        rows.append((f"`{row['id']}`", row["learner"], f"{row['steps']:,}", returns, episodes, minutes))
    return table(("id", "learner", "steps", "mean return, by seed", "of episodes", "time"), rows, range(2, 6))


def learning_board_games(*games: Figures) -> str:
    """By game, how long AlphaZero trained, and the shares of games won, drawn and lost against each built-in player."""
    rows = []
    for figures in games:
        game = figures["env_id"].removeprefix("two_player/").partition("-")[0]
        trained = f"{figures['minutes']:.1f} ({figures['processor_minutes']:.1f})"
        for against, result in figures["results"].items():
            shares = [f"{100 * result[name]:g} %" for name in ("won", "drawn", "lost")]
            rows.append((game, trained, against, *shares))
    return table(("game", "minutes (of processors)", "against", "won", "drawn", "lost"), rows, (1, 3, 4, 5))


def learning_goals(*trainings: Figures) -> str:
    """How many episodes of each task succeed, by steps of training; every third row and the last."""
    measured = list(zip_longest(*(figures["training"] for figures in trainings)))
    rows = []
    for number, reports in enumerate(measured, 1):
        if number % 3 and number < len(measured):
            continue
        steps = next(row["env_steps"] for row in reports if row)
        cells = (f"{100 * row['success']:.0f} % ({row['processor_minutes']:.1f})" if row else "" for row in reports)
        rows.append((f"{steps:,}", *cells))
    return table(("steps", *(figures["env_id"] for figures in trainings)), rows, range(1 + len(trainings)))


def learning_voxels(*ids: Figures) -> str:
    """By id, how long PPO trained, and what it reached, with the most likely actions and with drawn ones."""
    rows = []
    for figures in ids:
        trained = f"{figures['settings']['total_steps']:,}", f"{figures['processor_minutes']:.1f} min"
        for actions, result in figures["results"].items():
            if "reached" in result:
                what = f"the gold in {100 * result['reached']:.3g} % of the episodes"
            else:
                what = f"{result['achievements']:.3g} of {len(result['shares'])} achievements"
            cells = str(result["episodes"]), what, f"{result['mean_length']:,.4g}"
            rows.append((f"`{figures['env_id']}`", *trained, actions, *cells))
    return table(
        ("id", "steps", "processor time", "played with", "episodes", "reached", "mean length"), rows, (1, 2, 4, 6)
    )


def voxel_achievements(figures: Figures) -> str:
    """In which share of the episodes each achievement of VoxelCraft was reached."""
    results = figures["results"]
    rows = []
    for name in next(iter(results.values()))["shares"]:
        rows.append((name, *(f"{100 * result['shares'][name]:.3g} %" for result in results.values())))
    return table(("achievement", *results), rows, range(1, len(results) + 1))


def transfer(figures: Figures) -> str:
    """The mean return of each policy here and in Gymnasium, with its standard error."""
    rows = []
    for row in figures["rows"]:
        scores = [
            f"{row[place]['mean']:.1f} +- {row[place]['standard_error']:.1f}" for place in ("jaxenvs", "gymnasium")
        ]
        error = f"{row['difference_in_standard_errors']:+.1f}"
        rows.append((row["trained"], f"{row['steps']:,}", *scores, error))
    return table(("policy of", "steps", "here", "in Gymnasium", "difference, standard errors"), rows, range(1, 5))
