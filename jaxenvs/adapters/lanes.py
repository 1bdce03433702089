"""Lanes: a batch of environments on the device that the host steps one call at a time.

It is what the vector adapters share. Everything an environment does runs in jitted functions of this
module that take the environment as an argument, so that adapters of one task share their programs.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.adapters._attributes import get_attribute, lane_env, on_device, plain, set_attribute
from jaxenvs.adapters._processes import check_process
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.errors import InvalidField, did_you_mean
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.random import Key, keys
from jaxenvs.core.wrapper import rewrap, unwrap
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState, opening

Mode = Literal["next_step", "same_step", "disabled"]
"""When the next episode begins: in the step after the one that ended the last, in that very step, or when told."""


class LanesState(PyTreeNode):
    """What the device keeps for one lane.

    Attributes:
        env: the environment's state and the key of later starts.
        over: () bool, whether the last step ended the episode and no other has begun.
        episode_return: () float32, sum of the rewards of the running episode.
        episode_length: () int32, its steps.
    """

    env: AutoResetState
    over: Array
    episode_return: Array
    episode_length: Array


class Output(PyTreeNode):
    """What the host sees of one lane after a reset or a step.

    Attributes:
        observation: what the agent acts on next.
        reward: () float32.
        terminated: () bool.
        truncated: () bool.
        info: arrays that belong to `observation`.
        episode_return: () float32, of the episode that the reward belongs to, up to it.
        episode_length: () int32, likewise.
        final_observation: in mode "same_step" what the step led to, also where the next episode has
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


def lane_seeds(seed: Any, num_envs: int) -> Sequence[int | None]:
    """The seed of each lane: `seed + i` of an integer, or the given ones.

    Raises:
        InvalidField: not a non-negative integer, None or `num_envs` of them.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        seed = [int(seed) + lane for lane in range(num_envs)]
    seeds = list(seed) if isinstance(seed, list | tuple | np.ndarray) else [seed]
    for one in seeds:
        if one is not None and (isinstance(one, bool) or not isinstance(one, int | np.integer) or one < 0):
            raise InvalidField(f"A seed must be a non-negative integer or None, got {one!r}.")
    if len(seeds) != num_envs:
        raise InvalidField(
            f"If seeds are passed as a list the length must match num_envs={num_envs} but got length={len(seeds)}."
        )
    return seeds


class Lanes:
    """A batch of environments on the device, stepped by the host.

    Attributes:
        env: the environment; leaves that `set_attribute` gave single lanes have a leading axis.
        num_envs: how many lanes there are.
    """

    def __init__(self, env: Env[Any, Any], num_envs: int, adapter: str) -> None:
        """Args: what `given_env` returned, the number of lanes, and the adapter's name for messages.

        Raises:
            InvalidField: `num_envs` is no positive integer.
        """
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise InvalidField(f"{adapter}: `num_envs` must be a positive integer, got {num_envs!r}.")
        self.num_envs = int(num_envs)
        self._auto = on_device(AutoReset(env))
        self._axes: tuple[int | None, ...] = (None,) * len(jax.tree.leaves(self._auto))
        self._state: Any = None  # a LanesState after the first reset
        self._seen: Any = None
        self.seeds: tuple[int, ...] = ()  # that each lane's randomness comes from

    @property
    def env(self) -> Env[Any, Any]:
        """The environment that the lanes share, per-lane leaves with a leading axis."""
        return self._auto.env

    @property
    def began(self) -> bool:
        """Whether there are episodes under way, from a first reset on."""
        return self._state is not None

    def reset(
        self,
        seeds: Sequence[int | None],
        options: dict[str, Any] | None = None,
        mask: np.ndarray | None = None,
    ) -> Output:
        """Begins an episode in every lane, or in some.

        Args:
            seeds: for each lane a seed for `jaxenvs.random.key`, or None to go on from its own key.
            options: values for `Env.reset_options`, for these episodes alone.
            mask: (num_envs,) bool, the lanes to reset; None for all.

        Returns:
            What is seen of all lanes; of those left alone what was seen last.
        """
        check_process()
        auto = with_reset_options(self._auto, options)
        mask = np.ones(self.num_envs, bool) if mask is None else mask
        everywhere = bool(mask.all())
        if self._state is None:
            if not everywhere:
                raise InvalidField("The first reset must begin all environments: leave out `reset_mask` once.")
            entropy = np.random.SeedSequence().generate_state(self.num_envs, np.uint64).tolist()
            seeds = [fresh if seed is None else seed for seed, fresh in zip(seeds, entropy, strict=True)]
        lane_keys, episodes = self._sequences(seeds)
        ended = None
        if self._state is not None and type(unwrap(auto)).outlives_episodes:
            ended = self._state.env.inner, jnp.asarray([seed is None for seed in seeds])
        if everywhere:
            self._state, output = _start(auto, self._axes, lane_keys, episodes, ended)
        else:
            where = jnp.asarray(mask)
            self._state, output = _restart(auto, self._axes, self._state, self._seen, where, lane_keys, episodes, ended)
        self._seen = (output.observation, output.info)
        before = self.seeds or (0,) * self.num_envs
        self.seeds = tuple(
            int(new) if new is not None and is_reset else old
            for old, new, is_reset in zip(before, seeds, mask.tolist(), strict=True)
        )
        return output

    def _sequences(self, seeds: Sequence[int | None]) -> tuple[Key, Array]:
        """(num_envs,) keys and numbers of the next episodes: a new sequence for a lane with a seed, else its own."""
        seeded = np.array([seed is not None for seed in seeds])
        if not seeded.any():
            return self._state.env.key, self._state.env.episodes
        fresh = keys([0 if seed is None else int(seed) % 2**64 for seed in seeds])
        first = jnp.zeros(self.num_envs, jnp.int32)
        if seeded.all():
            return fresh, first
        own = self._state.env
        return _choose(jnp.asarray(seeded), (fresh, first), (own.key, own.episodes))

    def step(self, actions: Any, mode: Mode) -> Output:
        """Steps every lane.

        The call may return before the step is computed, and until then reads the memory of the actions.

        Args:
            actions: (num_envs, ...) NumPy or JAX arrays of the action space's dtypes.
            mode: when the next episode begins.
        """
        check_process()
        self._state, output = _step(self._auto, self._axes, self._state, actions, mode)
        self._seen = (output.observation, output.info)
        return output

    def render(self) -> Array:
        """(num_envs, height, width, 3) uint8: a picture of each lane."""
        return _render(self.env, self._axes, self._state.env.inner)

    def lane(self, index: int) -> tuple[Env[Any, Any], Any]:
        """One lane's environment, with its own leaves, and its state."""
        env = lane_env(self._auto, self._axes, index).env
        return env, jax.tree.map(lambda leaf: leaf[index], self._state.env.inner)

    def get_attribute(self, name: str, lanes: Sequence[int]) -> list[Any]:
        """A field or property of the environment or of a wrapper around it, for some lanes.

        Raises:
            AttributeError: there is none; the message lists the fields.
        """
        return get_attribute(self._auto, self._axes, name, lanes)

    def set_attribute(self, name: str, values: Sequence[Any], lanes: Sequence[int]) -> None:
        """Gives some lanes their own value of a field of the environment or of a wrapper around it.

        A field that is part of the program, such as a map's size, takes one value for all lanes. One on
        which the form of the state depends ends all episodes: a reset must follow.

        Args:
            name: of the field.
            values: one for each of `lanes`.
            lanes: indices.

        Raises:
            AttributeError: there is no such field.
            InvalidField: a value that the field cannot take, or several for a static field.
        """
        self._auto, self._axes = set_attribute(self._auto, self._axes, name, values, lanes, self.num_envs)
        if self._state is not None:
            own = self._state.env
            fresh = jax.eval_shape(lambda: _start(self._auto, self._axes, own.key, own.episodes)[0])
            if jax.tree.structure(fresh) != jax.tree.structure(self._state):
                self._state = None


def with_reset_options(auto: Any, options: dict[str, Any] | None) -> Any:
    """`auto` with the fields that Gymnasium's reset options stand for.

    Raises:
        InvalidField: an option that the environment does not have, or a value that it cannot take.
    """
    if not options:
        return auto
    base = unwrap(auto)
    known = type(base).reset_options
    for name, value in options.items():
        if name not in known:
            takes = f"It takes: {', '.join(known)}." if known else "It takes none."
            raise InvalidField(
                f"{type(base).__name__} has no reset option `{name}`.{did_you_mean(str(name), known)} {takes}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float | np.number | np.ndarray):
            raise InvalidField(f"The reset option `{name}` must be a number, got {value!r}.")
    start = {known[name]: float(value) for name, value in options.items()}
    dataclasses.replace(jax.tree.map(plain, base), **start)  # raises where a value does not fit the others
    like_before = {name: jnp.full_like(getattr(base, name), value) for name, value in start.items()}
    return rewrap(auto, dataclasses.replace(base, **like_before))


def _map_lanes(function: Any, env: Any, axes: tuple[int | None, ...], *batches: Any) -> Any:
    """`vmap` of `function(env, *lane)`, over the leaves of `env` that `axes` names."""
    leaves, structure = jax.tree.flatten(env)

    def lane(leaves: list[Array], *lane: Any) -> Any:
        return function(structure.unflatten(leaves), *lane)

    return jax.vmap(lane, in_axes=(list(axes), *(0 for _ in batches)))(leaves, *batches)


Ended: TypeAlias = tuple[Any, Array] | None
"""Where something outlives episodes: the inner states that they ended in, and which lanes go on from there."""


@partial(jax.jit, static_argnums=1)
def _start(
    auto: AutoReset[Any], axes: tuple[int | None, ...], keys: Key, episodes: Array, ended: Ended = None
) -> tuple[LanesState, Output]:
    return _map_lanes(_begin, auto, axes, keys, episodes, ended)


def _begin(auto: AutoReset[Any], key: Key, episode: Array, ended: Ended) -> tuple[LanesState, Output]:
    begun = auto.begin(key, episode)
    if ended is not None:
        inner, goes_on = ended
        begun = jax.tree.map(lambda a, b: jnp.where(goes_on, a, b), auto.after(inner).begin(key, episode), begun)
    state, timestep = begun
    return _fresh(state), _output(timestep, *opening(timestep))


@partial(jax.jit, static_argnums=1)
def _restart(
    auto: AutoReset[Any],
    axes: tuple[int | None, ...],
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
        if ended is None:  # a few lanes at a time, where resets are costly
            key, episode = _choose(where, (key, episode), (state.env.key, state.env.episodes))
            env_state, seen = auto.begin_where(where, state.env.replace(key=key, episodes=episode), seen, opening)
            fresh, state = _fresh(env_state), state.replace(env=env_state)
        else:
            fresh, output = _begin(auto, key, episode, ended)
            seen = _choose(where, (output.observation, output.info), seen)
        state = _choose(where, fresh, state)
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


@partial(jax.jit, static_argnums=(1, 4))
def _step(
    auto: AutoReset[Any], axes: tuple[int | None, ...], state: LanesState, actions: Any, mode: Mode
) -> tuple[LanesState, Output]:
    def step(auto: AutoReset[Any], state: LanesState, action: Any) -> tuple[LanesState, Output]:
        inner, timestep = auto.env.step(state.env.inner, action)
        stepped = state.env.replace(inner=inner)
        final = opening(timestep)
        if mode == "next_step":
            skip = state.over
            begin = skip
        else:
            skip = jnp.zeros((), bool)
            begin = timestep.done if mode == "same_step" else skip
        env_state, seen = (stepped, final) if mode == "disabled" else auto.begin_where(begin, stepped, final, opening)
        timestep = timestep.replace(
            reward=jnp.where(skip, 0.0, timestep.reward),
            terminated=timestep.terminated & ~skip,
            truncated=timestep.truncated & ~skip,
        )
        total = jnp.where(skip, 0.0, state.episode_return + timestep.reward)
        length = jnp.where(skip, 0, state.episode_length + 1)
        output = _output(timestep, *seen).replace(episode_return=total, episode_length=length)
        over = timestep.done
        if mode == "same_step":
            output = output.replace(final_observation=final[0], final_info=final[1])
            total, length = jnp.where(over, 0.0, total), jnp.where(over, 0, length)
            over = jnp.zeros((), bool)
        return LanesState(env_state, over, total, length), output

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
def _choose(where: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(where, a, b), new, old)


@partial(jax.jit, static_argnums=1)
def _render(env: Env[Any, Any], axes: tuple[int | None, ...], state: Any) -> Array:
    return _map_lanes(lambda env, state: env.render(state), env, axes, state)
