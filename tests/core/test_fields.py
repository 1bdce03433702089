"""What the fields of an environment may hold, and what `in_axes` trees look like to the checks."""

import contextlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import ArrayLike

import jaxenvs
from jaxenvs import TimeLimit
from jaxenvs.core.fields import fields_of, is_axes
from jaxenvs.envs.classic_control.cart_pole import CartPole
from jaxenvs.envs.toy_text.frozen_lake import FrozenLake
from jaxenvs.errors import InvalidField, JaxenvsError
from jaxenvs.registration.catalog import CATALOG
from jaxenvs.registration.make import load
from jaxenvs.wrappers import NormalizeReward, RescaleObservation


class Weights(jaxenvs.PyTreeNode):
    w: ArrayLike


class Kinds(CartPole):
    """A field of each kind."""

    pair: tuple[ArrayLike, ArrayLike] = (0.0, 1.0)
    means: ArrayLike | Sequence[ArrayLike] | None = None
    size: int = jaxenvs.static(default=3)
    loud: bool = jaxenvs.static(default=False)
    name: str | None = jaxenvs.static(default=None)
    table: object = jaxenvs.static(default=None)
    weights: dict = None  # pyright: ignore  # whatever JAX takes for a tree
    node: Weights | None = None


def test_kinds_are_read_from_annotations():
    kinds = {field.name: field.kind for field in fields_of(Kinds)}
    expected = {"gravity": "number", "pair": "numbers", "means": "numbers", "size": "integer", "loud": "flag"}
    assert {name: kinds[name] for name in expected} == expected
    assert (kinds["name"], kinds["weights"], kinds["kinematics_integrator"]) == ("string", "any", "any")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"gravity": "9.8"},
            "field `gravity` must be a number, got '9.8' of type str.*Write it without quotes: gravity=9.8.",
        ),
        (
            {"gravity": "fast"},
            "field `gravity` must be a number, got 'fast' of type str. Leave it out for the default, 9.8.",
        ),
        ({"gravity": None}, "field `gravity` must be a number, got None"),
        (
            {"gravity": [9.8]},
            r"field `gravity` must be a number, got the list \[9.8\].*jax.vmap\(lambda value: Kinds\(gravity=value\)\)",
        ),
        ({"gravity": (9.8, 1.6)}, "field `gravity` must be a number, got the tuple"),
        ({"gravity": 9.8j}, "field `gravity` must be a number, got 9.8j of type complex"),
        ({"gravity": np.complex64(1)}, "field `gravity` must be a number, got complex64"),
        ({"gravity": jnp.complex64(1)}, "field `gravity` must be a number, got Array.*complex64"),
        ({"gravity": np.array("9.8")}, "field `gravity` must be a number, got <U3"),
        ({"gravity": abs}, "field `gravity` must be a number, got <built-in function abs>"),
        ({"gravity": lambda: 9.8}, "field `gravity` must be a number, got the function `<lambda>`"),
        ({"gravity": {"g": 9.8}}, "field `gravity` must be a number, got {'g': 9.8} of type dict"),
        ({"pair": ("0", 1)}, r"field `pair` must be 2 numbers, got '0' .*Leave it out for the default, \(0.0, 1.0\)"),
        ({"pair": (0.0,)}, r"field `pair` must be 2 numbers, got \(0.0,\)"),
        ({"pair": [0, 1, 2]}, r"field `pair` must be 2 numbers, got \[0, 1, 2\]. Leave it out for the default"),
        ({"pair": 1.0}, r"field `pair` must be 2 numbers, got 1.0"),
        ({"pair": (0.0, None)}, r"field `pair` must be 2 numbers, got \(0.0, None\)"),
        ({"pair": np.zeros(3)}, r"field `pair` must be 2 numbers, got array"),
        ({"pair": jnp.ones(())}, r"field `pair` must be 2 numbers, got Array"),
        ({"pair": (0.0, float("nan"))}, "field `pair` is NaN"),
        ({"means": ["0"]}, "field `means` must be a number or several or None, got '0'"),
        ({"weights": {"w": "x"}}, "field `weights` holds 'x' of type str, which is not data"),
        ({"weights": {"w": float("nan")}}, "field `weights` is NaN"),
        ({"node": lambda: 1}, "field `node` must be of the class Weights, got the function `<lambda>`"),
        ({"node": Weights}, "field `node` must be of the class Weights, got <class "),
        ({"node": {"w": 1.0}}, "field `node` must be of the class Weights, got {'w': 1.0} of type dict"),
        ({"size": 3.0}, "`size` must be a Python integer, got 3.0 of type float"),
        ({"size": True}, "`size` must be a Python integer, got True"),
        (
            {"size": jnp.int32(3)},
            r"`size` must be a Python integer, got Array.*an array will not do: write `int\(...\)`",
        ),
        ({"loud": "no"}, "`loud` must be True or False, got 'no'"),
        ({"name": 3}, "`name` must be a string or None, got 3"),
        ({"gravity": 10**10}, r"field `gravity` is 10000000000, .*32 bits.*with a point: gravity=10000000000\.0"),
        (
            {"table": [1]},
            r"`table` is part of the program, so it must be hashable, got \[1\].* a tuple for a list",
        ),
        ({"table": {"a": 1}}, "`table` is part of the program, so it must be hashable, got {'a': 1} of type dict"),
        ({"table": jnp.ones(2)}, r"`table` is part of the program, so it must be hashable, got Array"),
    ],
)
def test_what_a_field_cannot_hold_is_refused(fields, message):
    with pytest.raises(InvalidField, match=f"^Kinds: {message}"):
        Kinds(**fields)
    with pytest.raises(InvalidField, match=message):
        Kinds().replace(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"gravity": 9},
        {"gravity": np.float64(1)},
        {"table": np.ones(2)},
        {"gravity": np.ones(3)},
        {"gravity": jnp.ones(())},
        {"gravity": jnp.ones(3, jnp.bfloat16)},
        {"gravity": jax.ShapeDtypeStruct((), jnp.float32)},
        {"pair": (0, np.float32(1))},
        {"pair": np.zeros(2)},
        {"means": [1.0, 2]},
        {"means": None},
        {"size": np.int64(4)},
        {"loud": np.bool_(True)},
        {"weights": {"w": np.zeros(3), "b": None}},
        {"node": Weights(1.0)},
    ],
    ids=str,
)
def test_what_a_field_can_hold_is_accepted(fields):
    Kinds(**fields)


def test_numpys_integers_become_pythons():
    env = Kinds(size=np.int64(4), loud=np.bool_(True))
    assert [type(env.size), type(env.loud)] == [int, bool]
    assert type(TimeLimit(CartPole(), np.int32(7)).max_episode_steps) is int


@pytest.mark.parametrize("value", ["9.8", None, [9.8], 9.8j], ids=str)
def test_make_refuses_them_too(value):
    with pytest.raises(InvalidField, match="field `gravity` must be a number"):
        jaxenvs.make("CartPole-v1", gravity=value)


def test_none_is_named_even_where_there_is_but_one_number():
    with pytest.raises(InvalidField, match="field `success_rate` must be a number, got None"):
        FrozenLake(success_rate=None, reward_schedule=None)


def test_tracers_pass():
    envs = jax.vmap(lambda g: Kinds(gravity=g, pair=(g, 2.0)))(jnp.arange(3.0))
    assert envs.gravity.shape == envs.pair[0].shape == (3,)


def test_trees_of_axis_numbers_pass_where_no_constructor_of_values_would():
    """`in_axes` for a batch in which one field has an axis, by `jax.tree.map` and `replace`."""
    env = NormalizeReward(jaxenvs.make("CartPole-v1"))
    none = jax.tree.map(lambda leaf: None, env)
    inner = jaxenvs.unwrap(none).replace(gravity=0)
    axes = jaxenvs.rewrap(none, inner)
    assert is_axes(axes)
    assert is_axes(axes.replace(gamma=0, epsilon=0))  # no epsilon is 0, but an axis is
    base = CartPole()
    batch = base.replace(gravity=jnp.array([1.0, 9.8], jnp.float32))
    state, _ = base.reset(jaxenvs.random.key(0))
    moved, _ = jax.vmap(lambda env, state: env.step(state, 1), in_axes=(inner, None))(batch, state)
    assert moved.theta_dot.shape == (2,)


@pytest.mark.parametrize("env", [CartPole(), jaxenvs.make("Copy-v0"), jaxenvs.make("rlenvs/DynaMaze-v0")])
def test_environments_are_no_trees_of_axis_numbers(env):
    assert not is_axes(env)
    assert not is_axes(jax.tree.map(lambda leaf: 0, env))  # equal to an environment of zeros, and taken for one


def test_lists_of_bounds_are_arrays_to_wrappers_that_need_one():
    env = RescaleObservation(jaxenvs.make("MountainCar-v0"), [0.0, 0.0], [1.0, 2.0])
    np.testing.assert_array_equal(env.observation_space.high, [1.0, 2.0])


@pytest.mark.parametrize("spec", [s for s in CATALOG if s.extra is None and "Mnist" not in s.id], ids=lambda s: s.id)
def test_no_id_takes_what_is_no_number_for_one(spec):
    cls = load(spec)
    for field in fields_of(cls):
        if field.kind == "number":
            for value in ("1", 1j, abs):
                with pytest.raises(InvalidField, match=f"field `{field.name}` must be a number"):
                    cls(**{**spec.fields, field.name: value})


ONE_ID_OF_EACH_CLASS = {spec.entry_point: spec for spec in CATALOG if "Mnist" not in spec.id}.values()


@pytest.mark.parametrize("spec", ONE_ID_OF_EACH_CLASS, ids=lambda spec: spec.id)
def test_static_fields_take_what_they_are_or_refuse_it(spec):
    """Wrong values are refused by our error, or accepted: no internal error of a comparison or of a hash."""
    cls = load(spec)
    for field in fields_of(cls):
        if field.is_static:
            for value in ("x", -1, 2.5, [1], {}, {"a": 1}, np.zeros(3), np.zeros(0), 2**40, abs):
                with contextlib.suppress(JaxenvsError):
                    hash(jax.tree.structure(cls(**{**spec.fields, field.name: value})))
