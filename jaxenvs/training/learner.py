"""Learner: what every learning algorithm is, a value whose `train` is one program."""

import abc
import dataclasses
import math
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.pytree import PyTreeNode, adopt_integers, static
from jaxenvs.core.random import Key
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.rollout.mesh import Devices
from jaxenvs.rollout.policy import Policy
from jaxenvs.wrappers import AutoReset, EpisodeStatistics


class TrainState(PyTreeNode):
    """Everything that training needs to go on. Each learner derives its own.

    Attributes:
        agent: what the learner's policy is made of (weights, observation statistics): the part to save
            where training need not go on. A pytree of arrays.
        updates: () int32, updates done so far.
        env_steps: () int32, environment steps taken so far, over all parallel environments.
    """

    agent: Any
    updates: Array
    env_steps: Array


class Metrics(PyTreeNode):
    """What one update measured. Each learner derives its own, with its losses.

    Attributes:
        env_steps: () int32, environment steps taken so far, this update's included.
        episodes: () int32, episodes that ended during this update.
        mean_return: () float32, their mean return; NaN where `episodes` is 0.
        mean_length: () float32, their mean length; NaN where `episodes` is 0.
    """

    env_steps: Array
    episodes: Array
    mean_return: Array
    mean_length: Array


State = TypeVar("State", bound=TrainState)


class Learner(PyTreeNode, abc.ABC, Generic[State]):
    """A learning algorithm with its settings: a frozen pytree whose methods are pure functions.

        learner = PPO(num_envs=8)
        state, metrics = jax.jit(learner.train)(env, jaxenvs.random.key(0))
        policy = learner.policy(env, state.agent)

    Settings that are real numbers are leaves, so `vmap` maps over them; sizes are static. Every
    method takes the plain environment, as `jaxenvs.make` returns it; the learner itself makes it
    reset and counts its episodes. `jax.vmap(learner.train, in_axes=(None, 0))(env, keys)` trains
    one agent a key.

    With `mesh`, a mesh with an axis "data" or a number of devices, the environments are spread over the
    devices and weights are on all of them. It belongs to the program, so bind it before `jit`:
    `jax.jit(functools.partial(learner.train, mesh=8))(env, key)`. Learners that cannot do so refuse it.

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates; schedules
            run over this many.
        num_envs: environments stepped side by side.
    """

    total_steps: int = static(default=500_000)
    num_envs: int = static(default=8)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # as JSON returns a tuple
                object.__setattr__(self, field.name, tuple(value))
            if isinstance(value, float | np.floating) and math.isnan(value):
                raise InvalidField(f"{type(self).__name__}: `{field.name}` is NaN; give it a number.")
        adopt_integers(self)
        for name in ("total_steps", "num_envs"):
            self.check_count(name)
        self.check_fields()

    @abc.abstractmethod
    def check_fields(self) -> None:
        """Raises `InvalidField` where the settings, as far as they are concrete, make no sense together."""

    @property
    @abc.abstractmethod
    def steps_per_update(self) -> int:
        """Environment steps that one update takes, over all parallel environments."""

    @abc.abstractmethod
    def check_env(self, env: Env[Any, Any]) -> None:
        """Raises, before any tracing, where this learner cannot learn in `env`.

        Raises:
            InvalidField: an observation or action space that the learner has no network for.
        """

    @abc.abstractmethod
    def check_mesh(self, mesh: Devices | None) -> Mesh | None:
        """The mesh that this learner would run on; None for the default device alone.

        Raises:
            InvalidField: the learner learns on one device, there are not so many, or its settings do not
                let them share the work evenly.
        """

    @abc.abstractmethod
    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> State:
        """The state before the first update: fresh weights, freshly started environments."""

    @abc.abstractmethod
    def update(self, env: Env[Any, Any], state: State, *, mesh: Devices | None = None) -> tuple[State, Any]:
        """One iteration: experience of `steps_per_update` steps, and what is learnt from it.

        Returns:
            The next state, of the same structure, shapes and dtypes, and the metrics, a `Metrics`.
        """

    @abc.abstractmethod
    def policy(self, env: Env[Any, Any], agent: Any, *, stochastic: bool = False) -> Policy:
        """What was learnt, as a policy: a pytree for `rollout` and `evaluate`.

        Args:
            env: the environment that it was learnt in.
            agent: the field `agent` of a train state.
            stochastic: act as during training, rather than the best known way.
        """

    @property
    def num_updates(self) -> int:
        """Updates that `train` does: `total_steps`, rounded up to whole updates."""
        return -(-self.total_steps // self.steps_per_update)

    def run(
        self, env: Env[Any, Any], state: State, num_updates: int, *, mesh: Devices | None = None
    ) -> tuple[State, Any]:
        """Does `num_updates` updates.

        Returns:
            The state, and the metrics with a leading axis of length `num_updates`.
        """
        return jax.lax.scan(lambda carry, _: self.update(env, carry, mesh=mesh), state, None, length=num_updates)

    def train(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> tuple[State, Any]:
        """Learns from scratch, as one program: `init`, then `num_updates` updates.

        Returns:
            The state, and the metrics with a leading axis of length `num_updates`.
        """
        return self.run(env, self.init(env, key, mesh=mesh), self.num_updates, mesh=mesh)

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        """The names of the settings, those of `Learner` first."""
        return tuple(field.name for field in dataclasses.fields(cls))  # pyright: ignore[reportArgumentType]

    def check_count(self, name: str, least: int = 1) -> None:
        """Raises `InvalidField` where the static field `name` is no integer of at least `least`."""
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidField(
                f"{type(self).__name__}: `{name}` must be an integer of at least {least}, got {value!r}."
            )

    def check_range(self, name: str, low: float, high: float = math.inf) -> None:
        """Raises `InvalidField` where the field `name` is a Python number outside [low, high]."""
        value = getattr(self, name)
        if isinstance(value, int | float) and not low <= value <= high:
            span = f"at least {low}" if high == math.inf else f"in [{low}, {high}]"
            raise InvalidField(f"{type(self).__name__}: `{name}` must be {span}, got {value!r}.")

    def check_hidden_sizes(self, hidden_sizes: Any) -> None:
        """Raises `InvalidField` where `hidden_sizes` is no tuple of positive integers."""
        if not isinstance(hidden_sizes, tuple) or not all(isinstance(n, int) and n > 0 for n in hidden_sizes):
            raise InvalidField(
                f"{type(self).__name__}: `hidden_sizes` must be a tuple of positive integers, got {hidden_sizes!r}."
            )

    def check_is_env(self, env: Any) -> None:
        """Raises `InvalidField` where `env` is no environment."""
        name = type(self).__name__
        if isinstance(env, str):
            raise InvalidField(f"{name} takes an environment, got the string {env!r}. Write `jaxenvs.make({env!r})`.")
        if not isinstance(env, Env):
            raise InvalidField(
                f"{name} takes a jaxenvs.Env, got {type(env).__name__}. Build one with `jaxenvs.make(id)`."
            )


def training_env(env: Env[Any, Any]) -> Env[Any, Any]:
    """`env` as learners play it: it begins anew after each episode, and counts returns and lengths.

    What it has of these already stays where it is.
    """
    wrappers = wrappers_of(env)
    if not any(isinstance(wrapper, AutoReset) for wrapper in wrappers):
        env = AutoReset(env=env)
    if not any(isinstance(wrapper, EpisodeStatistics) for wrapper in wrappers):
        env = EpisodeStatistics(env=env)
    return env


def progress(learner: Learner[Any], env_steps: Array) -> Array:
    """() float32 in [0, 1]: the share of training that is done after `env_steps` steps."""
    return jnp.minimum(env_steps.astype(jnp.float32) / (learner.num_updates * learner.steps_per_update), 1.0)


def masked_mean(values: Array, mask: Array) -> Array:
    """() float32: the mean of `values` where `mask`; NaN where it is false throughout."""
    count = mask.sum(dtype=jnp.int32)
    total = jnp.where(mask, values, 0).astype(jnp.float32).sum()
    return jnp.where(count > 0, total / jnp.maximum(count, 1).astype(jnp.float32), jnp.nan)
