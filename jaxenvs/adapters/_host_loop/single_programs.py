"""The compiled programs of a single environment that the host steps one call at a time."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.adapters._host_loop.shared_programs import Shared
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import unwrap
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState, opening


def _begin(auto: AutoReset[Any], key: Key, episode: Array | int, ended: Any = None) -> tuple[AutoResetState, Any]:
    auto = auto if ended is None else auto.after(ended)
    state, timestep = auto.begin(key, jnp.asarray(episode, jnp.int32))
    return state, opening(timestep)


def _advance(env: Env[Any, Any], state: Any, action: Any) -> tuple[Any, TimeStep[Any]]:
    state, timestep = env.step(state, action)
    return state, timestep.replace(final_observation=None)


def _draw(env: Env[Any, Any], state: Any) -> Array:
    return env.render(state)


class SinglePrograms:
    """The programs of all environments of one structure.

    * `begin(auto, key, episode, ended=None)`: the state of an episode by its number in the key's sequence, and
      the observation and info that open it. `ended` is the inner state that the episode before it ended in,
      where something goes on from there.
    * `advance(env, state, action)`: one step; `final_observation`, which is `observation`, is left out.
    * `draw(env, state)`: the picture of the state, (height, width, 3) uint8.
    """

    def __init__(self) -> None:
        # `partial` makes functions of their own, whose programs JAX forgets with them.
        self.begin = jax.jit(partial(_begin))
        self.advance = jax.jit(partial(_advance))
        self.draw = jax.jit(partial(_draw))


_SHARED = Shared(SinglePrograms)


def single_programs(auto: AutoReset[Any]) -> SinglePrograms:
    """The programs of an environment, which all of the same structure share."""
    return _SHARED.of(auto)


def to_go_on_from(auto: AutoReset[Any], ended: Any) -> Any:
    """The state for `begin` that an episode ended in, None where nothing outlives episodes."""
    return ended if type(unwrap(auto)).outlives_episodes else None
