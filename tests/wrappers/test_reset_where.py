"""Resets that read arrays from around them, within branches and where episodes end."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.wrappers import (
    AutoReset,
    TimeLimit,
    TransformObservation,
)
from tests.wrappers.auto_reset_loops import (
    KEYS,
    LANES,
    LIMITED,
    METHODS,
    STEPS,
    actions,
    assert_equal,
    expected,
)
from tests.wrappers.toy_envs import Counter

STARTS = np.linspace(-1, 1, 8, dtype=np.float32)


class Enclosing(Counter):
    """Starts at a place from a table in the closure of `reset`: an array that is not an argument."""

    def reset(self, key):
        state, _ = super().reset(key)
        state = state.replace(position=state.position + jnp.asarray(STARTS)[state.length])
        return state, jaxenvs.restart(self._observe(state), {"time": state.time})


def within_cond(env, flag, state, seen, action):
    return jax.lax.cond(flag, lambda: env.step(state, action), lambda: (state, seen))


def within_switch(env, flag, state, seen, action):
    branches = [lambda s, a: (s, seen), lambda s, a: env.step(s, a)]
    return jax.lax.switch(flag.astype(jnp.int32), branches, state, action)


def selected(env, flag, state, seen, action):
    return jax.tree.map(lambda new, old: jnp.where(flag, new, old), env.step(state, action), (state, seen))


@functools.cache
def play_enclosing(step, method, chunk_size):
    flags = jax.random.bernoulli(jax.random.key(2), 0.7, (STEPS, LANES))
    env = AutoReset(TimeLimit(Enclosing(), max_episode_steps=4), method=method, chunk_size=chunk_size)

    @jax.jit
    def play(keys):
        def body(carry, at):
            carry = jax.vmap(lambda flag, carry, action: step(env, flag, *carry, action))(at[0], carry, at[1])
            return carry, carry[1]

        return jax.lax.scan(body, jax.vmap(env.reset)(keys), (flags, actions(LANES)))

    return play(KEYS["jaxenvs"]())


@pytest.mark.parametrize("step", [within_cond, within_switch])
@pytest.mark.parametrize(("method", "chunk_size"), [METHODS[0], METHODS[1], METHODS[4]])
def test_a_batched_cond_around_step_gives_what_selecting_gives(step, method, chunk_size):
    """`custom_vmap` would make operands of the arrays around `reset`, which such a cond maps."""
    (state, _), timesteps = play_enclosing(step, method, chunk_size)
    (expected_state, _), expected = play_enclosing(selected, "select", None)
    assert_equal((state, timesteps), (expected_state, expected))
    assert state.episodes.max() > 2


@pytest.mark.parametrize("method", ["select", "cond", "chunked"])
def test_a_reset_may_read_a_traced_array_from_around_it(method):
    """Each lane scales its observations by a number that is not part of the environment."""
    scales = jnp.float32(2) ** jnp.arange(LANES, dtype=jnp.float32)  # powers of two, which round nothing

    def play(scale, key, flag, lane_actions):
        def scaled(observation):
            return {**observation, "position": observation["position"] * scale}

        env = AutoReset(TransformObservation(LIMITED, scaled), method=method, chunk_size=3)

        def body(carry, action):
            carry = within_cond(env, flag, *carry, action)
            return carry, carry[1]

        return jax.lax.scan(body, env.reset(key), lane_actions)[1]

    keys, taken, flags = KEYS["jaxenvs"](), actions(LANES), jnp.arange(LANES) != 2
    seen = jax.jit(jax.vmap(play, in_axes=(0, 0, 0, 1), out_axes=1))(scales, keys, flags, taken)
    _, _, trajectory = expected("jaxenvs")
    for lane in np.flatnonzero(flags):
        got, plain = (x.observation["position"][:, lane] for x in (seen, trajectory))
        np.testing.assert_array_equal(got, plain * scales[lane])
        np.testing.assert_array_equal(seen.done[:, lane], trajectory.done[:, lane])
    assert not seen.done[:, 2].any()
