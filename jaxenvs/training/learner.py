"""Learner: the base class of learning algorithms, whose `train` is one program."""

import abc
import dataclasses
import math
import operator
from typing import Any, Generic, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.sharding import Mesh
from jax.typing import ArrayLike

from jaxenvs.core.checks import INT32_MAX, check_integer, check_range
from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.fusion import Fused
from jaxenvs.random import Key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training.host_loop import Callback, train_in_calls
from jaxenvs.training.schedule import after, steps_taken
from jaxenvs.training.settings import checked, hints_of, nearest_setting
from jaxenvs.wrappers import AutoReset, EpisodeStatistics


class TrainState(PyTreeNode):
    """Everything that training needs to continue. Each learner has its own subclass.

    Attributes:
        agent: the contents of the learner's policy (weights, observation statistics). It is all you need to
            save unless training is to continue. A pytree of arrays.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far, over all parallel environments; see `Metrics`.
    """

    agent: Any
    updates: Array
    env_steps: Array


class Metrics(PyTreeNode):
    """The metrics of one update. Each learner has its own subclass, with its losses.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included. It is the number of updates times
            the steps per update, rounded to 24 bits: unlike an int32, a float32 does not overflow at 2**31.
        episodes: () int32, episodes that ended during this update.
        return_sum: () float32, the sum of their returns.
        length_sum: () float32, the sum of their lengths.
    """

    env_steps: Array
    episodes: Array
    return_sum: Array
    length_sum: Array

    @property
    def mean_return(self) -> Any:
        """() float32: the mean return of the episodes that ended; NaN if none did."""
        return mean_or_nan(self.return_sum, self.episodes)

    @property
    def mean_length(self) -> Any:
        """() float32: the mean length of the episodes that ended; NaN if none did."""
        return mean_or_nan(self.length_sum, self.episodes)

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """The figures of a report, by name: a sum and the number of its terms, whose quotient is shown.

        For a count, which a report adds up, the number of terms is None. They are those of episodes, and each field
        that a subclass has added, as a mean, unless the subclass has its own method.
        """
        own = [name for name in self.__dataclass_fields__ if name not in Metrics.__dataclass_fields__]
        return {**episode_figures(self), **{name: (getattr(self, name), 1) for name in own}}


def episode_figures(metrics: Metrics) -> dict[str, tuple[Any, Any]]:
    """The figures that every learner has; see `Metrics.figures`."""
    return {
        "mean_return": (metrics.return_sum, metrics.episodes),
        "mean_length": (metrics.length_sum, metrics.episodes),
        "episodes": (metrics.episodes, None),
    }


def mean_or_nan(total: Any, count: Any) -> Any:
    """`total / count`, float32; NaN if `count` is 0.

    The fields of metrics contain no such NaN, so that programs run under `jax_debug_nans`. Outside of tracing, NumPy
    does the division, which that setting does not check.
    """
    if isinstance(total, Tracer) or isinstance(count, Tracer):
        mean = total / jnp.maximum(count, 1).astype(jnp.float32)
        return jnp.where(count > 0, mean, jnp.nan)
    total, count = np.asarray(total), np.asarray(count)
    return np.divide(total, count, out=np.full(total.shape, np.nan, np.float32), where=count > 0, casting="same_kind")


State = TypeVar("State", bound=TrainState)


class Learner(PyTreeNode, abc.ABC, Generic[State]):
    """A learning algorithm with its settings: a frozen pytree whose methods are pure functions.

        learner = PPO(num_envs=8)
        state, metrics = jax.jit(learner.train)(env, jaxenvs.random.key(0))
        policy = learner.policy(env, state.agent)

    `learner.train(env, key, progress=True)`, without `jax.jit`, shows a progress bar.

    Settings that are real numbers are leaves, so `vmap` maps over them; sizes are static. Every
    method takes the plain environment, as `jaxenvs.make` returns it; the learner adds automatic resets
    and the counting of episodes. `jax.vmap(learner.train, in_axes=(None, 0))(env, keys)` trains
    one agent per key.

    With `mesh`, a mesh with an axis "data" or a number of devices, the environments are distributed over the
    devices and the weights are replicated. It is part of the program, so bind it before `jit`:
    `jax.jit(functools.partial(learner.train, mesh=8))(env, key)`. Learners without support for it raise an error.

    Training continues with `run`: `jax.jit(learner.run, static_argnums=2)(env, state, 100)` does 100 more updates.

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates; schedules run over
            this number, see `run`.
        num_envs: number of environments stepped in parallel.
    """

    total_steps: int = static(default=500_000)
    num_envs: int = static(default=8)

    def __new__(cls, *arguments: Any, **values: Any) -> Self:
        """Makes a learner, whose settings the constructor then sets.

        Raises:
            InvalidField: a keyword is not a setting.
        """
        known = cls.setting_names()
        for name in values:
            if name not in known:
                raise InvalidField(
                    f"{cls.__name__} has no setting `{name}`.{nearest_setting(name, known)}"
                    f" Its settings are: {', '.join(known)}."
                )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        name, hints = type(self).__name__, hints_of(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Env):
                raise InvalidField(
                    f"{name}: `{field.name}` was given an environment, which goes here: `{name}().train(env, key)`."
                )
            object.__setattr__(self, field.name, checked(name, field.name, value, hints[field.name]))
        self.check_count("total_steps", most=None)
        self.check_count("num_envs")
        self.check_fields()
        if max(self.steps_per_update, self.num_updates) > INT32_MAX:
            raise InvalidField(
                f"{name}: {self.total_steps:,} steps are {self.num_updates:,} updates of {self.steps_per_update:,}, and"
                f" neither may exceed {INT32_MAX:,}. Change `num_envs`, `num_steps` or `total_steps`."
            )

    @abc.abstractmethod
    def check_fields(self) -> None:
        """Raises `InvalidField` if the settings, as far as they are concrete, are inconsistent."""

    @property
    @abc.abstractmethod
    def steps_per_update(self) -> int:
        """Environment steps that one update takes, over all parallel environments."""

    @abc.abstractmethod
    def check_env(self, env: Env[Any, Any]) -> None:
        """Raises an error, before any tracing, if this learner cannot learn in `env`.

        Raises:
            InvalidField: the learner has no network for the observation or action space.
        """

    def check_mesh(self, mesh: Devices | None) -> Mesh | None:
        """The mesh that this learner would run on; None for the default device only.

        Raises:
            InvalidField: the learner supports one device, there are too few, or the settings divide the work unevenly.
        """
        if mesh is not None:
            raise InvalidField(f"{type(self).__name__} learns on one device. Leave out `mesh`, or use PPO.")
        return None

    @abc.abstractmethod
    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> State:
        """The state before the first update, with initial weights and newly started environments."""

    def update(
        self, env: Env[Any, Any], state: State, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[State, Any]:
        """One iteration: experience of `steps_per_update` steps, and learning from it.

        Args:
            env: the plain environment.
            state: the current state.
            horizon: () int32, the updates that schedules run over; None for `num_updates`. A schedule would reach
                its end only in the update after the horizon, and later updates count as the last one, so the
                learning rate is never 0.
            mesh: devices over which to distribute the environments.

        Returns:
            The next state, of the same structure, shapes and dtypes, and the metrics, a `Metrics`.
        """
        state, metrics, _ = self.update_with_endings(env, state, horizon=horizon, mesh=mesh)
        return state, metrics

    @abc.abstractmethod
    def update_with_endings(
        self, env: Env[Any, Any], state: State, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[State, Any, Endings]:
        """`update`, which also returns the ends of episodes, with axes (steps of each environment, num_envs)."""

    @abc.abstractmethod
    def policy(self, env: Env[Any, Any], agent: Any, *, stochastic: bool = False) -> Policy:
        """The learnt policy: a pytree for `rollout` and `evaluate`.

        Args:
            env: the environment in which it was learnt.
            agent: the field `agent` of a train state.
            stochastic: whether to act as during training rather than in the best known way.
        """

    @property
    def num_updates(self) -> int:
        """Updates that `train` does: `total_steps`, rounded up to whole updates."""
        return -(-self.total_steps // self.steps_per_update)

    def extended(self, total_steps: int) -> Self:
        """The learner with more `total_steps`, to continue training with a state of this learner."""
        return self.replace(total_steps=total_steps)

    def run(
        self, env: Env[Any, Any], state: State, num_updates: int, *, mesh: Devices | None = None
    ) -> tuple[State, Any]:
        """Does `num_updates` updates.

        Schedules run over `total_steps`. If that ends before the last of these updates, they run to the end of these
        updates instead: training that continues after `train` has the learning rate that it would have at that
        point of a training of the whole length.

        Returns:
            The state, and the metrics with a leading axis of length `num_updates`.

        Raises:
            InvalidField: `num_updates` is not an integer of at least 0.
        """
        num_updates = checked_count(self, num_updates)
        horizon = jnp.maximum(after(state.updates, num_updates), self.num_updates)
        return jax.lax.scan(
            lambda carry, _: self.update(env, carry, horizon=horizon, mesh=mesh), state, None, length=num_updates
        )

    def train(
        self,
        env: Env[Any, Any],
        key: Key,
        *,
        mesh: Devices | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> tuple[State, Any]:
        """Learns from scratch, as one program: `init`, then `num_updates` updates.

        With `progress` or `callback`, it compiles a program of a few updates and calls it repeatedly, which gives the
        same results up to rounding. Without them nothing says that training diverged, since a program cannot raise
        errors: look for NaN in `state.agent` afterwards.

        Args:
            env: the plain environment.
            key: the key that all of training depends on.
            mesh: devices over which to distribute the environments.
            progress: whether to show a progress bar with the mean return. This needs tqdm, and cannot be jitted.
            callback: called as `callback(state, metrics)` about twice per second, with the train state and the
                metrics of the updates since the last call; training ends if it returns true. Cannot be jitted.

        Returns:
            The state, and the metrics with a leading axis of length `num_updates`, or of the updates done.

        Raises:
            Diverged: weights became NaN, with `progress` or `callback`.
        """
        if progress or callback is not None:
            checked_mesh = self.check_mesh(mesh)
            return train_in_calls(self, env, key, mesh=checked_mesh, progress=progress, callback=callback)
        return self.run(env, self.init(env, key, mesh=mesh), self.num_updates, mesh=mesh)

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        """The names of the settings, those of `Learner` first."""
        return tuple(field.name for field in dataclasses.fields(cls))  # pyright: ignore[reportArgumentType]

    def check_count(self, name: str, least: int = 1, most: int | None = INT32_MAX) -> None:
        """Raises `InvalidField` if the static field `name` is not an integer in [least, most]."""
        check_integer(self, name, getattr(self, name), least, most)

    def check_range(self, name: str, low: float, high: float = math.inf, *, above: bool = False) -> None:
        """Raises `InvalidField` if the field `name` is known to be outside [low, high], or (low, high] if `above`."""
        check_range(self, name, getattr(self, name), low, high, above=above, on_device=True)

    def check_hidden_sizes(self, hidden_sizes: Any) -> None:
        """Raises `InvalidField` if `hidden_sizes` is not a tuple of positive integers."""
        if not isinstance(hidden_sizes, tuple) or not all(type(n) is int and n > 0 for n in hidden_sizes):
            raise InvalidField(
                f"{type(self).__name__}: `hidden_sizes` must be a tuple of positive integers, got {hidden_sizes!r}."
            )

    def check_is_env(self, env: Any) -> None:
        """Raises `InvalidField` if `env` is not an environment, or this learner is a batch of learners."""
        self.check_scalars()
        check_is_env(type(self).__name__, env)

    def check_has_one_agent(self, env: Env[Any, Any]) -> None:
        """Raises `InvalidField` if several players act in turn in `env`: this learner's rewards are of one agent."""
        base, name = unwrap(env), type(self).__name__
        if base.num_players > 1:
            raise InvalidField(
                f"{name} learns for one agent, and in {type(base).__name__} {base.num_players} players act in turn. Use"
                " AlphaZero, or an environment whose `step` makes the opponent's moves, such as `TicTacToe-v0` for"
                " `two_player/TicTacToe-v0`."
            )

    def check_scalars(self) -> None:
        """Raises `InvalidField` if a setting contains several numbers outside of a `vmap` over them."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | Array) and value.ndim:
                raise InvalidField(
                    f"{type(self).__name__}: `{field.name}` is an array of shape {value.shape}, but a training"
                    " takes a single number. To train with several, `jax.vmap` over"
                    f" `learner.replace({field.name}=value).train(env, key)`."
                )


def checked_count(learner: Learner[Any], num_updates: Any) -> int:
    """`num_updates` as an int; raises `InvalidField` if it is not a non-negative int32."""
    try:
        count = -1 if isinstance(num_updates, bool) else operator.index(num_updates)
    except TypeError:
        count = -1
    if not 0 <= count <= INT32_MAX:
        raise InvalidField(
            f"{type(learner).__name__}: run takes a number of updates, an integer of at least 0, got {num_updates!r}."
            " Under `jax.jit` it is a static argument."
        )
    return count


def training_env(env: Env[Any, Any]) -> Env[Any, Any]:
    """`env` with what learners need: automatic resets, and the counting of returns and lengths.

    Wrappers for these that it already has remain in place. Those of a fused environment are fused with it.
    """
    if isinstance(env, Fused):
        return Fused(training_env(env.env))
    wrappers = wrappers_of(env)
    if not any(isinstance(wrapper, AutoReset) for wrapper in wrappers):
        env = AutoReset(env=env)
    if not any(isinstance(wrapper, EpisodeStatistics) for wrapper in wrappers):
        env = EpisodeStatistics(env=env)
    return env


def counted(learner: Learner[Any], updates: Array) -> dict[str, Array]:
    """The counters of a train state after one more update."""
    updates = after(updates, 1)
    return {"updates": updates, "env_steps": steps_taken(updates, learner.steps_per_update)}


def horizon_of(learner: Learner[Any], updates: Array, horizon: ArrayLike | None) -> Array:
    """() int32: the updates that schedules run over, which always include this one."""
    asked = jnp.asarray(learner.num_updates if horizon is None else horizon, jnp.int32)
    return jnp.maximum(asked, after(updates, 1))


def episode_sums(endings: Endings) -> dict[str, Array]:
    """The fields of `Metrics` about the episodes that ended: their number, and the sums of returns and lengths."""
    return {
        "episodes": endings.ended.sum(dtype=jnp.int32),
        "return_sum": masked_sum(endings.episode_return, endings.ended),
        "length_sum": masked_sum(endings.length, endings.ended),
    }


def masked_sum(values: Array, mask: Array) -> Array:
    """() float32: the sum of `values` where `mask`."""
    return jnp.where(mask, values, 0).astype(jnp.float32).sum()
