"""Support for saving our pytrees with `flax.serialization`, including random keys.

Flax's `to_bytes` and `from_bytes` support only classes that were registered with them, and no typed random keys. So
each of our classes is registered. Importing Flax takes longer than importing all of jaxenvs, so that happens only once
the user has imported it: `offer_to_flax` runs when classes are defined and when environments are made.
"""

import copy
import sys
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxenvs.core.trees import is_key

_waiting: dict[type[Any], tuple[str, ...]] = {}
"""The classes that Flax does not know yet, each with the names of its non-static fields."""


def offer_to_flax() -> None:
    """Registers all waiting classes with `flax.serialization`, if it has been imported."""
    if not _waiting or (serialization := sys.modules.get("flax.serialization")) is None:
        return
    while _waiting:
        cls, names = _waiting.popitem()
        serialization.register_serialization_state(
            cls, partial(_to_state_dict, serialization, names), partial(_from_state_dict, serialization, names)
        )


def register_with_flax(cls: type[Any], names: tuple[str, ...]) -> None:
    """Registers a dataclass with `flax.serialization`, now or as soon as it has been imported.

    Args:
        cls: the class.
        names: names of the fields to save; the others are taken from the target of a restore.
    """
    _waiting[cls] = names
    offer_to_flax()


def _to_state_dict(serialization: Any, names: tuple[str, ...], node: Any) -> dict[str, Any]:
    return {name: serialization.to_state_dict(_spell_keys(getattr(node, name))) for name in names}


def _from_state_dict(serialization: Any, names: tuple[str, ...], node: Any, state: dict[str, Any]) -> Any:
    if set(state) != set(names):
        raise ValueError(
            f"{type(node).__name__} is saved as the fields {sorted(names)}, but the state at"
            f" {serialization.current_path()} has {sorted(state)}. Restore into what was saved."
        )
    restored = copy.copy(node)  # the constructor would check numbers that are arrays now
    for name in names:
        target = getattr(node, name)
        value = serialization.from_state_dict(_spell_keys(target), state[name], name=name)
        vars(restored)[name] = _read_keys(target, value)
    return restored


def _spell_keys(tree: Any) -> Any:
    """The tree with each random key as a dict of its words and the name of its implementation."""

    def spell(x: Any) -> Any:
        return {"implementation": str(jax.random.key_impl(x)), "data": jax.random.key_data(x)} if is_key(x) else x

    return jax.tree.map(spell, tree)


def _read_keys(target: Any, tree: Any) -> Any:
    """The inverse of `_spell_keys`, for the keys of `target`."""
    if not any(is_key(leaf) for leaf in jax.tree.leaves(target)):
        return tree

    def read(key: Any, x: Any) -> Any:
        return jax.random.wrap_key_data(jnp.asarray(x["data"]), impl=x["implementation"]) if is_key(key) else x

    return jax.tree.map(read, target, tree)
