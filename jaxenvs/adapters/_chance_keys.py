"""Randomness from the caller, for libraries that pass a random key to each step."""

from typing import Any

import jax

from jaxenvs.core.trees import is_key
from jaxenvs.errors import InvalidKey
from jaxenvs.random import Key


def rekey(state: Any, key: Key) -> Any:
    """`state` with the keys of its layers replaced by ones drawn from `key`.

    In jaxenvs, every layer that draws random numbers in a step keeps a field `key` in its state. With all of them
    replaced, what the step draws depends only on `key`.

    Args:
        state: of an environment, with or without wrappers.
        key: a scalar typed key.

    Raises:
        InvalidKey: `key` has a different implementation from the keys in the state, so no scan could carry it.
    """
    with_paths, structure = jax.tree_util.tree_flatten_with_path(state)
    places = [place for place, (path, leaf) in enumerate(with_paths) if _is_chance(path, leaf)]
    leaves = [leaf for _, leaf in with_paths]
    for place, fresh in zip(places, jax.random.split(key, max(len(places), 1)), strict=False):
        held = leaves[place]
        if held.dtype != key.dtype:
            raise InvalidKey(
                f"`step` was given a key of {key.dtype}, but the state came from one of {held.dtype}."
                " Use keys of one kind throughout, such as those split from one `jax.random.key(0)`."
            )
        leaves[place] = fresh if held.shape == () else jax.random.split(fresh, held.shape)
    return structure.unflatten(leaves)


def _is_chance(path: tuple[Any, ...], leaf: Any) -> bool:
    named_key = bool(path) and getattr(path[-1], "name", getattr(path[-1], "key", None)) == "key"
    return named_key and is_key(leaf)
