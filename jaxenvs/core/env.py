"""The contract: an environment is a value, and `step` is a scan body.

    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 4096))
    state, trajectory = jax.lax.scan(jax.vmap(env.step), state, actions)

`step` has the signature of `jax.lax.scan`'s body, `(carry, x) -> (carry, y)`: the state is what the
simulator needs next, the timestep is what the agent sees now.
"""

import abc
import functools
import inspect
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar

from jax import Array

from jaxenvs.core import attributes, fields
from jaxenvs.core.calls import explained
from jaxenvs.core.flax_state import offer_to_flax
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.timestep import TimeStep as TimeStep
from jaxenvs.core.timestep import restart as restart
from jaxenvs.core.timestep import transition as transition
from jaxenvs.errors import InvalidEnv, InvalidField, NotObservable, RenderingUnavailable
from jaxenvs.random import Key
from jaxenvs.spaces import Space
from jaxenvs.spaces.dict import twin_hint

State = TypeVar("State")
Obs = TypeVar("Obs")


class Env(PyTreeNode, abc.ABC, Generic[State, Obs]):
    """An environment: a frozen pytree whose `reset` and `step` are pure functions.

    Fields that hold physical numbers are leaves. So a batch of them steps under `vmap`, gradients reach them, and
    one trace serves all values if the environment is an argument of the jitted function. Fields marked `static`
    are part of the program. Derived numbers are properties.

    Base environments never truncate and never reset themselves: see `TimeLimit` and `AutoReset`.
    """

    reset_is_costly: ClassVar[bool] = False
    """Whether `reset` costs so much more than `step` that AutoReset should compute it only for lanes in which an
    episode ended, rather than for all lanes."""

    frames_per_second: ClassVar[int] = 30
    """Number of steps per second when an episode is shown as an animation."""

    changes_between_episodes: ClassVar[bool] = False
    """Whether something is carried from one episode to the next, that is, whether `after_episode` is defined."""

    num_players: ClassVar[int] = 1
    """Number of players that act in turn, each with its own reward; learners for one agent need 1."""

    training_fields: ClassVar[Mapping[str, Any]] = {}
    """Fields that only training changes, and the values that `evaluation` gives them."""

    reset_options: ClassVar[Mapping[str, str]] = {}
    """The options of Gymnasium's `reset(options=)` for this task: the name of each option, and the field that takes
    its value for the episode that begins."""

    def __init_subclass__(cls, **options: Any) -> None:
        attributes.check_class(cls)
        for name in ("reset", "step", "render", "observe"):
            method = vars(cls).get(name)
            if inspect.isfunction(method) and not getattr(method, "__isabstractmethod__", False):
                setattr(cls, name, explained(name, method))
        for name in ("observation_space", "action_space"):
            space = vars(cls).get(name)
            if isinstance(space, property) and not getattr(space, "__isabstractmethod__", False):
                setattr(cls, name, _checked_space(name, space))
        super().__init_subclass__(**options)

    def __new__(cls, *arguments: Any, **values: Any) -> Self:
        """Makes an environment, whose fields the constructor then sets.

        Raises:
            InvalidEnv: methods are missing.
            InvalidField: a keyword is not a field.
        """
        if cls.__abstractmethods__:
            raise InvalidEnv(attributes.what_is_missing(cls))
        if not values.keys() <= cls.__dataclass_fields__.keys():
            fields.check_names(cls, tuple(values), cls.__name__, attributes.hint_within(cls, values))
        return super().__new__(cls)

    def __post_init__(self) -> None:
        fields.check_fields(self, self.check_fields)
        offer_to_flax()

    if not TYPE_CHECKING:  # to a type checker, it would mean that any attribute exists

        def __getattr__(self, name: str) -> NoReturn:
            attributes.raise_not_found(self, name)

        def __iter__(self) -> NoReturn:
            attributes.raise_not_a_pair(self)

    def check_fields(self) -> None:
        """Hook that raises `InvalidField` if the fields, as far as they are concrete, are inconsistent.

        It runs whenever the environment is made with values, but not when JAX rebuilds it from its leaves. A value
        may be a tracer, so look only at static fields and at leaves that are Python numbers.
        """

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """Bounds of the reward of a step, () each; infinite if there are none, or none are known."""
        return -math.inf, math.inf

    @property
    @abc.abstractmethod
    def observation_space(self) -> Space[Any]:
        """The set that every observation lies in."""

    @property
    @abc.abstractmethod
    def action_space(self) -> Space[Any]:
        """The set that actions are taken from."""

    @abc.abstractmethod
    def reset(self, key: Key) -> tuple[State, TimeStep[Obs]]:
        """Begins an episode.

        Args:
            key: a scalar random key; the start state is a function of it.

        Returns:
            The state, and a timestep with reward 0 and neither flag set.
        """

    @abc.abstractmethod
    def step(self, state: State, action: Array) -> tuple[State, TimeStep[Obs]]:
        """Applies one action.

        Args:
            state: what `reset` or `step` returned.
            action: an element of `action_space`. A wrong shape or dtype raises `InvalidAction` before tracing, and so
                does a concrete value outside a discrete space. The environment defines what a traced value out of
                range does.

        Returns:
            The next state, of the same structure, shapes and dtypes, and the timestep.
        """

    def render(self, state: State) -> Array:
        """Draws the state: (height, width, 3) uint8. It is optional: see `can_render`.

        Raises:
            RenderingUnavailable: the class does not define it.
        """
        del state
        raise RenderingUnavailable(
            f"{type(self).__name__} has no picture: its class does not define `render`. Write one that returns a"
            " (height, width, 3) uint8 array, say with `jaxenvs.canvas`, or leave pictures and videos out."
        )

    @property
    def can_render(self) -> bool:
        """Whether `render` is defined, and what it needs was given."""
        return type(self).render is not Env.render

    def after_episode(self, state: State) -> Self:
        """The environment that the next episode begins in, after one that ended in `state`: itself, by default.

        Tasks that get harder with success, or change with time, return themselves with other values of leaves, and
        set `changes_between_episodes`. AutoReset and the adapters begin every episode except the first in it.
        """
        del state
        return self

    def observe(self, state: State) -> Obs:
        """The observation of `state`; define it if the observation is a function of the state alone.

        `reset` and `step` then return `observe` of the state that they return. AutoReset computes it once, for the
        state in which an episode continues or begins, rather than for both. A class that redefines `reset` or
        `step` must redefine `observe` as well, or AutoReset does not use it.

        Raises:
            NotObservable: the observation depends on more than the state.
        """
        raise NotObservable(
            f"{type(self).__name__} does not define `observe`: take the observation from `reset` and `step`."
        )

    @property
    def can_observe(self) -> bool:
        """Whether `observe` is defined, and by no base of a class that redefines `reset` or `step`."""
        return defines_observe(type(self))


for _name in ("render", "observe"):
    setattr(Env, _name, explained(_name, vars(Env)[_name]))


def defines_observe(cls: type[Env[Any, Any]]) -> bool:
    """Whether a class defines `observe`, and no class derived from the defining one redefines `reset` or `step`."""
    owners = {name: _owner(cls, name) for name in ("observe", "reset", "step")}
    return all(issubclass(owners["observe"], owners[name]) for name in ("reset", "step"))


def _owner(cls: type, name: str) -> type:
    """The class, `cls` or a base, whose definition of `name` applies to `cls`."""
    return next(base for base in cls.__mro__ if name in vars(base))


def _checked_space(name: str, space: property) -> property:
    """The property `space`, which raises `InvalidEnv` if its value is not a space of jaxenvs.

    Args:
        name: "observation_space" or "action_space".
        space: a property of an environment.
    """
    read = space.fget
    assert read is not None

    @functools.wraps(read)
    def checked(env: Any) -> Any:
        value = read(env)
        if not isinstance(value, Space):
            raise InvalidEnv(
                f"`{type(env).__name__}.{name}` must return a space from `jaxenvs.spaces`, got {value!r} of the class"
                f" {type(value).__module__}.{type(value).__qualname__}.{twin_hint(value)}"
            )
        return value

    return property(checked, doc=space.__doc__)


def check_is_env(caller: str, env: Any) -> None:
    """Raises `InvalidField` if `env` is not an environment.

    Args:
        caller: the name of the function or class that takes it, for the message.
        env: what was given.
    """
    if isinstance(env, Env):
        return
    if isinstance(env, str):
        raise InvalidField(f"{caller} takes an environment, got the string {env!r}. Write `jaxenvs.make({env!r})`.")
    raise InvalidField(f"{caller} takes a jaxenvs.Env, got {kind_of(env)}. Build one with `jaxenvs.make(id)`.")


def kind_of(value: Any) -> str:
    """What was given in place of an environment: a class, a function, or an object of some class."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"the function `{value.__name__}`" if inspect.isroutine(value) else type(value).__name__


class RendersText(abc.ABC):
    """An environment that can also be shown as text in a terminal."""

    @abc.abstractmethod
    def render_text(self, state: Any) -> str:
        """The state as lines of text, with ANSI colours; runs on the host, outside any trace."""
