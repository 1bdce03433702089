"""What an adapter was given: an id with fields, or an environment."""

from typing import Any

from jaxenvs.adapters._host_loop.processes import check_process
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import Wrapper, wrappers_of
from jaxenvs.errors import InvalidField, WrapperOrderError, did_you_mean
from jaxenvs.registration import make
from jaxenvs.wrappers.auto_reset import AutoReset, has_auto_reset_inside
from jaxenvs.wrappers.time_limit import TimeLimit

_ARGUMENTS = ("autoreset_mode", "legacy_step_api", "max_episode_steps", "num_envs", "render_mode", "seed")
"""Of the adapters, for those who misspell one."""


def given_env(
    adapter: str, env: str | Env[Any, Any], fields: dict[str, Any], max_episode_steps: int | None = None
) -> Env[Any, Any]:
    """The environment that an adapter was given.

    Args:
        adapter: the adapter's name, for messages.
        env: an id, or an environment.
        fields: of the environment; only with an id.
        max_episode_steps: replaces the id's time limit, -1 for none; only with an id.

    Raises:
        UnregisteredEnv, InvalidField: see `jaxenvs.make`.
        InvalidField: fields or a limit beside an environment, or something that is none.
        WrapperOrderError: the environment resets itself, or keeps statistics across episodes.
        ForkedProcess: JAX cannot work in this process.
    """
    check_process()
    if isinstance(env, str):
        env = make(env, max_episode_steps=max_episode_steps, **fields)
    elif not isinstance(env, Env):
        raise InvalidField(f"{adapter} takes an id or a jaxenvs.Env, got {env!r} of type {type(env).__name__}.")
    elif fields:
        hint = did_you_mean(next(iter(fields)), _ARGUMENTS)
        raise InvalidField(
            f"{adapter}: fields ({', '.join(fields)}) go with an id; an environment already has its own."
            f" Replace them there: `env.replace(field=value)`.{hint}"
        )
    elif max_episode_steps is not None:
        raise InvalidField(f"{adapter}: `max_episode_steps` goes with an id. Use `jaxenvs.TimeLimit(env, steps)`.")
    if isinstance(env, AutoReset) or (isinstance(env, Wrapper) and has_auto_reset_inside(env)):
        raise WrapperOrderError(
            f"{adapter}, or the library that it serves, begins the next episode itself, and so would AutoReset, which"
            " is in the environment given. Hand it over without AutoReset."
        )
    for wrapper in wrappers_of(env):
        if wrapper.spans_episodes:
            name = type(wrapper).__name__
            raise WrapperOrderError(
                f"{adapter} begins each episode from a fresh state, and {name} would lose its statistics there."
                f" Hand over the environment without {name}, and use its counterpart in the other library."
            )
    return env


def without_time_limit(env: Env[Any, Any]) -> tuple[Env[Any, Any], int | None]:
    """The environment without the TimeLimit that is its outermost wrapper, and the limit; None where there is none."""
    if isinstance(env, TimeLimit):
        return env.env, env.max_episode_steps
    return env, None
