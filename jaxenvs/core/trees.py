"""Pytrees of arrays: choosing between two, cutting out a part, and what their leaves are."""

import functools
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

Tree = TypeVar("Tree")


def tree_where(condition: ArrayLike, yes: Tree, no: Tree) -> Tree:
    """`yes` where `condition` holds, else `no`: two trees of one structure.

    Args:
        condition: () bool, or of the shape of the leaves.
        yes: the tree to take where it holds.
        no: the tree to take where it does not.
    """
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def tree_at(tree: Tree, index: Any) -> Tree:
    """Each leaf at `index` of its leading axis: a lane, a step or a sample, or several."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def is_key(leaf: Any) -> bool:
    """Whether a leaf is an array of typed random keys."""
    return isinstance(leaf, Array) and is_key_type(leaf)


def is_key_type(leaf: Any) -> bool:
    """Whether an array, or a stand-in with its dtype, such as a `jax.ShapeDtypeStruct`, holds typed random keys."""
    return _is_of_keys(leaf.dtype)


@functools.cache
def _is_of_keys(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jax.dtypes.prng_key)


def holds_nan(tree: Any) -> Array:
    """() bool: whether a float in a pytree of arrays is NaN."""
    floats = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return jnp.stack([jnp.isnan(x).any() for x in floats]).any() if floats else jnp.zeros((), bool)
