"""What is contained: values at the boundaries, other dtypes, NaN, other structures; Gymnasium is the reference."""

import itertools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Text, Tuple

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def gymnasium_contains(space, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about every input that is not a NumPy array
        return space.to_gymnasium().contains(x)


def around(dtype, *values):
    """The values and their neighbours that the dtype holds, and its limits."""
    limits = np.iinfo(dtype)
    near = {v + step for v in values for step in (-1, 0, 1)} | {limits.min, limits.max}
    return [dtype(v) for v in sorted(near) if limits.min <= v <= limits.max]


FLOAT_BOXES = [Box(-1, 1, (2,)), Box(np.array([-np.inf, 0]), np.array([0.1, np.inf]))]


@pytest.mark.parametrize("box", FLOAT_BOXES, ids=repr)
def test_float_box_contains_what_gymnasiums_does_at_the_boundaries(box):
    edges = [-1.0, 0.0, 0.1, 1.0, 3e38, np.inf]
    values = {np.float32(sign * v) for v in edges for sign in (-1, 1)}
    # Not the neighbours of 0: compiled programs take subnormal numbers for 0, and Gymnasium does not.
    values |= {np.nextafter(v, np.float32(t)) for v in values if v for t in (-np.inf, np.inf)} | {np.float32(np.nan)}
    pairs = np.array(list(itertools.product(values, repeat=2)), np.float32)
    ours = np.asarray(jax.jit(jax.vmap(box.contains))(pairs))
    twin = box.to_gymnasium()
    theirs = np.array([twin.contains(pair) for pair in pairs])
    np.testing.assert_array_equal(ours, theirs)
    assert ours.any() and not ours.all() and not ours[np.isnan(pairs).any(axis=1)].any()


@pytest.mark.parametrize("dtype", [*INTEGERS, np.float16, np.float32, np.float64, np.bool_])
@pytest.mark.parametrize(
    "box",
    [
        Box(0, 1, (1,)),
        Box(0, 1, (1,), np.uint8),
        Box(0, 1, (1,), np.int32),
        Box(0, 1, (1,), bool),
        Box(0, 1, (1,), np.float16),
    ],
    ids=repr,
)
def test_box_contains_exactly_the_dtypes_that_cast_safely(box, dtype):
    x = np.ones(1, dtype)
    assert bool(box.contains(x)) == gymnasium_contains(box, x) == np.can_cast(dtype, box.dtype)


@pytest.mark.parametrize("box", [Box(0, 200, (1,), np.uint8), Box(-5, 5, (1,), np.int32)], ids=repr)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_box_never_wraps_a_value(box, dtype):
    for value in around(dtype, int(box.low[0]), int(box.high[0]), 0, 256):
        x = np.array([value], dtype)
        assert bool(box.contains(x)) == gymnasium_contains(box, x)


@pytest.mark.parametrize(
    "space", [Discrete(5), Discrete(4, start=-2), Discrete(2**31 - 1), Discrete(1, -(2**31))], ids=repr
)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_discrete_contains_integers_of_any_dtype_by_their_value(space, dtype):
    last = space.start + space.n - 1
    for value in around(dtype, space.start, last):
        # Gymnasium refuses uint64, whatever its value, as it does not cast safely to its int64.
        expected = space.start <= int(value) <= last
        assert bool(space.contains(value)) == expected
        assert dtype == np.uint64 or gymnasium_contains(space, value) == expected
        if np.dtype(dtype).itemsize < 8:
            assert bool(space.contains(jnp.asarray(value))) == expected
            assert bool(jax.jit(space.contains)(value)) == expected


@pytest.mark.parametrize(
    "x", [0, 1, 2, -1, 2**31, 2**40, 2**64, -(2**70), 1.0, "1", None, [1], np.float32(1), np.ones(1, int)]
)
def test_discrete_agrees_with_gymnasium_on_python_values(x):
    assert bool(Discrete(2).contains(x)) == gymnasium_contains(Discrete(2), x)


def test_discrete_contains_no_bools():
    assert (
        not Discrete(2).contains(True)
        and not Discrete(2).contains(np.bool_(True))
        and not Discrete(2).contains(jnp.bool_(1))
    )


def test_discrete_compares_64_bit_values_as_they_are_with_x64_on():
    with jax.enable_x64(True):
        values = jnp.asarray([0, 1, 2**32, 2**32 + 1, -(2**32)], jnp.int64)
        assert jax.jit(jax.vmap(Discrete(2).contains))(values).tolist() == [True, True, False, False, False]
        assert not Discrete(2).contains(jnp.asarray(2**63, jnp.uint64))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_multi_discrete_never_wraps_a_value(dtype):
    space = MultiDiscrete([3, 2], start=[-1, 5])
    for pair in itertools.product(around(dtype, -1, 1, 5, 6), repeat=2):
        x = np.array(pair, dtype)
        expected = -1 <= int(x[0]) <= 1 and 5 <= int(x[1]) <= 6
        assert bool(space.contains(x)) == expected
        assert dtype == np.uint64 or gymnasium_contains(space, x) == expected


def test_multi_discrete_traced_values_do_not_wrap():
    space = MultiDiscrete([3, 2], start=[-1, 5])
    x = np.array(list(itertools.product(range(-128, 128, 1), [4, 5, 6, 7])), np.int8)
    inside = jax.jit(jax.vmap(space.contains))(x)
    np.testing.assert_array_equal(inside, (x[:, 0] >= -1) & (x[:, 0] <= 1) & (x[:, 1] >= 5) & (x[:, 1] <= 6))
    assert not jax.jit(jax.vmap(MultiDiscrete([2], start=[-5]).contains))(np.arange(256, dtype=np.uint8)[:, None]).any()


def test_multi_binary_contains_zeros_and_ones_of_integer_dtypes_and_bools():
    space = MultiBinary(2)
    for x in (np.array([0, 1], np.int8), np.array([1, 1]), np.array([True, False]), [0, 1]):
        assert space.contains(x) and gymnasium_contains(space, x)
    for x in (np.array([0, 2], np.int8), np.array([256, 1]), np.array([-1, 0]), np.zeros(3, np.int8), [0, 1, 1]):
        assert not space.contains(x) and not gymnasium_contains(space, x)
    assert not space.contains(np.array([0.0, 1.0]))  # unlike in Gymnasium, floats are not elements


@pytest.mark.parametrize(
    ("space", "x"),
    [
        (Box(-1, 1, (2,)), np.zeros(3, np.float32)),
        (Box(-1, 1, (2,)), np.zeros((1, 2), np.float32)),
        (Box(-1, 1, (2,)), np.zeros((), np.float32)),
        (Box(-1, 1, (2,)), "zeros"),
        (Box(-1, 1, (2,)), None),
        (Box(-1, 1, (2,)), [[0.0], [0.0, 1.0]]),
        (Discrete(3), np.zeros((2,), np.int32)),
        (MultiDiscrete([2, 2]), np.zeros((2, 2), np.int32)),
        (Dict({"a": Discrete(2)}), {}),
        (Dict({"a": Discrete(2)}), {"a": 0, "b": 0}),
        (Dict({"a": Discrete(2)}), 0),
        (Dict({"a": Discrete(2)}), {"a": 2}),
        (Tuple((Discrete(2), Discrete(3))), (0,)),
        (Tuple((Discrete(2), Discrete(3))), (2, 0)),
        (Tuple((Discrete(2),)), 0),
        (Text(3), "toolong"),
        (Text(3), 3),
        (Sequence(Discrete(2), 3), 0),
        (Graph(Discrete(2), None, 3), 0),
    ],
)
def test_another_structure_shape_or_value_is_not_contained(space, x):
    assert not space.contains(x) and not gymnasium_contains(space, x)


def test_box_contains_lists_and_numbers_that_convert_without_loss():
    assert (
        Box(-1, 1, (2,)).contains([0, 0.5])
        and Box(-1, 1, ()).contains(0.25)
        and Box(0, 9, (2,), np.uint8).contains([0, 9])
    )
    assert not Box(0, 9, (2,), np.uint8).contains([0, 256]) and not Box(0, 9, (1,), np.int32).contains([0.5])


def test_containment_uses_traced_bounds():
    inside = jax.jit(lambda high: Box(-high, high, (2,)).contains(np.ones(2, np.float32)))
    assert inside(1.0) and not inside(0.5)


TEXT = Text(4, min_length=1, charset="abc")


@pytest.mark.parametrize(
    ("x", "inside"),
    [
        ([0, 1, 2, 0], True),
        ([2, -1, -1, -1], True),
        ([-1, -1, -1, -1], False),  # shorter than min_length
        ([0, -1, 1, -1], False),  # a character after the padding
        ([0, 3, -1, -1], False),  # no such character
        ([0, -2, -1, -1], False),  # no such padding
    ],
)
def test_text_contains_indices_and_then_padding(x, inside):
    x = np.array(x, np.int32)
    assert bool(TEXT.contains(x)) == bool(jax.jit(TEXT.contains)(x)) == inside


def test_sequence_requires_zeros_after_its_end():
    space = Sequence(Discrete(3, start=1), 3)
    x = space.pad([1, 3])
    assert space.contains(x) and space.contains(space.pad([]))
    assert not space.contains(x.replace(items=x.items.at[2].set(1)))
    assert not space.contains(x.replace(items=x.items.at[0].set(4)))
    assert not space.contains(x.replace(length=np.int32(3)))  # zero is not an element of the item space
    assert not space.contains(x.replace(length=np.int32(4))) and not space.contains(x.replace(length=np.int32(-1)))
    assert not space.contains(x.replace(length=np.int64(2**32 + 2)))
    assert not space.contains(x.replace(items=x.items[:2])) and not space.contains(x.replace(length=np.float32(2)))


def test_graph_requires_links_to_nodes_and_zeros_after_the_end():
    space = Graph(Discrete(3), Discrete(2), 3, 2)
    x = space.pad([2, 1], [1], [[0, 1]])
    assert space.contains(x) and space.contains(space.pad([]))
    for bad in (
        x.replace(edge_links=x.edge_links.at[0, 1].set(2)),
        x.replace(edge_links=x.edge_links.at[0, 1].set(-1)),
        x.replace(edge_links=x.edge_links.at[1, 0].set(1)),
        x.replace(nodes=x.nodes.at[0].set(3)),
        x.replace(nodes=x.nodes.at[2].set(1)),
        x.replace(edges=x.edges.at[1].set(1)),
        x.replace(n_node=np.int32(4)),
        x.replace(n_edge=np.int32(-1)),
        x.replace(n_node=np.float32(2)),
        x.replace(edges=None),
        x.replace(edge_links=x.edge_links[:1]),
    ):
        assert not space.contains(bad)


def test_flags_are_contained_alone_and_in_a_sequence():
    flags = Sequence(Box(0, 1, (2,), bool), 3)
    x = flags.pad([np.array([True, False])])
    assert flags.contains(x) and not flags.contains(x.replace(items=x.items.at[2, 0].set(True)))
    assert MultiBinary(2).contains(jnp.array([True, False])) and not MultiBinary(3).contains(jnp.array([True, False]))


IN = [
    (Discrete(3), 2, 3),
    (Box(-1, 1, (2,)), [0.5, -1], [0.5, 2]),
    (MultiDiscrete([2, 3]), np.array([1, 2]), np.array([1, 3])),
    (MultiBinary(2), [0, 1], [0, 2]),
    (Text(3, charset="ab"), np.array([0, 1, -1]), np.array([0, 2, -1])),
    (Tuple((Discrete(2), Discrete(2))), (0, 1), (0, 2)),
    (Dict({"a": Discrete(2)}), {"a": 1}, {"a": 2}),
    (Sequence(Discrete(2), 3), Sequence(Discrete(2), 3).pad([1, 1]), [1, 1]),
    (Graph(Discrete(2), None, 3), Graph(Discrete(2), None, 3).pad([1, 1]), 0),
]


@pytest.mark.parametrize(("space", "inside", "outside"), IN, ids=[type(row[0]).__name__ for row in IN])
def test_the_operator_in_answers_with_a_python_bool(space, inside, outside):
    assert inside in space
    assert outside not in space
    assert jax.tree.map(lambda leaf: np.stack([leaf, leaf]), inside) not in space  # a batch is not an element


def test_the_operator_in_refuses_what_is_traced():
    with pytest.raises(TypeError, match=r"Within `jit` and `vmap`,.*space.contains\(x\)"):
        jax.jit(lambda x: x in Discrete(3))(1)
