"""Environments with one fault each: they change one thing of a sound one."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

import jaxenvs
from jaxenvs.core.pytree import static
from jaxenvs.random import check_key
from jaxenvs.spaces import Discrete
from tests.conformance.sound import Sound

STRETCH = jnp.ones((1,), jnp.float32)

HOST: dict[str, object] = {"counter": itertools.count(), "calls": np.zeros((), np.float32), "leaked": []}


class Unvalidated(Sound):
    """Lets any action through."""

    def step(self, state, action):
        action = (jnp.asarray(action) if action is not None else jnp.zeros((), jnp.int32)).reshape(-1)[0]
        return Sound.step(self, state, action.real.astype(jnp.int32))


class UncheckedKey(Sound):
    """Makes a key from anything it is given."""

    def reset(self, key):
        if isinstance(key, Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return Sound.reset(self, key)
        return Sound.reset(self, jaxenvs.random.key(0))


class IgnoredKey(Sound):
    """Always starts from key 0."""

    def reset(self, key):
        check_key(key)
        return Sound.reset(self, jaxenvs.random.key(0))


class ListField(Sound):
    """A static field with something unhashable inside."""

    sizes: tuple = static(default_factory=lambda: ([1, 2],))


class StaticStride(Sound):
    """A physical number as a static field: a trace per value."""

    stride: float = static(default=0.1)


class NoSpace(Sound):
    """An action space that is not a space."""

    @property
    def action_space(self):
        return 2


class LooseSample(Discrete):
    """A space that samples beyond its bounds."""

    def sample(self, key, mask=None):
        return jax.random.randint(key, (), 0, self.n + 1, jnp.int32)


class ActionOutside(Sound):
    """A space that samples what it does not contain."""

    @property
    def action_space(self):
        return LooseSample(2)


class NoPair(Sound):
    """Gymnasium's five values."""

    def outcome(self, state, before):
        _, timestep = Sound.outcome(self, state, before)
        return state, timestep.observation, timestep.reward, timestep.terminated, timestep.info


class PythonFlag(Sound):
    """A Python bool."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(truncated=False)


class WideReward(Sound):
    """A reward of shape (1,)."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(reward=timestep.reward[None])


class IntegerReward(Sound):
    """A reward that is not a float32."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(reward=timestep.reward.astype(jnp.int32))


class RewardAtReset(Sound):
    """A reward before any action."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(reward=jnp.ones((), jnp.float32))


class InfoDrift(Sound):
    """A key that appears with the first step."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep if before is None else timestep.replace(info={**timestep.info, "step": state.count})


class InfoShapeDrift(Sound):
    """An info entry whose shape changes with the first step."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep if before is None else timestep.replace(info={"count": state.count[None]})


class InfoNone(Sound):
    """An info that is not a dict."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(info=None)


class DtypeChange(Sound):
    """A count that becomes float with the first step."""

    def outcome(self, state, before):
        _, timestep = Sound.outcome(self, state, before)
        return (state if before is None else state.replace(count=state.count.astype(jnp.float32))), timestep.replace(
            info={}
        )

    def step(self, state, action):
        return Sound.step(self, state.replace(count=state.count.astype(jnp.int32)), action)


class OtherFinalObservation(Sound):
    """final_observation of another shape."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        opening = timestep.observation if before is None else timestep.observation[0]
        return state, timestep.replace(final_observation=opening)


class WeakLeaf(Sound):
    """A Python number as a start value."""

    def outcome(self, state, before):
        if before is None:
            state = state.replace(count=jnp.asarray(0))
        return Sound.outcome(self, state, before)


class InPlace(Sound):
    """Writes into a dict of the state that it was given."""

    def outcome(self, state, before):
        if before is None:
            state = {"walk": state}
        else:
            before["walk"] = state
            state = before
        inner = state["walk"]
        timestep = Sound.outcome(self, inner, None if before is None else inner)[1]
        return {"walk": inner}, timestep

    def step(self, state, action):
        inner, _ = Sound.step(Sound(self.stride, self.noise), state["walk"], action)
        return self.outcome(inner, state)

    def render(self, state):
        return Sound.render(self, state["walk"])


class HostCounter(Sound):
    """Counts its calls on the host and uses the count."""

    def observe(self, state):
        return Sound.observe(self, state) * (1 / (1 + next(HOST["counter"])))


class MutableGlobal(Sound):
    """Reads a NumPy array of the module, which it changes."""

    def info(self, state):
        HOST["calls"] += 1
        return {"count": state.count + jnp.asarray(HOST["calls"].astype(np.int32))}


class NumpyRandom(Sound):
    """Draws from NumPy while it is traced."""

    def observe(self, state):
        return Sound.observe(self, state) * np.float32(np.random.default_rng().random())


class LeakedTracer(Sound):
    """Keeps the last position in a list of the module."""

    def observe(self, state):
        HOST["leaked"].append(state.position)
        return Sound.observe(self, state)


class ReadsParameter(Sound):
    """A Python branch on a parameter's value."""

    def observe(self, state):
        return Sound.observe(self, state) if self.stride > 0 else -Sound.observe(self, state)


class ObservesBefore(Sound):
    """`step` returns the observation of the state that it began in."""

    def outcome(self, state, before):
        moved, timestep = Sound.outcome(self, state, before)
        seen = self.observe(state if before is None else before)
        return moved, timestep.replace(observation=seen, final_observation=seen)


class EagerBranch(Sound):
    """Behaves differently if it is not traced."""

    def observe(self, state):
        shift = 0.0 if isinstance(state.position, jax.core.Tracer) else 0.25
        return Sound.observe(self, state) * (1 - shift)


@jax.custom_batching.custom_vmap
def _stretched(reward):
    return reward * STRETCH


@_stretched.def_vmap
def _stretched_batch(size, batched, reward):
    return reward * STRETCH[None], batched[0]


class EnclosedArray(Sound):
    """Maps a function with a custom rule, and the function reads an array from its closure."""

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        return state, timestep.replace(reward=_stretched(timestep.reward[None])[0])


class ForgetsBatch(Sound):
    """Clears a parameter if it is an array rather than a number."""

    def observe(self, state):
        shift = 0.0 if jnp.ndim(self.stride) == 0 and jax.typeof(self.stride).weak_type else 0.25
        return Sound.observe(self, state) * (1 - shift)


class DefaultFloat(Sound):
    """Leaves a dtype to the default, which x64 changes."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(info={"zero": jnp.zeros(())})


class DefaultRandom(Sound):
    """Draws a number in the default dtype."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(info={"noise": jax.random.normal(jax.random.fold_in(state.key, 1), ())})


def local_class():
    class Local(Sound):
        """A class that pickle cannot find."""

    return Local


class HostRender(Sound):
    """Draws with NumPy."""

    def render(self, state):
        return np.full((8, 8, 3), int(state.position * 10), np.uint8)


class FloatRender(Sound):
    """Draws in floats."""

    def render(self, state):
        return Sound.render(self, state).astype(jnp.float32) / 255


class BlankRender(Sound):
    """Draws nothing."""

    def render(self, state):
        return jnp.zeros((8, 20, 3), jnp.uint8)


class HostCallback(Sound):
    """Asks the host for a number at run time."""

    def observe(self, state):
        fraction = jax.pure_callback(
            lambda p: np.float32(1 / (2 + next(HOST["counter"]))) * np.ones_like(p),
            jax.ShapeDtypeStruct((), jnp.float32),
            state.position,
            vmap_method="broadcast_all",
        )
        return Sound.observe(self, state) * fraction


class ObservationOutside(Sound):
    """An observation twice as wide as its space."""

    def observe(self, state):
        return Sound.observe(self, state) * 2


class FinalOutside(Sound):
    """Only the last observation of an episode lies outside."""

    def observe(self, state):
        return Sound.observe(self, state) + jnp.where(state.position >= 1.0, 0.5, 0.0)


class NarrowRewards(Sound):
    """Positions beyond 0.5 are rewarded as well."""

    @property
    def reward_range(self):
        return -1.0, 0.5


class NanAfterDone(Sound):
    """A logarithm that is defined until the episode ends."""

    def step(self, state, action):
        over = state.position >= 1.0
        state, timestep = Sound.step(self, state, action)
        return state, timestep.replace(reward=jnp.where(over, jnp.nan, timestep.reward))


class NanState(Sound):
    """A rare NaN, only in the state."""

    def step(self, state, action):
        state, timestep = Sound.step(self, state, action)
        return state.replace(position=jnp.where(state.count > 20, math.nan, state.position)), timestep


class Truncates(Sound):
    """Has its own time limit."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(truncated=state.count >= 50)


class NeverEnds(Sound):
    """Never terminates, and does not say so."""

    def outcome(self, state, before):
        state, timestep = Sound.outcome(self, state, before)
        return state, timestep.replace(terminated=jnp.zeros((), bool))


class Deterministic(Sound):
    """Deterministic, and does not say so."""

    noise: ArrayLike = 0.0

    def reset(self, key):
        state, _ = Sound.reset(self, key)
        return self.outcome(state.replace(position=jnp.zeros((), jnp.float32)), None)
