"""Board: the environment in which every submission for an id is played, and what belongs to it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxenvs import spaces
from jaxenvs.core.env import Env
from jaxenvs.core.fields import fields_of
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField, short_repr
from jaxenvs.monitor.recording.action_packing import ActionPacking
from jaxenvs.monitor.run_folder.description import describe_env
from jaxenvs.registration import EnvSpec, make
from jaxenvs.registration import spec as find_spec
from jaxenvs.registration.make import load
from jaxenvs.rollouts.evaluate import DEFAULT_MAX_STEPS
from jaxenvs.wrappers.time_limit import TimeLimit


@dataclasses.dataclass(frozen=True, eq=False)
class Board:
    """The environment of an id, as `make` makes it for a CPU.

    Attributes:
        spec: what the registry knows about the id.
        env: the environment, with its time limit.
        packing: how actions are packed.
        description: the environment as JSON; see `describe_env`.
        longest: the steps of the longest episode. An environment without a time limit is cut off after 10,000.
        is_cut: whether an episode of so many steps may have neither flag.
    """

    spec: EnvSpec
    env: Env[Any, Any]
    packing: ActionPacking
    description: Mapping[str, Any]
    longest: int
    is_cut: bool


@functools.cache
def board_of(env_id: str) -> Board:
    """The board of an id.

    Raises:
        UnregisteredEnv, DeprecatedEnv, RegistrationError: there is no such id.
        DependencyNotInstalled: the environment needs an extra that is not installed.
        InvalidField: its actions cannot be packed.
    """
    spec = find_spec(env_id)
    # Robots would choose another engine on an accelerator.
    has_engines = "engine" in {field.name for field in fields_of(load(spec))}
    with on_cpu():
        env = make(spec, engine="c") if has_engines else make(spec)
    limits = [wrapper.max_episode_steps for wrapper in wrappers_of(env) if isinstance(wrapper, TimeLimit)]
    return Board(
        spec=spec,
        env=env,
        packing=ActionPacking(env.action_space),
        description=describe_env(env, env_id),
        longest=min(limits, default=DEFAULT_MAX_STEPS),
        is_cut=not limits,
    )


def on_cpu() -> Any:
    """A context in which JAX computes on the CPU."""
    return jax.default_device(jax.local_devices(backend="cpu")[0])


def difference(board: Board, described: Mapping[str, Any]) -> str | None:
    """What is different about a described environment, as a sentence; None if nothing is.

    Fields that only one version of the environment has are compared if the submission names them.
    """
    own = board.description
    for name, word in (("id", "id"), ("class", "class"), ("action_space", "action space")):
        if described.get(name) != own[name]:
            return f"The {word} is {short_repr(described.get(name))}, that of the board is {short_repr(own[name])}."
    if text := _different_fields(own["fields"], described.get("fields"), type(unwrap(board.env)).__name__):
        return text
    wrappers = described.get("wrappers")
    names = [_class_name(layer) for layer in own["wrappers"]]
    if not isinstance(wrappers, list) or [_class_name(layer) for layer in wrappers] != names:
        return f"Its environment is not in the wrappers of the board: {', '.join(names) or 'none'}."
    for layer, theirs in zip(own["wrappers"], wrappers):
        if theirs.get("class") != layer["class"]:
            return f"The wrapper {_class_name(layer)} is another one than that of the board."
        if text := _different_fields(layer["fields"], theirs.get("fields"), _class_name(layer)):
            return text
    return None


def _different_fields(own: Mapping[str, Any], theirs: Any, owner: str) -> str | None:
    if not isinstance(theirs, dict):
        return f"The fields of {owner} are missing."
    for name, value in theirs.items():
        if name not in own:
            return f"{owner} has no field {short_repr(name)} here."
        if value != own[name]:
            return f"The field `{name}` of {owner} is {short_repr(value)}, on the board it is {short_repr(own[name])}."
    return None


def _class_name(layer: Any) -> str:
    path = layer.get("class") if isinstance(layer, dict) else None
    return path.rpartition(":")[2] if isinstance(path, str) else "?"


def are_inside(space: spaces.Space[Any], actions: Any) -> np.ndarray:
    """Whether actions are in their space.

    Args:
        space: what `ActionPacking` packs.
        actions: elements with a leading axis.

    Returns:
        (n,) bool. Floats must also be finite.
    """
    if isinstance(space, spaces.Tuple):
        return np.logical_and.reduce([are_inside(part, value) for part, value in zip(space.spaces, actions)])
    if isinstance(space, spaces.Dict):
        return np.logical_and.reduce([are_inside(part, actions[name]) for name, part in space.spaces.items()])
    low, high = _bounds(space)
    inside = (actions >= low) & (actions <= high) & np.isfinite(actions)
    return inside.reshape(len(inside), -1).all(axis=-1)


def _bounds(space: spaces.Space[Any]) -> tuple[Any, Any]:
    if isinstance(space, spaces.Discrete):
        return space.start, space.start + space.n - 1
    if isinstance(space, spaces.MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    if isinstance(space, spaces.MultiBinary):
        return 0, 1
    if isinstance(space, spaces.Box):
        return space.low, space.high
    raise InvalidField(f"Actions of {space!r} cannot be packed.")
