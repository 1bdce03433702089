"""TimeStep: what the agent sees after a reset or a step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidEnv

Obs = TypeVar("Obs")


class TimeStep(PyTreeNode, Generic[Obs]):
    """What the agent sees after a reset or a step.

    Attributes:
        observation: the observation that the agent acts on next.
        reward: () float32; 0 at reset.
        terminated: () bool; the task itself ended, so the value of what follows is 0.
        truncated: () bool; the episode was stopped from outside, so a learner bootstraps from
            `final_observation`. Both flags can be set at once.
        final_observation: the observation that this transition led to. It equals `observation`, unless AutoReset has
            already begun the next episode: then `observation` is the first of that episode.
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

    if not TYPE_CHECKING:  # to a type checker, it would mean that a timestep can be unpacked

        def __iter__(self) -> NoReturn:
            _raise_not_a_tuple()

        def __getitem__(self, index: Any) -> NoReturn:
            _raise_not_a_tuple()

    @property
    def discount(self) -> Array:
        """() float32: 0 if the task ended, else 1; the factor for the value of what follows."""
        return 1.0 - self.terminated.astype(jnp.float32)


def _raise_not_a_tuple() -> NoReturn:
    """Raises TypeError for a timestep that is taken apart like the result of Gymnasium's `step`."""
    raise TypeError(
        "A TimeStep is not a tuple and cannot be taken apart. It has fields: `state, timestep = env.step(state,"
        " action)`, then `timestep.observation`, `.reward`, `.terminated`, `.truncated`, `.info`, and `.done` for"
        " either end. For loops with `obs, reward, terminated, truncated, info = env.step(action)` there is"
        " `jaxenvs.adapters.GymnasiumEnv`, and `LegacyGym` for four values."
    )


def restart(observation: Obs, info: Mapping[str, Array] | None = None) -> TimeStep[Obs]:
    """The timestep that opens an episode: reward 0, neither flag set."""
    return transition(observation, 0.0, False, info)


def transition(
    observation: Obs, reward: ArrayLike, terminated: ArrayLike, info: Mapping[str, Array] | None = None
) -> TimeStep[Obs]:
    """The timestep after a step of a base environment, which never truncates.

    Args:
        observation: the observation that the transition led to.
        reward: (), cast to float32.
        terminated: (), cast to bool.
        info: further arrays, with the same keys that `restart` was given.

    Raises:
        InvalidEnv: `reward` or `terminated` is not a number of shape (), or `info` is not a mapping.
    """
    given: tuple[Any, ...] = (reward, terminated, info)  # of any type, since annotations bind nobody
    if info is not None and not isinstance(given[2], Mapping):
        raise InvalidEnv(
            f"`info` is a dictionary of arrays, got a {type(info).__name__}. If it is the flag `truncated`, leave it"
            " out: an environment never truncates, and `jaxenvs.TimeLimit` does."
        )
    for name, value in zip(("reward", "terminated"), given):
        if value is None or isinstance(value, str):
            raise InvalidEnv(f"A step has one `{name}`, which is a number, got {value!r}.")
    reward, terminated = jnp.asarray(reward, jnp.float32), jnp.asarray(terminated, bool)
    for name, value, remedy in (("reward", reward, "`.sum()`"), ("terminated", terminated, "`.any()`")):
        if value.shape != ():
            raise InvalidEnv(
                f"A step has one `{name}`, of shape (), got shape {value.shape}. Reduce it, say by {remedy}, or give"
                " the field that brought that shape in a single number; batches are made by `jax.vmap`, and rewards of"
                " several agents belong into `info`."
            )
    return TimeStep(
        observation=observation,
        reward=reward,
        terminated=terminated,
        truncated=jnp.zeros((), bool),
        final_observation=observation,
        info=dict(info or {}),
    )
