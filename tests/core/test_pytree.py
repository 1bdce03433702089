"""PyTreeNode: frozen dataclasses that JAX takes for pytrees."""

import copy
import dataclasses
import pickle
from functools import partial
from typing import Generic, TypeVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import GetAttrKey

import jaxenvs
from jaxenvs.core.pytree import PyTreeNode, is_static, static
from jaxenvs.envs.classic_control.cart_pole import CartPole

T = TypeVar("T")


class Empty(PyTreeNode):
    pass


class One(PyTreeNode):
    x: object


class OtherOne(PyTreeNode):
    x: object


class Sized(PyTreeNode):
    size: int = static(default=3)
    x: object = 1.0
    table: object = static(default=None)


class Pair(One, Generic[T]):
    """Inherits a field."""

    y: T


class Keyword(One, kw_only=True):
    size: int = static(default=3)
    y: object


class Strict(PyTreeNode):
    x: object

    def __post_init__(self):
        if not isinstance(self.x, float):
            raise TypeError("not a float")


class ByFlaxField(PyTreeNode):
    x: object
    size: int = flax.struct.field(pytree_node=False, default=3)


NODES = [
    (Empty(), []),
    (One(1.0), [".x"]),
    (Sized(5, 1.0), [".x"]),
    (Pair(1.0, 2.0), [".x", ".y"]),
    (Keyword(1.0, size=5, y=2.0), [".x", ".y"]),
    (Strict(1.0), [".x"]),
    (ByFlaxField(1.0, 5), [".x"]),
    (Pair(One(1.0), Sized(5, 2.0)), [".x.x", ".y.x"]),
]
each_node = pytest.mark.parametrize(("node", "paths"), NODES, ids=lambda value: repr(value)[:40])


@each_node
def test_fields_are_leaves_under_their_names_but_for_static_ones(node, paths):
    leaves, structure = jax.tree.flatten(node)
    with_paths, same_structure = jax.tree_util.tree_flatten_with_path(node)
    assert [jax.tree_util.keystr(path) for path, _ in with_paths] == paths
    assert all(isinstance(key, GetAttrKey) for path, _ in with_paths for key in path)
    assert leaves == [leaf for _, leaf in with_paths] == [1.0, 2.0][: len(paths)]
    assert structure == same_structure
    assert jax.tree.unflatten(structure, leaves) == node
    assert jax.jit(lambda node: node)(node) == node


@each_node
def test_it_survives_pickling_and_copying(node, paths):
    for twin in (pickle.loads(pickle.dumps(node)), copy.deepcopy(node), copy.copy(node), node.replace()):
        assert twin == node
        assert jax.tree.structure(twin) == jax.tree.structure(node)
    structure = jax.tree.structure(node)
    assert pickle.loads(pickle.dumps(structure)) == structure


def test_it_is_a_frozen_dataclass():
    node = One(1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        node.x = 2.0
    rebuilt = jax.tree.map(lambda x: x + 1, node)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rebuilt.x = 2.0
    assert rebuilt == node.replace(x=2.0) == dataclasses.replace(node, x=2.0) != node
    assert hash(rebuilt) == hash(One(2.0))
    assert repr(rebuilt) == "One(x=2.0)"
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        node.replace(z=1.0)


def test_replace_calls_the_constructor_and_unflattening_does_not():
    with pytest.raises(TypeError, match="not a float"):
        Strict(1.0).replace(x="left")
    assert jax.tree.map(str, Strict(1.0)).x == "1.0"
    assert jax.jit(jax.vmap(lambda node: node.x + 1))(jax.tree.map(lambda x: jnp.full((3,), x), Strict(1.0))).shape == (
        3,
    )


def test_static_values_are_part_of_the_structure():
    assert [is_static(field) for field in dataclasses.fields(Sized)] == [True, False, True]
    assert jax.tree.structure(Sized(5)) == jax.tree.structure(Sized(5, 2.0)) != jax.tree.structure(Sized(6))
    tables = [Sized(table=np.array(values)) for values in ([1, 2], [1, 2], [1, 3])]
    first, same, other = (jax.tree.structure(node) for node in tables)
    assert first == same != other
    assert hash(first) == hash(same)
    rebuilt = jax.tree.map(lambda x: x, tables[2]).table
    assert isinstance(rebuilt, np.ndarray)
    assert rebuilt.tolist() == [1, 3]


def test_static_takes_what_a_dataclass_field_takes():
    field = static(default=1, kw_only=True, repr=False, metadata={"unit": "m"})
    assert (field.default, field.kw_only, field.repr, field.metadata["unit"]) == (1, True, False, "m")
    assert is_static(field)


@pytest.mark.parametrize(
    ("left", "right"),
    [(One(1.0), OtherOne(1.0)), (Pair(One(1.0), 1.0), Pair(OtherOne(1.0), 1.0)), (One(1.0), Strict(1.0))],
    ids=["alone", "within", "strict"],
)
def test_classes_with_equal_fields_have_different_structures(left, right):
    assert jax.tree.structure(left) != jax.tree.structure(right)
    with pytest.raises(ValueError, match="One"):
        jax.tree.map(lambda x, y: x, left, right)


@pytest.mark.parametrize("base", [One, CartPole, jaxenvs.TimeLimit], ids=lambda base: base.__name__)
def test_one_jitted_function_runs_the_program_of_each_class(base):
    """JAX 0.10 compares nodes of `register_dataclass` by their fields alone, which mixes some of these up."""
    values = {One: (1.0,), CartPole: (), jaxenvs.TimeLimit: (CartPole(), 5)}[base]

    @jax.jit
    def number_of(node):
        return jnp.asarray(node.number, jnp.int32)

    classes = [type(f"{base.__name__}{i}", (base,), {"number": i, "__annotations__": {}}) for i in range(60)]
    assert [int(number_of(cls(*values))) for cls in classes] == list(range(60))


def test_the_structures_of_wrapped_environments_differ_by_what_they_wrap():
    class Twin(CartPole):
        pass

    wrap = partial(jaxenvs.TimeLimit, max_episode_steps=5)
    assert jax.tree.structure(wrap(CartPole())) != jax.tree.structure(wrap(Twin()))


def test_a_state_may_be_any_pytree():
    """An environment written with Flax's nodes, or with a dict, for its state works as any other."""

    class FlaxState(flax.struct.PyTreeNode):
        x: jax.Array
        size: int = flax.struct.field(pytree_node=False, default=3)

    class Counter(CartPole):
        make_state = staticmethod(FlaxState)

        def reset(self, key):
            _, timestep = super().reset(key)
            return self.make_state(x=jnp.zeros((), jnp.int32)), timestep

        def step(self, state, action):
            x = (state["x"] if isinstance(state, dict) else state.x) + 1
            _, timestep = super().reset(jaxenvs.random.key(0))
            return self.make_state(x=x), timestep.replace(terminated=x >= 3)

    class DictCounter(Counter):
        make_state = dict

    for cls in (Counter, DictCounter):
        env = jaxenvs.AutoReset(jaxenvs.TimeLimit(cls(), 5))
        state, _ = jax.vmap(env.reset)(jax.random.split(jaxenvs.random.key(0), 2))
        _, timesteps = jax.lax.scan(jax.vmap(env.step), state, jnp.zeros((4, 2), jnp.int32))
        assert timesteps.terminated[:, 0].tolist() == [False, False, True, False]
