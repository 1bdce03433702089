"""Environments, learners and policies from what a user typed or a run recorded."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import jax

from jaxenvs.agents import loading
from jaxenvs.agents.fields import build_values
from jaxenvs.agents.loading import TrainedAgent
from jaxenvs.cli.console import warnings_as_notes
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import rewrap, unwrap
from jaxenvs.errors import InvalidField, JaxenvsError
from jaxenvs.monitor.run_folder.run import Run, Settings
from jaxenvs.random import key as make_key
from jaxenvs.registration import EnvSpec, make, spec
from jaxenvs.registration.make import load

EVALUATION_KEY, ANIMATION_KEY = range(1, 3)
"""The numbers folded into a seed's key for each use, like `TRAINING_KEY`, so that no two uses share random numbers."""


def look_up(env_id: str) -> EnvSpec:
    """The spec of an id; warnings of the registry are printed as a single line.

    The module of `module:id` is also looked for in the current folder, as `python -m jaxenvs` does.
    """
    if ":" in env_id:
        import_from_here()
    with warnings_as_notes():
        return spec(env_id)


def import_from_here() -> None:
    """Lets modules be imported from the current folder, with precedence over others."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def key_for(seed: int, use: int) -> Any:
    """The key of a seed for one of the uses above."""
    return jax.random.fold_in(make_key(seed), use)


def build_env(env_id: str, fields: dict[str, Any], max_episode_steps: int | None) -> Env[Any, Any]:
    """The environment with fields as returned by `read_assignments`.

    Raises:
        InvalidField: it cannot be made with these, or its first step fails.
    """
    entry = spec(env_id)
    return checked_env(
        lambda: make(entry, max_episode_steps=max_episode_steps, **build_values(load(entry), fields)), fields
    )


def build_run_env(settings: Settings) -> Env[Any, Any]:
    """The environment that a run is trained in; see `build_env`."""
    if settings.module is not None:
        import_from_here()
    return checked_env(lambda: loading.build_env(settings), settings.fields)


def checked_env(build: Any, fields: dict[str, Any]) -> Env[Any, Any]:
    """The result of `build`, tried for one step if fields were set, which catches a list in place of a number.

    Raises:
        InvalidField: it cannot be made, or a step fails.
    """
    try:
        env = build()
        if fields:
            jax.eval_shape(_first_step, env, make_key(0))
    except JaxenvsError:
        raise
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value}" for name, value in fields.items())
        first_line = str(error).strip().partition("\n")[0]
        raise InvalidField(f"The environment does not work with {given}: {first_line}") from error
    return env


def _first_step(env: Env[Any, Any], key: Any) -> Any:
    state, _ = env.reset(key)
    return env.step(state, env.action_space.sample(key))


def load_agent(path: Path) -> TrainedAgent:
    """The agent in a run's folder; a module that registers its environment is also looked for in the current folder.

    Raises:
        CheckpointError: the folder or its checkpoint is missing, damaged, or incompatible with this version.
    """
    if Run.open(path).settings.module is not None:
        import_from_here()
    return loading.load(path)


def against_agent(env: Env[Any, Any], path: Path) -> Env[Any, Any]:
    """A board game whose opponent is the agent in a folder, with the environment's own number of simulations.

    Raises:
        CheckpointError: see `load_agent`.
        InvalidField: the environment has no opponent, or the agent has not learnt to play this game by AlphaZero.
    """
    game: Any = unwrap(env)
    if not hasattr(game, "custom_opponent"):
        raise InvalidField(
            f"--against needs a game against an opponent, such as ConnectFour-v0; {type(game).__name__} has none."
        )
    agent: Any = load_agent(path)
    if not hasattr(agent.learner, "opponent"):
        raise InvalidField(f"{path} was trained by {agent.run.settings.algorithm}; --against needs alphazero.")
    learnt: Any = unwrap(agent.env)
    if _size(learnt.game) != _size(game.game):
        raise InvalidField(f"The agent in {path} has learnt {agent.run.settings.env_id}, which is another game.")
    player = agent.learner.opponent(agent.env, agent.policy.agent, num_simulations=game.num_simulations)
    return rewrap(env, game.replace(custom_opponent=player))


def _size(game: Any) -> tuple[Any, ...]:
    return type(game), game.observation_shape, game.num_actions


def changed(settings: Settings, fields: dict[str, Any], max_episode_steps: int | None) -> Settings:
    """The settings with some fields of the environment, and its time limit if there is one, replaced."""
    limit = settings.max_episode_steps if max_episode_steps is None else max_episode_steps
    return dataclasses.replace(settings, fields={**settings.fields, **fields}, max_episode_steps=limit)
