"""Marks within `jax.shard_map`, by which JAX checks which values differ between devices.

A number that is the same for every key, such as the first count of steps, has no such mark, unlike the sum that takes
its place after a step, so that loops could not carry it. So all that `reset` and `step` return is marked as their
arguments and the environment are.
"""

from typing import Any, TypeVar

import jax
from jax import lax

T = TypeVar("T")


def varying_as(arguments: Any, results: T) -> T:
    """`results`, each of which differs between all devices between which one of the arguments differs.

    Args:
        arguments: a tree of arrays.
        results: another; outside of `jax.shard_map`, and with `check_vma=False`, it is returned as it is.
    """
    if jax.sharding.get_abstract_mesh().empty:
        return results
    axes = frozenset[Any]().union(*map(_axes, jax.tree.leaves(arguments)))

    def marked(x: Any) -> Any:
        missing = axes - _axes(x)
        return lax.pcast(x, tuple(sorted(missing)), to="varying") if missing else x

    return jax.tree.map(marked, results) if axes else results


def _axes(x: Any) -> frozenset[Any]:
    """The axes of the mesh over which an array differs; none if JAX does not say."""
    return getattr(getattr(jax.typeof(x), "manual_axis_type", None), "varying", frozenset())
