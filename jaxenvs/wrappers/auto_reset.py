"""AutoReset: begins the next episode in the step that ends one."""

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, get_args

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.core.wrapper import (
    SameActions,
    SameObservations,
    StatefulWrapper,
    Wrapper,
    WrapperState,
    inner_observation,
    unwrap,
    wrappers_of,
)
from jaxenvs.errors import InvalidField, WrapperOrderError
from jaxenvs.random import Key, check_key
from jaxenvs.wrappers._checks import check_integer

Obs = TypeVar("Obs")
Seen = TypeVar("Seen")

Method: TypeAlias = Literal["auto", "select", "cond", "chunked"]
METHODS: tuple[Method, ...] = get_args(Method)

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

    All methods begin the same episodes, from the same keys: whatever is no float is exactly the same. Floats
    are computed by the same operations; but under `jit` the methods are different programs, in which a compiler
    may round the last bit of one differently. They differ in cost under `jax.vmap`:

    * `"select"` computes a reset for every lane at every step and keeps it where an episode ended.
    * `"cond"` does so only in steps in which some episode ended. Right for cheap resets on a CPU; an
      accelerator has to stop for the branch.
    * `"chunked"` gathers the lanes that ended, at most `chunk_size` at a time, resets those alone and
      scatters them back, until none is left. Right for costly resets.
    * `"auto"`, the default, is `"chunked"` where the class of the environment, or of a wrapper around
      it, says `reset_is_costly`; else `"cond"` on a CPU and `"select"` elsewhere.

    Without `vmap` all reset only when an episode ended. What they cost is in jaxenvs/docs/speed.md.
    Derivatives are computed as by `"select"`, in both modes. (Where `reset` itself holds a `lax.cond`,
    JAX 0.10 has none in reverse mode of a `vmap` but for `"select"`.)

    Attributes:
        method: `"auto"`, `"select"`, `"cond"` or `"chunked"`.
        chunk_size: lanes reset at a time by `"chunked"`; None for one in 128, but at least 8.
        opening_info: whether `info` goes with `observation` rather than with `final_observation`.
    """

    method: Method = static(default="auto")
    chunk_size: int | None = static(default=None)
    opening_info: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the method, the chunk size and the order of wrappers."""
        if self.method not in METHODS:
            raise InvalidField(f"AutoReset: `method` must be one of {', '.join(METHODS)}, got {self.method!r}.")
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

    observe = inner_observation

    def reset(self, key: Key) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins the first episode; the key also seeds all later ones."""
        return self.begin(check_key(key), jnp.zeros((), jnp.int32))

    def begin(self, key: Key, episode: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins an episode by its number, () int32, in the sequence that `reset` with this key begins with 0."""
        # A key that never changes, with a counter, costs less than one split for each episode: nothing is
        # written, and a compiler can take the key's words apart once, before the loop.
        inner, timestep = self.env.reset(jax.random.fold_in(key, episode))
        return AutoResetState(inner=inner, key=key, episodes=episode + 1), timestep

    def after(self, inner: Any) -> Self:
        """What begins the episode after one that ended in `inner`, a state of `env`; see `Env.after_episode`."""
        return self.replace(env=self.env.after_episode(inner)) if type(unwrap(self)).outlives_episodes else self

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
        leaves, treedef = jax.tree.flatten((state.inner, state.episodes, seen))
        auto_leaves, auto_treedef = jax.tree.flatten(self)
        program = _Program(treedef, auto_treedef, self._resolved_method, self.chunk_size, opening_of)
        if program.method == "select":
            leaves = _reset_one(where, leaves, state.key, auto_leaves, program)
        else:
            auto_leaves, program = _with_enclosed(leaves, state.key, auto_leaves, program)
            leaves = _reset(where, leaves, state.key, auto_leaves, program)
        inner, episodes, seen = treedef.unflatten(leaves)
        return AutoResetState(inner=inner, key=state.key, episodes=episodes), seen

    @property
    def _resolved_method(self) -> Method:
        is_costly = any(type(env).reset_is_costly for env in (*wrappers_of(self.env), unwrap(self.env)))
        return "chunked" if self.method == "auto" and is_costly else self.method


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
    that a batching rule puts in the place of leaves. `carry` and `auto` are the trees' structures;
    `enclosing` is `_next_episode` as a function of the arrays that it closes over, where they are traced.
    """

    carry: Any = static()
    auto: Any = static()
    method: Method = static()
    chunk_size: int | None = static()
    opening_of: Callable[[TimeStep[Any]], Any] = static()
    enclosing: Any = static(default=None)


def opening(timestep: TimeStep[Obs]) -> tuple[Obs, dict[str, Array]]:
    """What an agent sees of a new episode, for `AutoReset.begin_where`: the observation and `info`."""
    return timestep.observation, timestep.info


def _observation_of(timestep: TimeStep[Any]) -> Any:
    return timestep.observation


def _info_of(timestep: TimeStep[Any]) -> Any:
    return timestep.info


def _nothing_of(timestep: TimeStep[Any]) -> None:
    del timestep


# In what follows `carry` is the leaves of (inner state, episodes, seen), `auto` those of the AutoReset. A
# reset of one lane is a plain `cond`. What a batch does is `_reset_batch`, and how it is differentiated
# `_reset_jvp`: as the plain `cond` is, since custom_vmap and loops have no derivative in reverse mode.


# Jitted, since custom_vmap makes operands of the arrays that a function closes over, and fails where they are
# mapped, as a `cond` whose predicate is mapped maps all operands of its branches. A jitted function keeps its own.
@jax.jit
def _next_episode(carry: list[Array], key: Key, auto: list[Any], program: _Program) -> list[Array]:
    if program.enclosing is not None:
        count = program.auto.num_leaves
        closed = ClosedJaxpr(program.enclosing, auto[count:])
        return jaxpr_as_fun(closed)(*carry, key, *auto[:count])
    inner, episodes, _ = program.carry.unflatten(carry)
    wrapper: AutoReset[Any] = program.auto.unflatten(auto)
    state, timestep = wrapper.after(inner).begin(key, episodes)
    return jax.tree.leaves((state.inner, state.episodes, program.opening_of(timestep)))


def _with_enclosed(carry: list[Array], key: Key, auto: list[Any], program: _Program) -> tuple[list[Any], _Program]:
    """`auto` with the traced arrays that a reset closes over, if any, and the program that reads them there."""
    closed = jax.make_jaxpr(_next_episode)(carry, key, auto, program)
    return ([*auto, *closed.consts], program.replace(enclosing=closed.jaxpr)) if closed.consts else (auto, program)


def _same_episode(carry: list[Array], key: Key, auto: list[Any], program: _Program) -> list[Array]:
    del key, auto, program
    return carry


def _reset_one(done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program) -> list[Array]:
    """The next episode's carry where `done`, else `carry`."""
    return jax.lax.cond(done, _next_episode, _same_episode, carry, key, auto, program)


_reset_mapped = jax.custom_batching.custom_vmap(_reset_one)


@jax.custom_jvp
def _reset(done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program) -> list[Array]:
    return _reset_mapped(done, carry, key, auto, program)


@_reset.defjvp
def _reset_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[list[Array], list[Array]]:
    def select(done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program) -> list[Array]:
        # Not a `cond`: what JAX 0.10 makes of one whose predicate is mapped, within this rule, it cannot transpose.
        fresh = _next_episode(carry, key, auto, program)
        return [jnp.where(done, new, old) for new, old in zip(fresh, carry, strict=True)]

    return jax.jvp(select, primals, tangents)


@_reset_mapped.def_vmap
def _reset_batch(
    lanes: int, batched: Any, done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program
) -> tuple[list[Array], list[bool]]:
    done_batched, carry_batched, key_batched, auto_batched, _ = batched

    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *jnp.shape(x)))

    done, key = spread(done, done_batched), spread(key, key_batched)
    carry = [spread(x, is_batched) for x, is_batched in zip(carry, carry_batched, strict=True)]
    return _reset_lanes(done, carry, key, auto, program, tuple(auto_batched)), [True] * len(carry)


# Jitted for those who step without `jit`: JAX would compile branch and loop anew at every step. Within a jitted
# program it leaves no trace.
@partial(jax.jit, static_argnums=(4, 5), inline=True)
def _reset_lanes(
    done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program, auto_batched: tuple[bool, ...]
) -> list[Array]:
    """The carry of each lane: the next episode's where `done`."""
    if program.method == "chunked":
        return _reset_in_chunks(done, carry, key, auto, program, auto_batched)
    select = jax.vmap(partial(_reset_one, program=program), in_axes=(0, 0, 0, _axes(auto_batched)))
    cond = partial(_if_any, select)
    # Beside what it spares, the branch keeps XLA's CPU compiler from computing the step over again for each
    # number that is selected.
    elsewhere = cond if program.method == "cond" else select
    return jax.lax.platform_dependent(done, carry, key, auto, cpu=cond, default=elsewhere)


def _if_any(select: Callable[..., list[Array]], done: Array, carry: list[Array], *others: Any) -> list[Array]:
    """`select` where any lane is done."""
    return jax.lax.cond(done.any(), select, lambda done, carry, *others: carry, done, carry, *others)


def _axes(batched: tuple[bool, ...]) -> list[int | None]:
    return [0 if is_batched else None for is_batched in batched]


def _reset_in_chunks(
    done: Array, carry: list[Array], key: Key, auto: list[Any], program: _Program, auto_batched: tuple[bool, ...]
) -> list[Array]:
    """`_reset_lanes`, a few lanes at a time."""
    lanes = done.size
    reset_each = jax.vmap(_next_episode, in_axes=(0, 0, _axes(auto_batched), None))
    size = min(program.chunk_size or max(lanes // _SHARE_OF_LANES, _SMALLEST_CHUNK), lanes)

    def reset_some(loop: tuple[Array, list[Array]]) -> tuple[Array, list[Array]]:
        pending, carry = loop
        # Unused slots of the chunk point past the last lane: read clipped, and dropped on writing.
        index = jnp.nonzero(pending, size=size, fill_value=lanes)[0]

        def take(x: Array) -> Array:
            return x.at[index].get(mode="clip")

        auto_some = [take(x) if is_batched else x for x, is_batched in zip(auto, auto_batched, strict=True)]
        fresh = reset_each([take(x) for x in carry], take(key), auto_some, program)
        carry = [x.at[index].set(new, mode="drop") for x, new in zip(carry, fresh, strict=True)]
        return pending.at[index].set(False, mode="drop"), carry

    _, carry = jax.lax.while_loop(lambda loop: loop[0].any(), reset_some, (done, carry))
    return carry
