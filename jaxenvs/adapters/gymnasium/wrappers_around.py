"""Fields that somebody set on a Gymnasium wrapper around the environment, where they change nothing."""

import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import gymnasium

from jaxenvs.errors import InvalidField


def refuse_fields_on_wrappers(env: gymnasium.Env[Any, Any], fields: frozenset[str]) -> None:
    """Raises `InvalidField` where a wrapper whose `reset` is calling has been given one of the fields from outside.

    A wrapper is a Python object like any other, so `wrapper.gravity = 1.6` is accepted and reads back;
    Stable-Baselines3's DummyVecEnv and SubprocVecEnv set attributes so. An environment does not know what is
    around it, but for those that call it.

    Args:
        env: the environment, within its method `reset`.
        fields: its fields.
    """
    for wrapper in _wrappers_that_call(env):
        for name in fields & wrapper.__dict__.keys():
            if not _mentions(type(wrapper), name):
                raise InvalidField(
                    f"`{name}` was set on {type(wrapper).__name__}, a wrapper around the environment, where it changes"
                    f" nothing. Delete it there, and use `set_wrapper_attr({name!r}, value)`;"
                    f' through Stable-Baselines3\'s DummyVecEnv by `env_method("set_wrapper_attr", {name!r}, value)`.'
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
    """Whether the code of a wrapper's class has an attribute of this name for purposes of its own."""
    own = cls.__mro__[: cls.__mro__.index(gymnasium.Wrapper)]
    functions = (value for base in own for value in vars(base).values() if isinstance(value, FunctionType))
    return any(name in function.__code__.co_names for function in functions)
