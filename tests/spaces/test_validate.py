"""What `validate` accepts, and its errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidAction
from jaxenvs.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    GraphElement,
    MultiBinary,
    MultiDiscrete,
    Sequence,
    SequenceElement,
    Text,
    Tuple,
)

BOX = Box(-1, 1, (2,))
BYTES = Box(0, 255, (2,), np.uint8)


@pytest.mark.parametrize(
    ("space", "x", "value"),
    [
        (Discrete(3), 2, 2),
        (Discrete(3), np.int64(2), 2),
        (Discrete(3), np.array(2, np.uint8), 2),
        (Discrete(3, start=-1), np.int64(-1), -1),
        (MultiDiscrete([2, 3]), [1, 2], [1, 2]),
        (MultiDiscrete([2, 3]), np.array([1, 2]), [1, 2]),
        (MultiBinary(2), [True, False], [1, 0]),
        (MultiBinary(2), np.array([1, 0]), [1, 0]),
        (BOX, [0.5, -0.5], [0.5, -0.5]),
        (BOX, (0, 1), [0, 1]),
        (BOX, np.array([0.5, 1.0]), [0.5, 1]),
        (BOX, np.array([0, 1]), [0, 1]),
        (Box(-1, 1, ()), 0.25, 0.25),
        (BYTES, [0, 255], [0, 255]),
        (BYTES, np.array([3, 4]), [3, 4]),
        (Box(0, 1, (2,), bool), [True, False], [True, False]),
        (Text(3, charset="ab"), "ba", [1, 0, -1]),
    ],
    ids=repr,
)
def test_host_values_that_convert_are_taken_in_the_dtype_of_the_space(space, x, value):
    y = space.validate(x)
    assert isinstance(y, jax.Array) and y.dtype == space.dtype and y.shape == space.shape and not y.weak_type
    np.testing.assert_array_equal(y, value)


@pytest.mark.parametrize(
    ("space", "dtype"),
    [(Discrete(3), d) for d in (jnp.int8, jnp.uint8, jnp.int32, jnp.uint32)]
    + [(MultiDiscrete([2, 2]), d) for d in (jnp.int8, jnp.uint8, jnp.int32, jnp.uint32)]
    + [(MultiBinary(2), d) for d in (bool, jnp.int8, jnp.int32)]
    + [(BOX, d) for d in (jnp.float16, jnp.bfloat16, jnp.float32)]
    + [(Box(-9, 9, (2,), np.int32), d) for d in (jnp.int8, jnp.uint8, jnp.int32)],
)
def test_traced_arrays_of_a_dtype_that_fits_are_cast(space, dtype):
    y = jax.jit(space.validate)(jnp.ones(space.shape, dtype))
    assert y.dtype == space.dtype and (y == 1).all()


def test_weak_types_are_made_strong():
    for space, x in ((Discrete(3), jnp.asarray(1)), (Box(-1, 1, ()), jnp.asarray(0.5))):
        assert x.weak_type and not space.validate(x).weak_type
        assert not jax.eval_shape(space.validate, 1 if isinstance(space, Discrete) else 0.5).weak_type


def test_64_bit_arrays_are_taken_with_x64_on():
    with jax.enable_x64(True):
        assert Discrete(3).validate(jnp.argmax(jnp.ones(3))).dtype == jnp.int32
        assert BOX.validate(jnp.zeros(2)).dtype == jnp.float32
        assert Box(0, 9, (2,), np.int32).validate(jnp.zeros(2, jnp.int64)).dtype == jnp.int32


def test_lists_of_traced_numbers_are_stacked():
    x = jax.jit(lambda a: BOX.validate([a, a]))(0.5)
    assert x.shape == (2,) and x.dtype == jnp.float32


def zeros(*shape, dtype=jnp.int32):
    return jnp.zeros(shape, dtype)


REFUSED = [
    # A discrete action
    (Discrete(3), zeros(64), r"an integer from 0 to 2, of shape \(\); got int32 of shape \(64,\)"),
    (Discrete(3), zeros(64), r"This is a batch of 64 actions; step a batch with `jax.vmap\(env.step\)`"),
    (Discrete(3), zeros(1), r"batch of 1 action;.*pass `action\[0\]`"),
    (Discrete(3), zeros(4, 5), r"axes \(4, 5\); step it with one `jax.vmap` per axis"),
    (Discrete(3), 1.0, "got 1.0 of type float. Use an integer"),
    (Discrete(3), zeros(dtype=jnp.float32), r"got float32 of shape \(\). Use an integer: cast with"),
    (Discrete(3), zeros(2, dtype=jnp.float32), r"of shape \(2,\). Real numbers are actions of a Box; use integers"),
    (Discrete(3), True, "got True of type bool. Use an integer"),
    (Discrete(3), "left", "got 'left' of type str. Use an integer"),
    (Discrete(3), None, "got None of type NoneType. Use an integer"),
    (Discrete(3), 2**40, "A value does not fit int32"),
    (Discrete(3), 2**80, "Use an integer"),
    (Discrete(3), np.int64(2**40), "A value does not fit int32"),
    (Discrete(3), 3, r"an integer from 0 to 2, of shape \(\); got 3\.$"),
    (Discrete(3), -1, "an integer from 0 to 2, .*; got -1"),
    (Discrete(3), np.array(99), "got 99"),
    (Discrete(3), zeros() + 3, "got 3"),
    (Discrete(3), zeros(dtype=jnp.uint8) + 200, "got 200"),
    (Discrete(3, start=5), 4, "an integer from 5 to 7, .*; got 4"),
    # A box
    (BOX, zeros(64, 2, dtype=jnp.float32), "float32 of shape.*batch of 64 actions; step a batch with"),
    (BOX, zeros(2), r"got int32 of shape \(2,\). Use float32: cast with `action.astype\(jnp.float32\)`"),
    (BOX, zeros(3, dtype=jnp.float32), r"float32 of shape \(2,\); got float32 of shape \(3,\)"),
    (BOX, zeros(2, 1, dtype=jnp.float32), r"Reshape it: `action.reshape\(\(2,\)\)`"),
    (BOX, 0.5, r"got 0.5 of type float. Pass an array, such as `jnp.full\(\(2,\), x\)`"),
    (BOX, [0.5, 1e300], "Use float32 values: one of these does not fit"),
    (BOX, np.array([2**24 + 1, 0]), "Use float32 values: one of these does not fit"),
    (BOX, np.array([True, False]), "Use float32 values"),
    (BOX, [[0.5], [0.5, 0.5]], "Use an array"),
    (BOX, ["a", "b"], r"got \['a', 'b'\] of type list. Use an array"),
    (BYTES, zeros(2), r"uint8 of shape \(2,\); got int32 of shape \(2,\). Cast it yourself.*astype\(jnp.uint8\)"),
    (BYTES, [0, 256], "A value does not fit uint8"),
    (BYTES, [0.5, 0.5], "Use an integer"),
    # Several entries
    (MultiDiscrete([2, 3]), zeros(7, 2), "batch of 7 actions"),
    (MultiDiscrete([2, 3]), zeros(2, dtype=jnp.float32), "Use an integer: cast"),
    (MultiDiscrete([2, 3]), 1, r"integers of shape \(2,\); got 1 of type int. Pass an array"),
    (MultiBinary(3), zeros(3, dtype=jnp.float32), r"zeros and ones, int8 of shape \(3,\).*Use an integer"),
    (MultiDiscrete([2, 3]), [1, 3], r"integers of shape \(2,\); got 3 at index 1, where 0 to 2 are valid"),
    (MultiDiscrete([[2, 3]], start=[[1, 1]]), zeros(1, 2), r"got 0 at index \(0, 0\), where 1 to 2 are valid"),
    (MultiBinary(3), [0, 1, 300], "does not fit int8"),
    (MultiBinary(3), [0, 1, 2], "zeros and ones, .*; got 2 at index 2, where 0 to 1 are valid"),
    (MultiBinary(3), zeros(3) - 1, "got -1 at index 0"),
    (Dict({"a": Tuple((BOX, Discrete(2)))}), {"a": (BOX.low, 2)}, r"In action\['a'\]\[1\]: .* from 0 to 1.*; got 2"),
    # Structures
    (Dict({"a": Discrete(2), "b": BOX}), {"a": 0}, r"got the keys \['a'\]. Add \['b'\]"),
    (Dict({"a": Discrete(2)}), {"a": 0, "c": 0}, r"Remove \['c'\]"),
    (Dict({"a": Discrete(2)}), 0, r"Expected a dict with the keys \['a'\]; got something of type int"),
    (Dict({"a": Discrete(2)}), {"a": 0.5}, r"In action\['a'\]: Expected an integer from 0 to 1"),
    (Dict({"a": Tuple((BOX, Discrete(2)))}), {"a": (BOX.low, 0.5)}, r"In action\['a'\]\[1\]: Expected an integer"),
    (Tuple((Discrete(2), Discrete(2))), (0,), "tuple of length 2; got one of length 1"),
    (Tuple((Discrete(2), Discrete(2))), zeros(2), "Expected a tuple of length 2; got something of type"),
    # Padded ones
    (Text(3, charset="ab"), "abc", r"Expected characters of 'ab'; got \['c'\]"),
    (Text(3, charset="ab"), "aaaa", "Expected 1 to 3 characters; got 4"),
    (Text(3, charset="ab"), "", "Expected 1 to 3 characters; got 0"),
    (Text(3), zeros(2), r"a string, or character indices padded with -1, int32 of shape \(3,\)"),
    (Sequence(Discrete(2), 3), zeros(3), r"Expected a SequenceElement; got something of type .*space.pad\(items\)"),
    (Sequence(Discrete(2), 3), [0, 1, 0, 1], "at most 3 items; got 4"),
    (Sequence(Discrete(2), 3), [0, 0.5], "Expected an integer from 0 to 1"),
    (Sequence(Discrete(2), 3), SequenceElement(zeros(4), zeros()), "Expected 3 items along the first axis"),
    (Sequence(Discrete(2), 3), SequenceElement(zeros(3, dtype=jnp.float32), zeros()), "Use an integer"),
    (Sequence(Discrete(2), 3), SequenceElement(zeros(3), zeros(1)), "number of items, an integer of shape"),
    (Graph(Discrete(2), None, 3), zeros(3), r"Expected a GraphElement; got something of type .*space.pad\(nodes"),
    (
        Graph(Discrete(2), None, 3),
        GraphElement(zeros(3), zeros(0), zeros(0, 2), zeros(), zeros()),
        "Expected `edges` to be None",
    ),
    (
        Graph(Discrete(2), Discrete(2), 3, 2),
        GraphElement(zeros(3), zeros(2), zeros(2), zeros(), zeros()),
        "edge_links, integers",
    ),
]


@pytest.mark.parametrize(("space", "x", "match"), REFUSED)
def test_what_does_not_fit_is_refused_with_what_was_expected_what_came_and_the_remedy(space, x, match):
    with pytest.raises(InvalidAction, match=match):
        space.validate(x)


@pytest.mark.parametrize("space", [Discrete(3), MultiDiscrete([2, 3]), MultiBinary(2)], ids=repr)
def test_traced_values_out_of_range_pass_and_so_do_floats_beyond_a_box(space):
    beyond = jnp.full(space.shape, 9, jnp.int32)
    assert (jax.jit(space.validate)(beyond) == 9).all()
    assert (jax.vmap(space.validate)(beyond[None]) == 9).all()
    assert (BOX.validate(jnp.full((2,), 9.0, jnp.float32)) == 9).all()


def test_stepping_with_an_action_out_of_range_names_the_range():
    env = jaxenvs.make("CartPole-v1")
    state, _ = env.reset(jaxenvs.random.key(0))
    for action in (2, -1, 99, jnp.int32(2)):
        with pytest.raises(InvalidAction, match="an integer from 0 to 1"):
            env.step(state, action)
    beyond = jax.jit(env.step)(state, 99)[0]
    assert np.array_equal(beyond.inner.x_dot, jax.jit(env.step)(state, 0)[0].inner.x_dot)


def test_traced_values_are_refused_before_the_program_runs():
    with pytest.raises(InvalidAction, match="batch of 64 actions"):
        jax.jit(lambda x: Discrete(3).validate(x))(zeros(64))


def test_invalid_actions_can_be_caught_as_type_and_value_errors():
    for kind in (TypeError, ValueError):
        with pytest.raises(kind):
            Discrete(3).validate(0.5)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([0, 1, 0, 1],), "at most 3 nodes; got 4"),
        (([0], [1], [[0, 1]]), "edge_links from 0 to 0"),
        (([0], [1], []), r"edge_links of shape \(1, 2\)"),
        (([0], [1], [[0.5, 0]]), "edge_links from 0 to 0"),
        (([0, 1], [1] * 3, [[0, 1]] * 3), "at most 2 edges; got 3"),
        (([0, 2.5],), "Expected an integer"),
    ],
)
def test_graph_pad_refuses_what_is_no_graph(arguments, match):
    with pytest.raises(InvalidAction, match=match):
        Graph(Discrete(2), Discrete(2), 3, 2).pad(*arguments)
    with pytest.raises(InvalidAction, match="no edge space"):
        Graph(Discrete(2), None, 3).pad([0], [0], [[0, 0]])


def test_pad_and_unpad_are_inverse():
    space = Sequence(BOX, 3)
    items = space.unpad(space.pad([[0.5, 0.25], [1, -1]]))
    np.testing.assert_array_equal(items, [[0.5, 0.25], [1, -1]])
    assert space.contains(space.validate([[0.5, 0.25]]))
    traced = jax.jit(lambda x: space.pad([x, [1.0, -1.0]]))(jnp.array([0.5, 0.25]))
    np.testing.assert_array_equal(space.unpad(traced), items)


def test_text_encodes_and_decodes():
    space = Text(5, min_length=0)
    for word in ("", "a", "Zebra"):
        assert space.decode(space.encode(word)) == word and space.length(space.encode(word)) == len(word)
