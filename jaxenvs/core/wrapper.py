"""The base classes of wrappers: environments around another environment, their field `env`."""

import abc
import dataclasses
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar

import jax
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.core.env import Env, kind_of
from jaxenvs.core.fields import fields_of, is_axes
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.spaces import Space

State = TypeVar("State")
Obs = TypeVar("Obs")

Placement: TypeAlias = Literal["inside", "around", "either", "between"]


class Wrapper(Env[State, Obs], Generic[State, Obs]):
    """An environment around another one.

    Derive from `StatelessWrapper` or `StatefulWrapper`, and from `SameObservations` and `SameActions` if a space stays
    the same. A wrapper draws random numbers only from a key in its own state, and passes the key of `reset` on
    unchanged if it draws nothing.
    """

    env: Env[Any, Any]

    placement: ClassVar[Placement] = "either"
    """On which side of AutoReset the wrapper goes; the constructors check it.

    * `"inside"`: it must see where episodes begin, such as a limit of their length.
    * `"around"`: its state must outlive episodes, such as statistics.
    * `"either"`: it can go on either side.
    * `"between"`: it is AutoReset itself, or a wrapper like it. There can be only one.
    """

    training_only = False  # not annotated, so that classes may make it a field
    """Whether the wrapper is part of how an agent is trained and not of the task, so that `evaluation` removes it.

    Such a wrapper changes what an agent learns from, never the spaces: a policy must be able to act without it. A class
    whose users decide makes it a field: `training_only: bool = static(default=True, kw_only=True)`.
    """

    def __post_init__(self) -> None:
        inner: Any = self.env  # an Env, or whatever a JAX transformation or a mistaken caller put there
        name = type(self).__name__
        if isinstance(inner, str):
            raise InvalidField(
                f"{name} wraps an environment, got the string {inner!r}. Write `{name}(jaxenvs.make({inner!r}))`."
            )
        if not isinstance(inner, Env) and (callable(inner) or callable(getattr(inner, "step", None))):
            raise InvalidField(f"{name} wraps a jaxenvs.Env, got {kind_of(inner)}. Build one with `jaxenvs.make(id)`.")
        Env.__post_init__(self)  # pyright: ignore[reportUnknownMemberType]  # a bare generic class
        _check_placement(self)
        hooks = type(self).check_values, type(self).check_spaces
        if hooks == (Wrapper.check_values, Wrapper.check_spaces) or not isinstance(inner, Env) or is_axes(self):
            return
        with jax.ensure_compile_time_eval():
            if all(map(is_concrete, _own_leaves(self))):
                self.check_values()
            if has_plain_values(self):
                self.check_spaces()

    def check_values(self) -> None:
        """Hook that raises `InvalidField` if one of this wrapper's own leaves has a bad value.

        It runs after `check_fields`, and only if all of them are concrete, so values may be compared. Each may be an
        array, a batch of values, so compare by `np.any`. The wrapped environment may be anything.
        """

    def check_spaces(self) -> None:
        """Hook that raises `InvalidField` if the wrapper cannot use the wrapped environment's spaces.

        It runs after `check_values`, and only if every leaf is a plain number (`has_plain_values`), here and in the
        wrapped environment. So spaces may be built and their bounds read.
        """

    is_transparent: ClassVar[bool] = False
    """Whether it changes nothing but how a step is computed: states, spaces and results are the wrapped ones."""

    @abc.abstractmethod
    def inner_state(self, state: State) -> Any:
        """The wrapped environment's state inside this wrapper's state."""

    def after_episode(self, state: State) -> Self:
        """The wrapper around the wrapped environment as it is after the episode; see `Env.after_episode`."""
        if not type(unwrap(self)).changes_between_episodes:
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
    """A wrapper that has state of its own in addition to the wrapped environment's."""

    def inner_state(self, state: WState) -> Any:
        return state.inner

    def render(self, state: WState) -> Array:
        """Draws the state as the wrapped environment does: (height, width, 3) uint8."""
        return self.env.render(state.inner)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """The wrapped environment's reward range; a wrapper that changes rewards overrides it."""
        return self.env.reward_range


class SameObservations:
    """Mix-in of a wrapper that does not change the observation space.

    If it does not change the observations either, it sets `observe = inner_observation`.
    """

    env: Env[Any, Any]

    @property
    def observation_space(self) -> Space[Any]:
        """The wrapped environment's observation space."""
        return self.env.observation_space


class SameActions:
    """Mix-in of a wrapper that does not change the action space."""

    env: Env[Any, Any]

    @property
    def action_space(self) -> Space[Any]:
        """The wrapped environment's action space."""
        return self.env.action_space


def inner_observation(self: Wrapper[Any, Any], state: Any) -> Any:
    """The wrapped environment's observation of the state inside `state`, for wrappers that do not change it."""
    return self.env.observe(self.inner_state(state))


def has_plain_values(tree: Any) -> bool:
    """Whether the leaves are Python or NumPy numbers, or single numbers on a device, as written by a user.

    It is False for what JAX transformations produce: tracers, batches of parameters, placeholders.
    """
    leaves = jax.tree.leaves(tree)
    return all(is_concrete(leaf) and not (isinstance(leaf, Array) and leaf.ndim) for leaf in leaves)


def is_concrete(leaf: Any) -> bool:
    """Whether a leaf is a number or an array whose values can be inspected."""
    if isinstance(leaf, Array):
        return not isinstance(leaf, Tracer) and leaf.is_fully_addressable and not leaf.is_deleted()
    return isinstance(leaf, int | float | np.generic | np.ndarray)


def _own_leaves(wrapper: Wrapper[Any, Any]) -> list[Any]:
    """The leaves of a wrapper that do not belong to the wrapped environment."""
    own = [field.name for field in fields_of(type(wrapper)) if not field.is_static and field.name != "env"]
    return jax.tree.leaves([getattr(wrapper, name) for name in own])


def resets_itself(env: Env[Any, Any]) -> bool:
    """Whether an environment is an AutoReset, or has one among its wrappers."""
    return any(wrapper.placement == "between" for wrapper in wrappers_of(env))


def _check_placement(wrapper: Wrapper[Any, Any]) -> None:
    """Raises `WrapperOrderError` if a wrapper, or one inside it, is on the wrong side of AutoReset."""
    name, is_auto_reset = type(wrapper).__name__, wrapper.placement == "between"
    if (is_auto_reset or wrapper.placement == "inside") and resets_itself(wrapper.env):
        advice = "Drop one of them." if is_auto_reset else f"Put it inside: `AutoReset({name}(env, ...))`."
        raise WrapperOrderError(f"{name} cannot go around AutoReset, which hides where episodes begin. {advice}")
    if is_auto_reset:
        for inner in wrappers_of(wrapper.env):
            if inner.placement == "around":
                name = type(inner).__name__
                raise WrapperOrderError(
                    f"{name} cannot go inside AutoReset, which would reset its statistics with every episode."
                    f" Put it around: `{name}(AutoReset(env), ...)`."
                )


def unwrap(env: Env[Any, Any]) -> Env[Any, Any]:
    """The base environment under all wrappers."""
    while isinstance(env, Wrapper):
        env = env.env
    return env


def unwrap_state(env: Env[Any, Any], state: Any) -> Any:
    """The base environment's state inside `state`, a state of `env`."""
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
