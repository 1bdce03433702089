"""What every wrapper is: an environment around another one, its field `env`."""

import abc
from typing import Any, Generic, TypeVar

from flax import struct
from jax import Array

from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.spaces import Space

State = TypeVar("State")
Obs = TypeVar("Obs")


class Wrapper(Env[State, Obs], Generic[State, Obs]):
    """An environment around another one.

    Derive from `StatelessWrapper` or `StatefulWrapper`. A wrapper draws random numbers only from a
    key in its own state, and hands the key of `reset` on unchanged where it draws nothing.
    """

    env: Env[Any, Any]

    def __post_init__(self) -> None:
        if isinstance(self.env, str):
            raise InvalidField(
                f"{type(self).__name__} wraps an environment, got the string {self.env!r}."
                f" Write `{type(self).__name__}(jaxenvs.make({self.env!r}))`."
            )
        if not isinstance(self.env, Env) and callable(getattr(self.env, "step", None)):
            raise InvalidField(
                f"{type(self).__name__} wraps a jaxenvs.Env, got {type(self.env).__name__}."
                " Build one with `jaxenvs.make(id)`."
            )
        Env.__post_init__(self)

    @abc.abstractmethod
    def inner_state(self, state: State) -> Any:
        """The wrapped environment's state within this wrapper's."""

    def render(self, state: State) -> Array:
        """Draws the state as the wrapped environment does: (height, width, 3) uint8."""
        return self.env.render(self.inner_state(state))


class StatelessWrapper(Wrapper[Any, Obs], Generic[Obs]):
    """A wrapper without memory: its state is the wrapped environment's, and so is its reset."""

    def inner_state(self, state: Any) -> Any:
        """`state` itself."""
        return state


class WrapperState(struct.PyTreeNode):
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


def wrappers_of(env: Env[Any, Any]) -> tuple[Wrapper[Any, Any], ...]:
    """The wrappers around the base environment, outermost first."""
    chain = []
    while isinstance(env, Wrapper):
        chain.append(env)
        env = env.env
    return tuple(chain)
