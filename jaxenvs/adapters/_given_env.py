"""What an adapter was given: an id with fields, or an environment."""

from typing import Any

from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField, WrapperOrderError
from jaxenvs.core.wrapper import Wrapper
from jaxenvs.registry import make
from jaxenvs.wrappers.auto_reset import AutoReset, has_auto_reset_inside
from jaxenvs.wrappers.time_limit import TimeLimit


def given_env(adapter: str, env: str | Env[Any, Any], fields: dict[str, Any]) -> Env[Any, Any]:
    """The environment that an adapter was given.

    Args:
        adapter: the adapter's name, for messages.
        env: an id, or an environment.
        fields: of the environment; only with an id.

    Raises:
        UnregisteredEnv, InvalidField: see `jaxenvs.make`.
        InvalidField: fields beside an environment, or something that is none.
        WrapperOrderError: the environment resets itself.
    """
    if isinstance(env, str):
        env = make(env, **fields)
    elif not isinstance(env, Env):
        raise InvalidField(f"{adapter} takes an id or a jaxenvs.Env, got {env!r} of type {type(env).__name__}.")
    elif fields:
        raise InvalidField(
            f"{adapter}: fields ({', '.join(fields)}) go with an id; an environment already has its own."
            " Replace them there: `env.replace(field=value)`."
        )
    if isinstance(env, AutoReset) or (isinstance(env, Wrapper) and has_auto_reset_inside(env)):
        raise WrapperOrderError(
            f"{adapter}, or the library that it serves, begins the next episode itself, and so would AutoReset, which"
            " is in the environment given. Hand it over without AutoReset."
        )
    return env


def without_time_limit(env: Env[Any, Any]) -> tuple[Env[Any, Any], int | None]:
    """The environment without the TimeLimit that is its outermost wrapper, and the limit; None where there is none."""
    if isinstance(env, TimeLimit):
        return env.env, env.max_episode_steps
    return env, None
