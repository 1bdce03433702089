"""load: load the agent in a run's folder."""

import dataclasses
import importlib
import os
from functools import partial
from typing import Any, cast

import jax

from jaxenvs.agents.fields import build_values
from jaxenvs.core.checks import has_nan
from jaxenvs.core.env import Env
from jaxenvs.core.modes import evaluation
from jaxenvs.core.trees import tree_at
from jaxenvs.errors import CheckpointError, DeprecatedEnv, InvalidField, RegistrationError, UnregisteredEnv
from jaxenvs.monitor.run_folder.run import Run, Settings
from jaxenvs.monitor.training.updates import initial_state
from jaxenvs.random import key as make_key
from jaxenvs.registration import EnvSpec, make, registry, spec
from jaxenvs.registration.make import load as load_class
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training import Learner
from jaxenvs.training.presets import Algorithm, preset
from jaxenvs.wrappers import TimeLimit

TRAINING_KEY = 0
"""The number folded into a seed's key for training."""


@dataclasses.dataclass(frozen=True)
class TrainedAgent:
    """A trained agent.

        agent = jaxenvs.load("runs/CartPole-v1-ppo-20250101-120000")
        jaxenvs.evaluate(agent.env, agent.policy, jaxenvs.random.key(0)).mean_return

    Attributes:
        run: the folder, with the settings of the run.
        env: the environment to play and evaluate it in, without AutoReset: `evaluation(training_env)`.
        training_env: the environment in which it was trained, without AutoReset.
        learner: the learner that trained it.
        policies: the learned policies, one for each seed: `policy(observation, key) -> action`.
        updates: number of updates before the checkpoint.
    """

    run: Run
    env: Env[Any, Any]
    training_env: Env[Any, Any]
    learner: Learner[Any]
    policies: tuple[Policy, ...]
    updates: int

    @property
    def policy(self) -> Policy:
        """The policy of the first seed."""
        return self.policies[0]


def load(path: str | os.PathLike[str]) -> TrainedAgent:
    """Loads the agent in a run's folder from its last checkpoint.

    Args:
        path: the folder that `jaxenvs train` or `jaxenvs.monitor.train` made.

    Raises:
        CheckpointError: the folder or its checkpoint is missing or damaged, is incompatible with this version of
            jaxenvs, or contains weights that are NaN.
        DependencyNotInstalled: optax is missing.
    """
    run = Run.open(path)
    settings = run.settings
    try:
        env, learner = build_env(settings), build_learner(settings)
    except (InvalidField, UnregisteredEnv, DeprecatedEnv, RegistrationError) as error:
        is_own = isinstance(error, UnregisteredEnv) and settings.module is None
        hint = " If the program of the training registers it, do so here first, or name its module in `Settings`."
        raise CheckpointError(
            f"{run.path / 'run.json'} has settings that this version of jaxenvs does not support: {error}"
            f"{hint * is_own}"
        ) from error
    key = training_key(settings)
    template = jax.eval_shape(partial(initial_state, num_seeds=settings.num_seeds), env, learner, key)
    state, progress = run.load(template)
    if any(map(has_nan, jax.tree.leaves(state.agent))):
        raise CheckpointError(f"{run.checkpoint_path} holds weights that are NaN: that training diverged. Train again.")
    policies = tuple(policies_of(env, learner, state, settings.num_seeds))
    return TrainedAgent(run, evaluation(env), env, learner, policies, progress.get("updates", 0))


def training_key(settings: Settings) -> Any:
    """The key that determines a run's training."""
    return jax.random.fold_in(make_key(settings.seed), TRAINING_KEY)


def find_spec(settings: Settings) -> EnvSpec:
    """The spec of a run's environment; the module that registers it is imported if the id is not known yet."""
    known = settings.module is None or settings.env_id in registry
    try:
        return spec(settings.env_id if known else f"{settings.module}:{settings.env_id}")
    except ModuleNotFoundError as error:
        raise CheckpointError(
            f"{settings.env_id} is registered by the module `{settings.module}`, which is not found: {error.name}."
            f" Run this from the folder that contains it, or add that folder to PYTHONPATH."
        ) from error


def build_env(settings: Settings) -> Env[Any, Any]:
    """The environment in which a run was, or will be, trained.

    Raises:
        InvalidField: it does not have these fields, or cannot take these values.
    """
    entry = find_spec(settings)
    fields = build_values(load_class(entry), settings.fields)
    limit = settings.max_episode_steps
    if not settings.preprocessed:
        return make(entry, max_episode_steps=limit, **fields)
    if entry.training_entry_point is None:
        raise InvalidField(f"{entry.id} names no preprocessing for training.")
    module, _, name = entry.training_entry_point.partition(":")
    env = getattr(importlib.import_module(module), name)(entry, **fields)
    if limit == -1:
        raise InvalidField(f"{entry.id}: the time limit is part of the preprocessing, and cannot be left out.")
    return env if limit is None else TimeLimit(env=env, max_episode_steps=limit)


def build_learner(settings: Settings) -> Learner[Any]:
    """The learner whose hyper-parameters the settings hold.

    Raises:
        InvalidField: there is no such algorithm, or it does not take these hyper-parameters.
    """
    algorithm = cast(Algorithm, settings.algorithm)
    kind = type(preset(settings.env_id, algorithm))
    return preset(settings.env_id, algorithm, **build_values(kind, settings.hyper_parameters))


def policies_of(env: Env[Any, Any], learner: Any, state: Any, num_seeds: int) -> list[Policy]:
    """One policy for each seed of a training state."""
    if num_seeds == 1:
        return [learner.policy(env, state.agent)]
    return [learner.policy(env, tree_at(state.agent, i)) for i in range(num_seeds)]
