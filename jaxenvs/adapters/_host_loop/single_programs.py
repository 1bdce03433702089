"""The compiled programs of a single environment that is stepped from the host, one call at a time."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.adapters._host_loop.shared_programs import Shared
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import unwrap
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState, observation_and_info


def _begin_episode(
    auto: AutoReset[Any], key: Key, episode: Array | int, ended: Any = None
) -> tuple[AutoResetState, Any]:
    auto = auto if ended is None else auto.continued_from(ended)
    state, timestep = auto.begin_episode(key, jnp.asarray(episode, jnp.int32))
    return state, observation_and_info(timestep)


def _advance(env: Env[Any, Any], state: Any, action: Any) -> tuple[Any, TimeStep[Any]]:
    state, timestep = env.step(state, action)
    return state, timestep.replace(final_observation=None)


def _draw(env: Env[Any, Any], state: Any) -> Array:
    return env.render(state)


class SinglePrograms:
    """The programs that all environments of the same structure share.

    * `begin_episode(auto, key, episode, ended=None)`: the first state of an episode, given by its number in the
      key's sequence, with its observation and info. `ended` is the last inner state of the previous episode, if
      something continues from there.
    * `advance(env, state, action)`: one step; `final_observation`, which equals `observation`, is left out.
    * `draw(env, state)`: the picture of the state, (height, width, 3) uint8.
    """

    def __init__(self) -> None:
        # `partial` makes separate functions, so that JAX drops their programs with them.
        self.begin_episode = jax.jit(partial(_begin_episode))
        self.advance = jax.jit(partial(_advance))
        self.draw = jax.jit(partial(_draw))


_SHARED = Shared(SinglePrograms)


def single_programs(auto: AutoReset[Any]) -> SinglePrograms:
    """The programs of an environment, shared by all of the same structure."""
    return _SHARED.of(auto)


def to_go_on_from(auto: AutoReset[Any], ended: Any) -> Any:
    """The last state of an episode, for `begin_episode`; None if nothing changes between episodes."""
    return ended if type(unwrap(auto)).changes_between_episodes else None
