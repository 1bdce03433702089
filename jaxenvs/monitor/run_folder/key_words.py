"""Random keys as numbers, for files."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.errors import CheckpointError
from jaxenvs.random import Key


def implementation_of(key: Key) -> str:
    """The name of a key's implementation, such as `"jaxenvs"` or `"threefry2x32"`, which `jax.random.key` takes."""
    return str(jax.random.key_impl(key))


def key_words(key: Key) -> list[Any]:
    """The words of a key, or of each of an array of keys, as Python integers."""
    return np.asarray(jax.random.key_data(key)).tolist()


def key_from_words(words: Sequence[Any] | np.ndarray, implementation: str) -> Key:
    """The key, or array of keys, of which `key_words` made this.

    Raises:
        CheckpointError: there is no such implementation, or its keys have another number of words.
    """
    try:
        return jax.random.wrap_key_data(jnp.asarray(np.asarray(words, np.uint32)), impl=implementation)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"Not a random key of the implementation {implementation!r}: {error}") from error


def episode_keys(lane_keys: Key, lane: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The words of the keys with which `AutoReset` began some episodes.

    Args:
        lane_keys: (lanes,) keys, each the one that `AutoReset.reset` got in its lane; `AutoResetState.key` holds it.
        lane: (episodes,) int32, the lane of each episode.
        number: (episodes,) int64, how many episodes of the lane came before.

    Returns:
        (episodes, words) uint32.
    """
    count = len(lane)
    # Padded to a power of two, so that few programs serve all calls.
    padding = (0, (1 << max(count - 1, 0).bit_length()) - count)
    lanes, numbers = np.pad(np.asarray(lane, np.int32), padding), np.pad(np.asarray(number).astype(np.int32), padding)
    return np.asarray(_folded(lane_keys, lanes, numbers))[:count]


@jax.jit
def _folded(lane_keys: Key, lane: jax.Array, number: jax.Array) -> jax.Array:
    return jax.random.key_data(jax.vmap(jax.random.fold_in)(lane_keys[lane], number))
