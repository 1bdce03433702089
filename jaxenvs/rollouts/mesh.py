"""Meshes: many devices that share the lanes of one batch.

A program over a mesh is the one-device program with its lanes distributed over the devices in order. Each device steps
its own environments (`per_device`), so that neither a step nor a reset waits for another device.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxenvs.errors import InvalidField

Tree = TypeVar("Tree")

Devices: TypeAlias = Mesh | int
"""Where to run: a mesh with an axis "data", or a number of devices."""

DATA_AXIS = "data"
"""The axis of a mesh that lanes are spread over; devices that differ along other axes repeat the work."""

SHARED = PartitionSpec()
"""The layout of arrays that every device holds: environment, weights, keys."""
LANES = PartitionSpec(DATA_AXIS)
"""The layout of arrays whose first axis is the lanes."""
TIME_AND_LANES = PartitionSpec(None, DATA_AXIS)
"""The layout of arrays with axes (time, lanes, ...)."""


def lane_mesh(caller: str, devices: Devices | None, **lanes: int | None) -> Mesh | None:
    """The mesh to run on, checked; None for just the default device.

    Args:
        caller: the function that was called, for the error message.
        devices: a mesh, or how many of `jax.devices()` to use.
        **lanes: numbers that the devices must share evenly, by the names that the user knows.

    Raises:
        InvalidField: there are not enough devices, the mesh has no axis "data", this process is not part of it, or the
            lanes cannot be distributed evenly.
    """
    if devices is None:
        return None
    mesh = _mesh_of_first(caller, devices) if isinstance(devices, int | np.integer) else devices
    if not isinstance(mesh, Mesh):
        raise InvalidField(
            f"{caller}: `mesh` must be a jax.sharding.Mesh or a number of devices, got {mesh!r}."
            f' Make one with `jax.make_mesh((jax.device_count(),), ("{DATA_AXIS}",))`.'
        )
    if DATA_AXIS not in mesh.axis_names:
        raise InvalidField(
            f'{caller}: lanes are spread over the axis "{DATA_AXIS}" of a mesh, and this one has'
            f' {", ".join(map(repr, mesh.axis_names))}. Name one of them "{DATA_AXIS}".'
        )
    if jax.process_index() not in {device.process_index for device in mesh.devices.flat}:
        raise InvalidField(
            f"{caller}: the mesh has no device of process {jax.process_index()}. Every process must take part:"
            f' `jax.make_mesh((jax.device_count(),), ("{DATA_AXIS}",))` spans all of them.'
        )
    size = mesh.shape[DATA_AXIS]
    for name, number in lanes.items():
        if number is None or number % size:
            given = f"`{name}` is not given" if number is None else f"`{name}` is {number}"
            raise InvalidField(f"{caller}: {given}, and must be a multiple of the {size} devices of the mesh.")
    # Meshes of `jax.make_mesh` expect shardings in types, which code written for one device does not have.
    mesh = Mesh(mesh.devices, mesh.axis_names, axis_types=(AxisType.Auto,) * len(mesh.axis_names))
    ambient = jax.sharding.get_abstract_mesh()
    if not ambient.empty and ambient != mesh.abstract_mesh:
        raise InvalidField(f"{caller}: `mesh` cannot be given within another one. Leave out `jax.set_mesh`: {ambient}.")
    return mesh


def _mesh_of_first(caller: str, count: int) -> Mesh:
    found = jax.devices()
    if isinstance(count, bool) or count < 1:
        raise InvalidField(f"{caller}: `mesh` must be a mesh or a number of devices of at least 1, got {count!r}.")
    if count > len(found):
        raise InvalidField(
            f"{caller}: {count} devices were asked for, and JAX sees {len(found)} ({found[0].platform}). To split a"
            f" CPU, set XLA_FLAGS=--xla_force_host_platform_device_count={count} and NPROC={8 * count} before Python"
            f' starts, or call `jax.config.update("jax_num_cpu_devices", {count})` before JAX computes anything.'
        )
    return jax.make_mesh((count,), (DATA_AXIS,), devices=found[:count])


def per_device(function: Callable[..., Any], mesh: Mesh | None, in_specs: Any, out_specs: Any) -> Any:
    """`function`, run by each device on its own lanes without communication; unchanged if there is no mesh.

    Args:
        function: a function of arrays only. What it closes over must not depend on lanes.
        mesh: a mesh returned by `lane_mesh`.
        in_specs: a layout for each argument, such as `SHARED` or `LANES`, or a tree of them.
        out_specs: the same for its results.
    """
    if mesh is None:
        return function
    # Without `check_vma`, which would require all loops of users' environments to mark what differs between devices.
    return jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False)


def own_keys(keys: Array, mesh: Mesh | None) -> Array:
    """Within `per_device`, selects those of `keys`, one for each lane, that belong to this device's lanes."""
    if mesh is None:
        return keys
    count = keys.shape[0] // mesh.shape[DATA_AXIS]
    first = jax.lax.axis_index(DATA_AXIS) * count
    # Word by word: slicing both words together would make XLA compute the keys of all lanes first.
    words = jax.random.key_data(keys)
    own = [jax.lax.dynamic_slice_in_dim(words[:, i], first, count) for i in range(words.shape[1])]
    return jax.random.wrap_key_data(jnp.stack(own, axis=-1), impl=jax.random.key_impl(keys))


def with_layout(tree: Tree, mesh: Mesh | None, layout: PartitionSpec) -> Tree:
    """`tree` with its arrays in one of the layouts above; unchanged if there is no mesh."""
    return tree if mesh is None else jax.lax.with_sharding_constraint(tree, NamedSharding(mesh, layout))
