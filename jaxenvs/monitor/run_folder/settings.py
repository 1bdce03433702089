"""Settings: what a training run was told to do."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import jax
import numpy as np

from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.run_folder.manifest import NO_RUN


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings from which a run can be rebuilt. Everything in it is JSON.

    Attributes:
        env_id: the registered id.
        fields: the environment's fields that were set, by name.
        max_episode_steps: the time limit that replaces the registered one, -1 for none; None to keep it.
        algorithm: the learner's name, such as `"ppo"`.
        hyper_parameters: all of the learner's settings, by name.
        seed: the seed of the random keys.
        num_seeds: number of agents trained at once.
        module: the module that registers the id, imported before it is looked up; None if no import is needed.
        preprocessed: whether the environment is the one that the id's spec names for training.
    """

    env_id: str
    fields: dict[str, Any]
    max_episode_steps: int | None
    algorithm: str
    hyper_parameters: dict[str, Any]
    seed: int
    num_seeds: int = 1
    module: str | None = None
    preprocessed: bool = False

    @staticmethod
    def of(
        env_id: str,
        learner: Any,
        *,
        seed: int = 0,
        fields: Mapping[str, Any] | None = None,
        max_episode_steps: int | None = None,
        module: str | None = None,
    ) -> "Settings":
        """The settings of a training of one agent by a learner.

            run = Run.create(Settings.of("CartPole-v1", learner), "runs/mine")

        Args:
            env_id: the registered id.
            learner: a learner of `jaxenvs.training`.
            seed: the seed of the random key.
            fields: as above.
            max_episode_steps: as above.
            module: as above.
        """
        return Settings(
            env_id=env_id,
            fields=dict(fields or {}),
            max_episode_steps=max_episode_steps,
            algorithm=type(learner).__name__.lower(),
            hyper_parameters=hyper_parameters_of(learner),
            seed=seed,
            module=module,
        )


def hyper_parameters_of(learner: Any) -> dict[str, Any]:
    """All settings of a learner by name, as JSON values."""
    return {name: jsonable(getattr(learner, name)) for name in learner.setting_names()}


def jsonable(value: Any) -> Any:
    """A field's value as a JSON value, or its `repr` if that is impossible."""
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, bool | int | float | str) or value is None else repr(value)


def _kinds(hint: Any) -> tuple[type, ...]:
    """The classes that a type hint stands for."""
    if isinstance(hint, UnionType):
        return get_args(hint)
    return (get_origin(hint) or hint,)


KINDS = {name: _kinds(hint) for name, hint in get_type_hints(Settings).items()}
"""The kinds of value that each setting may have."""


def is_of_kind(name: str, value: Any) -> bool:
    """Whether a setting may have this value; True and False are not integers."""
    return isinstance(value, KINDS[name]) and (bool in KINDS[name] or not isinstance(value, bool))


def settings_in(manifest: Mapping[str, Any], file: Path) -> Settings | None:
    """The settings in a manifest; None if it is of a run without a learner.

    Args:
        manifest: the content of `run.json`.
        file: its path, for messages.

    Raises:
        CheckpointError: settings are missing, or of the wrong kind.
    """
    if "environment" in manifest and "algorithm" not in manifest:
        return None
    found = {name: value for name, value in manifest.items() if name in KINDS}
    if wrong := next((name for name, value in found.items() if not is_of_kind(name, value)), None):
        raise CheckpointError(f"{file} holds a setting of the wrong kind: `{wrong}` is {found[wrong]!r}. {NO_RUN}")
    try:
        return Settings(**found)
    except TypeError as error:
        raise CheckpointError(f"{file} lacks settings: {error}. {NO_RUN}") from error
