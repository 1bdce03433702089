"""What a notebook shows of environments, states and timesteps."""

import inspect
import pydoc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import ArrayLike

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


class Long(jaxenvs.PyTreeNode):
    numbers: tuple = tuple(range(40))


class Holds(jaxenvs.PyTreeNode):
    part: Long


def test_a_repr_of_its_own_is_kept():
    class Named(jaxenvs.PyTreeNode):
        x: int

        def __repr__(self):
            return f"<{self.x}>"

    assert pretty(Named(3)) == str(Named(3)) == "<3>"

    class Renamed(Long):
        def __repr__(self):
            return "<long>"

    assert pretty(Renamed()) == str(Renamed()) == "<long>"
    assert str(Holds(Renamed())) == "Holds(part=<long>)"


def test_print_shows_the_same_as_a_notebook_with_keys_by_their_type():
    env = jaxenvs.AutoReset(jaxenvs.make("MinAtar/Breakout-v1"))
    state, timestep = env.reset(jaxenvs.random.key(0))
    for shown in (env, state, timestep, state.inner):
        assert str(shown) == pretty(shown)
        assert max(map(len, str(shown).splitlines())) < 80
    assert "    key=key<jaxenvs>[],\n" in str(state)
    assert str(timestep).splitlines()[1] == "    observation=bool[10, 10, 4],"
    assert "\n" not in str(jaxenvs.unwrap(env))


def test_arrays_of_several_rows_stay_in_their_column():
    class Rows(jaxenvs.PyTreeNode):
        pair: tuple
        table: np.ndarray

    assert (
        str(Rows((1,), np.eye(3)))
        == """Rows(
    pair=(1,),
    table=array([[1., 0., 0.],
                 [0., 1., 0.],
                 [0., 0., 1.]]))"""
    )


def test_signatures_name_array_like():
    class Thing(jaxenvs.PyTreeNode):
        mass: ArrayLike = 1.0
        drag: ArrayLike | None = None
        wind: jax.Array | None = None
        size: int = jaxenvs.static(default=3)

    assert str(inspect.signature(Thing)).startswith("(mass: ArrayLike = 1.0, drag: ArrayLike | None = None, wind: ")
    assert "mass: ArrayLike" in pydoc.render_doc(Thing)


def test_a_signature_is_not_a_description():
    class Thing(jaxenvs.PyTreeNode):
        mass: ArrayLike = 1.0

    assert inspect.getdoc(Thing) == ""  # not the signature, which `dataclass` writes there
    assert "Thing(mass: ArrayLike = 1.0)" in pydoc.render_doc(Thing, renderer=pydoc.plaintext)
