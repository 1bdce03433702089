"""What a kernel computes, beside what XLA computes."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.fusion import scan as scan_lanes


def both(function: Callable[..., Any], *arguments: Any, carried: bool = False) -> tuple[Any, Any]:
    """The results of a function of one lane for all lanes, by a kernel and by XLA.

    Args:
        function: of arrays of one lane.
        arguments: arrays, lanes first.
        carried: whether the arguments are a state, which lies in memory; otherwise each step is given them.
    """
    return by_kernel(function, *arguments, carried=carried), by_xla(function, *arguments)


def by_kernel(function: Callable[..., Any], *arguments: Any, carried: bool = False) -> Any:
    """The results of a function of one lane for all lanes, by a kernel."""

    def results(*arrays: Any) -> Any:
        if carried:
            return scan_lanes(lambda state, _: (state, function(*state)), arrays, None, 1)[1]
        rows = jax.tree.map(lambda x: x[None], arrays)
        state = jnp.zeros(arrays[0].shape[:1], jnp.int32)
        return scan_lanes(lambda state, row: (state, function(*row)), state, rows)[1]

    lowered = jax.jit(results).lower(*arguments)
    assert "@jaxenvs_" in lowered.as_text(), "not fused, so XLA would be compared with itself"
    return lowered.compile()(*arguments)


def by_xla(function: Callable[..., Any], *arguments: Any) -> Any:
    """The results of a function of one lane for all lanes, by XLA, with a first axis of one step."""
    mapped = jax.vmap(function)
    return jax.jit(lambda *arrays: jax.tree.map(lambda x: x[None], mapped(*arrays)))(*arguments)


def differences(fused: Any, expected: Any, tolerance: float = 1e-6) -> list[str]:
    """What differs, in words: integers that are not equal, floats further apart than `tolerance`, relative."""
    found = []
    pairs = zip(jax.tree_util.tree_leaves_with_path(fused), jax.tree.leaves(expected), strict=True)
    for (path, x), y in pairs:
        x, y = np.asarray(_words(x)), np.asarray(_words(y))
        name = jax.tree_util.keystr(path)
        if x.shape != y.shape or x.dtype != y.dtype:
            found.append(f"{name}: {x.dtype}{x.shape} instead of {y.dtype}{y.shape}")
            continue
        wrong = np.argwhere(~same(x, y, tolerance))
        for where in wrong[:4]:
            spot = tuple(map(int, where))
            found.append(f"{name}{list(spot)}: {x[spot]!r} instead of {y[spot]!r}, {len(wrong)} of {x.size} differ")
    return found


def same(x: np.ndarray, y: np.ndarray, tolerance: float) -> np.ndarray:
    """Where numbers agree; the sign of zero counts. What is as small as float32's least normal number may be zero."""
    if x.dtype.kind != "f":
        return x == y
    with np.errstate(all="ignore"):
        near = np.abs(x - y) <= tolerance * np.maximum(np.abs(x), np.abs(y)) + 1.3e-38
    zeros = (x == 0) & (y == 0)
    finite = np.isfinite(x) & np.isfinite(y)
    return np.where(zeros, np.signbit(x) == np.signbit(y), (x == y) | (near & finite) | (np.isnan(x) & np.isnan(y)))


def _words(x: Any) -> Any:
    return jax.random.key_data(x) if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key) else x


FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 3.0, 1e-3, -7.25, 100.75, 1e10, -1e10, 3e38, -3e38,
    np.inf, -np.inf, np.nan, 1.2e-38, -1.2e-38, 0.1, 0.99999994, 1.0000001, 2147483648.0, -2147483648.0, 4294967296.0,
    2147483520.0, 127.5, 255.5, -128.9, 32767.9, 65535.5, 16777217.0, 88.8, -104.0, 0.7853982, 9e18, 1.9e19,
]  # fmt: skip


def edges(dtype: str) -> np.ndarray:
    """Numbers at the edges of a type."""
    kind = np.dtype(dtype)
    if dtype == "bool":
        return np.array([False, True])
    if kind.kind == "f":
        return np.array(FLOATS, kind)
    limits = np.iinfo(kind)
    small = [0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 33, 63, 64, 100, limits.max, limits.max - 1, limits.max // 2]
    small += [limits.min, limits.min + 1, -1, -2, -3, -7, -8, -100] if kind.kind == "i" else []
    return (
        np.array(small).astype(kind) if kind.kind == "i" else np.array([x % (int(limits.max) + 1) for x in small], kind)
    )


def pairs(first: np.ndarray, second: np.ndarray) -> Sequence[np.ndarray]:
    """All pairs, one a lane."""
    x, y = np.meshgrid(first, second, indexing="ij")
    return x.ravel(), y.ravel()
