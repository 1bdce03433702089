"""The contract: an environment is a value, and `step` is a scan body.

    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 4096))
    state, trajectory = jax.lax.scan(jax.vmap(env.step), state, actions)

`step` has the signature of `jax.lax.scan`'s body, `(carry, x) -> (carry, y)`: the state is what the
simulator needs next, the timestep is what the agent sees now.
"""

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.errors import InvalidField, NotObservable
from jaxenvs.core.flax_state import offer_to_flax
from jaxenvs.core.pytree import PyTreeNode, adopt_integers
from jaxenvs.core.random import Key
from jaxenvs.core.spaces import Space

State = TypeVar("State")
Obs = TypeVar("Obs")


class TimeStep(PyTreeNode, Generic[Obs]):
    """What the agent sees after a reset or a step.

    Attributes:
        observation: what the agent acts on next.
        reward: () float32; 0 at reset.
        terminated: () bool; the task itself ended, so the value of what follows is 0.
        truncated: () bool; the episode was stopped from outside, so a learner bootstraps from
            `final_observation`. Both flags can be set at once.
        final_observation: what this transition led to. It is `observation`, except where AutoReset
            has already begun the next episode: then `observation` opens that one.
        info: further arrays, with the same keys, shapes and dtypes at reset and at every step.
    """

    observation: Obs
    reward: Array
    terminated: Array
    truncated: Array
    final_observation: Obs
    info: dict[str, Array]

    @property
    def done(self) -> Array:
        """() bool: the episode is over, for either reason."""
        return self.terminated | self.truncated

    @property
    def discount(self) -> Array:
        """() float32: 0 where the task ended, else 1; the factor for the value of what follows."""
        return 1.0 - self.terminated.astype(jnp.float32)


def restart(observation: Obs, info: Mapping[str, Array] | None = None) -> TimeStep[Obs]:
    """The timestep that opens an episode: reward 0, neither flag set."""
    return transition(observation, 0.0, False, info)


def transition(
    observation: Obs, reward: ArrayLike, terminated: ArrayLike, info: Mapping[str, Array] | None = None
) -> TimeStep[Obs]:
    """The timestep after a step of a base environment, which never truncates.

    Args:
        observation: what the transition led to.
        reward: (), cast to float32.
        terminated: (), cast to bool.
        info: further arrays; the keys must be those that `restart` was given.
    """
    return TimeStep(
        observation=observation,
        reward=jnp.asarray(reward, jnp.float32),
        terminated=jnp.asarray(terminated, bool),
        truncated=jnp.zeros((), bool),
        final_observation=observation,
        info=dict(info or {}),
    )


class Env(PyTreeNode, abc.ABC, Generic[State, Obs]):
    """An environment: a frozen pytree whose `reset` and `step` are pure functions.

    Fields that hold physical numbers are leaves, so a batch of them steps under `vmap`, a gradient
    reaches them, and one trace serves all values where the environment is an argument of the jitted
    function. Fields marked `static` are part of the program. Derived numbers are properties.

    Base environments never truncate and never reset themselves: see `TimeLimit` and `AutoReset`.
    """

    reset_is_costly: ClassVar[bool] = False
    """Whether `reset` costs so much more than `step` that AutoReset should compute it only where an
    episode ended, rather than everywhere and select."""

    frames_per_second: ClassVar[int] = 30
    """How many steps make a second when an episode is shown as an animation."""

    outlives_episodes: ClassVar[bool] = False
    """Whether something goes on from episode to episode: whether `after_episode` is defined."""

    reset_options: ClassVar[Mapping[str, str]] = {}
    """The options of Gymnasium's `reset(options=)` for this task: name of the option, and the field that
    takes its value for the episode that begins."""

    def __post_init__(self) -> None:
        adopt_integers(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            numeric = isinstance(value, float | np.floating | np.ndarray)
            if numeric and np.issubdtype(np.asarray(value).dtype, np.floating) and np.isnan(value).any():
                raise InvalidField(f"{type(self).__name__}: field `{field.name}` is NaN; give it a number.")
        self.check_fields()
        offer_to_flax()

    def check_fields(self) -> None:
        """Hook: raises `InvalidField` where the fields, as far as they are concrete, make no sense together.

        It runs whenever the environment is made with values, and not where JAX rebuilds it from its leaves.
        A value may be a tracer: look only at static fields and at leaves that are Python numbers.
        """

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """Bounds of the reward of a step, () each; infinite where there are none, or none are known."""
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
            action: an element of `action_space`. A wrong shape or dtype raises `InvalidAction`
                before tracing, and so does a value outside a discrete space, if it is concrete. What a
                traced value out of range does is defined by the environment.

        Returns:
            The next state, of the same structure, shapes and dtypes, and the timestep.
        """

    @abc.abstractmethod
    def render(self, state: State) -> Array:
        """Draws the state: (height, width, 3) uint8."""

    def after_episode(self, state: State) -> Self:
        """The environment that the next episode begins in, after one that ended in `state`: itself, by default.

        Tasks that grow with success, or change with time, return themselves with other values of leaves, and say
        so by `outlives_episodes`. AutoReset and the adapters begin each episode but the first in it.
        """
        del state
        return self

    def observe(self, state: State) -> Obs:
        """The observation of `state`, for tasks where it is a function of the state alone: define it there.

        `reset` and `step` then return `observe` of the state that they return. AutoReset computes it once
        for the state that an episode goes on in or begins with, rather than for both. A class that redefines
        `reset` or `step` redefines `observe`, too, or AutoReset does without it.

        Raises:
            NotObservable: the observation depends on more than the state.
        """
        raise NotObservable(
            f"{type(self).__name__} does not define `observe`: take the observation from `reset` and `step`."
        )

    @property
    def can_observe(self) -> bool:
        """Whether `observe` is defined, and by no base of a class that redefines `reset` or `step`."""
        return vouches_for_observe(type(self))


def vouches_for_observe(cls: type[Env[Any, Any]]) -> bool:
    """Whether a class defines `observe`, and no class derived from the one that does redefines `reset` or `step`."""
    owners = {name: _owner(cls, name) for name in ("observe", "reset", "step")}
    return all(issubclass(owners["observe"], owners[name]) for name in ("reset", "step"))


def _owner(cls: type, name: str) -> type:
    """The class, `cls` or a base, whose definition of `name` holds in `cls`."""
    return next(base for base in cls.__mro__ if name in vars(base))


class RendersText(abc.ABC):
    """An environment that can also be shown as text in a terminal."""

    @abc.abstractmethod
    def render_text(self, state: Any) -> str:
        """The state as lines of text, with ANSI colours; runs on the host, outside any trace."""
