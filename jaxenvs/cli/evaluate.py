"""`jaxenvs evaluate RUN`: measure a trained agent."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import typer

from jaxenvs.agents.loading import find_spec
from jaxenvs.cli.agents import EVALUATION_KEY, key_for, load_agent
from jaxenvs.cli.console import console, reports_errors, say, table, warnings_as_notes
from jaxenvs.cli.values import read_count
from jaxenvs.core.env import Env
from jaxenvs.registration import EnvSpec
from jaxenvs.rollouts.evaluate import Evaluation
from jaxenvs.rollouts.evaluate import evaluate as evaluate_policy
from jaxenvs.rollouts.policy import Policy


@reports_errors
def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a training run.", show_default=False)],
    episodes: Annotated[
        int,
        typer.Option(
            "--episodes", "-n", parser=read_count, metavar="INTEGER", help="Fresh episodes for each trained agent."
        ),
    ] = 128,
    seed: Annotated[
        int | None, typer.Option(help="The seed of start states and actions.", show_default="that of the run")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Evaluate a run's last checkpoint over fresh episodes.

    Without --seed, the episodes and the figures are those at the end of the training.
    """
    agent = load_agent(run)
    settings = agent.run.settings
    seed = settings.seed if seed is None else seed
    result = evaluation_of(agent.env, agent.policies, find_spec(settings), seed, episodes)
    result["updates"] = agent.updates
    if as_json:
        typer.echo(json.dumps(result, indent=2, allow_nan=False))
        return
    if agent.run.manifest()["status"] != "finished":
        say(f"This run has not finished: its last checkpoint is from update {agent.updates}.")
    print_evaluation(f"{settings.env_id} · {settings.algorithm.upper()} · {run}", result)


def evaluation_of(
    env: Env[Any, Any],
    policies: Sequence[Policy],
    entry: EnvSpec,
    seed: int,
    episodes: int,
    keep: Callable[[int, Evaluation], object] = lambda index, outcome: None,
) -> dict[str, Any]:
    """Evaluates each policy over fresh episodes; returns JSON values, with None for numbers that are not finite.

    `keep` is called with the index of each policy and its episodes.
    """
    agents, means = [], []
    for index, policy in enumerate(policies):
        key = jax.random.fold_in(key_for(seed, EVALUATION_KEY), index)
        with warnings_as_notes():
            outcome = evaluate_policy(env, policy, key, num_episodes=episodes)
        keep(index, outcome)
        returns, lengths = np.asarray(outcome.returns, np.float64), np.asarray(outcome.lengths)
        with np.errstate(invalid="ignore"):  # for returns that are not finite
            mean, std = returns.mean(), returns.std()
        agents.append(
            {
                "mean_return": _finite(mean),
                "std_return": _finite(std),
                "min_return": _finite(returns.min()),
                "max_return": _finite(returns.max()),
                "mean_length": float(lengths.mean()),
                "returns": [_finite(value) for value in returns],
            }
        )
        means.append(mean)
    mean, threshold = float(np.mean(means)), entry.reward_threshold
    return {
        "env_id": entry.id,
        "seed": seed,
        "episodes": episodes,
        "reward_threshold": threshold,
        "mean_return": _finite(mean),
        "solved": None if threshold is None else bool(mean >= threshold),
        "agents": agents,
    }


def figures_of_evaluation(result: Mapping[str, Any]) -> dict[str, float]:
    """What `evaluation_of` returned as figures of a log: means over agents, NaN if one is not finite."""
    agents, names = result["agents"], ("mean_return", "std_return", "min_return", "max_return", "mean_length")
    return {
        f"evaluation/{name}": float(np.mean([np.nan if agent[name] is None else agent[name] for agent in agents]))
        for name in names
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _text(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.2f}"


def print_evaluation(title: str, result: dict[str, Any]) -> None:
    """Prints the table, and whether the threshold was reached."""
    agents, threshold = result["agents"], result["reward_threshold"]
    names = "agent", "mean return", "std", "min", "max", "mean length"
    found = table(*names, title=f"{title}\n{result['episodes']} fresh episodes")
    columns = ("mean_return", "std_return", "min_return", "max_return", "mean_length")
    for index, agent in enumerate(agents):
        found.add_row(str(index), *(_text(agent[column]) for column in columns))
    out = console()
    out.print(found)
    mean = f"mean return {_text(result['mean_return'])}"
    if threshold is None:
        out.print(f"{mean}; this environment has no registered threshold")
    elif result["solved"]:
        out.print(f"[bold green]solved[/]: {mean} reaches the threshold {threshold:g}")
    else:
        out.print(f"[bold yellow]not solved[/]: {mean} is below the threshold {threshold:g}")
