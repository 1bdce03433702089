"""Keys of jaxenvs' own generator: their values, their use with all of jax.random, and their quality.

The statistical tests have fixed seeds, so their results do not change. ALPHA is the chance that a perfect
generator would have failed one of them. A full battery is beyond unit tests.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxenvs
from jaxenvs.errors import InvalidKey
from jaxenvs.monitor.run_folder.checkpoint import load_checkpoint, save_checkpoint
from jaxenvs.random import check_key, implementation, key, keys

BILLIONS = 2**32 + 1
ALPHA = 1e-4
SAMPLES = 1 << 16


def data(k):
    return np.asarray(jax.random.key_data(k)).tolist()


def words_64():
    with jax.enable_x64(True):
        return np.asarray(jax.random.bits(key(42), (2,), jnp.uint64)).tolist()


def golden():
    """The values of GOLDEN, computed; `python tests/test_random.py` prints them again.

    Changing them breaks the reproducibility of every run, so it is a change for the CHANGELOG.
    """
    k = key(42)
    return {
        "key(0)": data(key(0)),
        "key(42)": data(k),
        "key(-1)": data(key(-1)),
        "key(2**40 + 7)": data(key(2**40 + 7)),
        "split(key(42))": data(jax.random.split(k)),
        "split(key(42), 5)[4]": data(jax.random.split(k, 5)[4]),
        "fold_in(key(42), 0)": data(jax.random.fold_in(k, 0)),
        "fold_in(key(42), 123)": data(jax.random.fold_in(k, 123)),
        "bits8": np.asarray(jax.random.bits(k, (6,), jnp.uint8)).tolist(),
        "bits16": np.asarray(jax.random.bits(k, (6,), jnp.uint16)).tolist(),
        "bits32": np.asarray(jax.random.bits(k, (6,), jnp.uint32)).tolist(),
        "uniform": np.asarray(jax.random.uniform(k, (3,), jnp.float32)).tolist(),
        "bits64": words_64(),
        "randint": np.asarray(jax.random.randint(k, (5,), 0, 1000, jnp.int32)).tolist(),
    }


GOLDEN = {
    "key(0)": [1778938758, 677208123],
    "key(42)": [1524003011, 1468099032],
    "key(-1)": [1093362053, 4177670459],
    "key(2**40 + 7)": [3362655681, 1725018295],
    "split(key(42))": [[1028424207, 2283804204], [3682859976, 1390317952]],
    "split(key(42), 5)[4]": [3056232691, 2912210770],
    "fold_in(key(42), 0)": [2708620421, 3885800663],
    "fold_in(key(42), 123)": [2786705512, 3242583153],
    "bits8": [231, 127, 140, 242, 126, 185],
    "bits16": [59270, 32656, 35917, 62015, 32392, 47473],
    "bits32": [3884351291, 2140175273, 2353879601, 4064233400, 2122847407, 3111254996],
    "uniform": [0.9043959379196167, 0.4982982873916626, 0.5480552911758423],
    "bits64": [16683161761079028282, 9191982808410975438],
    "randint": [73, 254, 574, 286, 117],
}


@pytest.mark.parametrize("x64", [False, True])
def test_golden_vectors(x64):
    with jax.enable_x64(x64):
        assert golden() == GOLDEN


@pytest.mark.parametrize("seed", [0, 1, -1, 2**31 - 1, -(2**31)])
def test_a_seed_means_the_same_as_integer_numpy_array_and_tracer(seed):
    expected = data(key(seed))
    for form in (np.int32(seed), np.int64(seed), np.asarray(seed, np.int64), jnp.asarray(seed, jnp.int32)):
        assert data(key(form)) == expected
    assert data(jax.jit(key)(jnp.asarray(seed, jnp.int32))) == expected
    assert data(jax.random.key(seed, impl=implementation)) == expected
    with jax.enable_x64(True):
        assert data(key(seed)) == data(key(jnp.asarray(seed, jnp.int64))) == expected
        assert data(jax.random.key(seed, impl=implementation)) == expected


@pytest.mark.parametrize("seed", [2**32, 2**63, 2**64 - 1, -(2**63), np.uint64(2**63 + 5), 2**40 + 7])
def test_large_seeds_keep_all_64_bits(seed):
    assert data(key(seed)) != data(key(int(seed) & 0xFFFFFFFF))
    with jax.enable_x64(True):
        assert data(key(seed)) == data(key(int(seed)))


def test_large_numpy_array_seed_keeps_all_64_bits():
    assert data(key(np.asarray(2**40 + 7, np.int64))) == data(key(2**40 + 7))


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seed_beyond_64_bits_is_refused(seed):
    with pytest.raises(InvalidKey, match="must fit in 64 bits"):
        key(seed)


@pytest.mark.parametrize("seed", [1.0, True, "1", None, np.float32(1), jnp.float32(1), np.zeros(2, np.int32), [1]])
def test_seed_that_is_no_integer_is_refused(seed):
    with pytest.raises(InvalidKey, match="A seed must be an integer"):
        key(seed)


def test_neighbouring_seeds_are_far_apart():
    seeds = jnp.arange(-2000, 2000, dtype=jnp.int32)
    words = np.asarray(jax.random.key_data(jax.vmap(key)(seeds)))
    assert len(np.unique(words, axis=0)) == len(seeds)
    flips = np.unpackbits((words[1:] ^ words[:-1]).view(np.uint8), axis=1).sum(axis=1)
    # Of 64 bits half flip: the mean of 3,999 counts of variance 16 has standard deviation 0.063.
    assert abs(flips.mean() - 32) < stats.norm.isf(ALPHA / 2) * np.sqrt(16 / len(flips))


@pytest.mark.parametrize(
    "draw",
    [
        lambda k: jax.random.key_data(jax.random.split(k, 3)),
        lambda k: jax.random.key_data(jax.random.fold_in(k, 7)),
        lambda k: jax.random.bits(k, (5,), jnp.uint8),
        lambda k: jax.random.bits(k, (5,), jnp.uint16),
        lambda k: jax.random.bits(k, (5,), jnp.uint32),
        lambda k: jax.random.bits(k, (), jnp.uint32),
    ],
    ids=["split", "fold_in", "8", "16", "32", "scalar"],
)
def test_same_bits_eager_jitted_mapped_scanned_and_with_x64(draw):
    keys = jax.random.split(key(3), 4)
    expected = np.stack([np.asarray(draw(k)) for k in keys])
    forms = {
        "vmap": jax.vmap(draw)(keys),
        "jit vmap": jax.jit(jax.vmap(draw))(keys),
        "scan": jax.lax.scan(lambda carry, k: (carry, draw(k)), 0, keys)[1],
    }
    with jax.enable_x64(True):
        forms["x64"] = jax.jit(jax.vmap(draw))(keys)
    for form, value in forms.items():
        assert np.array_equal(np.asarray(value), expected), form


def test_split_of_any_shape_and_prefix():
    k = key(9)
    assert jax.random.split(k, (2, 3)).shape == (2, 3)
    assert data(jax.random.split(k, (2, 3)).reshape(6)) == data(jax.random.split(k, 6))
    assert jax.random.bits(k, (0,), jnp.uint32).shape == (0,)
    assert jax.random.bits(k, (3, 5), jnp.uint32).reshape(-1).tolist() == jax.random.bits(k, (15,), jnp.uint32).tolist()


SAMPLERS = {
    "uniform": lambda k: jax.random.uniform(k, (100,), jnp.float32),
    "normal": lambda k: jax.random.normal(k, (100,), jnp.float32),
    "truncated_normal": lambda k: jax.random.truncated_normal(k, -1.0, 1.0, (100,), jnp.float32),
    "randint": lambda k: jax.random.randint(k, (100,), -5, 5, jnp.int32),
    "categorical": lambda k: jax.random.categorical(k, jnp.zeros((4,), jnp.float32), shape=(100,)),
    "permutation": lambda k: jax.random.permutation(k, 100),
    "choice": lambda k: jax.random.choice(k, jnp.arange(7, dtype=jnp.int32), (100,)),
    "bernoulli": lambda k: jax.random.bernoulli(k, jnp.float32(0.5), (100,)),
    "exponential": lambda k: jax.random.exponential(k, (100,), jnp.float32),
    "gamma": lambda k: jax.random.gamma(k, jnp.float32(2.0), (100,), jnp.float32),
    "beta": lambda k: jax.random.beta(k, jnp.float32(2.0), jnp.float32(3.0), (100,), jnp.float32),
    "gumbel": lambda k: jax.random.gumbel(k, (100,), jnp.float32),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_jax_samplers_take_our_keys(name):
    sampler = jax.jit(SAMPLERS[name])
    first, second, again = (np.asarray(sampler(k)) for k in (key(1), key(2), key(1)))
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_poisson_says_that_it_needs_threefry():
    """JAX ties `poisson` to its own generator; this shows when that changes."""
    with pytest.raises(NotImplementedError, match="threefry2x32"):
        jax.random.poisson(key(0), 3.0, (2,))


STREAMS = {
    "one key": lambda: jax.random.bits(key(11), (SAMPLES,), jnp.uint32),
    "split": lambda: jax.vmap(lambda k: jax.random.bits(k, (), jnp.uint32))(jax.random.split(key(12), SAMPLES)),
    "fold_in": lambda: jax.vmap(lambda i: jax.random.bits(jax.random.fold_in(key(13), i), (), jnp.uint32))(
        jnp.arange(SAMPLES, dtype=jnp.uint32)
    ),
    "seeds": lambda: jax.vmap(lambda i: jax.random.bits(key(i), (), jnp.uint32))(jnp.arange(SAMPLES, dtype=jnp.int32)),
    "chain of splits": lambda: jax.lax.scan(
        lambda k, _: (jax.random.split(k)[0], jax.random.bits(jax.random.split(k)[1], (), jnp.uint32)),
        key(14),
        length=SAMPLES,
    )[1],
}


@pytest.fixture(scope="module", params=STREAMS)
def words(request):
    return np.asarray(jax.jit(STREAMS[request.param])())


def test_every_bit_is_set_half_the_time(words):
    ones = ((words[:, None] >> np.arange(32, dtype=np.uint32)) & 1).sum(axis=0)
    z = (ones - SAMPLES / 2) / np.sqrt(SAMPLES / 4)
    assert abs(z).max() < stats.norm.isf(ALPHA / 2 / 32)


@pytest.mark.parametrize("shift", [0, 8, 16, 24])
def test_bytes_are_uniform(words, shift):
    counts = np.bincount((words >> np.uint32(shift)) & 0xFF, minlength=256)
    assert ALPHA < stats.chisquare(counts).pvalue < 1 - ALPHA


@pytest.mark.parametrize("lag", [1, 2, 4, 7])
def test_neighbours_are_uncorrelated(words, lag):
    x = words.astype(np.float64) / 2**32 - 0.5
    z = (x[lag:] * x[:-lag]).mean() * 12 * np.sqrt(SAMPLES - lag)
    assert abs(z) < stats.norm.isf(ALPHA / 2)


def test_pairs_of_neighbouring_bytes_are_uniform(words):
    high = words >> np.uint32(28)
    counts = np.bincount(high[::2] * 16 + high[1::2], minlength=256)
    assert ALPHA < stats.chisquare(counts).pvalue < 1 - ALPHA


def test_there_are_neither_too_few_nor_too_many_equal_words(words):
    # SAMPLES words of 32 bits hold on average SAMPLES^2 / 2^33 equal pairs (a Poisson count).
    pairs = SAMPLES - len(np.unique(words))
    assert pairs <= stats.poisson.isf(ALPHA, SAMPLES**2 / 2**33)


def test_streams_of_related_keys_are_uncorrelated():
    k = key(15)
    related = [k, *jax.random.split(k, 3), *(jax.random.fold_in(k, i) for i in range(3)), key(16)]
    streams = np.stack([np.asarray(jax.random.bits(r, (SAMPLES,), jnp.uint32)) for r in related]) / 2**32 - 0.5
    correlation = np.triu(streams @ streams.T * 12 / np.sqrt(SAMPLES), 1)
    pairs = len(related) * (len(related) - 1) / 2
    assert abs(correlation).max() < stats.norm.isf(ALPHA / 2 / pairs)


def derived_words(derive):
    """(1024 neighbouring seeds, 64 derived keys) words, as numbers of mean 0 and variance 1."""
    seeds = jax.vmap(key)(jnp.arange(1024, dtype=jnp.int32))
    words = jax.jit(jax.vmap(lambda k: jax.vmap(lambda d: jax.random.bits(d, (), jnp.uint32))(derive(k))))(seeds)
    return (np.asarray(words, np.float64) / 2**32 - 0.5) * np.sqrt(12)


@pytest.mark.parametrize(
    "derive",
    [
        pytest.param(lambda k: jax.random.split(k, 64), id="split"),
        pytest.param(lambda k: jax.vmap(lambda i: jax.random.fold_in(k, i))(jnp.arange(64)), id="fold_in"),
        pytest.param(lambda k: jax.random.split(jax.random.split(jax.random.fold_in(k, 1))[1], 64), id="deeper"),
    ],
)
def test_keys_derived_from_neighbouring_seeds_are_uncorrelated(derive):
    words = derived_words(derive)
    seeds, children = words.shape
    # Between neighbouring seeds, child by child; between neighbouring children, seed by seed; across both.
    across = {"seeds": (words[1:], words[:-1]), "children": (words[:, 1:], words[:, :-1])}
    across["diagonals"] = words[1:, 1:], words[:-1, :-1]
    for name, (left, right) in across.items():
        z = (left * right).sum() / np.sqrt(left.size)
        assert abs(z) < stats.norm.isf(ALPHA / 2 / 3), name
    # Every pair of children over all seeds, and of the first 64 seeds over all children.
    for rows in (words.T, words[:64]):
        length = rows.shape[1]
        correlation = np.triu(rows @ rows.T / np.sqrt(length), 1)
        bound = stats.norm.isf(ALPHA / 2 / (len(rows) * (len(rows) - 1) / 2))
        # The mean of 64 products has tails a little wider than the normal distribution's.
        assert abs(correlation).max() < bound * (1.15 if length == children else 1)
    assert len(np.unique(words)) >= seeds * children - 6  # of 65,536 words half a pair agrees by chance


def test_keys_work_in_shard_map_and_jit_over_a_mesh():
    mesh = jax.sharding.Mesh(jax.devices()[:1], ("data",))
    spec = jax.sharding.PartitionSpec("data")

    def draw(keys):
        halves = jax.vmap(jax.random.split)(keys)
        return jax.vmap(lambda k: jax.random.uniform(k, (3,), jnp.float32))(halves[:, 1]), halves[:, 0]

    keys = jax.random.split(key(21), 8)
    expected, kept = draw(keys)
    sharded, moved = jax.jit(jax.shard_map(draw, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False))(keys)
    assert np.array_equal(sharded, expected) and data(moved) == data(kept)


def test_a_key_survives_a_checkpoint(tmp_path):
    """As part of a tree, in the form that training runs are kept in."""
    tree = {"key": jax.random.fold_in(key(22), 5), "keys": jax.random.split(key(23), 3), "threefry": jax.random.key(1)}
    save_checkpoint(tmp_path / "keys", tree, {"updates": 7})
    loaded, progress = load_checkpoint(tmp_path / "keys", jax.eval_shape(lambda: tree))
    assert progress == {"updates": 7}
    for name, expected in tree.items():
        assert loaded[name].dtype == expected.dtype and data(loaded[name]) == data(expected)


def test_every_bit_of_a_key_changes_half_the_output():
    raw = jax.random.key_data(key(17))
    flips = [raw.at[word].set(raw[word] ^ jnp.uint32(1 << bit)) for word in range(2) for bit in range(32)]
    keys = jax.random.wrap_key_data(jnp.stack([raw, *flips]), impl=implementation)
    words = np.asarray(jax.vmap(lambda k: jax.random.bits(k, (4096,), jnp.uint32))(keys))
    changed = np.bitwise_count(words[1:] ^ words[0]).sum(axis=1)
    bits = 4096 * 32
    z = (changed - bits / 2) / np.sqrt(bits / 4)
    assert abs(z).max() < stats.norm.isf(ALPHA / 2 / 64)


def test_check_key_passes_typed_keys_and_wraps_raw_ones():
    ours = key(0)
    assert check_key(ours) is ours
    theirs = jax.random.key(0)
    assert check_key(theirs) is theirs
    assert data(check_key(jax.random.PRNGKey(3))) == data(jax.random.key(3))
    assert jax.jit(lambda k: check_key(k))(ours).shape == ()


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (3, r"`reset` takes a JAX random key, got 3 of type int. Write `jaxenvs.random.key\(3\)`."),
        (None, r"got None of type NoneType. Make one with `jaxenvs.random.key\(0\)`."),
        (np.zeros(2, np.uint32), "of type ndarray"),
        (jnp.zeros((), jnp.float32), r"got an array of dtype float32 and shape \(\)"),
        (jnp.zeros((5, 2), jnp.uint32), r"dtype uint32 and shape \(5, 2\).*Map over a batch of keys"),
        (jnp.zeros((3,), jnp.uint32), r"dtype uint32 and shape \(3,\)"),
    ],
)
def test_check_key_says_what_is_wrong(bad, text):
    with pytest.raises(InvalidKey, match=text):
        check_key(bad)


def test_check_key_names_the_function_for_a_batch():
    with pytest.raises(
        InvalidKey, match=r"`draw` takes one random key, got a batch of shape \(2,\).*jax.vmap\(env.draw\)"
    ):
        check_key(jax.random.split(key(0)), name="draw")


def test_keys_are_the_key_of_each_seed():
    seeds = [0, 1, 2**31, 2**32, 2**63 + 5, -1]
    many = keys(seeds)
    assert many.shape == (len(seeds),)
    for one, seed in zip(many, seeds, strict=True):
        assert jax.random.key_data(one).tolist() == jax.random.key_data(key(seed)).tolist()
    assert keys([]).shape == (0,)
    with pytest.raises(InvalidKey, match="64 bits"):
        keys([0, 2**64])


if __name__ == "__main__":
    from pprint import pprint

    pprint(golden(), sort_dicts=False, width=115)


def test_the_implementation_has_a_name():
    k = key(5)
    assert jax.random.key_impl(k) == "jaxenvs"
    by_name = jax.random.key(5, impl="jaxenvs"), jax.random.wrap_key_data(jax.random.key_data(k), impl="jaxenvs")
    for other in by_name:
        assert other.dtype == k.dtype and data(other) == data(k)


@pytest.mark.parametrize(
    "draw",
    [
        lambda k: jax.random.bits(k, (65536, 65537), jnp.uint8),
        lambda k: jax.random.bits(k, (BILLIONS,), jnp.uint32),
        lambda k: jax.random.split(k, BILLIONS),
    ],
)
def test_a_draw_too_long_for_the_counter_is_refused_before_it_is_compiled(draw):
    """Its numbers would repeat."""
    with pytest.raises(ValueError, match=r"at most 2\*\*32 numbers .* Split the key"):
        jax.jit(draw).lower(key(0))
    jax.jit(lambda k: jax.random.bits(k, (65536, 65536), jnp.uint8)).lower(key(0))


def test_a_threefry_key_drawn_from_ours_serves_poisson():
    """The one function of `jax.random` that JAX has for threefry alone: the docstring of the module names it."""
    with pytest.raises(NotImplementedError, match="poisson"):
        jax.random.poisson(key(0), 3.0)
    threefry_key = jax.random.wrap_key_data(jax.random.bits(key(0), (2,), jnp.uint32), impl="threefry2x32")
    assert jax.eval_shape(lambda k: jax.random.poisson(k, 3.0, (5,)), threefry_key).shape == (5,)


MOVED = "JAX has changed how exported programs number types: see `_register` in `jaxenvs/random.py`"


def test_jax_has_the_function_that_numbers_types_in_exports_and_leaves_our_number_free():
    exports = sys.modules.get("jax._src.export.serialization")
    for name in ("register_dtype_kind", "_dtype_to_dtype_kind"):
        assert hasattr(exports, name), f"{MOVED}. There is no `{name}`."
    kinds = exports._dtype_to_dtype_kind
    ours = [dtype for dtype, kind in kinds.items() if kind == jaxenvs.random._KIND_IN_EXPORTS]
    assert ours == [key(0).dtype], f"{MOVED}. Our number stands for {ours}."
    program = jax.export.export(jax.jit(jax.random.split))(key(0))
    again = jax.export.deserialize(program.serialize())
    assert again.in_avals[0].dtype == key(0).dtype, MOVED


def test_keys_work_with_a_jax_that_has_moved_the_function(monkeypatch):
    monkeypatch.delattr("jax._src.export.serialization.register_dtype_kind")
    jaxenvs.random._register()
    assert jax.random.key(0, impl="jaxenvs") == key(0)
