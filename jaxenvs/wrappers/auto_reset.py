"""AutoReset: begins the next episode in the step that ends one."""

from typing import Any, Generic, Literal, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from flax import struct

from jaxenvs.core.env import Env, TimeStep, static
from jaxenvs.core.errors import InvalidField, WrapperOrderError
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.spaces import Space
from jaxenvs.core.wrapper import StatefulWrapper, Wrapper, WrapperState, unwrap, wrappers_of

Obs = TypeVar("Obs")


class AutoResetState(WrapperState):
    """State of `AutoReset`.

    Attributes:
        key: () key that the starts of later episodes are drawn from.
    """

    key: Key


class AutoReset(StatefulWrapper[AutoResetState, Obs], Generic[Obs]):
    """Begins the next episode, from a fresh random start, in the step that ends one.

    On that step `reward`, `terminated`, `truncated`, `info` and `final_observation` belong to the
    episode that ended, `observation` to the one that begins. So a learner bootstraps a truncated
    episode from `final_observation`, and acts on `observation`, with no special case.

    All methods give exactly the same results; they differ in cost under `jax.vmap`:

    * `"select"` computes a reset for every lane at every step and keeps it where an episode ended.
      Right for cheap resets. Differentiable in reverse mode.
    * `"chunked"` gathers the lanes that ended, at most `chunk_size` at a time, resets those alone and
      scatters them back, until none is left. Right for costly resets and large batches. Its loop has
      no reverse-mode gradient; forward mode works.
    * `"auto"`, the default, is `"chunked"` where the environment's class says `reset_is_costly`.

    Without `vmap` both reset only when an episode ended.

    Attributes:
        method: `"auto"`, `"select"` or `"chunked"`.
        chunk_size: lanes reset at a time by `"chunked"`.
    """

    method: Literal["auto", "select", "chunked"] = static(default="auto")
    chunk_size: int = static(default=64)

    def check_fields(self) -> None:
        """Checks the method, the chunk size and the order of wrappers."""
        if self.method not in ("auto", "select", "chunked"):
            raise InvalidField(f'AutoReset: `method` must be "auto", "select" or "chunked", got {self.method!r}.')
        if not isinstance(self.chunk_size, int) or self.chunk_size < 1:
            raise InvalidField(f"AutoReset: `chunk_size` must be an integer of at least 1, got {self.chunk_size!r}.")
        refuse_auto_reset_inside(self)

    @property
    def observation_space(self) -> Space[Any]:
        """The wrapped environment's."""
        return self.env.observation_space

    @property
    def action_space(self) -> Space[Any]:
        """The wrapped environment's."""
        return self.env.action_space

    def reset(self, key: Key) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Begins the first episode; the key also seeds all later ones."""
        key, start_key = jax.random.split(check_key(key))
        inner, timestep = self.env.reset(start_key)
        return AutoResetState(inner=inner, key=key), timestep

    def step(self, state: AutoResetState, action: Array) -> tuple[AutoResetState, TimeStep[Obs]]:
        """Steps, and resets where that ended the episode."""
        inner, timestep = self.env.step(state.inner, action)
        carry = AutoResetState(inner=inner, key=state.key), timestep.observation
        costly = type(unwrap(self.env)).reset_is_costly if self.method == "auto" else self.method == "chunked"
        if costly:
            carry = _reset_chunked(timestep.done, carry, self.env, _ChunkSize(self.chunk_size))
        else:
            carry = jax.lax.cond(timestep.done, lambda c: _next_episode(self.env, c), lambda c: c, carry)
        state, observation = carry
        return state, timestep.replace(observation=observation)


def refuse_auto_reset_inside(wrapper: Wrapper[Any, Any]) -> None:
    """Raises `WrapperOrderError` where `wrapper`, which must see whole episodes, is around an AutoReset."""
    if any(isinstance(inner, AutoReset) for inner in wrappers_of(wrapper)[1:]):
        name = type(wrapper).__name__
        advice = "Drop one of them." if name == "AutoReset" else f"Put it inside: `AutoReset({name}(env, ...))`."
        raise WrapperOrderError(f"{name} cannot go around AutoReset, which hides where episodes begin. {advice}")


class _ChunkSize(struct.PyTreeNode):
    value: int = static()


def _next_episode(env: Env[Any, Any], carry: tuple[AutoResetState, Any]) -> tuple[AutoResetState, Any]:
    key, start_key = jax.random.split(carry[0].key)
    inner, timestep = env.reset(start_key)
    return AutoResetState(inner=inner, key=key), timestep.observation


@jax.custom_batching.custom_vmap
def _reset_chunked(done: Array, carry: Any, env: Env[Any, Any], chunk_size: _ChunkSize) -> Any:
    """The next episode's (state, observation) where `done`, else `carry`."""
    return jax.lax.cond(done, lambda c: _next_episode(env, c), lambda c: c, carry)


@_reset_chunked.def_vmap
def _reset_chunked_batch(
    lanes: int, batched: Any, done: Array, carry: Any, env: Env[Any, Any], chunk_size: _ChunkSize
) -> Any:
    done_batched, carry_batched, env_batched, _ = batched

    def spread(x: Array, is_batched: bool) -> Array:
        return x if is_batched else jnp.broadcast_to(x, (lanes, *jnp.shape(x)))

    done = spread(done, done_batched)
    carry = jax.tree.map(spread, carry, carry_batched)
    env_axes = jax.tree.map(lambda is_batched: 0 if is_batched else None, env_batched)
    size = min(chunk_size.value, lanes)

    def reset_some(pending_and_carry: tuple[Array, Any]) -> tuple[Array, Any]:
        pending, carry = pending_and_carry
        # Unused slots of the chunk point past the last lane: read clipped, and dropped on writing.
        index = jnp.nonzero(pending, size=size, fill_value=lanes)[0]

        def take(x: Array) -> Array:
            return x.at[index].get(mode="clip")

        some_env = jax.tree.map(lambda x, is_batched: take(x) if is_batched else x, env, env_batched)
        fresh = jax.vmap(_next_episode, in_axes=(env_axes, 0))(some_env, jax.tree.map(take, carry))
        carry = jax.tree.map(lambda x, new: x.at[index].set(new, mode="drop"), carry, fresh)
        return pending.at[index].set(False, mode="drop"), carry

    _, carry = jax.lax.while_loop(lambda loop: loop[0].any(), reset_some, (done, carry))
    return carry, jax.tree.map(lambda _: True, carry)
