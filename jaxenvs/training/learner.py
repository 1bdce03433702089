"""Learner: what every learning algorithm is, a value whose `train` is one program."""

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

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.wrapper import wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.rollouts.policy import Policy
from jaxenvs.training.host_loop import Callback, train_in_calls
from jaxenvs.training.schedule import after, steps_taken
from jaxenvs.training.settings import MOST, check_range, checked, hints_of
from jaxenvs.wrappers import AutoReset, EpisodeStatistics


class TrainState(PyTreeNode):
    """Everything that training needs to go on. Each learner derives its own.

    Attributes:
        agent: what the learner's policy is made of (weights, observation statistics): the part to save
            where training need not go on. A pytree of arrays.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far, over all parallel environments; see `Metrics`.
    """

    agent: Any
    updates: Array
    env_steps: Array


class Metrics(PyTreeNode, abc.ABC):
    """What one update measured. Each learner derives its own, with its losses.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included. Updates times steps per
            update, rounded to 24 bits: float32 has no end at 2**31.
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
        """() float32: the mean return of the episodes that ended; NaN where none did."""
        return mean_or_nan(self.return_sum, self.episodes)

    @property
    def mean_length(self) -> Any:
        """() float32: the mean length of the episodes that ended; NaN where none did."""
        return mean_or_nan(self.length_sum, self.episodes)

    @abc.abstractmethod
    def figures(self) -> dict[str, tuple[Any, Any]]:
        """What a report shows, by name: a sum and the number of its terms, whose quotient is shown.

        Of a count, which a report adds up, the number of terms is None.
        """


def episode_figures(metrics: Metrics) -> dict[str, tuple[Any, Any]]:
    """The figures that every learner has; see `Metrics.figures`."""
    return {
        "mean_return": (metrics.return_sum, metrics.episodes),
        "mean_length": (metrics.length_sum, metrics.episodes),
        "episodes": (metrics.episodes, None),
    }


def mean_or_nan(total: Any, count: Any) -> Any:
    """`total / count`, float32; NaN where `count` is 0.

    The fields of metrics hold no such NaN, so that programs run under `jax_debug_nans`. Outside of tracing, NumPy
    divides, whose NaN that setting lets pass.
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
    method takes the plain environment, as `jaxenvs.make` returns it; the learner itself makes it
    reset and counts its episodes. `jax.vmap(learner.train, in_axes=(None, 0))(env, keys)` trains
    one agent a key.

    With `mesh`, a mesh with an axis "data" or a number of devices, the environments are spread over the
    devices and weights are on all of them. It belongs to the program, so bind it before `jit`:
    `jax.jit(functools.partial(learner.train, mesh=8))(env, key)`. Learners that cannot do so refuse it.

    Training goes on with `run`: `jax.jit(learner.run, static_argnums=2)(env, state, 100)` does 100 updates more.

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates; schedules
            run over this many, see `run`.
        num_envs: environments stepped side by side.
    """

    total_steps: int = static(default=500_000)
    num_envs: int = static(default=8)

    def __post_init__(self) -> None:
        name = type(self).__name__
        hints = hints_of(type(self))
        for field in dataclasses.fields(self):
            value = checked(name, field.name, getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, value)
        self.check_count("total_steps", most=None)
        self.check_count("num_envs")
        self.check_fields()
        if max(self.steps_per_update, self.num_updates) > MOST:
            raise InvalidField(
                f"{name}: {self.total_steps:,} steps are {self.num_updates:,} updates of {self.steps_per_update:,}, and"
                f" neither may exceed {MOST:,}. Change `num_envs`, `num_steps` or `total_steps`."
            )

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
    def update(
        self, env: Env[Any, Any], state: State, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[State, Any]:
        """One iteration: experience of `steps_per_update` steps, and what is learnt from it.

        Args:
            env: the plain environment.
            state: the state before.
            horizon: () int32, the updates that schedules run over; None for `num_updates`. A schedule does not
                arrive at its end before the update after the horizon, and an update beyond it counts as the last
                one, so the learning rate is never 0.
            mesh: devices to spread the environments over.

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

    def extended(self, total_steps: int) -> Self:
        """The learner with more `total_steps`, for going on with a state that this one has trained: the state fits."""
        return self.replace(total_steps=total_steps)

    def run(
        self, env: Env[Any, Any], state: State, num_updates: int, *, mesh: Devices | None = None
    ) -> tuple[State, Any]:
        """Does `num_updates` updates.

        Schedules run over `total_steps`. Where that is over, or would be before the last of these updates, they
        run to the end of these updates instead: training that goes on after `train` learns at the rate that it
        would have there in a training of the whole length.

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

        With `progress` or `callback` it compiles by itself and calls a program of a few updates at a time, which
        computes the same up to rounding.

        Args:
            env: the plain environment.
            key: what all of training is a function of.
            mesh: devices to spread the environments over.
            progress: show a progress bar with the mean return; needs tqdm, and cannot itself be jitted.
            callback: called as `callback(state, metrics)` about twice a second, with the train state and the metrics
                of the updates since the call before; training ends where it returns true. Cannot itself be jitted.

        Returns:
            The state, and the metrics with a leading axis of length `num_updates`, or as many as were done.

        Raises:
            Diverged: with `progress` or `callback`, weights became NaN.
        """
        if progress or callback is not None:
            checked_mesh = self.check_mesh(mesh)
            return train_in_calls(self, env, key, mesh=checked_mesh, progress=progress, callback=callback)
        return self.run(env, self.init(env, key, mesh=mesh), self.num_updates, mesh=mesh)

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        """The names of the settings, those of `Learner` first."""
        return tuple(field.name for field in dataclasses.fields(cls))  # pyright: ignore[reportArgumentType]

    def check_count(self, name: str, least: int = 1, most: int | None = MOST) -> None:
        """Raises `InvalidField` where the static field `name` is not an integer in [least, most]."""
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidField(
                f"{type(self).__name__}: `{name}` must be an integer of at least {least}, got {value!r}."
            )
        if most is not None and value > most:
            raise InvalidField(f"{type(self).__name__}: `{name}` must be at most {most}, got {value!r}.")

    def check_range(self, name: str, low: float, high: float = math.inf, *, above: bool = False) -> None:
        """Raises `InvalidField` where the field `name` is known to lie outside [low, high]; see `check_range`."""
        check_range(type(self).__name__, name, getattr(self, name), low, high, above=above)

    def check_hidden_sizes(self, hidden_sizes: Any) -> None:
        """Raises `InvalidField` where `hidden_sizes` is not a tuple of positive integers."""
        if not isinstance(hidden_sizes, tuple) or not all(type(n) is int and n > 0 for n in hidden_sizes):
            raise InvalidField(
                f"{type(self).__name__}: `hidden_sizes` must be a tuple of positive integers, got {hidden_sizes!r}."
            )

    def check_is_env(self, env: Any) -> None:
        """Raises `InvalidField` where `env` is not an environment, or this learner stands for several."""
        self.check_scalars()
        name = type(self).__name__
        if isinstance(env, str):
            raise InvalidField(f"{name} takes an environment, got the string {env!r}. Write `jaxenvs.make({env!r})`.")
        if not isinstance(env, Env):
            raise InvalidField(
                f"{name} takes a jaxenvs.Env, got {type(env).__name__}. Build one with `jaxenvs.make(id)`."
            )

    def check_scalars(self) -> None:
        """Raises `InvalidField` where a setting holds several numbers and no `vmap` is over them."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | Array) and value.ndim:
                raise InvalidField(
                    f"{type(self).__name__}: `{field.name}` holds an array of shape {value.shape}, and one training"
                    " takes one number. To train with several, `jax.vmap` over"
                    f" `learner.replace({field.name}=value).train(env, key)`."
                )


def checked_count(learner: Learner[Any], num_updates: Any) -> int:
    """`num_updates` as an int; raises `InvalidField` where it is not an int32 of at least 0."""
    try:
        count = -1 if isinstance(num_updates, bool) else operator.index(num_updates)
    except TypeError:
        count = -1
    if not 0 <= count <= MOST:
        raise InvalidField(
            f"{type(learner).__name__}: run takes a number of updates, an integer of at least 0, got {num_updates!r}."
            " Under `jax.jit` it is a static argument."
        )
    return count


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


def counted(learner: Learner[Any], updates: Array) -> dict[str, Array]:
    """The counters of a train state after one more update."""
    updates = after(updates, 1)
    return {"updates": updates, "env_steps": steps_taken(updates, learner.steps_per_update)}


def horizon_of(learner: Learner[Any], updates: Array, horizon: ArrayLike | None) -> Array:
    """() int32: the updates that schedules run over, this one included, whatever was asked for."""
    asked = jnp.asarray(learner.num_updates if horizon is None else horizon, jnp.int32)
    return jnp.maximum(asked, after(updates, 1))


def masked_sum(values: Array, mask: Array) -> Array:
    """() float32: the sum of `values` where `mask`."""
    return jnp.where(mask, values, 0).astype(jnp.float32).sum()
