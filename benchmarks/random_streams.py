"""Writes endless streams of `jaxenvs.random` to standard output, as raw 32-bit words for a battery of tests.

python -m benchmarks.random_streams split | dieharder -g 200 -a
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import jaxenvs

BLOCK = 2**20
LANES = 4096


def raw(key: Array, block: Array) -> tuple[Array, Array]:
    """Sixteen million words of one key after the other."""
    key, block_key = jax.random.split(key)
    del block
    return key, jax.random.bits(block_key, (16 * BLOCK,), jnp.uint32)


def split(key: Array, block: Array) -> tuple[Array, Array]:
    """The first word of each of a million children of a key, then of those of its successor."""
    key, block_key = jax.random.split(key)
    del block
    return key, _first_words(jax.random.split(block_key, BLOCK))


def fold_in(key: Array, block: Array) -> tuple[Array, Array]:
    """The first word of one key with 0, 1, 2, ... folded in."""
    numbers = block * BLOCK + jnp.arange(BLOCK, dtype=jnp.uint32)
    return key, _first_words(jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, numbers))


def interleaved(keys: Array, block: Array) -> tuple[Array, Array]:
    """One word of each of 4,096 lanes in turn; each lane splits its key in every step."""
    del block

    def step(keys: Array, _: None) -> tuple[Array, Array]:
        pairs = jax.vmap(jax.random.split)(keys)
        return pairs[:, 0], _first_words(pairs[:, 1])

    return jax.lax.scan(step, keys, None, length=BLOCK // LANES)


def episodes(keys: Array, block: Array) -> tuple[Array, Array]:
    """Four words of each of 4,096 lanes in turn, from the key of the lane with the episode number folded in."""
    numbers = block * (BLOCK // LANES) + jnp.arange(BLOCK // LANES, dtype=jnp.uint32)
    starts = jax.vmap(lambda e: jax.vmap(lambda key: jax.random.fold_in(key, e))(keys))(numbers)
    return keys, jax.vmap(jax.vmap(lambda key: jax.random.bits(key, (4,), jnp.uint32)))(starts)


def seeds(key: Array, block: Array) -> tuple[Array, Array]:
    """The first word of the keys of the seeds 0, 1, 2, ..."""
    return key, _first_words(jax.vmap(jaxenvs.random.key)(block * BLOCK + jnp.arange(BLOCK, dtype=jnp.uint32)))


def _first_words(keys: Array) -> Array:
    return jax.vmap(lambda key: jax.random.bits(key, (), jnp.uint32))(keys)


STREAMS: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    function.__name__: function for function in (raw, split, fold_in, interleaved, episodes, seeds)
}


def blocks(name: str, seed: int) -> Iterator[np.ndarray]:
    """Yields the words of the stream as (n,) uint32 NumPy arrays, without end."""
    key = jaxenvs.random.key(seed)
    carry = jax.random.split(key, LANES) if name in ("interleaved", "episodes") else key
    advance, block = jax.jit(STREAMS[name]), 0
    while True:
        carry, words = advance(carry, jnp.asarray(block, jnp.uint32))
        yield np.asarray(words).ravel()
        block += 1


def main() -> None:
    """Writes until the reader closes the pipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream", choices=STREAMS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        for words in blocks(arguments.stream, arguments.seed):
            sys.stdout.buffer.write(words.astype("<u4").tobytes())
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()
