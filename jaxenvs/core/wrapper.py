"""What every wrapper is: an environment around another one, its field `env`."""

import abc
import dataclasses
from typing import Any, ClassVar, Generic, Self, TypeVar

import jax
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core.env import Env
from jaxenvs.core.fields import fields_of, is_axes
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Space

State = TypeVar("State")
Obs = TypeVar("Obs")


class Wrapper(Env[State, Obs], Generic[State, Obs]):
    """An environment around another one.

    Derive from `StatelessWrapper` or `StatefulWrapper`, and from `SameObservations` and `SameActions`
    where a space is handed on. A wrapper draws random numbers only from a key in its own state, and
    hands the key of `reset` on unchanged where it draws nothing.
    """

    env: Env[Any, Any]

    spans_episodes: ClassVar[bool] = False
    """Whether the wrapper's state must outlive an episode, so that it belongs around AutoReset."""

    def __post_init__(self) -> None:
        inner: Any = self.env  # an Env, or whatever a JAX transformation or a mistaken caller put there
        name = type(self).__name__
        if isinstance(inner, str):
            raise InvalidField(
                f"{name} wraps an environment, got the string {inner!r}. Write `{name}(jaxenvs.make({inner!r}))`."
            )
        if not isinstance(inner, Env) and callable(getattr(inner, "step", None)):
            raise InvalidField(
                f"{name} wraps a jaxenvs.Env, got {type(inner).__name__}. Build one with `jaxenvs.make(id)`."
            )
        Env.__post_init__(self)  # pyright: ignore[reportUnknownMemberType]  # a bare generic class
        hooks = type(self).check_values, type(self).check_spaces
        if hooks == (Wrapper.check_values, Wrapper.check_spaces) or not isinstance(inner, Env) or is_axes(self):
            return
        with jax.ensure_compile_time_eval():
            if all(map(is_concrete, _own_leaves(self))):
                self.check_values()
            if has_plain_values(self):
                self.check_spaces()

    def check_values(self) -> None:
        """Hook: raises `InvalidField` where a leaf of this wrapper's own has a bad value.

        It runs after `check_fields`, and only where all of them are concrete, so values may be compared. Each
        may be an array, a batch of values, so compare by `np.any`; the wrapped environment may be anything.
        """

    def check_spaces(self) -> None:
        """Hook: raises `InvalidField` where the wrapped environment's spaces do not fit.

        It runs after `check_values`, and only where every leaf is a number that somebody wrote down
        (`has_plain_values`), here and in the wrapped environment, so spaces may be built and their bounds read.
        """

    @abc.abstractmethod
    def inner_state(self, state: State) -> Any:
        """The wrapped environment's state within this wrapper's."""

    def after_episode(self, state: State) -> Self:
        """The wrapper around what the wrapped environment is after the episode; see `Env.after_episode`."""
        if not type(unwrap(self)).outlives_episodes:
            return self
        return self.replace(env=self.env.after_episode(self.inner_state(state)))

    @property
    def can_observe(self) -> bool:
        """Whether `observe` is defined, here and in the wrapped environment; see `Env.can_observe`."""
        return super().can_observe and self.env.can_observe

    @property
    def can_render(self) -> bool:
        """Whether `render` is defined in the wrapped environment; see `Env.can_render`."""
        return super().can_render and self.env.can_render


class StatelessWrapper(Wrapper[Any, Obs], Generic[Obs]):
    """A wrapper without memory: its state is the wrapped environment's, and so is its reset."""

    def inner_state(self, state: Any) -> Any:
        """`state` itself."""
        return state

    def render(self, state: Any) -> Array:
        """Draws the state as the wrapped environment does: (height, width, 3) uint8."""
        return self.env.render(state)


class WrapperState(PyTreeNode):
    """Base of the state of a wrapper with memory.

    Attributes:
        inner: the state of the wrapped environment.
    """

    inner: Any


WState = TypeVar("WState", bound=WrapperState)


class StatefulWrapper(Wrapper[WState, Obs], Generic[WState, Obs]):
    """A wrapper that keeps something of its own beside the wrapped environment's state."""

    def inner_state(self, state: WState) -> Any:
        """`state.inner`."""
        return state.inner

    def render(self, state: WState) -> Array:
        """Draws the state as the wrapped environment does: (height, width, 3) uint8."""
        return self.env.render(state.inner)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The wrapped environment's; a wrapper that changes rewards says what it makes of them."""
        return self.env.reward_range


class SameObservations:
    """Mix-in of a wrapper that leaves the observation space alone.

    One that leaves the observations alone as well says so by `observe = inner_observation`.
    """

    env: Env[Any, Any]

    @property
    def observation_space(self) -> Space[Any]:
        """The wrapped environment's."""
        return self.env.observation_space


class SameActions:
    """Mix-in of a wrapper that leaves the action space alone."""

    env: Env[Any, Any]

    @property
    def action_space(self) -> Space[Any]:
        """The wrapped environment's."""
        return self.env.action_space


def inner_observation(self: Wrapper[Any, Any], state: Any) -> Any:
    """The wrapped environment's observation of the state within `state`: `observe` of wrappers that show no other."""
    return self.env.observe(self.inner_state(state))


def has_plain_values(tree: Any) -> bool:
    """Whether the leaves are Python or NumPy numbers, or single numbers on a device, as somebody wrote them down.

    It is False for what JAX transformations build: tracers, batches of parameters, placeholders.
    """
    leaves = jax.tree.leaves(tree)
    return all(is_concrete(leaf) and not (isinstance(leaf, Array) and leaf.ndim) for leaf in leaves)


def is_concrete(leaf: Any) -> bool:
    """Whether a leaf is a number or an array whose values can be looked at."""
    if isinstance(leaf, Array):
        return not isinstance(leaf, Tracer) and leaf.is_fully_addressable and not leaf.is_deleted()
    return isinstance(leaf, int | float | np.generic | np.ndarray)


def _own_leaves(wrapper: Wrapper[Any, Any]) -> list[Any]:
    """The leaves of a wrapper that are not the wrapped environment's."""
    own = [field.name for field in fields_of(type(wrapper)) if not field.is_static and field.name != "env"]
    return jax.tree.leaves([getattr(wrapper, name) for name in own])


def unwrap(env: Env[Any, Any]) -> Env[Any, Any]:
    """The base environment under all wrappers."""
    while isinstance(env, Wrapper):
        env = env.env
    return env


def unwrap_state(env: Env[Any, Any], state: Any) -> Any:
    """The base environment's state within `state`, a state of `env`."""
    while isinstance(env, Wrapper):
        env, state = env.env, env.inner_state(state)
    return state


def rewrap(env: Env[Any, Any], base: Env[Any, Any]) -> Env[Any, Any]:
    """`env` with another base environment under its wrappers."""
    return dataclasses.replace(env, env=rewrap(env.env, base)) if isinstance(env, Wrapper) else base


def wrappers_of(env: Env[Any, Any]) -> tuple[Wrapper[Any, Any], ...]:
    """The wrappers around the base environment, outermost first."""
    chain: list[Wrapper[Any, Any]] = []
    while isinstance(env, Wrapper):
        chain.append(env)
        env = env.env
    return tuple(chain)
