"""Boxes of real numbers and of pixels: the spaces that the clipping, rescaling and image wrappers need."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.wrapper import Wrapper
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box


def action_box(wrapper: Wrapper[Any, Any]) -> Box:
    """The action space inside `wrapper`, which must be a Box of real numbers.

    Raises:
        InvalidField: it is something else.
    """
    name, space = type(wrapper).__name__, wrapper.env.action_space
    if not isinstance(space, Box):
        raise InvalidField(
            f"{name} needs a Box action space, got {type(space).__name__}."
            f" Leave {name} out: there are no continuous actions to change."
        )
    if not jnp.issubdtype(space.dtype, jnp.floating):
        raise InvalidField(f"{name} needs a Box of real actions, got one of dtype {np.dtype(space.dtype).name}.")
    return space


def image_box(wrapper: Wrapper[Any, Any], dimensions: tuple[int, ...]) -> Box:
    """The observation space inside `wrapper`, which must be one of images: uint8, from 0 to 255.

    Raises:
        InvalidField: it is something else, or its number of axes is not among `dimensions`.
    """
    name, space = type(wrapper).__name__, wrapper.env.observation_space
    if not isinstance(space, Box) or np.dtype(space.dtype) != np.uint8 or len(space.shape) not in dimensions:
        wanted = " or ".join(str(number) for number in dimensions)
        raise InvalidField(f"{name} needs images for observations, a Box of uint8 with {wanted} axes, got {space}.")
    return space


class Affine(PyTreeNode):
    """The map between a box and another of the same shape: `y = gradient * x + intercept`.

    As in Gymnasium, a component with one infinite bound is only shifted, so that its finite bound matches.

    Attributes:
        gradient: of the box's shape and dtype, or float32 if the box holds integers.
        intercept: the same.
    """

    gradient: Array
    intercept: Array

    def forward(self, x: Array) -> Array:
        """From the box to the new one."""
        return self.gradient * x + self.intercept

    def backward(self, y: Array) -> Array:
        """From the new box to the box."""
        return (y - self.intercept) / self.gradient


def affine(box: Box, low: ArrayLike, high: ArrayLike) -> Affine:
    """The map from `box` to the box from `low` to `high`, in float32 if the box holds integers."""
    dtype = box.dtype if jnp.issubdtype(box.dtype, jnp.floating) else jnp.float32
    old_low, old_high, low, high = (
        jnp.broadcast_to(jnp.asarray(x, dtype), box.shape) for x in (box.low, box.high, low, high)
    )
    low_finite, high_finite = jnp.isfinite(low) & jnp.isfinite(old_low), jnp.isfinite(high) & jnp.isfinite(old_high)
    both = low_finite & high_finite
    # The inner `where`s keep infinities and zero widths out of both branches, so that gradients stay finite.
    width = jnp.where(both, old_high, 1.0) - jnp.where(both, old_low, 0.0)
    gradient = jnp.where(both, (jnp.where(both, high, 1.0) - jnp.where(both, low, 0.0)) / width, 1.0)
    from_low = jnp.where(low_finite, low, 0.0) - gradient * jnp.where(low_finite, old_low, 0.0)
    from_high = jnp.where(high_finite, high, 0.0) - jnp.where(high_finite, old_high, 0.0)
    intercept = jnp.where(low_finite, from_low, jnp.where(high_finite, from_high, 0.0))
    return Affine(gradient.astype(dtype), intercept.astype(dtype))


def check_bounds(wrapper: Wrapper[Any, Any], box: Box, names: tuple[str, str], bounds: tuple[Any, Any]) -> None:
    """Raises `InvalidField` if `box` cannot be rescaled to `bounds`; all must be concrete."""
    title = type(wrapper).__name__
    for name, bound, old in zip(names, bounds, (box.low, box.high), strict=True):
        if np.shape(bound) not in ((), box.shape):
            raise InvalidField(
                f"{title}: `{name}` must be a number or of shape {box.shape}, got shape {np.shape(bound)}."
            )
        new, old = np.broadcast_to(bound, box.shape), np.broadcast_to(np.asarray(old), box.shape)
        infinite = np.isinf(new) | np.isinf(old)
        if (new[infinite] != old[infinite]).any():
            raise InvalidField(
                f"{title}: the space is unbounded where `{name}` is not, or the other way round, and no affine map"
                f" does that. Give an array with the space's own infinities: its bound is {old}."
            )
    low, high = (np.broadcast_to(bound, box.shape) for bound in bounds)
    if not (low < high).all():
        raise InvalidField(f"{title}: `{names[0]}` ({bounds[0]}) must be below `{names[1]}` ({bounds[1]}).")
