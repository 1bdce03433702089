"""The argument of an adapter: an id with fields, or an environment."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from jaxenvs.adapters._gymnasium_names import fields_here
from jaxenvs.adapters._host_loop.processes import check_process
from jaxenvs.core.env import Env
from jaxenvs.core.fields import fields_of
from jaxenvs.core.wrapper import resets_itself, unwrap, wrappers_of
from jaxenvs.errors import InvalidField, WrapperOrderError, did_you_mean
from jaxenvs.registration import EnvSpec, make, spec
from jaxenvs.registration.make import load
from jaxenvs.wrappers.time_limit import TimeLimit

_ARGUMENTS = ("autoreset_mode", "legacy_step_api", "max_episode_steps", "num_envs", "render_mode", "seed")
"""Parameters of the adapters, for suggestions when one is misspelt."""

_ARGUMENTS_ELSEWHERE = {
    "n_envs": "The number of environments in a batch is `num_envs`.",
    "env_kwargs": "Write each field as an argument of its own, after the id: `gravity=1.6`.",
    "monitor_dir": "`VecMonitor` around the batch writes a file, as does `jaxenvs.adapters.record`.",
    "vec_env_cls": "The adapter is the batch itself.",
    "seed": "It is an argument of `reset`, which takes a seed, or a key where randomness comes from keys.",
    "wrapper_class": "Put wrappers of jaxenvs around the environment, and pass that in place of an id.",
}
"""Arguments of other libraries, such as Stable-Baselines3's `make_vec_env`, and what the adapters have instead."""


class FixedFields:
    """Mix-in for adapters that do not change fields of their environment: setting one as an attribute raises.

    It would have no effect. Constructors put the environment into `_with_fields`.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        env = self.__dict__.get("_with_fields")
        if env is not None and name not in self.__dict__ and not hasattr(type(self), name):
            for part in (*wrappers_of(env), unwrap(env)):
                if name in {field.name for field in dataclasses.fields(part)}:
                    raise AttributeError(
                        f"`{name}` is a field of {type(part).__name__} and has no effect on {type(self).__name__}. Make"
                        f" another one, with `{name}={value!r}` after the id."
                    )
        super().__setattr__(name, value)


def given_env(
    adapter: str, env: str | EnvSpec | Env[Any, Any], fields: dict[str, Any], max_episode_steps: int | None = None
) -> Env[Any, Any]:
    """The environment that was passed to an adapter.

    Args:
        adapter: the adapter's name, for messages.
        env: an id, a spec, or an environment.
        fields: values for fields of the environment, under their names here or in Gymnasium; only with an id.
        max_episode_steps: replaces the id's time limit, -1 for none; only with an id.

    Raises:
        UnregisteredEnv, InvalidField: see `jaxenvs.make`.
        InvalidField: `env` is neither an id nor an environment, or fields or a limit are given with an environment.
        WrapperOrderError: the environment resets itself, or keeps statistics across episodes.
        ForkedProcess: JAX cannot work in this process.
    """
    check_process()
    if isinstance(env, str | EnvSpec):
        known = spec(env) if isinstance(env, str) else env
        if fields:
            cls = load(known)
            names = {field.name for field in fields_of(cls)}
            fields = fields_here(cls, fields, names)
            _refuse_arguments_of_others(adapter, [name for name in fields if name not in names])
        env = make(known, max_episode_steps=max_episode_steps, **fields)
    elif not isinstance(env, Env):
        raise InvalidField(
            f"{adapter} takes an id or a jaxenvs.Env, got {env!r} of type {type(env).__name__}.{_instead(adapter, env)}"
        )
    elif fields:
        _refuse_arguments_of_others(adapter, fields)
        hint = did_you_mean(next(iter(fields)), _ARGUMENTS)
        raise InvalidField(
            f"{adapter}: fields ({', '.join(fields)}) go with an id; an environment already has its own."
            f" Replace them there: `env.replace(field=value)`.{hint}"
        )
    elif max_episode_steps is not None:
        raise InvalidField(f"{adapter}: `max_episode_steps` goes with an id. Use `jaxenvs.TimeLimit(env, steps)`.")
    if resets_itself(env):
        raise WrapperOrderError(
            f"{adapter}, or the library it is for, begins the next episode itself, and the AutoReset in the given"
            " environment would do so too. Pass the environment without AutoReset."
        )
    for wrapper in wrappers_of(env):
        if wrapper.placement == "around":
            name = type(wrapper).__name__
            raise WrapperOrderError(
                f"{adapter} begins each episode from a fresh state, so {name} would lose its statistics."
                f" Pass the environment without {name}, and use its counterpart in the other library."
            )
    return env


def _refuse_arguments_of_others(adapter: str, names: Iterable[str]) -> None:
    """Raises `InvalidField` for an argument of other libraries, which the adapter does not take."""
    for name in names:
        if name in _ARGUMENTS_ELSEWHERE:
            raise InvalidField(f"{adapter} has no argument `{name}`. {_ARGUMENTS_ELSEWHERE[name]}")


def _instead(adapter: str, env: Any) -> str:
    """What to pass in place of an environment of another library, or of functions that make environments."""
    if isinstance(env, list | tuple) and env and all(map(callable, env)):
        return f' Without functions, and without `make_vec_env`: `{adapter}("CartPole-v1", num_envs={len(env)})`.'
    made_from = getattr(getattr(env, "spec", None), "kwargs", {}).get("env")
    return f" Pass the id: `{adapter}({made_from!r})`." if isinstance(made_from, str) else ""


def without_time_limit(env: Env[Any, Any]) -> tuple[Env[Any, Any], int | None]:
    """The environment without its outermost wrapper if that is a TimeLimit, and the limit; else None for the limit."""
    if isinstance(env, TimeLimit):
        return env.env, env.max_episode_steps
    return env, None
