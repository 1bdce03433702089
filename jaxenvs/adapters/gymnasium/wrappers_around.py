"""Detection of fields set on a Gymnasium wrapper around the environment, where they have no effect."""

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import gymnasium

from jaxenvs.errors import InvalidField


def refuse_fields_on_wrappers(env: gymnasium.Env[Any, Any], fields: frozenset[str]) -> None:
    """Raises `InvalidField` if one of the fields was set on a wrapper whose `reset` is calling.

    A wrapper is an ordinary Python object, so `wrapper.gravity = 1.6` is accepted and can be read back;
    Stable-Baselines3's DummyVecEnv and SubprocVecEnv set attributes in this way. An environment does not know its
    wrappers, except those that are calling it.

    Args:
        env: the environment, whose method `reset` is running.
        fields: its fields.
    """
    for wrapper in _wrappers_that_call(env):
        for name in fields & wrapper.__dict__.keys():
            if not _mentions(type(wrapper), name):
                raise InvalidField(
                    f"`{name}` was set on {type(wrapper).__name__}, a wrapper around the environment, where it has no"
                    f" effect. Delete it there, and use `set_wrapper_attr({name!r}, value)`;"
                    f' through Stable-Baselines3\'s DummyVecEnv, use `env_method("set_wrapper_attr", {name!r}, value)`.'
                )


def _wrappers_that_call(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Wrapper[Any, Any, Any, Any]]:
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "reset":
            caller = frame.f_locals.get("self")
            if isinstance(caller, gymnasium.Wrapper) and caller.unwrapped is env:
                yield caller
        frame = frame.f_back


def _mentions(cls: type, name: str) -> bool:
    """Whether the code of a wrapper's class uses an attribute of this name for its own purposes."""
    own = cls.__mro__[: cls.__mro__.index(gymnasium.Wrapper)]
    functions = (value for base in own for value in vars(base).values() if isinstance(value, FunctionType))
    return any(name in function.__code__.co_names for function in functions)
