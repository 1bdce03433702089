"""The distributions of samples, and masks, against Gymnasium and against theory.

Statistical tests draw with fixed keys, so they cannot be flaky; each requires a p-value above ALPHA,
which a correct sampler misses once in ten thousand choices of keys.
"""

import itertools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxenvs import random
from jaxenvs.errors import InvalidKey, InvalidMask
from jaxenvs.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Sequence, Text, Tuple

ALPHA = 1e-4
DRAWS = 20_000


def draw(sample, count=DRAWS, seed=0):
    """`count` samples as NumPy arrays, from one compiled call."""
    return jax.device_get(jax.jit(jax.vmap(sample))(jax.random.split(random.key(seed), count)))


def assert_uniform(values, low, high):
    counts = np.bincount(np.asarray(values).ravel() - low, minlength=high - low + 1)
    assert len(counts) == high - low + 1
    assert stats.chisquare(counts).pvalue > ALPHA


@pytest.mark.parametrize("key_of", ["jax", "jaxenvs"])
def test_box_draws_each_entry_from_the_distribution_that_its_bounds_call_for(key_of):
    box = Box(np.array([-1, 2, -np.inf, -np.inf, 4]), np.array([3, np.inf, 5, np.inf, 4]))
    key = {"jax": jax.random.key, "jaxenvs": random.key}[key_of](7)
    x = np.asarray(jax.jit(jax.vmap(box.sample))(jax.random.split(key, DRAWS)))
    for column, cdf in (
        (x[:, 0], stats.uniform(-1, 4).cdf),
        (x[:, 1] - 2, stats.expon().cdf),
        (5 - x[:, 2], stats.expon().cdf),
        (x[:, 3], stats.norm().cdf),
    ):
        assert stats.kstest(column, cdf).pvalue > ALPHA
    assert (x[:, 4] == 4).all()
    for a, b in itertools.combinations(range(4), 2):
        # The standard error of a correlation of independent numbers is 1 / sqrt(DRAWS); 4.5 of them.
        assert abs(np.corrcoef(x[:, a], x[:, b])[0, 1]) < 4.5 / np.sqrt(DRAWS)


def test_box_draws_as_gymnasium_does():
    low, high = np.array([-1, 2, -np.inf, -np.inf], np.float32), np.array([3, np.inf, 5, np.inf], np.float32)
    twin = gymnasium.spaces.Box(low, high, seed=1)
    reference = np.stack([twin.sample() for _ in range(4000)])
    ours = draw(Box(low, high).sample, 4000)
    for i in range(4):
        assert stats.ks_2samp(ours[:, i], reference[:, i]).pvalue > ALPHA


def test_box_of_the_whole_float_range_does_not_overflow():
    limit = np.finfo(np.float32).max
    x = draw(Box(-limit, limit, (4,)).sample, 1000)
    assert np.isfinite(x).all() and (x < 0).any() and (x > 0).any() and np.abs(x).max() > 0.9 * limit


def test_box_never_leaves_narrow_bounds_by_rounding():
    low = np.float32(1e6)
    high = np.nextafter(low, np.float32(2e6))
    assert set(np.unique(draw(Box(low, high, (4,)).sample, 1000))) <= {low, high}


@pytest.mark.parametrize(
    ("low", "high", "dtype"), [(-3, 4, np.int32), (0, 255, np.uint8), (-128, 127, np.int8), (0, 1, bool)]
)
def test_integer_box_is_uniform_and_includes_high(low, high, dtype):
    x = draw(Box(low, high, (2,), dtype).sample)
    assert x.dtype == dtype
    assert_uniform(x.astype(np.int64), low, high)


def test_integer_box_of_the_whole_int32_range_is_uniform():
    x = draw(Box(-(2**31), 2**31 - 1, (), np.int32).sample)
    assert stats.kstest(x.astype(np.float64), stats.uniform(-(2**31), 2**32).cdf).pvalue > ALPHA


def test_integer_box_of_a_wide_range_that_is_no_power_of_two_is_uniform():
    # With 3 * 2^30 values, a remainder of 32 random bits would give the lower third twice its share.
    low, count = -(2**31), 3 * 2**30
    x = draw(Box(low, low + count - 1, (), np.int32).sample).astype(np.int64) - low
    assert_uniform(x * 12 // count, 0, 11)


def test_integer_box_in_int64_spans_the_whole_range():
    with jax.enable_x64(True):
        limits = np.iinfo(np.int64)
        x = draw(Box(limits.min, limits.max, (), np.int64).sample, 4000)
        assert x.dtype == np.int64
        assert stats.kstest(x.astype(np.float64) / 2.0**63, stats.uniform(-1, 2).cdf).pvalue > ALPHA


def test_open_integer_box_draws_as_gymnasium_does():
    low, high = np.array([-np.inf, 3, -np.inf]), np.array([np.inf, np.inf, 3])
    twin = gymnasium.spaces.Box(low.copy(), high.copy(), dtype=np.int32, seed=2)
    reference = np.stack([twin.sample() for _ in range(4000)])
    ours = draw(Box(low, high, dtype=np.int32).sample, 4000)
    for i in range(3):
        # Values of up to a handful either way; the tails are lumped together so that each cell is well filled.
        table = [np.bincount(np.clip(x[:, i] + 2, 0, 8), minlength=9) for x in (ours, reference)]
        filled = np.stack(table)[:, np.sum(table, axis=0) > 10]
        assert stats.chi2_contingency(filled).pvalue > ALPHA


def test_open_integer_box_stops_at_the_limit_of_its_dtype():
    x = draw(Box(np.array([126, -np.inf]), np.array([np.inf, -127]), dtype=np.int8).sample, 1000)
    assert set(np.unique(x[:, 0])) == {126, 127} and set(np.unique(x[:, 1])) == {-128, -127}


def test_discrete_is_uniform():
    assert_uniform(draw(Discrete(7, start=-3).sample), -3, 3)


def test_multi_discrete_is_uniform_in_each_entry_and_independent():
    x = draw(MultiDiscrete([3, 5], start=[1, -2]).sample)
    assert_uniform((x[:, 0] - 1) * 5 + x[:, 1] + 2, 0, 14)


def test_multi_binary_tosses_independent_fair_coins():
    assert_uniform(draw(MultiBinary(3).sample) @ np.array([1, 2, 4]), 0, 7)


def test_dict_and_tuple_draw_their_parts_independently():
    x = draw(Dict({"a": Discrete(3), "b": Discrete(3)}).sample)
    assert_uniform(x["a"] * 3 + x["b"], 0, 8)
    a, b = draw(Tuple((Discrete(3), Discrete(3))).sample)
    assert_uniform(a * 3 + b, 0, 8)


def test_text_is_uniform_in_its_length_and_then_in_each_character():
    space = Text(4, min_length=1, charset="abc")
    x = draw(space.sample)
    lengths = (x >= 0).sum(axis=1)
    assert_uniform(lengths, 1, 4)
    assert_uniform(x[x >= 0], 0, 2)


def test_sequence_length_follows_gymnasiums_distribution_given_that_it_fits():
    twin = gymnasium.spaces.Sequence(gymnasium.spaces.Discrete(2), seed=3)
    reference = [len(twin.sample()) for _ in range(6000)]
    reference = np.bincount([n for n in reference if n <= 5], minlength=6)[1:]
    x = draw(Sequence(Discrete(2), 5).sample)
    ours = np.bincount(x.length, minlength=6)
    assert ours[0] == 0 and stats.chi2_contingency([ours[1:], reference]).pvalue > ALPHA


def test_graph_edge_count_is_uniform_as_in_gymnasium_and_links_are_uniform():
    space = Graph(Discrete(2), Discrete(3), 4, 20)
    x = draw(space.sample)
    assert (x.n_node == 4).all()
    assert_uniform(x.n_edge, 0, 4 * 3 - 1)
    assert_uniform(x.edge_links[np.arange(20) < x.n_edge[:, None]], 0, 3)


def test_graph_takes_the_numbers_of_nodes_and_edges():
    space = Graph(Discrete(2), Discrete(3), 4, 6)
    x = jax.jit(lambda n, e: space.sample(jax.random.key(0), num_nodes=n, num_edges=e))(2, 5)
    assert x.n_node == 2 and x.n_edge == 5 and space.contains(x)
    assert (np.asarray(x.edge_links)[:5] < 2).all()
    with pytest.raises(InvalidMask, match="number of nodes lies from 1 to 4, got 5"):
        space.sample(jax.random.key(0), num_nodes=5)


MASKS = list(itertools.product([0, 1], repeat=4))


def test_discrete_draws_uniformly_from_every_mask_and_start_from_the_empty_one():
    space = Discrete(4, start=-1)
    masks = np.array(MASKS, np.int8)
    x = jax.device_get(
        jax.jit(jax.vmap(lambda m: jax.vmap(lambda k: space.sample(k, mask=m))(jax.random.split(random.key(0), 2000))))(
            masks
        )
    )
    for mask, drawn in zip(masks, x):
        counts = np.bincount(drawn + 1, minlength=4)
        if not mask.any():
            assert counts.tolist() == [2000, 0, 0, 0]
        else:
            assert (counts[mask == 0] == 0).all()
            # The p-value of a single cell is not defined; there the line above is enough.
            assert mask.sum() == 1 or stats.chisquare(counts[mask == 1]).pvalue > ALPHA / len(MASKS)


def test_a_bool_mask_means_the_same_as_an_int8_one():
    space, key = Discrete(5), jax.random.key(3)
    mask = np.array([0, 1, 0, 1, 1], np.int8)
    assert space.sample(key, mask=mask) == space.sample(key, mask=mask.astype(bool))


def test_discrete_follows_probabilities_and_never_draws_what_has_none():
    probability = np.array([0, 0.1, 0.6, 0, 0.3, 0])
    x = draw(lambda k: Discrete(6).sample(k, probability=probability))
    counts = np.bincount(x, minlength=6)
    assert (counts[probability == 0] == 0).all()
    assert stats.chisquare(counts[probability > 0], DRAWS * probability[probability > 0]).pvalue > ALPHA


def test_traced_probabilities_count_relative_to_their_sum():
    space, keys = Discrete(3), jax.random.split(random.key(0), 2000)
    sample = jax.jit(jax.vmap(lambda k, p: space.sample(k, probability=p), in_axes=(0, None)))
    counts = np.bincount(sample(keys, jnp.array([0.0, 6.0, 2.0])), minlength=3)
    assert counts[0] == 0 and stats.chisquare(counts[1:], [1500, 500]).pvalue > ALPHA
    assert (sample(keys, jnp.zeros(3)) == 0).all()


def test_multi_discrete_masks_each_entry():
    space = MultiDiscrete([[2, 3], [3, 1]], start=[[5, 0], [0, 9]])
    mask = (
        (np.array([0, 1], np.int8), np.array([1, 0, 1], np.int8)),
        (np.zeros(3, np.int8), np.ones(1, np.int8)),
    )
    x = draw(lambda k: space.sample(k, mask=mask), 2000)
    assert (x[:, 0, 0] == 6).all() and (x[:, 1, 0] == 0).all() and (x[:, 1, 1] == 9).all()
    assert_uniform(x[:, 0, 1] // 2, 0, 1)
    assert set(np.unique(x[:, 0, 1])) == {0, 2}
    twin = space.to_gymnasium()
    assert (twin.sample(mask=mask)[[0, 1, 1], [0, 0, 1]] == [6, 0, 9]).all()  # Gymnasium takes the same form


def test_multi_discrete_follows_probabilities_in_each_entry():
    probability = (np.array([0.25, 0.75]), np.array([0.5, 0, 0.5]))
    x = draw(lambda k: MultiDiscrete([2, 3]).sample(k, probability=probability))
    assert stats.chisquare(np.bincount(x[:, 0]), DRAWS * probability[0]).pvalue > ALPHA
    counts = np.bincount(x[:, 1], minlength=3)
    assert counts[1] == 0 and stats.chisquare(counts[[0, 2]]).pvalue > ALPHA


def test_multi_binary_masks_fix_entries_and_leave_others_to_the_coin():
    space = MultiBinary((2, 2))
    mask = np.array([[0, 1], [2, 2]], np.int8)
    x = draw(lambda k: space.sample(k, mask=mask))
    assert (x[:, 0, 0] == 0).all() and (x[:, 0, 1] == 1).all()
    assert_uniform(x[:, 1, 0] * 2 + x[:, 1, 1], 0, 3)


def test_multi_binary_follows_probabilities():
    probability = np.array([0, 1, 0.3])
    x = draw(lambda k: MultiBinary(3).sample(k, probability=probability))
    assert (x[:, 0] == 0).all() and (x[:, 1] == 1).all()
    assert stats.binomtest(int(x[:, 2].sum()), DRAWS, 0.3).pvalue > ALPHA


def test_dict_and_tuple_hand_masks_to_their_parts():
    only_two = np.array([0, 0, 1], np.int8)
    space = Dict({"a": Discrete(3), "b": Box(0, 1), "c": Tuple((Discrete(3), Discrete(3)))})
    mask = {"a": only_two, "b": None, "c": (only_two, None)}
    x = draw(lambda k: space.sample(k, mask=mask), 100)
    assert (x["a"] == 2).all() and (x["c"][0] == 2).all() and len(np.unique(x["c"][1])) == 3
    probability = {"a": np.array([0.0, 1, 0]), "b": None, "c": (None, np.array([1.0, 0, 0]))}
    x = draw(lambda k: space.sample(k, probability=probability), 100)
    assert (x["a"] == 1).all() and (x["c"][1] == 0).all() and len(np.unique(x["c"][0])) == 3


def test_text_mask_fixes_the_length_and_the_characters():
    space = Text(5, min_length=0, charset="abc")
    x = draw(lambda k: space.sample(k, mask=(3, np.array([1, 0, 1], np.int8))), 2000)
    assert ((x >= 0).sum(axis=1) == 3).all()
    assert_uniform(x[:, :3] // 2, 0, 1)
    assert 1 not in x
    x = draw(lambda k: space.sample(k, probability=(None, np.array([0, 1.0, 0]))), 100)
    assert set(np.unique(x)) == {-1, 1}
    empty = space.sample(jax.random.key(0), mask=(None, np.zeros(3, np.int8)))
    assert space.decode(empty) == ""
    traced = jax.jit(lambda n: space.sample(jax.random.key(0), mask=(n, None)))(2)
    assert space.length(traced) == 2


def test_sequence_mask_fixes_the_length_or_gives_a_choice_and_masks_the_items():
    space = Sequence(Discrete(3), 5)
    item = np.array([0, 1, 0], np.int8)
    x = draw(lambda k: space.sample(k, mask=(4, item)), 50)
    assert (x.length == 4).all() and (x.items[:, :4] == 1).all() and (x.items[:, 4] == 0).all()
    x = draw(lambda k: space.sample(k, mask=(np.array([0, 3, 3]), None)), 3000)
    counts = np.bincount(x.length, minlength=6)
    assert counts[[1, 2, 4, 5]].sum() == 0 and stats.chisquare(counts[[0, 3]], [1000, 2000]).pvalue > ALPHA
    x = draw(lambda k: space.sample(k, probability=(None, np.array([0, 0, 1.0]))), 50)
    assert (x.items[:, 0] == 2).all()


def test_graph_masks_nodes_one_by_one_and_edges_all_alike_or_one_by_one():
    space, key = Graph(Discrete(3), Discrete(2), 4, 6), jax.random.key(0)
    rows = [np.eye(3, dtype=np.int8)[i] for i in (2, 1)]
    x = space.sample(key, mask=(tuple(rows), np.array([0, 1], np.int8)), num_nodes=2)
    assert x.nodes.tolist() == [2, 1, 0, 0]
    assert (x.edges[: int(x.n_edge)] == 1).all()
    edge_rows = tuple(np.eye(2, dtype=np.int8)[i] for i in (1, 0, 1))
    x = space.sample(key, mask=(None, edge_rows), num_edges=3)
    assert x.edges.tolist() == [1, 0, 1, 0, 0, 0]
    twin = space.to_gymnasium()
    reference = twin.sample(mask=(tuple(rows), edge_rows), num_nodes=2, num_edges=3)  # the same form
    assert reference.nodes.tolist() == [2, 1] and reference.edges.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("space", "arguments", "match"),
    [
        (Discrete(3), {"mask": np.ones(2, np.int8)}, r"must have shape \(3,\), got \(2,\)"),
        (Discrete(3), {"mask": np.ones(3, np.int32)}, "dtype int8 or bool, got int32; cast it"),
        (Discrete(3), {"mask": np.array([0, 2, 1], np.int8)}, "from 0 to 1"),
        (Discrete(3), {"mask": [1, 1, 0]}, r"must be an array of shape \(3,\)"),
        (Discrete(3), {"probability": np.array([0.5, 0.6, 0.1])}, "divide them by their sum"),
        (Discrete(3), {"probability": np.array([1.5, -0.5, 0])}, "from 0 to 1"),
        (Discrete(3), {"probability": np.array([1, 0, 0])}, "dtype floating, got int64"),
        (Discrete(2), {"mask": np.ones(2, np.int8), "probability": np.ones(2) / 2}, "not both"),
        (Box(0, 1), {"mask": np.ones(1, np.int8)}, "takes no mask; pass None"),
        (Box(0, 1), {"probability": np.ones(1)}, "takes no mask; pass None"),
        (MultiDiscrete([2, 3]), {"mask": np.ones((2, 2), np.int8)}, "must be a tuple with one array for each entry"),
        (MultiDiscrete([2, 3]), {"mask": (np.ones(2, np.int8),)}, "got a tuple of length 1"),
        (MultiBinary(2), {"mask": np.array([0, 3], np.int8)}, "from 0 to 2"),
        (Dict({"a": Discrete(2)}), {"mask": {"b": None}}, r"must be a dict with the keys \['a'\]"),
        (Tuple((Discrete(2),)), {"mask": ()}, "must be a tuple of length 1"),
        (Text(3), {"mask": (7, None)}, "length lies from 1 to 3, got 7"),
        (Text(3, charset="ab"), {"mask": (None, np.zeros(2, np.int8))}, "allows no character"),
        (Text(3), {"mask": 2}, "a mask is a tuple"),
        (Sequence(Discrete(2), 3), {"mask": (4, None)}, "length lies from 0 to 3, got 4"),
        (Sequence(Discrete(2), 3), {"mask": (np.array([1, 9]), None)}, "lengths lie from 0 to 3"),
        (Sequence(Discrete(2), 3), {"mask": np.ones(2, np.int8)}, "a mask is a tuple"),
        (Graph(Discrete(2), None, 3), {"mask": np.ones(2, np.int8)}, "must be a tuple"),
        (Graph(Discrete(2), None, 3), {"mask": ((np.ones(2, np.int8),), None)}, "one mask for each of 3 slots"),
    ],
)
def test_a_mask_of_the_wrong_form_is_refused(space, arguments, match):
    with pytest.raises(InvalidMask, match=match):
        space.sample(jax.random.key(0), **arguments)


def test_sample_wants_one_key():
    with pytest.raises(InvalidKey, match=r"jax.vmap\(env.action_space.sample\)"):
        Discrete(2).sample(jax.random.split(jax.random.key(0), 3))
