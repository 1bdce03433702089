"""The programs that run on the device for a batch of environments: start, restart, step and picture of every lane."""

from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.adapters._host_loop.shared_programs import Shared
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_where
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState, observation_and_info

Axes: TypeAlias = tuple[int | None, ...]
"""For each leaf of an environment, 0 if it has a leading axis of lanes, else None."""

Mode = Literal["next_step", "same_step", "disabled"]
"""When the next episode begins: in the step after the end of the last one, in the same step, or on request."""


class LanesState(PyTreeNode):
    """The state of one lane on the device.

    Attributes:
        env: the state of the environment, and the key of later starts.
        is_over: () bool, whether the last step ended the episode and the next one has not begun.
        episode_return: () float32, sum of the rewards of the running episode.
        episode_length: () int32, its steps.
    """

    env: AutoResetState
    is_over: Array
    episode_return: Array
    episode_length: Array


class Output(PyTreeNode):
    """The output of one lane after a reset or a step, for the host.

    Attributes:
        observation: the next observation to act on.
        reward: () float32.
        terminated: () bool.
        truncated: () bool.
        info: arrays that belong to `observation`.
        episode_return: () float32, of the episode that the reward belongs to, up to this reward.
        episode_length: () int32, steps of that episode so far.
        final_observation: in mode "same_step", what the step led to, even if the next episode has
            begun; else None.
        final_info: the `info` that belongs to `final_observation`.
    """

    observation: Any
    reward: Array
    terminated: Array
    truncated: Array
    info: dict[str, Array]
    episode_return: Array
    episode_length: Array
    final_observation: Any = None
    final_info: dict[str, Array] | None = None


def _map_lanes(function: Any, env: Any, axes: Axes, *batches: Any) -> Any:
    """`vmap` of `function(env, *lane)`, over the leaves of `env` that `axes` selects."""
    leaves, structure = jax.tree.flatten(env)

    def lane(leaves: list[Array], *lane: Any) -> Any:
        return function(structure.unflatten(leaves), *lane)

    return jax.vmap(lane, in_axes=(list(axes), *(0 for _ in batches)))(leaves, *batches)


Ended: TypeAlias = tuple[Any, Array] | None
"""Where something outlives episodes: the inner states that they ended in, and which lanes go on from there."""


def _start(
    auto: AutoReset[Any], axes: Axes, keys: Key, episodes: Array, ended: Ended = None
) -> tuple[LanesState, Output]:
    return _map_lanes(_begin, auto, axes, keys, episodes, ended)


def _begin(auto: AutoReset[Any], key: Key, episode: Array, ended: Ended) -> tuple[LanesState, Output]:
    begun = auto.begin_episode(key, episode)
    if ended is not None:
        inner, goes_on = ended
        begun = tree_where(goes_on, auto.continued_from(inner).begin_episode(key, episode), begun)
    state, timestep = begun
    return _fresh(state), _output(timestep, *observation_and_info(timestep))


def _restart(
    auto: AutoReset[Any],
    axes: Axes,
    state: LanesState,
    seen: Any,
    where: Array,
    keys: Key,
    episodes: Array,
    ended: Ended,
) -> tuple[LanesState, Output]:
    def restart(
        auto: AutoReset[Any], state: LanesState, seen: Any, where: Array, key: Key, episode: Array, ended: Ended
    ) -> tuple[LanesState, Output]:
        if ended is None:  # a few lanes at a time if resets are costly
            key, episode = choose(where, (key, episode), (state.env.key, state.env.episodes))
            env_state, seen = auto.reset_where(
                where, state.env.replace(key=key, episodes=episode), seen, observation_and_info
            )
            fresh, state = _fresh(env_state), state.replace(env=env_state)
        else:
            fresh, output = _begin(auto, key, episode, ended)
            seen = choose(where, (output.observation, output.info), seen)
        state = choose(where, fresh, state)
        observation, info = seen
        output = Output(
            observation=observation,
            reward=jnp.zeros((), jnp.float32),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
            info=info,
            episode_return=state.episode_return,
            episode_length=state.episode_length,
        )
        return state, output

    return _map_lanes(restart, auto, axes, state, seen, where, keys, episodes, ended)


def _step(auto: AutoReset[Any], axes: Axes, state: LanesState, actions: Any, mode: Mode) -> tuple[LanesState, Output]:
    def step(auto: AutoReset[Any], state: LanesState, action: Any) -> tuple[LanesState, Output]:
        inner, timestep = auto.env.step(state.env.inner, action)
        stepped = state.env.replace(inner=inner)
        final = observation_and_info(timestep)
        if mode == "next_step":
            skip = state.is_over
            begin = skip
        else:
            skip = jnp.zeros((), bool)
            begin = timestep.done if mode == "same_step" else skip
        env_state, seen = (
            (stepped, final) if mode == "disabled" else auto.reset_where(begin, stepped, final, observation_and_info)
        )
        timestep = timestep.replace(
            reward=jnp.where(skip, 0.0, timestep.reward),
            terminated=timestep.terminated & ~skip,
            truncated=timestep.truncated & ~skip,
        )
        total = jnp.where(skip, 0.0, state.episode_return + timestep.reward)
        length = jnp.where(skip, 0, state.episode_length + 1)
        output = _output(timestep, *seen).replace(episode_return=total, episode_length=length)
        is_over = timestep.done
        if mode == "same_step":
            output = output.replace(final_observation=final[0], final_info=final[1])
            total, length = jnp.where(is_over, 0.0, total), jnp.where(is_over, 0, length)
            is_over = jnp.zeros((), bool)
        return LanesState(env_state, is_over, total, length), output

    return _map_lanes(step, auto, axes, state, actions)


def _fresh(state: AutoResetState) -> LanesState:
    return LanesState(state, jnp.zeros((), bool), jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32))


def _output(timestep: TimeStep[Any], observation: Any, info: dict[str, Array]) -> Output:
    return Output(
        observation=observation,
        reward=timestep.reward,
        terminated=timestep.terminated,
        truncated=timestep.truncated,
        info=info,
        episode_return=jnp.zeros((), jnp.float32),
        episode_length=jnp.zeros((), jnp.int32),
    )


@jax.jit
def choose(where: Array, new: Any, old: Any) -> Any:
    """`new` if `where`, else `old`; `where` is a () bool, or has the shape of the leaves."""
    return tree_where(where, new, old)


def _render(env: Env[Any, Any], axes: Axes, state: Any) -> Array:
    return _map_lanes(lambda env, state: env.render(state), env, axes, state)


class LanePrograms:
    """The programs that all batches of environments of the same structure share.

    * `start(auto, axes, keys, episodes, ended=None)` begins an episode in every lane.
    * `restart(auto, axes, state, seen, where, keys, episodes, ended)` begins one in some lanes.
    * `step(auto, axes, state, actions, mode)` steps every lane.
    * `render(env, axes, state)`: (lanes, height, width, 3) uint8.
    """

    def __init__(self) -> None:
        # `partial` makes separate functions, so that JAX drops their programs with them.
        self.start = jax.jit(partial(_start), static_argnums=1)
        self.restart = jax.jit(partial(_restart), static_argnums=1)
        self.step = jax.jit(partial(_step), static_argnums=(1, 4))
        self.render = jax.jit(partial(_render), static_argnums=1)


_SHARED = Shared(LanePrograms)


def lane_programs(auto: AutoReset[Any]) -> LanePrograms:
    """The programs of a batch of environments, shared by all batches of the same structure."""
    return _SHARED.of(auto)
