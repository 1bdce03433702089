"""What a notebook shows of environments, states and timesteps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs

pretty = pytest.importorskip("IPython.lib.pretty", reason="notebooks need IPython").pretty


def test_a_batch_is_shown_by_shapes_within_a_screen():
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    state, timestep = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 64))
    assert (
        pretty(state)
        == """AutoResetState(
    inner=TimeLimitState(
        inner=CartPoleState(
            x=float32[64],
            x_dot=float32[64],
            theta=float32[64],
            theta_dot=float32[64],
            fallen=bool[64]),
        elapsed=int32[64]),
    key=key<jaxenvs>[64],
    episodes=int32[64])"""
    )
    assert pretty(timestep).splitlines()[1] == "    observation=float32[64, 4],"
    assert len(repr(timestep)) > 10 * len(pretty(timestep))


def test_what_is_short_stays_on_its_line_and_small_arrays_are_shown():
    assert pretty(jaxenvs.TimeLimit(jaxenvs.make("Taxi-v4"), 5)).splitlines()[-1] == "    max_episode_steps=5)"
    assert pretty(jaxenvs.spaces.Discrete(4)) == "Discrete(4)"

    class Few(jaxenvs.PyTreeNode):
        numbers: jax.Array
        rest: dict
        pair: tuple = (1, 2)

    few = Few(jnp.arange(3), {"a": np.zeros((2, 20)), "b": None})
    assert (
        pretty(few)
        == """Few(
    numbers=Array([0, 1, 2], dtype=int32),
    rest={'a': float64[2, 20], 'b': None},
    pair=(1, 2))"""
    )
    assert pretty(few, max_width=200) == pretty(few).replace("(\n    ", "(").replace("\n   ", "")


def test_a_repr_of_its_own_is_kept():
    class Named(jaxenvs.PyTreeNode):
        x: int

        def __repr__(self):
            return f"<{self.x}>"

    assert pretty(Named(3)) == "<3>"
