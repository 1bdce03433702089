"""The compiled programs of a single environment that the host steps one call at a time."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.random import Key
from jaxenvs.core.wrapper import unwrap
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState, opening


@jax.jit
def begin(auto: AutoReset[Any], key: Key, episode: Array | int, ended: Any = None) -> tuple[AutoResetState, Any]:
    """The state of an episode by its number in the key's sequence, and the observation and info that open it.

    Args:
        auto: the environment.
        key: of the sequence.
        episode: the number.
        ended: the inner state that the episode before it ended in, where something goes on from there.
    """
    auto = auto if ended is None else auto.after(ended)
    state, timestep = auto.begin(key, jnp.asarray(episode, jnp.int32))
    return state, opening(timestep)


@jax.jit
def advance(env: Env[Any, Any], state: Any, action: Any) -> tuple[Any, TimeStep[Any]]:
    """One step; `final_observation`, which is `observation`, is left out."""
    state, timestep = env.step(state, action)
    return state, timestep.replace(final_observation=None)


@jax.jit
def draw(env: Env[Any, Any], state: Any) -> Array:
    """The picture of the state: (height, width, 3) uint8."""
    return env.render(state)


def to_go_on_from(auto: AutoReset[Any], ended: Any) -> Any:
    """The state for `begin` that an episode ended in, None where nothing outlives episodes."""
    return ended if type(unwrap(auto)).outlives_episodes else None
