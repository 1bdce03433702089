"""The environments that a page can open."""

import dataclasses
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import UnregisteredEnv
from jaxenvs.play.pictures import thumbnail
from jaxenvs.random import key as make_key
from jaxenvs.registration import make, registry, spec
from jaxenvs.registration.spec import is_installed


@dataclasses.dataclass(frozen=True)
class Games:
    """The environments that a page can open: those of the registry, and those that the caller made.

    Attributes:
        first: the name of the environment that the page opens first.
        given: environments by name; one whose name is an id replaces that of the registry.
    """

    first: str
    given: Mapping[str, Env[Any, Any]] = dataclasses.field(default_factory=dict)

    def make(self, name: str) -> Env[Any, Any]:
        """The environment of this name.

        Raises:
            UnregisteredEnv: there is none.
            DependencyNotInstalled, DatasetNotFound: something that it needs is missing.
        """
        if name in self.given:
            return self.given[name]
        if ":" in name:  # would import a module of any name
            raise UnregisteredEnv(f"There is no environment `{name}` on this page.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes on renamed ids
            return make(spec(name))

    def rows(self) -> list[dict[str, Any]]:
        """JSON objects with the `id`, `family` and `needs` of each: the `pip` line of a missing extra, or None."""
        given = [{"id": name, "family": "this session", "needs": None} for name in self.given if name not in registry]
        missing = {extra for extra in {entry.extra for entry in registry.values()} if not is_installed(extra)}
        return given + [
            {
                "id": id,
                "family": entry.family,
                "needs": f'pip install "jaxenvs[{entry.extra}]"' if entry.extra in missing else None,
            }
            for id, entry in registry.items()
        ]

    def thumbnail(self, name: str) -> bytes | None:
        """A small PNG of a first state, or None if the environment has no picture or cannot be made here."""
        try:
            env = self.make(name)
            if not env.can_render:
                return None
            state, _ = begin(env, make_key(0))
            return thumbnail(np.asarray(draw(env, state)))
        except Exception:  # noqa: BLE001  # a list with one picture less is better than none
            return None


@jax.jit
def begin(env: Env[Any, Any], key: Any) -> Any:
    """`env.reset(key)`, compiled once for all players of environments of one kind."""
    return env.reset(key)


@jax.jit
def advance(env: Env[Any, Any], state: Any, action: Any) -> Any:
    """The same for `env.step(state, action)`."""
    return env.step(state, action)


@jax.jit
def draw(env: Env[Any, Any], state: Any) -> Any:
    """The same for `env.render(state)`."""
    return env.render(state)


def summary(env: Env[Any, Any]) -> str:
    """The first paragraph of the environment's description, in one line."""
    return " ".join((inspect.getdoc(type(unwrap(env))) or "").partition("\n\n")[0].split())
