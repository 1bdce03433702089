"""Construction of spaces, invalid arguments, and spaces inside transformations."""

import pickle
import subprocess
import sys
from collections import OrderedDict

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs import spaces
from jaxenvs.errors import DependencyNotInstalled, InvalidField, InvalidSpace
from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Text, Tuple

REFUSED = [
    (lambda: Box(1, 0), r"low is above high at index \(0,\): 1.0 > 0.0; swap them"),
    (lambda: Box(np.array([0, 2]), np.array([1, 1])), r"low is above high at index \(1,\)"),
    (lambda: Box(np.nan, 1), "low holds NaN; give a number, or -np.inf"),
    (lambda: Box(0, np.array([1, np.nan])), "high holds NaN; give a number, or np.inf"),
    (lambda: Box(0, 1, dtype=str), "`dtype` must be an integer, floating or bool"),
    (lambda: Box(0, 1, dtype=None), "`dtype` must be"),
    (lambda: Box(0, 1, dtype=np.complex64), "`dtype` must be"),
    (lambda: Box(0, 1, dtype=np.float64), "float64 needs 64-bit types: use float32, or"),
    (lambda: Box(0, 1, 3), "`shape` must be a tuple of non-negative integers, got 3"),
    (lambda: Box(0, 1, (-1,)), "`shape` must be"),
    (lambda: Box(np.zeros(2), np.ones(3)), r"low has shape \(2,\), high has \(3,\); make them equal or give `shape`"),
    (lambda: Box(np.zeros(2), 1, (3,)), r"low of shape \(2,\) does not broadcast to the shape \(3,\)"),
    (lambda: Box(0, np.ones((2, 3)), (3,)), "high of shape .* does not broadcast"),
    (lambda: Box("low", 1), "low must be a number or an array of numbers"),
    (lambda: Box(-1, 1, dtype=np.uint8), "low goes beyond the range of uint8, from 0 to 255"),
    (lambda: Box(0, 256, dtype=np.uint8), "high goes beyond the range of uint8"),
    (lambda: Box(0, 1e39), "high goes beyond the range of float32"),
    (lambda: Box(-np.inf, 1, dtype=np.uint8), "low of a box of uint8 cannot be -inf"),
    (lambda: Box(np.inf, np.inf, dtype=np.int32), "low of a box of int32 cannot be inf"),
    (lambda: Box(0.5, 1, dtype=np.int32), "low of a box of int32 must be whole numbers, got 0.5; round"),
    (
        lambda: jax.jit(lambda x: Box(x, 1, dtype=np.int32).low)(0.5),
        "a traced float32, which a box of int32 cannot take",
    ),
    (lambda: Discrete(0), "`n` must be at least 1, got 0"),
    (lambda: Discrete(2.0), "`n` must be a Python integer, got 2.0"),
    (lambda: Discrete(True), "`n` must be a Python integer"),
    (lambda: Discrete(2, start=0.5), "`start` must be a Python integer"),
    (lambda: Discrete(2**31, start=1), "int32"),
    (lambda: jax.jit(lambda n: Discrete(n).n)(2), "cannot be traced"),
    (lambda: MultiDiscrete([]), "at least one count|array of integers"),
    (lambda: MultiDiscrete([2, 0]), "at least 1"),
    (lambda: MultiDiscrete([2.0]), "`nvec` must be an array of integers"),
    (lambda: MultiDiscrete(3), "at least one count"),
    (lambda: MultiDiscrete([2, 3], start=[0]), r"`start` has shape \(1,\), `nvec` has \(2,\)"),
    (lambda: MultiDiscrete([2], start=[2**31 - 1]), "int32"),
    (lambda: MultiBinary(0), "positive integer"),
    (lambda: MultiBinary((2, 0)), "positive integer"),
    (lambda: MultiBinary(2.5), "positive integer"),
    (lambda: Text(-1), "`max_length` must be a Python integer of at least 0"),
    (lambda: Text(2, min_length=3), r"min_length \(3\) is above max_length \(2\)"),
    (lambda: Text(2, charset=""), "`charset` is empty"),
    (lambda: Text(2, charset=["ab"]), "single character"),
    (lambda: Text(2, charset=5), "must be a string or a set"),
    (lambda: Dict({"a": 3}), "the entry 'a' must be a jaxenvs space, got 3"),
    (lambda: Dict({"a": gymnasium.spaces.Discrete(2)}), r"Convert it: `jaxenvs.spaces.from_gymnasium\(space\)`"),
    (lambda: Dict({"a": Discrete(2)}, a=Discrete(3)), r"\['a'\] is given by name and in `spaces`"),
    (lambda: Dict(3), "must be a dict of spaces or a sequence"),
    (lambda: Dict([("a", Discrete(2)), ("a", Discrete(3))]), "a key occurs twice"),
    (lambda: Tuple(Discrete(2)), r"write `Tuple\(\(space,\)\)`"),
    (lambda: Tuple((Discrete(2), 3)), "entry 1 must be a jaxenvs space"),
    (lambda: Sequence(3, 4), "`space` must be a jaxenvs space"),
    (lambda: Sequence(Discrete(2), 0), "`max_length` must be a Python integer of at least 1"),
    (lambda: Graph(3, None, 4), "`node_space` must be a jaxenvs space"),
    (lambda: Graph(Discrete(2), 3, 4, 5), "`edge_space` must be a jaxenvs space"),
    (lambda: Graph(Discrete(2), None, 0), "`max_nodes` must be"),
    (lambda: Graph(Discrete(2), None, 3, 4), "max_edges is 4, but there is no edge space"),
    (lambda: Graph(Discrete(2), Discrete(2), 3), "`max_edges` must be a Python integer of at least 1"),
    (lambda: spaces.from_gymnasium(gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2))), "pass `max_length`"),
    (lambda: spaces.from_gymnasium(gymnasium.spaces.Graph(gymnasium.spaces.Discrete(2), None)), "pass `max_nodes`"),
    (lambda: spaces.from_gymnasium(gymnasium.spaces.OneOf([gymnasium.spaces.Discrete(2)])), "has no counterpart"),
    (lambda: spaces.from_gymnasium(3), "has no counterpart"),
]


@pytest.mark.parametrize(("build", "match"), REFUSED)
def test_a_space_that_makes_no_sense_is_refused(build, match):
    with pytest.raises(InvalidSpace, match=match):
        build()


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: Discrete(3, seed=1), r"no field `seed`\. Randomness comes from the key"),
        (lambda: MultiDiscrete([2, 3], dtype=np.int8), r"no field `dtype`\. Its elements are always of one dtype"),
        (lambda: Box(0, 1, shap=(3,)), r"Did you mean: `shape`\? Its fields are: low, high, shape"),
        (lambda: Discrete(3).replace(m=2), r"Discrete has no field `m`"),
    ],
)
def test_a_keyword_that_a_space_does_not_take_is_refused_with_the_way(build, match):
    with pytest.raises(InvalidField, match=match):
        build()


def test_other_mistakes_of_a_constructor_keep_pythons_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'n'"):
        Discrete()
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments"):
        Discrete(1, 2, 3)


def test_a_space_is_not_called():
    with pytest.raises(TypeError, match=r"^Discrete\(2\) is a space and cannot be called.*`env\.action_space` without"):
        Discrete(2)(None)


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        (Box(0, 1), (1,)),  # as in Gymnasium
        (Box(0, 1, ()), ()),
        (Box(np.zeros(3), 1), (3,)),
        (Box(0, np.ones((2, 3))), (2, 3)),
        (Box(np.zeros(3), np.ones((2, 1)), (2, 3)), (2, 3)),
        (Box([0, 0], [1, 1]), (2,)),
    ],
)
def test_box_bounds_broadcast_to_its_shape(box, shape):
    assert box.shape == box.low.shape == box.high.shape == shape
    assert box.low.dtype == box.high.dtype == np.float32 and (box.low == 0).all() and (box.high == 1).all()


def test_box_keeps_concrete_bounds_as_numpy_arrays_of_its_own():
    low = np.zeros(2, np.float32)
    box = Box(low, jnp.ones(2))
    low[0] = 5
    assert type(box.low) is np.ndarray and type(box.high) is np.ndarray and box.low[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        box.low[0] = 1


@pytest.mark.parametrize(
    ("by_numpy", "by_python"),
    [
        (lambda n: Discrete(n, start=n), lambda: Discrete(3, start=3)),
        (lambda n: Box(0, 1, (n, 2)), lambda: Box(0, 1, (3, 2))),
        (lambda n: MultiBinary(n), lambda: MultiBinary(3)),
        (lambda n: MultiBinary((n, n)), lambda: MultiBinary((3, 3))),
        (lambda n: Text(n, n), lambda: Text(3, 3)),
        (lambda n: Sequence(Discrete(n), n), lambda: Sequence(Discrete(3), 3)),
        (lambda n: Graph(Discrete(2), Discrete(2), n, n), lambda: Graph(Discrete(2), Discrete(2), 3, 3)),
    ],
)
def test_sizes_may_be_numpy_integers(by_numpy, by_python):
    space = by_numpy(np.int64(3))
    assert space == by_python()
    assert hash(jax.tree.structure(space)) == hash(jax.tree.structure(by_python()))


def test_spaces_are_frozen():
    with pytest.raises(AttributeError):
        Discrete(2).n = 3


def test_replace_checks_again():
    assert Box(0, 1, (2,)).replace(low=-1) == Box(-1, 1, (2,))
    assert Box(-np.inf, 9, (2,), np.int32).replace(low=3) == Box(3, 9, (2,), np.int32)
    with pytest.raises(InvalidSpace, match="low is above high"):
        Box(0, 1).replace(low=2)


def test_building_spaces_creates_no_device_array():
    program = (
        "import numpy as np; from jax._src import xla_bridge; from jaxenvs.spaces import *;"
        "Dict({'a': Box(0, 255, (8, 8), np.uint8), 'b': MultiDiscrete([2, 3]), 'c': Sequence(Text(3), 4),"
        "      'd': Graph(Discrete(2), MultiBinary(3), 4, 5)});"
        "assert not xla_bridge._backends, 'a backend was started'; print('fine')"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "fine", result.stderr


def test_bounds_may_be_traced_and_batched():
    def build(gravity):
        return Box(-gravity, 2 * gravity, (3,))

    batch = jax.vmap(build)(jnp.array([1.0, 2.0]))
    assert batch.shape == (3,) and batch.low.shape == (2, 3)
    assert isinstance(repr(batch), str)
    x = jax.vmap(lambda s, k: s.sample(k))(batch, jax.random.split(jax.random.key(0), 2))
    assert jax.vmap(lambda s, x: s.contains(x))(batch, x).all()
    inside = jax.vmap(lambda s: s.contains(jnp.full(3, 3.0)))(batch)
    assert inside.tolist() == [False, True]
    flat = jax.vmap(lambda s: Tuple((s, Discrete(2))).flat_space())(batch)
    np.testing.assert_array_equal(flat.high, [[2, 2, 2, 1, 1], [4, 4, 4, 1, 1]])


def test_batched_bounds_inside_other_spaces():
    def build(size):
        return Dict({"x": Box(0, size, (1,)), "list": Sequence(Box(-size, size, (1,)), 2), "n": Discrete(2)})

    batch = jax.vmap(build)(jnp.array([1.0, 2.0]))
    x = jax.vmap(lambda s, k: s.sample(k))(batch, jax.random.split(jax.random.key(0), 2))
    assert jax.vmap(lambda s, x: s.contains(x) & s.flat_space().contains(s.flatten(x)))(batch, x).all()


def test_samples_are_differentiable_in_the_bounds():
    gradient = jax.grad(lambda high: Box(0, high, ()).sample(jax.random.key(0)))(2.0)
    assert 0 < gradient < 1


def test_a_jitted_function_is_traced_once_for_spaces_that_differ_in_their_bounds_alone():
    traces = []

    @jax.jit
    def sample(space, key):
        traces.append(space)
        return space.sample(key)

    for high in (1, 2, 3):
        sample(Box(0, high, (2,)), jax.random.key(0))
    sample(Box(0, 1, (3,)), jax.random.key(0))
    assert len(traces) == 2


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (Box(-1, 1, (3, 4)), "Box(-1.0, 1.0, (3, 4), float32)"),
        (Box(np.array([-1, -2]), np.array([2, 4])), "Box([-1. -2.], [2. 4.], (2,), float32)"),
        (Discrete(3), "Discrete(3)"),
        (Discrete(3, start=-1), "Discrete(3, start=-1)"),
        (MultiDiscrete([2, 3]), "MultiDiscrete([2 3])"),
        (MultiBinary(3), "MultiBinary(3)"),
        (Text(3, charset="ba"), "Text(1, 3, charset=ba)"),
        (Dict({"b": Discrete(2), "a": Discrete(3)}), "Dict('a': Discrete(3), 'b': Discrete(2))"),
        (Tuple((Discrete(2), Discrete(3))), "Tuple(Discrete(2), Discrete(3))"),
        (Sequence(Discrete(2), 4), "Sequence(Discrete(2), max_length=4)"),
        (Graph(Discrete(2), None, 4), "Graph(Discrete(2), None, max_nodes=4, max_edges=0)"),
    ],
)
def test_repr(space, text):
    assert repr(space) == text


@pytest.mark.parametrize("class_", [Box, Discrete, MultiDiscrete, MultiBinary])
def test_repr_is_gymnasiums(class_):
    space = {
        Box: Box(0, 1),
        Discrete: Discrete(3, 2),
        MultiDiscrete: MultiDiscrete([2, 3]),
        MultiBinary: MultiBinary((2, 3)),
    }
    assert repr(space[class_]) == repr(space[class_].to_gymnasium())


def test_dict_orders_its_keys_as_gymnasium_does():
    parts = {"b": Discrete(2), "a": Discrete(3)}
    twins = {name: part.to_gymnasium() for name, part in parts.items()}
    for make in (dict, OrderedDict, lambda d: list(d.items())):
        assert list(Dict(make(parts))) == list(gymnasium.spaces.Dict(make(twins)))
    mixed = {"b": Discrete(2), 3: Discrete(3)}
    assert list(Dict(mixed)) == ["b", 3]
    by_name = Dict({"z": Discrete(4)}, **parts)
    assert list(by_name) == list(gymnasium.spaces.Dict({"z": gymnasium.spaces.Discrete(4)}, **twins)) == ["z", "b", "a"]
    assert by_name == by_name.replace() == pickle.loads(pickle.dumps(by_name))
    unsorted = Dict(OrderedDict(parts))
    assert list(jax.jit(lambda s: s)(unsorted)) == ["b", "a"]


def test_dict_reads_like_a_dict_and_tuple_like_a_tuple():
    a, b = Discrete(2), Discrete(3)
    space = Dict({"a": a, "b": b})
    assert space["a"] is a and list(space) == ["a", "b"] and len(space) == 2 and "a" in space and "c" not in space
    assert (
        list(space.keys()) == ["a", "b"]
        and list(space.values()) == [a, b]
        and list(space.items()) == [("a", a), ("b", b)]
    )
    pair = Tuple([a, b])
    assert pair[0] is a and pair[-1] is b and pair[:1] == (a,) and list(pair) == [a, b] and len(pair) == 2


def test_empty_structures_have_one_element():
    for space, x in ((Dict({}), {}), (Tuple(()), ())):
        assert space.sample(jax.random.key(0)) == x and space.contains(x) and space.validate(x) == x
        assert space.flat_size == 0 and space.flatten(x).shape == (0,) and space.unflatten(space.flatten(x)) == x
        assert space.flat_space().shape == (0,)


def test_multi_discrete_can_be_indexed():
    space = MultiDiscrete([[2, 3], [4, 5]], start=[[0, 1], [2, 3]])
    assert space[0, 1] == Discrete(3, start=1) and space[1] == MultiDiscrete([4, 5], start=[2, 3]) and len(space) == 2


def test_text_sorts_a_set_and_keeps_another_order():
    assert Text(2, charset={"c", "a", "b"}).charset == "abc" and Text(2, charset="cabc").charset == "cab"
    assert Text(2) == spaces.from_gymnasium(gymnasium.spaces.Text(2))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.float16, np.float32, bool])
def test_box_of_every_dtype_equals_its_gymnasium_twin(dtype):
    box = Box(0, 1, (2,), dtype)
    assert box.to_gymnasium() == gymnasium.spaces.Box(0, 1, (2,), dtype)


def test_64_bit_gymnasium_boxes_become_32_bit_ones():
    limits = np.iinfo(np.int64)
    box = spaces.from_gymnasium(gymnasium.spaces.Box(limits.min, limits.max - 1, (2,), np.int64))
    assert box == Box(-(2**31), 2**31 - 1, (2,), np.int32)
    low, high = np.array([-1e300, -np.inf]), np.array([np.inf, 0.1])
    box = spaces.from_gymnasium(gymnasium.spaces.Box(low, high, dtype=np.float64))
    assert box == Box(np.array([np.finfo(np.float32).min, -np.inf]), np.array([np.inf, np.float32(0.1)]))
    with jax.enable_x64(True):
        assert spaces.from_gymnasium(gymnasium.spaces.Box(-1, 1, dtype=np.float64)).dtype == np.float64


def test_gymnasium_is_imported_when_needed_and_its_absence_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    for act in (Discrete(2).to_gymnasium, Box(0, 1).to_gymnasium, lambda: spaces.from_gymnasium(3)):
        with pytest.raises(DependencyNotInstalled, match=r'pip install "jaxenvs\[gymnasium\]"'):
            act()
