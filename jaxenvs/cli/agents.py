"""From what a user typed, or a run recorded, to environments, learners and policies."""

from pathlib import Path
from typing import Any, cast

import jax

from jaxenvs.cli.console import warnings_as_notes
from jaxenvs.cli.values import build_values
from jaxenvs.core.env import Env
from jaxenvs.core.errors import CheckpointError, DeprecatedEnv, InvalidField, UnregisteredEnv
from jaxenvs.core.random import key as make_key
from jaxenvs.monitor.episodes import tree_index
from jaxenvs.monitor.run import Run, Settings
from jaxenvs.monitor.training_loop import initial_state
from jaxenvs.registry import EnvSpec, make, spec
from jaxenvs.registry.make import load
from jaxenvs.rollout.policy import Policy
from jaxenvs.training.presets import Algorithm, preset

TRAINING_KEY, EVALUATION_KEY, ANIMATION_KEY = range(3)
"""What is folded into a seed's key for each use, so that none of them sees another's random numbers."""


def look_up(env_id: str) -> EnvSpec:
    """The spec of an id; what the registry would warn of is said in a line of its own."""
    with warnings_as_notes():
        return spec(env_id)


def key_for(seed: int, use: int) -> Any:
    """The key of a seed for one of the uses above."""
    return jax.random.fold_in(make_key(seed), use)


def build_env(env_id: str, fields: dict[str, Any], max_episode_steps: int | None) -> Env[Any, Any]:
    """The environment with fields as `read_assignments` returned them."""
    return make(env_id, max_episode_steps=max_episode_steps, **build_values(load(spec(env_id)), fields))


def build_learner(settings: Settings) -> Any:
    """The learner whose hyper-parameters the settings hold.

    Raises:
        InvalidField: there is no such algorithm, or it does not take these hyper-parameters.
    """
    algorithm = cast(Algorithm, settings.algorithm)
    return preset(
        settings.env_id, algorithm, **build_values(type(preset(settings.env_id, algorithm)), settings.hyper_parameters)
    )


def load_agents(path: Path) -> tuple[Run, Env[Any, Any], list[Policy], dict[str, int]]:
    """The run in a folder, its environment, a policy for each of its seeds, and the checkpoint's counters.

    Raises:
        CheckpointError: the folder or its checkpoint is missing, damaged, or does not fit this jaxenvs.
    """
    run = Run.open(path)
    try:
        env = build_env(run.settings.env_id, run.settings.fields, run.settings.max_episode_steps)
        learner = build_learner(run.settings)
    except (InvalidField, UnregisteredEnv, DeprecatedEnv) as error:
        raise CheckpointError(f"{path / 'run.json'} holds settings that this jaxenvs cannot take: {error}") from error
    key = key_for(run.settings.seed, TRAINING_KEY)
    state, progress = run.load(
        jax.eval_shape(
            lambda env, learner, key: initial_state(env, learner, key, run.settings.num_seeds), env, learner, key
        )
    )
    return run, env, policies_of(env, learner, state, run.settings.num_seeds), progress


def policies_of(env: Env[Any, Any], learner: Any, state: Any, num_seeds: int) -> list[Policy]:
    """One policy for each seed of a training state."""
    if num_seeds == 1:
        return [learner.policy(env, state.agent)]
    return [learner.policy(env, tree_index(state.agent, i)) for i in range(num_seeds)]
