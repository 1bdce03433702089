"""What follows from `sample` and `contains` of a space: the methods of `Space` that a space need not define."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from jaxenvs.errors import InvalidAction, InvalidSpace, short_repr
from jaxenvs.spaces import _flat
from jaxenvs.spaces._convert import import_gymnasium
from jaxenvs.spaces.box import Box
from jaxenvs.spaces.space import Space


def parts_of(space: Space[Any]) -> tuple[list[Box], Any]:
    """For each array of an element, the box of all arrays of its shape and dtype; and the tree structure of elements.

    Raises:
        InvalidSpace: an element holds random keys, or nothing.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    forms, structure = jax.tree.flatten(jax.eval_shape(lambda key: space.sample(key), key))
    if not forms or any(form.dtype.kind not in "biuf" for form in forms):
        raise InvalidSpace(
            f"{space!r}: `sample` must return an array of numbers, or a tree of these; it gives {forms}."
        )
    return [_all_of(form.shape, np.dtype(form.dtype)) for form in forms], structure


def _all_of(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Box:
    if dtype.kind == "b":
        return Box(False, True, shape, dtype)
    low = 0 if dtype.kind == "u" else -np.inf
    return Box(low, np.iinfo(dtype).max if dtype.kind == "u" else np.inf, shape, dtype)


def contains(space: Space[Any], x: Any, inside: Callable[[Any, Any], Any]) -> Array:
    """() bool: whether `x` has the form of an element, and `inside(space, element)`."""
    boxes, structure = parts_of(space)
    try:
        parts = list(zip(boxes, structure.flatten_up_to(x), strict=True))
    except ValueError:
        return jnp.zeros((), bool)
    fits = [box.contains(leaf) for box, leaf in parts]
    if any(not isinstance(fit, Tracer) and not fit for fit in fits):  # a shape or a dtype, for one
        return jnp.zeros((), bool)
    element = structure.unflatten([jnp.asarray(leaf, box.dtype) for box, leaf in parts])
    return jnp.stack(fits).all() & inside(space, element)


def validate(space: Space[Any], x: Any) -> Any:
    """See `Space.validate`."""
    boxes, structure = parts_of(space)
    try:
        leaves = structure.flatten_up_to(x)
    except ValueError as error:
        raise InvalidAction(f"Expected an element of {space!r}; {error}.") from error
    element = structure.unflatten([box.validate(leaf) for box, leaf in zip(boxes, leaves, strict=True)])
    inside = space.contains(element)
    if not isinstance(inside, Tracer) and not inside:
        raise InvalidAction(f"Expected an element of {space!r}; got {jax.tree.map(np.asarray, element)}.")
    return element


def flatten(space: Space[Any], x: Any) -> Array:
    """See `Space.flatten`."""
    boxes, structure = parts_of(space)
    leaves = structure.flatten_up_to(x)
    return _flat.join([box.flatten(leaf) for box, leaf in zip(boxes, leaves, strict=True)], space.flat_dtype)


def unflatten(space: Space[Any], x: Array) -> Any:
    """See `Space.unflatten`."""
    boxes, structure = parts_of(space)
    vectors = _flat.split(x, [(box.flat_size, box.flat_dtype) for box in boxes])
    return structure.unflatten([box.unflatten(vector) for box, vector in zip(boxes, vectors, strict=True)])


def flat_space(space: Space[Any]) -> Box:
    """See `Space.flat_space`."""
    return _flat.join_boxes([box.flat_space() for box in parts_of(space)[0]], space.flat_dtype)


def flat_size(space: Space[Any]) -> int:
    """See `Space.flat_size`."""
    return sum(box.flat_size for box in parts_of(space)[0])


def flat_dtype(space: Space[Any]) -> np.dtype[Any]:
    """See `Space.flat_dtype`."""
    return _flat.common_dtype([box.flat_dtype for box in parts_of(space)[0]])


def to_gymnasium(space: Space[Any]) -> Any:
    """See `Space.to_gymnasium`."""
    import_gymnasium()
    from jaxenvs.spaces._twin import Twin

    boxes, structure = parts_of(space)
    if not jax.tree_util.treedef_is_leaf(structure):
        raise InvalidSpace(
            f"{space!r}: elements are {structure}, which has no counterpart in Gymnasium that follows. Define"
            " `to_gymnasium`, `element_to_gymnasium` and `element_from_gymnasium`, or put spaces of single arrays into"
            " a `Dict` or `Tuple`."
        )
    return Twin(space, space.flat_space(), boxes[0].shape)


def element_to_gymnasium(x: Any) -> Any:
    """See `Space.element_to_gymnasium`."""
    return jax.tree.map(lambda leaf: np.array(jnp.asarray(leaf)), x)


def text_of(space: Any, fields: tuple[str, ...]) -> str:
    """`Name(field=value)`, on one line, with long values cut off."""
    return f"{type(space).__name__}({', '.join(f'{name}={short_repr(getattr(space, name))}' for name in fields)})"
