"""Attributes of single environments within a batch: fields of one pytree whose leaves may differ by lane."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env
from jaxenvs.core.errors import InvalidField, did_you_mean
from jaxenvs.core.wrapper import unwrap, wrappers_of

Axes = tuple[int | None, ...]
"""For each leaf of an environment 0 where it has a leading axis of lanes, else None."""


def on_device(env: Any) -> Any:
    """`env` with each leaf an array, which a jitted function takes faster than Python's numbers."""
    return jax.tree.map(lambda leaf: jax.device_put(jnp.asarray(leaf)), env)


def plain(leaf: Any) -> Any:
    """A scalar array as Python's number, as somebody would have written it; anything else as it is."""
    return leaf.item() if isinstance(leaf, Array | np.ndarray | np.generic) and np.ndim(leaf) == 0 else leaf


def lane_env(env: Any, axes: Axes, lane: int) -> Any:
    """`env` with the leaves of one lane."""
    leaves, structure = jax.tree.flatten(env)
    return structure.unflatten([leaf if axis is None else leaf[lane] for leaf, axis in zip(leaves, axes, strict=True)])


def get_attribute(env: Env[Any, Any], axes: Axes, name: str, lanes: Sequence[int]) -> list[Any]:
    """A field or property of `env`, or of what it wraps, for some lanes.

    Raises:
        AttributeError: there is none; the message lists the fields.
    """
    depth = _depth(env, name)
    if depth is not None and _positions(env, depth, name):
        host = jax.device_get(env)
        return [jax.tree.map(plain, getattr(_chain(lane_env(host, axes, lane))[depth], name)) for lane in lanes]
    for part in _chain(env):
        if not name.startswith("_") and hasattr(part, name):
            value = getattr(part, name)
            return [value for _ in lanes]
    raise _no_field(env, name)


def set_attribute(
    env: Any, axes: Axes, name: str, values: Sequence[Any], lanes: Sequence[int], num_envs: int
) -> tuple[Any, Axes]:
    """`env` and `axes` where some lanes have their own value of a field of `env`, or of what it wraps.

    Raises:
        AttributeError: there is no such field.
        InvalidField: a value that the field cannot take, or several for a static field, or a value of one
            that changes the spaces.
    """
    depth = _depth(env, name)
    if depth is None:
        raise _no_field(env, name)
    for lane, value in zip(lanes, values, strict=True):
        owner = _chain(jax.tree.map(plain, lane_env(env, axes, lane)))[depth]
        shape_before, shape_after = (jax.tree.map(np.shape, x) for x in (getattr(owner, name), value))
        dataclasses.replace(owner, **{name: value})  # raises where the value does not fit the other fields
        if _positions(env, depth, name) and shape_before != shape_after:
            raise InvalidField(f"`{name}` has shape {shape_before}, got a value of shape {shape_after}: {value!r}.")
    positions = _positions(env, depth, name)
    if not positions:
        if set(lanes) != set(range(num_envs)) or any(value != values[0] for value in values):
            raise InvalidField(
                f"`{name}` is part of the program, so all {num_envs} environments have the same value."
                " Set it for all of them, or make two batches."
            )
        chain = _chain(env)
        changed = dataclasses.replace(chain[depth], **{name: values[0]})
        for wrapper in reversed(chain[:depth]):
            changed = dataclasses.replace(wrapper, env=changed)
        before, after = (lane_env(each, axes, 0) for each in (env, changed))
        if before.observation_space != after.observation_space or before.action_space != after.action_space:
            raise InvalidField(
                f"`{name}` = {values[0]!r} would change the spaces that this batch was made with. Make a new batch."
            )
        return changed, axes
    leaves, structure = jax.tree.flatten(env)
    new_axes, index = list(axes), np.asarray(lanes, np.int32)
    rows = [jax.tree.leaves(value) for value in values]
    for k, position in enumerate(positions):
        old = leaves[position]
        if axes[position] is None:
            old = jnp.broadcast_to(old, (num_envs, *jnp.shape(old)))
        leaves[position] = old.at[index].set(np.asarray([row[k] for row in rows], old.dtype))
        new_axes[position] = 0
    return structure.unflatten(leaves), tuple(new_axes)


def _chain(env: Env[Any, Any]) -> list[Env[Any, Any]]:
    """The wrappers, outermost first, and the base environment."""
    return [*wrappers_of(env), unwrap(env)]


def _names(env: Env[Any, Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(env) if field.name != "env"]


def _depth(env: Env[Any, Any], name: str) -> int | None:
    """How deep in the chain the field lies. The outermost, the adapter's own AutoReset, is left out."""
    depths = [depth for depth, part in enumerate(_chain(env)) if depth and name in _names(part)]
    return depths[0] if depths else None


def _positions(env: Env[Any, Any], depth: int, name: str) -> list[int]:
    """Which leaves of `env` make up the field; none where it is static."""
    path = (*(jax.tree_util.GetAttrKey("env"),) * depth, jax.tree_util.GetAttrKey(name))
    with_paths = jax.tree_util.tree_flatten_with_path(env)[0]
    return [i for i, (leaf_path, _) in enumerate(with_paths) if leaf_path[: len(path)] == path]


def _no_field(env: Env[Any, Any], name: str) -> AttributeError:
    names = [name for part in _chain(env)[1:] for name in _names(part)]
    return AttributeError(
        f"The environment has no attribute `{name}`.{did_you_mean(name, names)} Its fields are: {', '.join(names)}."
    )
