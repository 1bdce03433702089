"""AutoReset: begins the next episode in the step that ends one."""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import PyTreeDef

from jaxenvs.core.env import TimeStep
from jaxenvs.core.errors import InvalidField, WrapperOrderError
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.wrapper import (
    SameActions,
    SameObservations,
    StatefulWrapper,
    Wrapper,
    WrapperState,
    unwrap,
    wrappers_of,
)
from jaxenvs.wrappers._checks import check_integer

Obs = TypeVar("Obs")
Seen = TypeVar("Seen")

# The chunk where the caller names none. On 2 CPU cores, with a reset of some 40 us and episodes of 24
# steps, 8 did best of 1 to 128 at 64 and at 1,024 lanes, and 16 to 64 did best of 16 to 256 at 4,096.
_SHARE_OF_LANES = 128
_SMALLEST_CHUNK = 8


class AutoResetState(WrapperState):
    """State of `AutoReset`.

    Attributes:
        key: () key that all starts are drawn from.
        episodes: () int32, how many have been drawn: the next is `fold_in(key, episodes)`'s.
    """

    key: Key
    episodes: Array


class AutoReset(SameObservations, SameActions, StatefulWrapper[AutoResetState, Obs], Generic[Obs]):
    """Begins the next episode, from a fresh random start, in the step that ends one.

    On that step `reward`, `terminated`, `truncated`, `info` and `final_observation` belong to the
    episode that ended, `observation` to the one that begins. So a learner bootstraps a truncated
    episode from `final_observation`, and acts on `observation`, with no special case. An agent that
    reads an action mask from `info` needs the mask of `observation`: with `opening_info`, `info` belongs
    to the episode that begins, too.

    All methods give exactly the same results; they differ in cost under `jax.vmap`:

    * `"select"` computes a reset for every lane at every step and keeps it where an episode ended.
      Right for cheap resets. Differentiable in reverse mode.
    * `"chunked"` gathers the lanes that ended, at most `chunk_size` at a time, resets those alone and
      scatters them back, until none is left. Right for costly resets and large batches. Its loop has
      no reverse-mode gradient (JAX raises); forward mode works.
    * `"auto"`, the default, is `"chunked"` where the class of the environment, or of a wrapper around
      it, says `reset_is_costly`.

    Without `vmap` both reset only when an episode ended.

    Attributes:
        method: `"auto"`, `"select"` or `"chunked"`.
        chunk_size: lanes reset at a time by `"chunked"`; None for one in 128, but at least 8.
        opening_info: whether `info` goes with `observation` rather than with `final_observation`.
    """

    method: Literal["auto", "select", "chunked"] = static(default="auto")
    chunk_size: int | None = static(default=None)
    opening_info: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the method, the chunk size and the order of wrappers."""
        if self.method not in ("auto", "select", "chunked"):
            raise InvalidField(f'AutoReset: `method` must be "auto", "select" or "chunked", got {self.method!r}.')
        if self.chunk_size is not None:
            check_integer(self, "chunk_size", self.chunk_size)
        refuse_auto_reset_inside(self)
        for wrapper in wrappers_of(self.env):
            if wrapper.spans_episodes:
                name = type(wrapper).__name__
                raise WrapperOrderError(
                    f"{name} cannot go inside AutoReset, which would reset its statistics with every episode."
                    f" Put it around: `{name}(AutoReset(env), ...)`."
                )

    def reset(self, key: Key) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins the first episode; the key also seeds all later ones."""
        return self.begin(check_key(key), jnp.zeros((), jnp.int32))

    def begin(self, key: Key, episode: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins an episode by its number, () int32, in the sequence that `reset` with this key begins with 0."""
        # A key that never changes, with a counter, costs less than one split for each episode: nothing is
        # written, and a compiler can take the key's words apart once, before the loop.
        inner, timestep = self.env.reset(jax.random.fold_in(key, episode))
        return AutoResetState(inner=inner, key=key, episodes=episode + 1), timestep

    def step(self, state: AutoResetState, action: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Steps, and resets where that ended the episode."""
        inner, timestep = self.env.step(state.inner, action)
        state = state.replace(inner=inner)
        if self.env.can_observe:
            seen = timestep.info if self.opening_info else None
            opening_of = _info_of if self.opening_info else _nothing_of
            state, info = self.begin_where(timestep.done, state, seen, opening_of)
            timestep = timestep.replace(observation=self.observe(state))
            return state, timestep.replace(info=info) if self.opening_info else timestep
        if self.opening_info:
            seen = timestep.observation, timestep.info
            state, (observation, info) = self.begin_where(timestep.done, state, seen, opening)
            return state, timestep.replace(observation=observation, info=info)
        state, observation = self.begin_where(timestep.done, state, timestep.observation, _observation_of)
        return state, timestep.replace(observation=observation)

    def begin_where(
        self, where: Array, state: AutoResetState, seen: Seen, opening_of: Callable[[TimeStep[Obs]], Seen]
    ) -> tuple[AutoResetState, Seen]:
        """Begins the next episode where told, by this wrapper's method; for loops that reset at other times.

        Args:
            where: () bool.
            state: the state to replace, whose key the start is drawn from.
            seen: arrays that stand for what the agent sees of `state`.
            opening_of: what it sees of a new episode, of the same structure, shapes and dtypes: a
                function at the top of a module, of the episode's first timestep.

        Returns:
            The state and what is seen of it: of the next episode where `where`, else as they came.
        """
        leaves, treedef = jax.tree.flatten((state, seen))
        auto_leaves, auto_treedef = jax.tree.flatten(self)
        program = _Program(treedef, auto_treedef, self.chunk_size, opening_of)
        reset = _reset_chunked if self._is_chunked else _reset_selected
        return treedef.unflatten(reset(where, leaves, auto_leaves, program))

    @property
    def _is_chunked(self) -> bool:
        if self.method != "auto":
            return self.method == "chunked"
        return any(type(env).reset_is_costly for env in (*wrappers_of(self.env), unwrap(self.env)))


def refuse_auto_reset_inside(wrapper: Wrapper[Any, Any]) -> None:
    """Raises `WrapperOrderError` where `wrapper`, which must see whole episodes, is around an AutoReset."""
    if has_auto_reset_inside(wrapper):
        name = type(wrapper).__name__
        advice = "Drop one of them." if name == "AutoReset" else f"Put it inside: `AutoReset({name}(env, ...))`."
        raise WrapperOrderError(f"{name} cannot go around AutoReset, which hides where episodes begin. {advice}")


def has_auto_reset_inside(wrapper: Wrapper[Any, Any]) -> bool:
    """Whether an AutoReset is among the wrappers inside `wrapper`."""
    return any(isinstance(inner, AutoReset) for inner in wrappers_of(wrapper)[1:])


class _Program(PyTreeNode):
    """The part of a reset that is not data.

    Trees travel as lists of leaves, so that no class in them is ever rebuilt around the placeholders
    that a batching rule puts in the place of leaves.
    """

    carry: PyTreeDef = static()
    auto: PyTreeDef = static()
    chunk_size: int | None = static()
    opening_of: Callable[[TimeStep[Any]], Any] = static()


def opening(timestep: TimeStep[Obs]) -> tuple[Obs, dict[str, Array]]:
    """What an agent sees of a new episode, for `AutoReset.begin_where`: the observation and `info`."""
    return timestep.observation, timestep.info


def _observation_of(timestep: TimeStep[Any]) -> Any:
    return timestep.observation


def _info_of(timestep: TimeStep[Any]) -> Any:
    return timestep.info


def _nothing_of(timestep: TimeStep[Any]) -> None:
    del timestep


def _next_episode(carry_leaves: list[Array], auto_leaves: list[Any], program: _Program) -> list[Array]:
    state, _ = program.carry.unflatten(carry_leaves)
    auto: AutoReset[Any] = program.auto.unflatten(auto_leaves)
    state, timestep = auto.begin(state.key, state.episodes)
    return jax.tree.leaves((state, program.opening_of(timestep)))


def _same_episode(carry_leaves: list[Array], auto_leaves: list[Any], program: _Program) -> list[Array]:
    del auto_leaves, program
    return carry_leaves


def _reset_selected(done: Array, carry_leaves: list[Array], auto_leaves: list[Any], program: _Program) -> list[Array]:
    """The leaves of the next episode's (state, opening) where `done`, else `carry_leaves`."""
    return jax.lax.cond(done, _next_episode, _same_episode, carry_leaves, auto_leaves, program)


_reset_chunked = jax.custom_batching.custom_vmap(_reset_selected)


@_reset_chunked.def_vmap
def _reset_chunked_batch(
    lanes: int, batched: Any, done: Array, carry_leaves: list[Array], auto_leaves: list[Any], program: _Program
) -> tuple[list[Array], list[bool]]:
    done_batched, carry_batched, auto_batched, _ = batched

    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *jnp.shape(x)))

    done = spread(done, done_batched)
    carry_leaves = [spread(x, is_batched) for x, is_batched in zip(carry_leaves, carry_batched, strict=True)]
    auto_axes = [0 if is_batched else None for is_batched in auto_batched]
    reset_each = jax.vmap(_next_episode, in_axes=(0, auto_axes, None))
    size = min(program.chunk_size or max(lanes // _SHARE_OF_LANES, _SMALLEST_CHUNK), lanes)

    def reset_some(loop: tuple[Array, list[Array]]) -> tuple[Array, list[Array]]:
        pending, carry_leaves = loop
        # Unused slots of the chunk point past the last lane: read clipped, and dropped on writing.
        index = jnp.nonzero(pending, size=size, fill_value=lanes)[0]

        def take(x: Array) -> Array:
            return x.at[index].get(mode="clip")

        auto_some = [take(x) if is_batched else x for x, is_batched in zip(auto_leaves, auto_batched, strict=True)]
        fresh = reset_each([take(x) for x in carry_leaves], auto_some, program)
        carry_leaves = [x.at[index].set(new, mode="drop") for x, new in zip(carry_leaves, fresh, strict=True)]
        return pending.at[index].set(False, mode="drop"), carry_leaves

    _, carry_leaves = jax.lax.while_loop(lambda loop: loop[0].any(), reset_some, (done, carry_leaves))
    return carry_leaves, [True] * len(carry_leaves)
