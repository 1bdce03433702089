"""Params in gymnax's form for our environments, by our names and by gymnax's."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, ClassVar

from flax import struct
from gymnax.environments import environment  # pyright: ignore[reportMissingImports]  # an optional package

from jaxenvs.adapters._gymnasium_names import COMPUTED, NAMES
from jaxenvs.core.env import Env
from jaxenvs.core.pytree import is_static
from jaxenvs.errors import InvalidField, did_you_mean

_CLASSIC = "jaxenvs.envs.classic_control."
_GYMNAX_NAMES: dict[str, dict[str, str]] = {
    f"{_CLASSIC}cart_pole.CartPole": NAMES["CartPole"],
    f"{_CLASSIC}pendulum.Pendulum": NAMES["Pendulum"],
    f"{_CLASSIC}acrobot.Acrobot": {
        "link_com_pos_1": "link_com_1",
        "link_com_pos_2": "link_com_2",
        "max_vel_1": "max_velocity_1",
        "max_vel_2": "max_velocity_2",
        "available_torque": "torques",
        "dt": "tau",
    },
}
"""Params that have another name in gymnax, often Gymnasium's, by class of the environment: gymnax's name and ours."""

_GYMNAX_SUMS: dict[str, dict[str, Callable[[Any], Any]]] = {f"{_CLASSIC}cart_pole.CartPole": COMPUTED["CartPole"]}
"""Params of gymnax that follow from others, which can be read but not set."""


class _Params(environment.EnvParams):
    """Base class of the params of our environments.

    It allows pickling although their classes are in no module, and knows gymnax's names.
    """

    env_class: ClassVar[type[Env[Any, Any]]]

    def __getattr__(self, name: str) -> Any:
        path = f"{self.env_class.__module__}.{self.env_class.__qualname__}"
        if name in (names := _GYMNAX_NAMES.get(path, {})):
            return getattr(self, names[name])
        if name in (sums := _GYMNAX_SUMS.get(path, {})):
            return sums[name](self)
        raise AttributeError(_no_param(self.env_class, name))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.env_class, dict(self.__dict__))


def _replaced(params: Any, **changes: Any) -> Any:
    """`params` with other values, by our names or gymnax's."""
    cls = params.env_class
    names = _GYMNAX_NAMES.get(f"{cls.__module__}.{cls.__qualname__}", {})
    own = {names.get(name, name): value for name, value in changes.items()}
    if len(own) < len(changes):
        raise InvalidField(f"{cls.__name__}: a param is given twice, by our name and gymnax's: {', '.join(changes)}.")
    known = {field.name for field in dataclasses.fields(params)}
    for name in changes:
        if names.get(name, name) not in known:
            raise InvalidField(_no_param(cls, name))
    return dataclasses.replace(params, **own)


def _no_param(cls: type[Env[Any, Any]], name: str) -> str:
    path = f"{cls.__module__}.{cls.__qualname__}"
    names = param_names(cls)
    if name in _GYMNAX_SUMS.get(path, {}):
        return (
            f"{cls.__name__}: `{name}` follows from the other params and cannot be set. They are: {', '.join(names)}."
        )
    if any(field.name == name for field in dataclasses.fields(cls)):
        return (
            f"{cls.__name__}: `{name}` is part of the program, so it is not one of the params. Pass it when the"
            f" view is made: `GymnaxEnv(id, {name}=...)`."
        )
    known = [*names, "max_steps_in_episode"]
    return f"{cls.__name__} has no param `{name}`.{did_you_mean(name, known)} Its params are: {', '.join(known)}."


@functools.cache
def params_class(env_class: type[Env[Any, Any]]) -> Any:
    """The class of gymnax params with the numeric fields of `env_class`, and `max_steps_in_episode`."""
    names = param_names(env_class)
    namespace: dict[str, Any] = dict.fromkeys(names)
    namespace["__annotations__"] = dict.fromkeys(names, Any)
    namespace["env_class"] = env_class
    cls: Any = struct.dataclass(type(f"{env_class.__name__}Params", (_Params,), namespace))
    cls.replace = _replaced  # instead of flax's, which knows only our names
    return cls


def _rebuild(env_class: type[Env[Any, Any]], values: dict[str, Any]) -> Any:
    return params_class(env_class)(**values)


def param_names(env_class: type[Env[Any, Any]]) -> list[str]:
    """The numeric fields of the environment, which are its params."""
    return [field.name for field in dataclasses.fields(env_class) if not is_static(field)]
