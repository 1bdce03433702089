"""Elements of spaces: their shapes, a neutral one, and stacks of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple


def element_struct(space: Space[Any]) -> Any:
    """A tree of `jax.ShapeDtypeStruct`: the structure, shapes and dtypes of the space's elements."""
    return jax.eval_shape(space.sample, jax.eval_shape(lambda: jax.random.key(0)))


def cast_to(space: Space[Any], x: Any) -> Any:
    """`x` with its leaves in the dtypes of the space's elements, none of them weak."""
    return jax.tree.map(lambda leaf, struct: jnp.asarray(leaf, struct.dtype), x, element_struct(space))


def check_element(result: Any, space: Space[Any], env: Env[Any, Any], name: str, remedy: str) -> None:
    """Raises `InvalidField` if `result`, arrays or their structs, does not have the form of the space's elements."""
    expected = element_struct(space)
    same = jax.tree.structure(result) == jax.tree.structure(expected) and all(
        a.shape == b.shape and np.dtype(a.dtype).kind == np.dtype(b.dtype).kind
        for a, b in zip(jax.tree.leaves(result), jax.tree.leaves(expected), strict=True)
    )
    if not same:
        raise InvalidField(
            f"{type(env).__name__}: `{name}` gives {_describe(result)}, but elements of the space, a"
            f" {type(space).__name__}, are {_describe(expected)}. {remedy}."
        )


def _describe(tree: Any) -> Any:
    """Describes the tree, with arrays written as `float32[3]`."""
    return jax.tree.map(lambda leaf: _Text(f"{np.dtype(leaf.dtype).name}{list(leaf.shape)}"), tree)


class _Text(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def neutral_element(space: Space[Any]) -> Any:
    """The element nearest to zero, like that of Gymnasium's `create_zero_array`.

    Raises:
        InvalidField: the space has no such element.
    """
    match space:
        case Box():
            low, high = (jnp.broadcast_to(jnp.asarray(b, space.dtype), space.shape) for b in (space.low, space.high))
            return jnp.clip(jnp.zeros(space.shape, space.dtype), low, high)
        case Discrete() | MultiDiscrete():
            struct = element_struct(space)
            return jnp.broadcast_to(jnp.asarray(space.start, struct.dtype), struct.shape)
        case MultiBinary():
            struct = element_struct(space)
            return jnp.zeros(struct.shape, struct.dtype)
        case Dict():
            return {name: neutral_element(part) for name, part in space.spaces.items()}
        case Tuple():
            return tuple(neutral_element(part) for part in space.spaces)
    raise InvalidField(f"A {type(space).__name__} has no zero to begin with. Put a `FlattenObservation` inside.")


def stacked_space(space: Space[Any], num: int) -> Space[Any]:
    """The space of `num` elements stacked along a new leading axis, the same as Gymnasium's `batch_space`.

    Raises:
        InvalidField: elements of the space cannot be stacked.
    """
    match space:
        case Box():
            shape = (num, *space.shape)
            return Box(jnp.broadcast_to(space.low, shape), jnp.broadcast_to(space.high, shape), shape, space.dtype)
        case Discrete():
            return MultiDiscrete([space.n] * num, start=[space.start] * num)
        case MultiDiscrete():
            shape = (num, *np.shape(space.nvec))
            return Box(space.start, space.start + space.nvec - 1, shape, element_struct(space).dtype)
        case MultiBinary():
            struct = element_struct(space)
            return Box(0, 1, (num, *struct.shape), struct.dtype)
        case Dict():
            return Dict([(name, stacked_space(part, num)) for name, part in space.spaces.items()])
        case Tuple():
            return Tuple(tuple(stacked_space(part, num) for part in space.spaces))
    raise InvalidField(f"Elements of a {type(space).__name__} cannot be stacked. Put a `FlattenObservation` inside.")


def with_entry(space: Dict, key: str, part: Space[Any]) -> Dict:
    """`space` with one more entry: in order if the keys are sorted, else first, as in Gymnasium."""
    entries = [(key, part), *space.spaces.items()]
    return Dict(sorted(entries, key=lambda entry: entry[0]) if [*space.spaces] == sorted(space.spaces) else entries)


def push(queue: Any, item: Any) -> Any:
    """`queue`, a tree of arrays with a leading axis, without its first entry and with `item` as its last."""
    return jax.tree.map(lambda q, x: jnp.concatenate([q[1:], x[None]]), queue, item)


def repeat(item: Any, num: int) -> Any:
    """A queue of `num` copies of `item`."""

    def copies(x: Array) -> Array:
        return jnp.broadcast_to(x, (num, *x.shape))

    return jax.tree.map(copies, item)
