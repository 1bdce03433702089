"""EnvSpec: what the registry knows about an id."""

import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env
from jaxenvs.core.pytree import adopt_numbers
from jaxenvs.errors import RegistrationError

_ID = re.compile(r"^(?:(?P<namespace>[\w:-]+)/)?(?P<name>[\w:.-]+?)(?:-v(?P<version>\d+))?$")


def parse_id(id: str) -> tuple[str | None, str, int | None]:
    """Splits `[namespace/]name[-vN]` into its three parts.

    Raises:
        RegistrationError: the id is not of that form.
    """
    given: Any = id
    if isinstance(given, Env) or (isinstance(given, type) and issubclass(given, Env)):
        name = given.__name__ if isinstance(given, type) else type(given).__name__
        raise RegistrationError(
            f"An id is a string, got {given!r}. `{name}(...)` is an environment as it is, without `make`;"
            f' `jaxenvs.register("{name}-v0", {name}, max_episode_steps=200)` gives it an id.'
        )
    match = _ID.fullmatch(id) if isinstance(id, str) else None
    if match is None:
        meant = id.strip() if isinstance(id, str) else ""
        raise RegistrationError(
            f"Malformed environment ID: {id}."
            " (Currently all IDs must be of the form [namespace/](env-name)-v(version). (namespace is optional))"
            + f" There is white space around it; did you mean: `{meant}`?"
            * (_ID.fullmatch(meant) is not None)
        )
    version = None if match["version"] is None else int(match["version"])
    canonical = format_id(match["namespace"], match["name"], version)
    if canonical != id:
        raise RegistrationError(f"Malformed environment ID: {id}. Write the version in plain digits: `{canonical}`.")
    return match["namespace"], match["name"], version


def format_id(namespace: str | None, name: str, version: int | None) -> str:
    """The inverse of `parse_id`."""
    return (f"{namespace}/" if namespace else "") + name + ("" if version is None else f"-v{version}")


_PACKAGES = {"mujoco": ("mujoco", "gymnasium"), "robotics": ("mujoco", "gymnasium_robotics"), "atari": ("ale_py",)}
"""The packages of extras that ids need."""


def is_installed(extra: str | None) -> bool:
    """Whether what the ids of an extra need is installed."""
    return all(find_spec(package) is not None for package in _PACKAGES.get(extra or "", ()))


GYMNASIUM_NAMESPACE = "jaxenvs"


def gymnasium_id(id: str) -> str:
    """The id in Gymnasium: "CartPole-v1" is "jaxenvs/CartPole-v1".

    Gymnasium's ids have at most one namespace, so that of a jaxenvs id becomes part of the name: "MinAtar/Breakout-v1"
    is "jaxenvs/MinAtar-Breakout-v1".
    """
    return f"{GYMNASIUM_NAMESPACE}/{id.replace('/', '-')}"


@dataclasses.dataclass(frozen=True)
class EnvSpec:
    """What the registry knows about an id.

    Attributes:
        id: `[namespace/]name-vN`.
        entry_point: `"module:Class"` of an `Env`, imported on the first `make`, or the class itself.
        fields: values for the environment's fields, if they differ from its defaults.
        max_episode_steps: the `TimeLimit` that `make` puts around it; None for no limit.
        reward_threshold: the mean return over 100 episodes at which the task counts as solved.
        extra: the pip extra of jaxenvs that the environment needs, or None.
        source: where the task and its rules come from, for the table of environments.
        training_entry_point: `"module:function"` that makes the environment with the preprocessing that is usual for
            training, called as `function(spec, **fields)`; None if training uses it as it is.
    """

    id: str
    entry_point: str | type
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    max_episode_steps: int | None = None
    reward_threshold: float | None = None
    extra: str | None = None
    source: str = ""
    training_entry_point: str | None = None

    def __post_init__(self) -> None:
        parse_id(self.id)
        named = isinstance(self.entry_point, str) and re.fullmatch(r"[\w.]+:\w+", self.entry_point)
        if not named and not (isinstance(self.entry_point, type) and issubclass(self.entry_point, Env)):
            entry: Any = self.entry_point
            hint = ""
            if isinstance(entry, Env):
                hint = " Register its class, and give the values that differ from the defaults as `fields`."
            elif callable(entry):
                hint = " Register the class, and give what the function passes to it as `fields`."
            raise RegistrationError(
                f"{self.id}: the entry point must be a subclass of jaxenvs.Env or read 'package.module:Class',"
                f" got {entry!r}.{hint}"
            )
        adopt_numbers(self)
        steps = self.max_episode_steps
        if steps is not None and (not is_integer(steps) or steps < 1):
            raise RegistrationError(f"{self.id}: max_episode_steps must be a positive integer or None, got {steps!r}.")
        object.__setattr__(self, "fields", MappingProxyType({k: _hashable(v) for k, v in self.fields.items()}))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return _rebuild, ({**values, "fields": dict(self.fields)},)

    @functools.cached_property
    def _parts(self) -> tuple[str | None, str, int | None]:
        return parse_id(self.id)

    @property
    def namespace(self) -> str | None:
        """The part of the id before the slash."""
        return self._parts[0]

    @property
    def name(self) -> str:
        """The id without namespace and version."""
        return self._parts[1]

    @property
    def version(self) -> int | None:
        """The version, the number after `-v` in the id."""
        return self._parts[2]

    @property
    def gymnasium_id(self) -> str:
        """The id for `gymnasium.make`: `jaxenvs/CartPole-v1`, `jaxenvs/MinAtar-Breakout-v1`, `jaxenvs/ALE-Pong-v5`.

        Gymnasium allows one slash in an id, so the slash after a namespace becomes a hyphen.
        """
        return gymnasium_id(self.id)

    @property
    def family(self) -> str:
        """The namespace, or the package of the environment's module."""
        module = (
            self.entry_point.partition(":")[0] if isinstance(self.entry_point, str) else self.entry_point.__module__
        )
        parts = module.split(".")
        return self.namespace or (parts[-2] if len(parts) > 1 else parts[0])

    def to_json(self) -> str:
        """The spec as a JSON object. `from_json` reads it back, with the entry point always as a string.

        Raises:
            RegistrationError: a field is not a JSON value, or the class has no importable name.
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if not isinstance(self.entry_point, str):
            if "." in self.entry_point.__qualname__:
                raise RegistrationError(
                    f"{self.id}: its class `{self.entry_point.__qualname__}` cannot be named in JSON;"
                    " define it at the top of a module."
                )
            values["entry_point"] = f"{self.entry_point.__module__}:{self.entry_point.__qualname__}"
        values["fields"] = dict(self.fields)
        try:
            return json.dumps(values)
        except TypeError as error:
            raise RegistrationError(f"{self.id}: a field cannot be written as JSON: {error}.") from error

    @staticmethod
    def from_json(text: str) -> "EnvSpec":
        """Reads what `to_json` wrote.

        Raises:
            RegistrationError: the text is not such an object.
        """
        try:
            return _rebuild(json.loads(text))
        except (json.JSONDecodeError, TypeError) as error:
            raise RegistrationError(f"This is not the JSON of an EnvSpec: {error}.") from error


def _rebuild(values: dict[str, Any]) -> EnvSpec:
    return EnvSpec(**values)


def _hashable(value: Any) -> Any:
    """Turns lists into tuples, so that they can be static fields and survive JSON unchanged."""
    return tuple(_hashable(item) for item in value) if isinstance(value, list | tuple) else value
