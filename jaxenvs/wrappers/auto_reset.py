"""AutoReset: begin the next episode in the step that ends one."""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar, get_args

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import (
    Placement,
    SameActions,
    SameObservations,
    StatefulWrapper,
    WrapperState,
    inner_observation,
    unwrap,
    wrappers_of,
)
from jaxenvs.random import Key, check_key
from jaxenvs.wrappers._reset_where import Method, ResetProgram, reset_where

Obs = TypeVar("Obs")
Seen = TypeVar("Seen")


class AutoResetState(WrapperState):
    """State of `AutoReset`.

    Attributes:
        key: () key that all starts are drawn from.
        episodes: () int32, number of episodes drawn so far; the next one uses `fold_in(key, episodes)`.
    """

    key: Key
    episodes: Array


class AutoReset(SameObservations, SameActions, StatefulWrapper[AutoResetState, Obs], Generic[Obs]):
    """Begins the next episode, from a fresh random start, in the step that ends one.

    In that step `reward`, `terminated`, `truncated`, `info` and `final_observation` belong to the episode that
    ended, and `observation` to the one that begins. So a learner bootstraps a truncated episode from
    `final_observation` and acts on `observation`, without a special case. An agent that reads an action mask
    from `info` needs the mask of `observation`: with `reset_info`, `info` also belongs to the episode that
    begins.

    All methods begin the same episodes from the same keys. Everything except floats is exactly the same. Floats
    are computed by the same operations, but under `jit` the methods are different programs, and a compiler may
    round the last bit differently. The methods differ in cost under `jax.vmap`:

    * `"select"` computes a reset for every lane at every step and keeps it where an episode ended.
    * `"cond"` does so only in steps in which some episode ended. It suits cheap resets on a CPU; an accelerator
      has to stop for the branch.
    * `"chunked"` gathers the lanes that ended, at most `chunk_size` at a time, resets those alone and
      scatters them back, until none is left. It suits costly resets.
    * `"auto"`, the default, is `"chunked"` if the class of the environment, or of a wrapper around it, sets
      `reset_is_costly`; else `"cond"` on a CPU and `"select"` elsewhere.

    Without `vmap`, all of them reset only when an episode ended. docs/speed.md lists their costs.
    Derivatives are those of `"select"`, in both modes. (If `reset` itself contains a `lax.cond`, JAX 0.10 supports
    reverse mode under `vmap` only for `"select"`.)

    Attributes:
        method: `"auto"`, `"select"`, `"cond"` or `"chunked"`.
        chunk_size: number of lanes that `"chunked"` resets at a time; None for one in 128, but at least 8.
        reset_info: whether `info` goes with `observation` rather than with `final_observation`.
    """

    method: Method = static(default="auto")
    chunk_size: int | None = static(default=None)
    reset_info: bool = static(default=False)

    placement: ClassVar[Placement] = "between"

    def check_fields(self) -> None:
        """Checks the method and the chunk size."""
        check_choice(self, "method", self.method, get_args(Method))
        if self.chunk_size is not None:
            check_integer(self, "chunk_size", self.chunk_size)

    observe = inner_observation

    def reset(self, key: Key) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins the first episode; the key also seeds all later ones."""
        return self.begin_episode(check_key(key), jnp.zeros((), jnp.int32))

    def begin_episode(self, key: Key, episode: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins the episode of a given number, () int32, in the sequence that `reset` with this key begins with 0."""
        # A constant key with a counter costs less than a split for each episode: nothing is written, and a compiler
        # can take the key's words apart once, before the loop.
        inner, timestep = self.env.reset(jax.random.fold_in(key, episode))
        return AutoResetState(inner=inner, key=key, episodes=episode + 1), timestep

    def continued_from(self, inner: Any) -> Self:
        """The wrapper that begins the episode after one that ended in `inner`, a state of `env`."""
        return self.replace(env=self.env.after_episode(inner)) if type(unwrap(self)).changes_between_episodes else self

    def step(self, state: AutoResetState, action: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Steps, and resets if that ended the episode."""
        inner, timestep = self.env.step(state.inner, action)
        state = state.replace(inner=inner)
        if self.env.can_observe:
            seen = timestep.info if self.reset_info else None
            seen_of = _info_of if self.reset_info else _nothing_of
            state, info = self.reset_where(timestep.done, state, seen, seen_of)
            timestep = timestep.replace(observation=self.observe(state))
            return state, timestep.replace(info=info) if self.reset_info else timestep
        if self.reset_info:
            seen = timestep.observation, timestep.info
            state, (observation, info) = self.reset_where(timestep.done, state, seen, observation_and_info)
            return state, timestep.replace(observation=observation, info=info)
        state, observation = self.reset_where(timestep.done, state, timestep.observation, _observation_of)
        return state, timestep.replace(observation=observation)

    def reset_where(
        self, where: Array, state: AutoResetState, seen: Seen, seen_of: Callable[[TimeStep[Obs]], Seen]
    ) -> tuple[AutoResetState, Seen]:
        """Begins the next episode if told to, by this wrapper's method; for loops that reset at other times.

        Args:
            where: () bool, whether to begin the next episode.
            state: the state to replace, whose key the start is drawn from.
            seen: arrays that the agent sees of `state`.
            seen_of: a function from the first timestep of an episode to the arrays that the agent sees of it, of
                the same structure, shapes and dtypes. Define it at the top of a module.

        Returns:
            The state and the arrays seen: those of the next episode if `where`, else unchanged.
        """
        leaves, treedef = jax.tree.flatten((state.inner, state.episodes, seen))
        auto_leaves, auto_treedef = jax.tree.flatten(self)
        program = ResetProgram(treedef, auto_treedef, self._resolved_method, self.chunk_size, seen_of)
        leaves = reset_where(where, leaves, state.key, auto_leaves, program)
        inner, episodes, seen = treedef.unflatten(leaves)
        return AutoResetState(inner=inner, key=state.key, episodes=episodes), seen

    @property
    def _resolved_method(self) -> Method:
        is_costly = any(type(env).reset_is_costly for env in (*wrappers_of(self.env), unwrap(self.env)))
        return "chunked" if self.method == "auto" and is_costly else self.method


def observation_and_info(timestep: TimeStep[Obs]) -> tuple[Obs, dict[str, Array]]:
    """What an agent sees of a new episode, for `AutoReset.reset_where`: the observation and `info`."""
    return timestep.observation, timestep.info


def _observation_of(timestep: TimeStep[Any]) -> Any:
    return timestep.observation


def _info_of(timestep: TimeStep[Any]) -> Any:
    return timestep.info


def _nothing_of(timestep: TimeStep[Any]) -> None:
    del timestep
