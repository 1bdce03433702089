"""Checkpoints: a pytree of arrays in one file, whose bytes and shapes are checked before use.

The file is a fixed header, followed by msgpack as written by Flax (never pickle, so reading runs no code):

    8 bytes   magic, "jaxenvs" and a zero
    4 bytes   format version, little-endian
    8 bytes   length of the payload, little-endian
    32 bytes  SHA-256 of the payload
    payload   {"progress": {name: int}, "leaves": {path: array}, "keys": {path: dtype of a random key}}

Orbax writes a folder of a dozen files for the same tree. One file is replaced in one step, and copied as a whole.
"""

import hashlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization

from jaxenvs.core.trees import is_key
from jaxenvs.errors import CheckpointError
from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.random import implementation

Tree = TypeVar("Tree")

MAGIC = b"jaxenvs\0"
FORMAT_VERSION = 1
_HEADER = struct.Struct("<8sIQ32s")

_SLACK_BYTES = 64 * 2**20
"""How much larger than its arrays a payload may be; a larger one is refused without reading it."""

_KEY_IMPLEMENTATIONS = ("threefry2x32", "rbg", "unsafe_rbg", implementation)


def save_checkpoint(path: str | os.PathLike[str], tree: Any, progress: Mapping[str, int] | None = None) -> None:
    """Writes a pytree of arrays; an existing checkpoint is replaced in one step.

    Args:
        path: the file.
        tree: arrays, typed random keys and Python numbers, in any registered pytree.
        progress: counters to keep with the tree, such as the updates done so far.
    """
    leaves: dict[str, np.ndarray] = {}
    keys: dict[str, str] = {}
    for name, leaf in jax.device_get(_named_leaves(_expose_keys(tree, keys))).items():
        leaves[name] = np.asarray(leaf)
    payload = serialization.msgpack_serialize({"progress": dict(progress or {}), "leaves": leaves, "keys": keys})
    header = _HEADER.pack(MAGIC, FORMAT_VERSION, len(payload), hashlib.sha256(payload).digest())
    write_bytes(Path(path), header + payload)


def load_checkpoint(path: str | os.PathLike[str], template: Tree) -> tuple[Tree, dict[str, int]]:
    """Reads a pytree of arrays.

    Args:
        path: the file.
        template: a pytree of the expected structure, shapes and dtypes, such as `jax.eval_shape` of the function that
            built the saved one.

    Returns:
        The tree, with the template's structure, and the counters saved with it.

    Raises:
        CheckpointError: there is no such file, it is damaged or not a checkpoint, or it holds another tree; the message
            names the first difference.
    """
    path = Path(path)
    expected = _named_leaves(template)
    size = sum(int(np.prod(np.shape(leaf))) * max(leaf.dtype.itemsize, 8) for leaf in expected.values())
    content = _decode(path, _read_payload(path, size + _SLACK_BYTES))
    stored, keys = content["leaves"], content["keys"]
    for name in [*expected, *stored]:
        if name not in stored or name not in expected:
            here, there = ("does not hold", "have") if name in expected else ("holds", "do not have")
            raise CheckpointError(f"{path} {here} `{name}`, which the run's settings {there}. {_MISMATCH}")
    leaves = [_restore(path, name, stored[name], keys.get(name), leaf) for name, leaf in expected.items()]
    return jax.tree.unflatten(jax.tree.structure(template), leaves), content["progress"]


_MISMATCH = "It belongs to other settings or another version of jaxenvs: use those, or train again."
_DAMAGED = "Restore the file from a copy, or train again."


def _named_leaves(tree: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(tree)}


def _expose_keys(tree: Any, keys: dict[str, str]) -> Any:
    """`tree` with random keys as their raw data; records in `keys` which leaves those were."""

    def expose(path: tuple[Any, ...], leaf: Any) -> Any:
        if is_key(leaf):
            keys[jax.tree_util.keystr(path)] = str(leaf.dtype)
            return jax.random.key_data(leaf)
        return leaf

    return jax.tree.map_with_path(expose, tree)


def _read_payload(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            if not header.startswith(MAGIC):
                what = "is empty" if not header else "was not written by jaxenvs"
                raise CheckpointError(
                    f"{path} {what}: it is not a checkpoint. Point to a folder that `jaxenvs train` made."
                )
            if len(header) < _HEADER.size:
                raise CheckpointError(f"{path} is truncated within its header. {_DAMAGED}")
            _, version, length, digest = _HEADER.unpack(header)
            if version != FORMAT_VERSION:
                raise CheckpointError(
                    f"{path} has checkpoint format {version}, this jaxenvs reads format {FORMAT_VERSION}."
                    " Use the version of jaxenvs that `run.json` names, or train again."
                )
            if length > max_bytes:
                raise CheckpointError(
                    f"{path} claims {length} bytes, the run's settings allow no more than {max_bytes}. {_MISMATCH}"
                )
            payload = file.read(length + 1)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint at {path}. It appears once training has begun.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    if len(payload) < length:
        raise CheckpointError(f"{path} is truncated: {len(payload)} of {length} bytes are left. {_DAMAGED}")
    if len(payload) > length or hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(f"{path} is corrupt: its content does not match its checksum. {_DAMAGED}")
    return payload


def _decode(path: Path, payload: bytes) -> dict[str, Any]:
    try:
        content = serialization.msgpack_restore(payload)
    except Exception as error:  # a checksum can be forged, and msgpack fails in many ways
        raise CheckpointError(f"{path} is corrupt: {type(error).__name__}: {error}. {_DAMAGED}") from error
    shape = {"progress": int, "leaves": np.ndarray | np.generic, "keys": str}
    if not isinstance(content, dict) or set(content) != set(shape):
        raise CheckpointError(f"{path} does not hold the parts of a checkpoint. {_DAMAGED}")
    for part, kind in shape.items():
        entries = content[part]
        if not isinstance(entries, dict) or not all(
            isinstance(k, str) and isinstance(v, kind) for k, v in entries.items()
        ):
            raise CheckpointError(f"{path} does not hold the parts of a checkpoint: `{part}` is malformed. {_DAMAGED}")
    return content


def _restore(path: Path, name: str, stored: np.ndarray, key_dtype: str | None, expected: Any) -> jax.Array:
    """The stored leaf as an array of the expected shape and dtype, or `CheckpointError`."""
    dtype = key_dtype or str(stored.dtype)
    if dtype != str(expected.dtype):
        raise CheckpointError(
            f"{path}: `{name}` has dtype {dtype}, the run's settings build {expected.dtype}. {_MISMATCH}"
        )
    shape = np.shape(stored)
    if key_dtype is not None:
        data_shape = jax.random.key_data(jax.random.key(0, impl=_implementation(key_dtype))).shape
        if stored.dtype != np.uint32 or shape[len(shape) - len(data_shape) :] != data_shape:
            raise CheckpointError(f"{path}: `{name}` does not hold random keys. {_DAMAGED}")
        shape = shape[: len(shape) - len(data_shape)]
    if shape != np.shape(expected):
        raise CheckpointError(
            f"{path}: `{name}` has shape {shape}, the run's settings build {np.shape(expected)}. {_MISMATCH}"
        )
    if key_dtype is not None:
        return jax.random.wrap_key_data(jnp.asarray(stored), impl=_implementation(key_dtype))
    return jnp.array(stored)  # a copy: what is restored may be donated, and numpy owns `stored`


def _implementation(key_dtype: str) -> Any:
    """The key implementation of a dtype such as `key<jaxenvs>`, known from a template of that dtype."""
    for candidate in _KEY_IMPLEMENTATIONS:
        if str(jax.random.key(0, impl=candidate).dtype) == key_dtype:
            return candidate
    names = ", ".join(str(jax.random.key(0, impl=candidate).dtype) for candidate in _KEY_IMPLEMENTATIONS)
    raise CheckpointError(f"Random keys of dtype {key_dtype} cannot be restored; those that can are {names}.")
