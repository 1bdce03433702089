"""Random spaces, nested in each other, against their Gymnasium twins."""

import copy
import pickle

import jax
import numpy as np
import pytest

from jaxenvs import spaces
from jaxenvs.spaces import Discrete, MultiBinary, MultiDiscrete
from tests.spaces.nestings import MAXIMA, gymnasium_element, random_space

# Gymnasium warns about every number that is not a NumPy array, and NumPy about casts of what is not contained.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Casting input x to numpy array", "ignore:.*in cast", "ignore:.*discards"
)

SEEDS = [pytest.param(seed, marks=pytest.mark.slow) if seed >= 30 else seed for seed in range(200)]


def equal(a, b):
    """Whether two elements have the same structure, dtypes and values."""
    leaves = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        np.asarray(x).dtype == np.asarray(y).dtype and np.array_equal(x, y) for x, y in leaves
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_space_and_its_elements_go_to_gymnasium_and_come_back(seed):
    space = random_space(np.random.default_rng(seed), 2)
    twin = space.to_gymnasium()
    twin.seed(seed)
    assert spaces.from_gymnasium(twin, **MAXIMA) == space
    assert pickle.loads(pickle.dumps(space)) == space and copy.deepcopy(space) == space
    assert repr(space).startswith(f"{type(space).__name__}(")
    x = gymnasium_element(twin)
    element = space.element_from_gymnasium(x)
    assert space.contains(element)
    back = space.element_to_gymnasium(element)
    assert twin.contains(back)
    assert equal(space.element_from_gymnasium(back), element)
    assert equal(space.unflatten(space.flatten(element)), space.validate(element))


def changed(rng, x):
    """An element of Gymnasium with one change somewhere, which need not take it out of the space."""
    if isinstance(x, dict):
        some = list(x)[rng.integers(len(x))]
        without = {key: part for key, part in x.items() if key != some}
        options = [{**x, "extra": 0}, without, list(x.items()), *3 * [{**x, some: changed(rng, x[some])}]]
        return options[rng.integers(len(options))]
    if isinstance(x, tuple):
        i = rng.integers(len(x))
        options = [list(x), (*x, 0), x[:-1], None, *3 * [(*x[:i], changed(rng, x[i]), *x[i + 1 :])]]
        return options[rng.integers(len(options))]
    x = np.asarray(x)
    dtypes = (np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.int8, bool, str, complex, object)
    number = x.astype(np.int64) if x.dtype.kind == "b" else x
    options = [
        *(x.astype(dtype) for dtype in dtypes),
        *(x.tolist(), x[None], x.ravel(), None, "abc", 2**70),
        *(number + 100, -number - 1, np.full(x.shape, np.nan, np.float32), np.full(x.shape, np.inf, np.float32)),
        *(np.asfortranarray(x), x.astype(x.dtype.newbyteorder())),
    ]
    return options[rng.integers(len(options))]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_contained_is_contained_in_the_gymnasium_twin(seed):
    rng = np.random.default_rng([1, seed])
    space = random_space(rng, 2, padded=False)
    twin = space.to_gymnasium()
    twin.seed(seed)
    for _ in range(12):
        x = changed(rng, gymnasium_element(twin))
        if space.contains(x):
            assert twin.contains(x), x
        else:
            assert not twin.contains(x) or is_stricter(space, x), x


def is_stricter(space, x):
    """Whether an element has a part that Gymnasium contains although its dtype does not fit."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        keys = space.spaces if isinstance(space, spaces.Dict) else range(len(space.spaces))
        return any(is_stricter(space.spaces[key], x[key]) for key in keys)
    if isinstance(space, spaces.Box):
        return not isinstance(x, np.ndarray)  # Gymnasium casts it, whether or not it fits
    return np.asarray(x).dtype.kind not in {MultiBinary: "iub", Discrete: "iu", MultiDiscrete: "iu"}[type(space)]


@pytest.mark.parametrize(
    ("space", "x"),
    [
        (MultiBinary(2), np.array([0.0, 1.0])),
        (MultiBinary(2), np.array([0, 1], object)),
        (MultiDiscrete([2]), np.array([True])),
        (Discrete(2), True),
        (spaces.Box(0, 9, (), np.int32), 6.5),
    ],
    ids=str,
)
def test_gymnasium_contains_elements_of_other_dtypes_which_are_none_here(space, x):
    assert space.to_gymnasium().contains(x)
    assert not space.contains(x)
