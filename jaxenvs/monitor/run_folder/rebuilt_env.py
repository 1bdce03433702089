"""rebuild_env: the environment that a manifest describes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import Wrapper, unwrap, wrappers_of
from jaxenvs.errors import CheckpointError, JaxenvsError
from jaxenvs.monitor.run_folder.field_values import NotRebuildable, build, class_at
from jaxenvs.wrappers import EpisodeStatistics, NormalizeObservation, ObservationWrapper, RewardWrapper

KEEPS_REWARDS = EpisodeStatistics, NormalizeObservation, ObservationWrapper
"""Wrappers that change neither actions nor rewards, also around AutoReset."""


class Rebuilt(NamedTuple):
    """An environment, and what is different about it.

    Attributes:
        env: the environment.
        notes: sentences on the wrappers that were left out.
        has_rewards: whether its rewards are those of the original.
    """

    env: Env[Any, Any]
    notes: tuple[str, ...] = ()
    has_rewards: bool = True


def rebuild_env(manifest: Mapping[str, Any]) -> Rebuilt:
    """Builds the environment that `run.json` describes, with its fields and wrappers.

    A wrapper that holds a function, such as `TransformReward`, cannot be rebuilt. It is left out if it changes only
    observations or rewards.

    Args:
        manifest: the content of `run.json`.

    Raises:
        CheckpointError: it does not describe the environment in full, or the environment cannot be rebuilt from it.
    """
    described = manifest.get("environment")
    if described is None:
        raise CheckpointError(f"run.json does not describe the environment in full. {_GIVE_IT}")
    env = _built(described)
    notes, has_rewards = [], True
    for layer in reversed(described["wrappers"]):
        try:
            env = _built(layer, env=env)
        except NotRebuildable as error:
            cls = _class(layer)
            if cls is None or not issubclass(cls, ObservationWrapper | RewardWrapper):
                raise CheckpointError(f"The environment cannot be rebuilt: {error}. {_GIVE_IT}") from error
            has_rewards &= not issubclass(cls, RewardWrapper)
            notes.append(f"{cls.__name__} is left out, since a function cannot be kept in run.json.")
    return Rebuilt(env, tuple(notes), has_rewards)


def without_auto_reset(env: Env[Any, Any]) -> Rebuilt:
    """The environment whose episodes a loop over `env` plays: without AutoReset, and without wrappers around it.

    Wrappers whose state outlives episodes, such as running statistics, cannot be in the state that they had.
    """
    inner, notes, has_rewards = unwrap(env), [], True
    for wrapper in reversed(wrappers_of(env)):
        if wrapper.placement == "around":
            has_rewards &= isinstance(wrapper, KEEPS_REWARDS)
            notes.append(f"{type(wrapper).__name__} is left out, since its state outlives episodes.")
        elif wrapper.placement != "between":
            inner = wrapper.replace(env=inner)
    return Rebuilt(inner, tuple(notes), has_rewards)


_GIVE_IT = "Give the environment: `jaxenvs.monitor.replay(run, episode, env=env)`."


def _built(layer: Mapping[str, Any], **inner: Env[Any, Any]) -> Env[Any, Any]:
    """One layer of the environment.

    Raises:
        NotRebuildable: a wrapper has fields that are not in the manifest.
        CheckpointError: it is not an environment of this version.
    """
    try:
        env = build(layer["class"], layer["fields"], **inner)
    except NotRebuildable as error:
        if inner:
            raise
        raise CheckpointError(f"The environment cannot be rebuilt: {error}. {_GIVE_IT}") from error
    except (JaxenvsError, TypeError, ValueError, KeyError) as error:
        raise CheckpointError(f"The environment cannot be rebuilt by this version: {error} {_GIVE_IT}") from error
    if not isinstance(env, Wrapper if inner else Env):
        raise CheckpointError(f"`{layer['class']}` in run.json is not an environment. {_GIVE_IT}")
    return env


def _class(layer: Mapping[str, Any]) -> Any:
    try:
        return class_at(layer["class"])
    except NotRebuildable:
        return None
