"""Batches of elements in the forms of Gymnasium's vector API, for spaces of every kind and nesting."""

import jax
import numpy as np
import pytest
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

from jaxenvs.adapters._host_loop.batches import from_gymnasium_batch, to_gymnasium_batch
from tests.spaces.nestings import gymnasium_element, random_space, same

# Gymnasium's own, for the number of a box of shape ().
pytestmark = pytest.mark.filterwarnings("ignore:.*Casting input x to numpy array")

SEEDS = [pytest.param(seed, marks=pytest.mark.slow) if seed >= 30 else seed for seed in range(200)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_has_the_form_of_gymnasiums_concatenate_and_comes_back(seed):
    space = random_space(np.random.default_rng([2, seed]), 2)
    twin = space.to_gymnasium()
    twin.seed(seed)
    elements = [space.element_from_gymnasium(gymnasium_element(twin)) for _ in range(3)]
    batch = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *elements)
    converted = to_gymnasium_batch(space, batch, 3)
    reference = concatenate(twin, [space.element_to_gymnasium(x) for x in elements], create_empty_array(twin, 3))
    assert same(converted, reference)
    assert batch_space(twin, 3).contains(converted)
    back = from_gymnasium_batch(space, converted, 3)
    assert jax.tree.structure(back) == jax.tree.structure(batch)
    for x, y in zip(jax.tree.leaves(back), jax.tree.leaves(batch)):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
