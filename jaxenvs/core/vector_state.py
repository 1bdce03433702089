"""VectorState: a state that can also be read as the array in which Gymnasium keeps it."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField


class VectorState(PyTreeNode):
    """Base of states whose first fields are the numbers of Gymnasium's `env.unwrapped.state`, in its order.

    Scripts read that array, unpack it or take entries of it, so `np.array(state)`, `x, x_dot, theta, theta_dot = state`
    and `state[2]` work as well. It is not one: to JAX it is a tree, whose fields have names.
    """

    numbers: ClassVar[tuple[str, ...]]
    """The fields that the array consists of."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("The numbers of a state lie in separate arrays, so they cannot be read without a copy.")
        return np.stack([np.asarray(getattr(self, name)) for name in self.numbers], axis=-1).astype(dtype)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Array]:
        return iter([getattr(self, name) for name in self.numbers])

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index] if isinstance(index, int | slice) else np.asarray(self)[index]

    def with_numbers(self, values: Sequence[Any] | np.ndarray | Array) -> Self:
        """A copy with other numbers, of the dtypes that they have here; other fields stay.

        Raises:
            InvalidField: they are not as many numbers.
        """
        try:
            shape = np.shape(values)
        except ValueError:  # rows of different lengths
            shape = None
        if shape != (len(self.numbers),):
            raise InvalidField(
                f"{values!r} is not a state of this environment: {type(self).__name__} consists of"
                f" {len(self.numbers)} numbers ({', '.join(self.numbers)})."
            )
        given = zip(self.numbers, values, strict=True)
        return self.replace(**{name: jnp.asarray(value, getattr(self, name).dtype) for name, value in given})
