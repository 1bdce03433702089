"""Box: a box in R^n, or in a grid of integers."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxenvs.core.checks import is_integer
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidMask, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces._convert import (
    as_array,
    batch_hint,
    fit_host,
    import_gymnasium,
    misfit,
    strong,
    validate_integers,
)
from jaxenvs.spaces._draw import uniform_integers
from jaxenvs.spaces.space import Space


class Box(Space[Array]):
    """The product of the intervals [low, high], one for each entry of an array.

    Attributes:
        low: lower bounds, of the box's shape and dtype; -inf for no bound.
        high: upper bounds; inf for no bound. Bounds may be given as numbers or as arrays that broadcast to `shape`.
            Concrete ones are kept as read-only NumPy arrays, traced ones as they are.
        shape: the shape of an element; by default that of the bounds, or (1,) if both are numbers.
        dtype: an integer, floating or bool dtype. 64-bit dtypes need `jax_enable_x64`.
        open_below: for integers, (shape) bool, whether `low` was given as -inf; the bound kept there is the smallest
            of the dtype. None if there is no such entry.
        open_above: the same for `high`.
    """

    low: Any
    high: Any
    shape: Any = static(default=None)
    dtype: Any = static(default=np.float32)
    open_below: Any = None
    open_above: Any = None

    def __post_init__(self) -> None:
        dtype = _check_dtype(self.dtype)
        shape = _check_shape(self.shape, self.low, self.high)
        low, below = _bound("low", self.low, shape, dtype)
        high, above = _bound("high", self.high, shape, dtype)
        below = _still_open(self.open_below, low, dtype, 0) if below is None else below
        above = _still_open(self.open_above, high, dtype, 1) if above is None else above
        if isinstance(low, np.ndarray) and isinstance(high, np.ndarray) and (_compact(low) > _compact(high)).any():
            where = np.argwhere(np.broadcast_to(low > high, shape))[0]
            index = tuple(int(i) for i in where)
            raise InvalidSpace(
                f"Box: low is above high at index {index}: {low[index]} > {high[index]}; swap them or correct one."
            )
        self._set(low=low, high=high, shape=shape, dtype=dtype, open_below=below, open_above=above)

    def sample(self, key: Key, mask: Any = None, probability: Any = None) -> Array:
        """Draws each entry independently, as Gymnasium does.

        It is uniform on [low, high]; low plus, or high minus, a standard exponential if there is only one bound; and
        standard normal if there is none. Integers are rounded down and include `high`.

        Args:
            key: a scalar random key.
            mask: None; a box takes no mask.
            probability: None.
        """
        key = check_key(key, name="action_space.sample")
        if mask is not None or probability is not None:
            raise InvalidMask(f"{self!r} takes no mask; pass None in its place.")
        low, high = (jnp.asarray(bound) for bound in (_compact(self.low), _compact(self.high)))
        if self.dtype.kind == "f":
            all_bounded = not (_some(self.low, -np.inf) or _some(self.high, np.inf))
            return _draw_floats(key, low, high, self.shape, self.dtype, all_bounded)
        low, high = jnp.broadcast_to(low, self.shape), jnp.broadcast_to(high, self.shape)
        if self.dtype.kind == "b":
            return uniform_integers(key, low.astype(jnp.uint8), high.astype(jnp.uint8)).astype(bool)
        if self.open_below is None and self.open_above is None:
            return uniform_integers(key, low, high)
        return self._sample_open_integers(key, low, high)

    def _sample_open_integers(self, key: Key, low: Array, high: Array) -> Array:
        false = np.zeros((1,) * len(self.shape), bool)
        below = false if self.open_below is None else self.open_below
        above = false if self.open_above is None else self.open_above
        exponential_key, normal_key, uniform_key = jax.random.split(key, 3)
        steps = jnp.floor(jax.random.exponential(exponential_key, self.shape, jnp.float32)).astype(self.dtype)
        limits = np.iinfo(self.dtype)
        up = low + jnp.minimum(steps, limits.max - jnp.maximum(low, 0))  # no further than the dtype reaches
        down = high - jnp.minimum(steps, jnp.minimum(high, -1) - limits.min)
        normal = jnp.floor(jax.random.normal(normal_key, self.shape, jnp.float32)).astype(self.dtype)
        uniform = uniform_integers(uniform_key, low, high)
        return jnp.where(below, jnp.where(above, normal, down), jnp.where(above, up, uniform))

    def contains(self, x: Any) -> Array:
        """() bool: whether every entry lies from low to high.

        As in Gymnasium, the dtype of an array must cast safely to that of the box. Compiled programs may treat
        subnormal numbers as 0.
        """
        array = as_array(x)
        if array is None or array.shape != self.shape:
            return jnp.zeros((), bool)
        if isinstance(x, Array | np.ndarray):
            if not np.can_cast(array.dtype, self.dtype):
                return jnp.zeros((), bool)
            array = array.astype(self.dtype)
        elif isinstance(array, np.ndarray):
            array = fit_host(array, self.dtype)
            if array is None:
                return jnp.zeros((), bool)
        else:
            array = array.astype(self.dtype)
        inside = (array >= _compact(self.low)) & (array <= _compact(self.high))
        return jnp.asarray(inside.all())

    def validate(self, x: Any) -> Array:
        """Returns `x` in the box's dtype.

        Floats of any width fit a floating box. Integer arrays fit one if they come from the host and no value is
        rounded. An integer box takes integers whose dtype casts safely.
        """
        if isinstance(x, Array) and x.shape == self.shape and x.dtype == self.dtype:
            return strong(x, self.dtype)
        expected = f"{self.dtype} of shape {self.shape}"
        if self.dtype.kind == "f":
            return self._validate_floats(x, expected)
        if isinstance(x, Array) and x.shape == self.shape and not _casts(x.dtype, self.dtype):
            raise misfit(expected, x, x, f"Cast it yourself where the values allow: `action.astype(jnp.{self.dtype})`.")
        return validate_integers(x, self.shape, self.dtype, expected, allow_bool=self.dtype.kind == "b")

    def _validate_floats(self, x: Any, expected: str) -> Array:
        array = as_array(x)
        if array is None:
            raise misfit(expected, x, array, f"Use an array: `jnp.asarray(action, jnp.{self.dtype})`.")
        if array.shape != self.shape:
            raise misfit(expected, x, array, batch_hint(array, self.shape))
        if isinstance(array, np.ndarray):
            fitted = fit_host(array, self.dtype)
            if fitted is None:
                raise misfit(expected, x, array, f"Use {self.dtype} values: one of these does not fit.")
            return jnp.asarray(fitted)
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise misfit(expected, x, array, f"Use {self.dtype}: cast with `action.astype(jnp.{self.dtype})`.")
        return strong(array, self.dtype)

    def flatten(self, x: Array) -> Array:
        return jnp.asarray(x, self.dtype).reshape(-1)

    def unflatten(self, x: Array) -> Array:
        """`x` in the box's shape and dtype."""
        return jnp.asarray(x).astype(self.dtype).reshape(self.shape)

    def flat_space(self) -> "Box":
        """The box of the flat vectors: the same bounds, with one axis."""
        flat = (self.flat_size,)
        below, above = (None if v is None else v.reshape(flat) for v in (self.open_below, self.open_above))
        return Box(self.low.reshape(flat), self.high.reshape(flat), flat, self.dtype, below, above)

    @property
    def flat_size(self) -> int:
        return math.prod(self.shape)

    @property
    def flat_dtype(self) -> np.dtype[Any]:
        return self.dtype

    def to_gymnasium(self) -> Any:
        """`gymnasium.spaces.Box` with the same bounds, shape and dtype."""
        low, high = np.array(self.low), np.array(self.high)
        twin = import_gymnasium().spaces.Box(low, high, self.shape, self.dtype)
        if self.open_below is not None:
            twin.bounded_below = ~np.asarray(self.open_below)
        if self.open_above is not None:
            twin.bounded_above = ~np.asarray(self.open_above)
        return twin

    def element_to_gymnasium(self, x: Array) -> np.ndarray:
        return np.array(x, self.dtype)

    def element_from_gymnasium(self, x: Any) -> Array:
        return self.validate(x)

    def __repr__(self) -> str:
        return f"Box({_short(self.low)}, {_short(self.high)}, {self.shape}, {self.dtype})"


@functools.partial(jax.jit, static_argnames=("shape", "dtype", "all_bounded"), inline=True)
def _draw_floats(
    key: Key, low: Array, high: Array, shape: tuple[int, ...], dtype: np.dtype[Any], all_bounded: bool
) -> Array:
    work = dtype if dtype.itemsize == 8 else np.dtype(np.float32)
    low, high = low.astype(work), high.astype(work)
    zero = jnp.zeros((), work)
    below, above = jnp.isfinite(low), jnp.isfinite(high)
    # One symmetric uniform number gives all three distributions through their inverse.
    signed = jax.random.uniform(key, shape, work, np.nextafter(np.asarray(-1, work), np.asarray(0, work)), 1)
    uniform = (signed + 1) / 2
    floor, ceiling = jnp.where(below, low, zero), jnp.where(above, high, zero)
    # A weighted mean of the bounds cannot overflow, unlike their difference; rounding may overshoot.
    drawn = jnp.clip(floor * (1 - uniform) + ceiling * uniform, floor, jnp.maximum(floor, ceiling))
    if not all_bounded:
        exponential = -jnp.log1p(-uniform)
        normal = jax.lax.erf_inv(signed) * np.asarray(math.sqrt(2), work)
        one_sided = jnp.where(below, floor + exponential, ceiling - exponential)
        drawn = jnp.where(below & above, drawn, jnp.where(below | above, one_sided, normal))
    return drawn.astype(dtype)


def _check_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        checked = np.dtype(dtype)
    except TypeError:
        checked = None
    if dtype is None or checked is None or checked.kind not in "biuf" or checked.itemsize > 8:
        raise InvalidSpace(
            f"Box: `dtype` must be an integer, floating or bool dtype, such as jnp.float32, got {dtype!r}."
        )
    if checked.itemsize == 8 and jax.dtypes.canonicalize_dtype(checked) != checked:
        narrow = jax.dtypes.canonicalize_dtype(checked)
        raise InvalidSpace(
            f'Box: {checked} needs 64-bit types: use {narrow}, or `jax.config.update("jax_enable_x64", True)` first.'
        )
    return checked


def _check_shape(shape: Any, low: ArrayLike, high: ArrayLike) -> tuple[int, ...]:
    if shape is None:
        shapes = [np.shape(bound) for bound in (low, high) if np.shape(bound)]
        if len(shapes) == 2 and shapes[0] != shapes[1]:
            raise InvalidSpace(
                f"Box: low has shape {shapes[0]}, high has {shapes[1]}; make them equal or give `shape`."
            )
        return shapes[0] if shapes else (1,)
    if not isinstance(shape, tuple | list) or not all(is_integer(n) and n >= 0 for n in shape):
        raise InvalidSpace(f"Box: `shape` must be a tuple of non-negative integers, got {shape!r}.")
    shape = tuple(int(n) for n in shape)
    for name, bound in (("low", low), ("high", high)):
        got = np.shape(bound)
        if got and (len(got) > len(shape) or any(g not in (1, n) for g, n in zip(got[::-1], shape[::-1]))):
            raise InvalidSpace(
                f"Box: {name} of shape {got} does not broadcast to the shape {shape}; correct one of them."
            )
    return shape


def _bound(name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, np.ndarray | None]:
    """A bound in the box's shape and dtype, and the entries where an integer bound was infinite (None for nowhere)."""
    if isinstance(value, Tracer):
        if not jnp.issubdtype(value.dtype, jnp.floating) or dtype.kind == "f":
            return jnp.broadcast_to(value.astype(dtype), shape), None
        raise InvalidSpace(f"Box: {name} is a traced {value.dtype}, which a box of {dtype} cannot take; cast it.")
    array = _compact(np.asarray(value))
    if array.dtype.kind not in "biuf":
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise InvalidSpace(f"Box: {name} must be a number or an array of numbers, got {value!r}.")
        array = array.astype(np.float32)  # bfloat16, which NumPy does not know
    smallest, largest = _limits(dtype)
    open_ended = None
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise InvalidSpace(f"Box: {name} holds NaN; give a number, or {'-' * (name == 'low')}np.inf for no bound.")
        if dtype.kind != "f":
            array, open_ended = _close_integers(name, array, dtype)
    finite = np.isfinite(array)
    if ((array < smallest) & finite).any() or ((array > largest) & finite).any():
        raise InvalidSpace(
            f"Box: {name} goes beyond the range of {dtype}, from {smallest} to {largest}: {_short(array)};"
            f" use a wider dtype, or {'-' * (name == 'low')}np.inf for no bound."
        )
    bound = np.broadcast_to(array.astype(dtype), shape)
    return bound, None if open_ended is None else np.broadcast_to(open_ended, shape)


def _close_integers(name: str, array: np.ndarray, dtype: np.dtype[Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Bounds of an integer box given as floats: infinite ones become the dtype's limit, fractions are refused."""
    infinite = np.isinf(array)
    if (array[~infinite] != np.floor(array[~infinite])).any():
        raise InvalidSpace(f"Box: {name} of a box of {dtype} must be whole numbers, got {_short(array)}; round them.")
    if not infinite.any():
        return array, None
    if dtype.kind != "i" or (array[infinite] > 0).any() != (name == "high"):
        raise InvalidSpace(f"Box: {name} of a box of {dtype} cannot be {_short(array)}; give its range in numbers.")
    limit = _limits(dtype)[0 if name == "low" else 1]
    whole = np.array([limit if far else int(v) for v, far in zip(array.flat, infinite.flat)], object)
    return whole.reshape(array.shape).astype(np.int64), infinite


def _still_open(flags: Any, bound: Any, dtype: np.dtype[Any], side: int) -> Any:
    """Flags of an earlier box, kept if the bound is still the limit of the dtype."""
    if flags is None or isinstance(flags, Tracer) or isinstance(bound, Tracer):
        return flags
    kept = np.asarray(flags) & (bound == _limits(dtype)[side])
    return kept if kept.any() else None


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _compact(bound: Any) -> Any:
    """A NumPy bound, reduced to one entry if all entries are equal, so that programs stay small."""
    if isinstance(bound, np.ndarray) and bound.size > 1 and not any(bound.strides):
        return bound[(slice(1),) * bound.ndim]
    return bound


def _some(bound: Any, value: float) -> bool:
    """Whether an entry of the bound can be `value`."""
    return not isinstance(bound, np.ndarray) or bool((_compact(bound) == value).any())


def _casts(source: Any, target: np.dtype[Any]) -> bool:
    """Whether integers of one dtype are accepted in another: safe casts, and int64 in int32 for x64 programs."""
    return np.can_cast(source, target) or (source.kind == target.kind and target.itemsize == 4)


def _short(bound: Any) -> str:
    if isinstance(bound, Tracer):
        return "traced"
    try:
        array = np.asarray(bound)
        if array.size and (array == array.flat[0]).all():
            return str(array.flat[0])
        return np.array2string(array, threshold=8, edgeitems=2, separator=" ").replace("\n", "")
    except TypeError:  # a placeholder that JAX put in place of the bound
        return "?"
