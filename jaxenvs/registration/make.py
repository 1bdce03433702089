"""make: make the environment of an id."""

import importlib
from typing import Any

import jax

from jaxenvs.core.checks import has_nan
from jaxenvs.core.env import Env
from jaxenvs.core.fields import check_names, fields_of
from jaxenvs.errors import DependencyNotInstalled, InvalidField, RegistrationError
from jaxenvs.registration.registry import spec as find_spec
from jaxenvs.registration.spec import EnvSpec
from jaxenvs.wrappers.time_limit import TimeLimit

_ELSEWHERE = {
    "render_mode": "Nothing is drawn unless asked for: `env.render(state)` returns a picture as an array.",
    "num_envs": "An environment is a single one: `jax.vmap(env.reset)(keys)` begins as many as there are keys.",
    "seed": "Randomness comes from the key of `env.reset(jaxenvs.random.key(seed))`.",
    "autoreset": "`jaxenvs.AutoReset(env)` begins the next episode in the step that ends one.",
    "vectorization_mode": "`jax.vmap(env.step)` steps a batch.",
    "backend": 'The robots\' simulator is `engine`: "c" (MuJoCo on the CPU), "mjx" (pure JAX) or "warp".',
    "verbose": "Environments print nothing.",
    "new_step_api": "`step` returns the state and a timestep; `jaxenvs.adapters` has the interfaces of Gymnasium.",
    "apply_api_compatibility": "`jaxenvs.adapters.LegacyGym` has the `step` of four values.",
    "max_num_frames_per_episode": "The limit is `max_episode_steps`: the number of frames divided by `frameskip`.",
    "wrappers": "Wrappers go around what `make` returns: `jaxenvs.AutoReset(env)`.",
}
"""Arguments of other libraries' `make`, and what jaxenvs has in their place."""


def make(id: str | EnvSpec, *, max_episode_steps: int | None = None, **fields: Any) -> Env[Any, Any]:
    """Makes the environment of an id, with its time limit.

    Args:
        id: a registered id, or a spec.
        max_episode_steps: replaces the spec's time limit; -1 for none.
        **fields: values for fields of the environment, such as `gravity=1.6`.

    Returns:
        The environment, inside `TimeLimit` if there is a limit, and inside no other wrapper.

    Raises:
        UnregisteredEnv, DeprecatedEnv, RegistrationError: see `spec`.
        InvalidField: a field that the environment does not have, or a value that it cannot take.
        DependencyNotInstalled: the environment needs an extra that is not installed.
    """
    spec = id if isinstance(id, EnvSpec) else find_spec(id)
    cls = load(spec)
    values = {**spec.fields, **fields}
    _check(spec, cls, values)
    env: Env[Any, Any] = cls(**values)
    limit = spec.max_episode_steps if max_episode_steps is None else max_episode_steps
    if limit is None or limit == -1:
        return env
    return TimeLimit(env=env, max_episode_steps=limit)


def load(spec: EnvSpec) -> type[Env[Any, Any]]:
    """Imports a spec's environment class.

    Raises:
        DependencyNotInstalled: it needs an extra that is not installed.
        RegistrationError: its entry point is not an environment class.
    """
    if not isinstance(spec.entry_point, str):
        return spec.entry_point
    module, _, name = spec.entry_point.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise RegistrationError(
                f"{spec.id}: there is no module `{error.name}` for `{spec.entry_point}`."
            ) from error
        if spec.extra is None:
            raise
        raise DependencyNotInstalled(
            f'{spec.id} needs `{error.name}`, which is not installed: run `pip install "jaxenvs[{spec.extra}]"`.'
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, Env)):
        raise RegistrationError(f"{spec.id}: the entry point `{spec.entry_point}` names no subclass of jaxenvs.Env.")
    return cls


def _check(spec: EnvSpec, cls: type[Env[Any, Any]], values: dict[str, Any]) -> None:
    known = {field.name for field in fields_of(cls)}
    unknown = [name for name in values if name not in known]
    check_names(cls, unknown, spec.id, f" {_ELSEWHERE[unknown[0]]}" if unknown and unknown[0] in _ELSEWHERE else "")
    missing = [f"`{field.name}`" for field in fields_of(cls) if field.required and field.name not in values]
    if missing:
        raise InvalidField(f"{spec.id} needs a value for {', '.join(missing)}: `make({spec.id!r}, name=value)`.")
    for field in fields_of(cls):
        value = values.get(field.name, field.default)
        if value is None and not field.optional and not field.is_static:
            raise InvalidField(f"{spec.id}: field `{field.name}` must be a number, got None. Leave it out instead.")
        for leaf in jax.tree.leaves(values.get(field.name)):
            if isinstance(leaf, jax.Array) and has_nan(leaf):
                raise InvalidField(f"{spec.id}: field `{field.name}` is NaN; give it a number.")
