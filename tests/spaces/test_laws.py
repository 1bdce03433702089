"""Laws that hold for every space: one table, and one test for each law."""

import pickle

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs import random, spaces
from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Text, Tuple
from tests.spaces.own_spaces import Even, Simplex

MAXIMA = {"max_length": 4, "max_nodes": 5, "max_edges": 7}

TABLE = {
    "box": Box(-1, 1, (2, 3)),
    "box of one number": Box(-1.0, 2.0, ()),
    "box half open": Box(np.array([-np.inf, 0, -np.inf, -3]), np.array([np.inf, np.inf, 5, 4])),
    "box uint8": Box(0, 255, (2, 2), np.uint8),
    "box int32": Box(np.array([-5, 0]), np.array([5, 0]), dtype=np.int32),
    "box int32 whole": Box(-(2**31), 2**31 - 1, (3,), np.int32),
    "box int32 open": Box(np.array([-np.inf, 3, -np.inf]), np.array([np.inf, np.inf, 3]), dtype=np.int32),
    "box bool": Box(0, 1, (3,), bool),
    "box float16": Box(-1, 1, (2,), np.float16),
    "discrete": Discrete(5),
    "discrete start": Discrete(4, start=-2),
    "discrete single": Discrete(1),
    "multi discrete": MultiDiscrete([3, 1, 4], start=[1, -2, 0]),
    "multi discrete nested": MultiDiscrete([[2, 3], [4, 1]]),
    "multi binary": MultiBinary(4),
    "multi binary nested": MultiBinary((2, 3)),
    "text": Text(6, min_length=2, charset="zyx"),
    "text empty": Text(3, min_length=0),
    "dict": Dict({"position": Box(-1, 1, (2,)), "colour": Discrete(3), "bits": MultiBinary(2)}),
    "dict unsorted": Dict([("b", Discrete(3)), ("a", Box(0, 9, (2,), np.int32))]),
    "dict nested": Dict(
        {"inner": Dict({"x": Box(-1, 1, (1,)), "word": Text(2)}), "pair": Tuple((Discrete(2), Discrete(3)))}
    ),
    "tuple": Tuple((Discrete(2), MultiBinary(3))),
    "tuple mixed": Tuple((Box(-1, 1, (2,)), MultiDiscrete([2, 3]))),
    "sequence": Sequence(Box(1, 2, (2,)), 4),
    "sequence stacked": Sequence(Discrete(3, start=5), 4, stack=True),
    "sequence of dicts": Sequence(Dict({"word": Text(3, charset="ab"), "number": Discrete(3, start=5)}), 4),
    "own": Simplex(3),
    "own with bounds": Even(6),
    "own in a dict": Dict({"weights": Simplex(2), "dice": Even(4)}),
    "graph": Graph(Box(-1, 1, (2,)), Discrete(3), 5, 7),
    "graph without edges": Graph(Discrete(3, start=1), None, 5),
    "graph of dicts": Graph(Dict({"x": Discrete(2), "y": Box(0, 1, (2,))}), MultiDiscrete([2, 2]), 5, 7),
}
FLATTENED_BY_GYMNASIUM = [name for name in TABLE if name.split()[0] not in ("sequence", "graph")]

# Two draws of one key may differ by rounding between eager, compiled and batched programs, which
# contract a product and a sum into one operation or do not: a few units in the last place of float32.
ROUNDING = {"rtol": 1e-5, "atol": 1e-6}


# The largest programs take seconds to compile; their parts are all in the table already.
LARGE = [pytest.param(n, marks=pytest.mark.slow) if n in ("graph of dicts", "dict nested") else n for n in TABLE]


@pytest.fixture(scope="module", params=LARGE, ids=lambda name: name.replace(" ", "_"))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def space(name):
    return TABLE[name]


@pytest.fixture(scope="module")
def worked(space):
    """Sixteen elements and what the methods make of them, by name, as NumPy arrays; one program for all."""

    def work(key):
        x = space.sample(key)
        flat = space.flatten(x)
        return {
            "samples": x,
            "contained": space.contains(x),
            "validated": space.validate(x),
            "flat": flat,
            "flat contained": space.flat_space().contains(flat),
            "unflattened": space.unflatten(flat),
        }

    return jax.device_get(jax.jit(jax.vmap(work))(jax.random.split(random.key(1), 16)))


@pytest.fixture(scope="module")
def samples(worked):
    return worked["samples"]


def element(samples, i):
    return jax.tree.map(lambda leaf: leaf[i], samples)


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def assert_close(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
        assert x.dtype == y.dtype
        # float16 keeps 11 bits, so one unit in its last place is about 1e-3.
        tolerance = {"rtol": 2e-3, "atol": 1e-3} if x.dtype == np.float16 else ROUNDING
        np.testing.assert_allclose(np.asarray(x, np.float64), np.asarray(y, np.float64), **tolerance)


def test_samples_lie_in_the_space(worked):
    assert worked["contained"].shape == (16,) and worked["contained"].all()


def test_samples_are_not_weakly_typed(space):
    shapes = jax.eval_shape(lambda: space.sample(random.key(0)))
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(shapes))


def test_one_key_gives_one_element_jitted_and_mapped_with_the_space_as_argument(space, samples):
    keys = jax.random.split(random.key(1), 16)
    mapped = jax.jit(jax.vmap(lambda s, k: s.sample(k), in_axes=(None, 0)))(space, keys)
    assert_close(jax.device_get(mapped), samples)


# Eager, each operation of a large sampler is compiled for itself, which takes seconds.
EAGER = [pytest.param(n, marks=pytest.mark.slow) if n.split()[0] in ("sequence", "graph") else n for n in TABLE]


@pytest.mark.parametrize("eager_name", EAGER)
def test_one_key_gives_one_element_eager_and_jitted(eager_name):
    space, key = TABLE[eager_name], random.key(2)
    assert_close(space.sample(key), jax.jit(space.sample)(key))


def test_containment_is_one_bool(space, samples):
    inside = space.contains(element(samples, 0))
    assert isinstance(inside, jax.Array) and inside.shape == () and inside.dtype == bool and inside


def test_validate_returns_an_element_unchanged(space, worked):
    assert_same(worked["validated"], worked["samples"])
    x = element(worked["samples"], 3)
    assert_same(jax.device_get(space.validate(x)), x)


def test_unflatten_undoes_flatten(space, worked):
    assert worked["flat"].shape == (16, space.flat_size) and worked["flat"].dtype == space.flat_dtype
    assert_same(worked["unflattened"], worked["samples"])


def test_flat_elements_lie_in_the_flat_space(space, worked):
    box = space.flat_space()
    assert box.shape == (space.flat_size,) and box.dtype == space.flat_dtype
    assert worked["flat contained"].all()


def test_flatten_of_host_and_device_elements_is_the_same(space, samples):
    x = element(samples, 2)
    on_host, on_device = space.flatten(x), space.flatten(jax.tree.map(jnp.asarray, x))
    assert isinstance(on_host, jax.Array)
    assert_same(jax.device_get(on_host), jax.device_get(on_device))


def test_flatten_gives_gymnasiums_vector_and_flat_space_its_bounds(name, space, worked):
    if name not in FLATTENED_BY_GYMNASIUM:
        with pytest.raises(ValueError):
            gymnasium.spaces.flatdim(space.to_gymnasium())
        return
    twin, box = space.to_gymnasium(), space.flat_space()
    reference = gymnasium.spaces.flatten_space(twin)
    assert space.flat_size == gymnasium.spaces.flatdim(twin)
    np.testing.assert_array_equal(np.asarray(box.low, reference.dtype), reference.low)
    np.testing.assert_array_equal(np.asarray(box.high, reference.dtype), reference.high)
    for i in range(16):
        x = space.element_to_gymnasium(element(worked["samples"], i))
        np.testing.assert_array_equal(worked["flat"][i], gymnasium.spaces.flatten(twin, x))


def test_elements_converted_lie_in_the_gymnasium_twin_and_come_back(space, samples):
    twin = space.to_gymnasium()
    for i in range(4):
        x = element(samples, i)
        converted = space.element_to_gymnasium(x)
        assert twin.contains(converted), converted
        assert_same(jax.device_get(space.element_from_gymnasium(converted)), x)


def test_gymnasiums_samples_converted_lie_in_the_space(space):
    twin = space.to_gymnasium()
    twin.seed(4)
    tried = 0
    for _ in range(60):
        x = twin.sample(num_nodes=3, num_edges=4) if isinstance(space, Graph) and space.max_edges else None
        x = twin.sample(num_nodes=3) if isinstance(space, Graph) and x is None else twin.sample() if x is None else x
        if isinstance(space, Sequence) and len(x) > space.max_length:
            continue
        assert space.contains(space.element_from_gymnasium(x)), x
        tried += 1
        if tried == 4:
            return
    pytest.fail("Gymnasium gave too few samples that fit")


def test_a_space_comes_back_from_gymnasium(space):
    assert spaces.from_gymnasium(space.to_gymnasium(), **MAXIMA) == space


def test_a_space_survives_pickle_flattening_and_jit(space):
    assert pickle.loads(pickle.dumps(space)) == space
    leaves, structure = jax.tree.flatten(space)
    assert structure.unflatten(leaves) == space
    assert jax.jit(lambda s: s)(space) == space
    assert space.replace() == space


def test_a_space_equals_no_other(name, space):
    assert [other for other in TABLE if TABLE[other] == space] == [name]
    assert space != "box"


def test_a_space_cannot_be_hashed(space):
    with pytest.raises(TypeError, match="unhashable"):
        hash(space)


def test_repr_is_one_short_line_and_starts_with_the_class(space):
    text = repr(space)
    assert text.startswith(type(space).__name__ + "(") and "\n" not in text and len(text) < 300


def test_placeholders_may_stand_where_the_leaves_were(space):
    axes = jax.tree.map(lambda _: 0, space)
    assert jax.tree.leaves(axes) == [0] * len(jax.tree.leaves(space))
    stack = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), space)
    keys = jax.random.split(random.key(5), 2)
    inside = jax.jit(jax.vmap(lambda s, k: s.contains(s.sample(k)), in_axes=(axes, 0)))(stack, keys)
    assert inside.all()
    repr(jax.tree.map(lambda _: object(), space))


def test_every_space_works_with_64_bit_types_on(space):
    with jax.enable_x64(True):

        @jax.jit
        def work(key):
            x = space.sample(key)
            flat = space.flatten(x)
            return x, space.contains(x), flat, space.unflatten(flat), space.validate(x)

        x, inside, flat, unflattened, validated = jax.device_get(work(random.key(6)))
        assert inside and flat.dtype == space.flat_dtype
        assert_same(unflattened, x)
        assert_same(validated, x)
