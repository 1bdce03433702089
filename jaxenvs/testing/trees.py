"""Inspection of pytrees: their leaves, the difference of two trees, and small changes."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.pytree import is_static
from jaxenvs.core.trees import is_key

ULPS = 64
"""The tolerance of floats of two compiled forms of one program, in units in the last place of the largest magnitude in
the leaf (at least 1). A fused program may round `a * b + c` once and reorder sums, so the forms differ by a few
roundings per operation. Integers, flags and keys get no tolerance, but for pictures."""
_PIXELS_PER_TIE = 5_000
"""Of so many numbers of a picture (uint8, with rows and columns), one may differ: where an edge passes as near to the
middle of a pixel as rounding goes, rounding decides between two colours. Smaller arrays get no tolerance."""


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A description of one leaf of a tree.

    Attributes:
        path: position of the leaf, such as `state.inner.x`.
        kind: `"array"`, or the name of its type if it is not a JAX array.
        shape: shape of the leaf.
        dtype: name of its dtype.
        weak: whether its type is weak, like that of a Python number.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    weak: bool

    @property
    def type(self) -> str:
        """Shape and dtype, such as `(4,) float32`."""
        return f"{self.shape} {self.dtype}"


def is_float(leaf: Any) -> bool:
    """Whether `leaf` is a Python, NumPy or JAX float or array of floats."""
    return not is_key(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)


def describe(name: str, tree: Any) -> dict[str, Leaf]:
    """Every leaf of `tree` by path; also works on tracers."""
    leaves = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        where = name + jax.tree_util.keystr(path)
        if isinstance(leaf, jax.Array):
            leaves[where] = Leaf(where, "array", leaf.shape, str(leaf.dtype), bool(jax.typeof(leaf).weak_type))
        else:
            dtype = str(getattr(leaf, "dtype", type(leaf).__name__))
            leaves[where] = Leaf(where, type(leaf).__name__, np.shape(leaf), dtype, False)
    return leaves


def static_fields(node: Any) -> list[tuple[str, Any]]:
    """The static fields of a PyTreeNode and of the dataclasses within it: (name, value)."""
    found = []
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if is_static(field):
            found.append((field.name, value))
        elif dataclasses.is_dataclass(value):
            found += static_fields(value)
    return found


def to_host(tree: Any) -> Any:
    """The tree with NumPy leaves; typed keys become their data."""
    return jax.device_get(jax.tree.map(lambda x: jax.random.key_data(x) if is_key(x) else x, tree))


def take(tree: Any, *index: int) -> Any:
    """One entry along the leading axes of every leaf, cut on the host: indexing on the device compiles."""

    def entry(leaf: Any) -> Any:
        if is_key(leaf):
            data = np.asarray(jax.random.key_data(leaf))[index]
            return jax.random.wrap_key_data(jnp.asarray(data), impl=jax.random.key_impl(leaf))
        return jnp.asarray(np.asarray(leaf)[index])

    return jax.tree.map(entry, tree)


def difference(name: str, left: Any, right: Any) -> str | None:
    """Describes where and by how much two trees of one structure differ beyond the tolerance; None if they do not.

    Args:
        name: what the trees are, for the error message.
        left: a tree of concrete arrays.
        right: another tree of concrete arrays.
    """
    if jax.tree.structure(left) != jax.tree.structure(right):
        return f"the structure of {name}: {jax.tree.structure(left)} against {jax.tree.structure(right)}"
    pairs = zip(jax.tree_util.tree_leaves_with_path(to_host(left)), jax.tree.leaves(to_host(right)), strict=True)
    for (path, a), b in pairs:
        a, b = np.asarray(a), np.asarray(b)
        where = name + jax.tree_util.keystr(path)
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{where}: {a.shape} {a.dtype} against {b.shape} {b.dtype}"
        if not jnp.issubdtype(a.dtype, jnp.floating):
            ties = a.size // _PIXELS_PER_TIE if a.dtype == np.uint8 and a.ndim > 1 else 0
            if np.count_nonzero(a != b) > ties:
                return f"{where}: {_short(a)} against {_short(b)}"
            continue
        finite = np.isfinite(a) & np.isfinite(b)
        scale = max(1.0, float(np.abs(np.where(finite, a, 0)).max(initial=0.0)))
        allowed = ULPS * float(jnp.finfo(a.dtype).eps) * scale
        gap = np.abs(np.where(finite, a, 0).astype(np.float64) - np.where(finite, b, 0).astype(np.float64))
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or gap.max(initial=0.0) > allowed:
            return f"{where}: {_short(a)} against {_short(b)} (tolerance {allowed:.2g})"
    return None


def identical(left: Any, right: Any) -> bool:
    """Whether two trees have the same structure and, bit for bit, the same leaves."""
    if jax.tree.structure(left) != jax.tree.structure(right):
        return False
    pairs = zip(jax.tree.leaves(to_host(left)), jax.tree.leaves(to_host(right)), strict=True)
    return all(_bits(a) == _bits(b) for a, b in pairs)


def _bits(leaf: Any) -> tuple[str, tuple[int, ...], bytes]:
    array = np.asarray(leaf)
    return str(array.dtype), array.shape, array.tobytes()


def perturb(env: Any, factor: float) -> Any:
    """The environment with every float leaf multiplied by `factor`; each leaf keeps its type."""

    def scale(leaf: Any) -> Any:
        if isinstance(leaf, float):
            # Rounded to float32, so that it equals the product computed on an array.
            return float(np.float32(leaf) * np.float32(factor))
        return leaf * np.asarray(factor, leaf.dtype) if is_float(leaf) else leaf

    return jax.tree.map(scale, env)


def stack_floats(envs: list[Any]) -> tuple[Any, Any]:
    """Environments of one structure as a single batched one, and its `in_axes` for `jax.vmap`.

    Float leaves get a leading axis; the others are taken from the first.
    """

    def stack(*leaves: Any) -> Any:
        if not is_float(leaves[0]):
            return leaves[0]
        return jnp.stack([jnp.asarray(x, jnp.float32 if isinstance(x, float) else None) for x in leaves])

    axes = jax.tree.map(lambda leaf: 0 if is_float(leaf) else None, envs[0])
    return jax.tree.map(stack, *envs), axes


def _short(x: np.ndarray) -> str:
    text = np.array2string(x, threshold=8, edgeitems=2, precision=9)
    return " ".join(text.split())
