"""Environments as the pages show them."""

import dataclasses
import functools
import inspect
import warnings
from collections.abc import Mapping
from types import MappingProxyType

from jaxenvs.errors import JaxenvsError
from jaxenvs.registration import EnvSpec, registry
from jaxenvs.registration.make import load
from jaxenvs.scoreboard.names import slug


@dataclasses.dataclass(frozen=True)
class Environment:
    """An environment of the registry.

    Attributes:
        id: its id.
        slug: its id in addresses.
        family: where it comes from, for headings.
        threshold: the return at which it counts as solved; None for none.
        max_episode_steps: its time limit; None for none.
    """

    id: str
    slug: str
    family: str
    threshold: float | None
    max_episode_steps: int | None

    @property
    def initials(self) -> str:
        """Two letters, where there is no picture."""
        return self.id.rpartition("/")[2][:2]

    @property
    def summary(self) -> str:
        """The first paragraph of its description, or nothing if it cannot be loaded here."""
        return _summary(self.id)


@functools.cache
def environments() -> Mapping[str, Environment]:
    """Every environment by its slug."""
    found = (_environment(spec) for spec in registry.values())
    return MappingProxyType({one.slug: one for one in found})


def _environment(spec: EnvSpec) -> Environment:
    family = spec.family if spec.namespace else spec.family.replace("_", " ").capitalize()
    return Environment(spec.id, slug(spec.id), family, spec.reward_threshold, spec.max_episode_steps)


@functools.cache
def _summary(id: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cls = load(registry[id])
    except (JaxenvsError, ImportError, KeyError):
        return ""
    return " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split()).replace("`", "")
