"""StartKeys: the keys with which the lanes of a loop begin their episodes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import Wrapper, resets_itself, unwrap, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.run_folder.key_words import episode_keys, implementation_of
from jaxenvs.monitor.run_folder.rebuilt_env import KEEPS_REWARDS
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoResetState


@dataclasses.dataclass(frozen=True)
class StartKeys:
    """The keys with which lanes begin their episodes.

    Attributes:
        lanes: (lanes,) keys; several seeds follow each other.
        number: (lanes,) int64, the number of the episode that each lane is about to begin.
        is_folded: whether episode `n` of a lane begins with `fold_in(key, n)`, as in AutoReset, or with the key itself.
    """

    lanes: Key
    number: np.ndarray
    is_folded: bool

    @staticmethod
    def of_state(env: Env[Any, Any], state: Any) -> "StartKeys":
        """Those of a loop that begins in a state of an environment in AutoReset, (lanes,) or (seeds, lanes) of them.

        Args:
            env: the environment.
            state: what `reset` returned.

        Raises:
            InvalidField: episodes of this environment cannot be replayed, or it is no state of it.
        """
        check_replayable(env)
        if not resets_itself(env):
            raise InvalidField("Only a loop over an environment in AutoReset has a state to replay its episodes from.")
        inner: Any = state
        while not isinstance(inner, AutoResetState):
            if not hasattr(inner, "inner"):
                raise InvalidField(
                    f"`start` must be the state that `reset` of the environment returned, got {type(state).__name__}."
                )
            inner = inner.inner
        # A copy, since the loop may donate its state.
        lanes = jnp.array(jnp.ravel(inner.key), copy=True)
        return StartKeys(lanes, np.array(inner.episodes, np.int64).ravel() - 1, is_folded=True)

    @staticmethod
    def of_rollout(env: Env[Any, Any], key: Key, num_envs: int | None) -> "StartKeys":
        """Those of `rollout` with this key.

        Args:
            env: the environment.
            key: the key.
            num_envs: the number of environments; None for a single one.

        Raises:
            InvalidField: episodes of this environment cannot be replayed.
        """
        check_replayable(env)
        keys = key[None] if num_envs is None else jax.random.split(key, num_envs)
        reset_keys = jax.vmap(jax.random.split)(keys)[:, 0]
        if resets_itself(env):
            return StartKeys.of_state(env, jax.jit(jax.vmap(env.reset))(reset_keys)[0])
        return StartKeys(reset_keys, np.zeros(len(reset_keys), np.int64), is_folded=False)

    @property
    def implementation(self) -> str:
        """The name of the keys' implementation."""
        return implementation_of(self.lanes)

    def words(self, lane: np.ndarray, number: np.ndarray) -> np.ndarray:
        """The words of the keys of some episodes, (episodes, words) uint32.

        Args:
            lane: (episodes,) int32, their lanes.
            number: (episodes,) int64, their numbers in the lane.
        """
        if self.is_folded:
            return episode_keys(self.lanes, lane, number)
        return np.asarray(jax.random.key_data(self.lanes))[lane]


def check_replayable(env: Env[Any, Any]) -> None:
    """Raises `InvalidField` if episodes of an environment cannot be replayed from a key and actions alone."""
    base = type(unwrap(env))
    if base.changes_between_episodes:
        raise InvalidField(
            f"Episodes of {base.__name__} cannot be replayed from a key and actions: each depends on those before."
            " Record it without a state to start from."
        )
    if not resets_itself(env):
        return
    for wrapper in _around_auto_reset(env):
        if not (wrapper.is_transparent or isinstance(wrapper, KEEPS_REWARDS)):
            raise InvalidField(
                f"Episodes are replayed inside AutoReset, and {type(wrapper).__name__} around it changes actions or"
                f" rewards. Put it inside: `AutoReset({type(wrapper).__name__}(env, ...))`."
            )


def _around_auto_reset(env: Env[Any, Any]) -> list[Wrapper[Any, Any]]:
    wrappers = list(wrappers_of(env))
    return wrappers[: next(i for i, wrapper in enumerate(wrappers) if wrapper.placement == "between")]
