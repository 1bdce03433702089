"""TransformAction: each action mapped by a given function."""

from collections.abc import Callable
from typing import Any

import jax

from jaxenvs.core.checks import check_function
from jaxenvs.core.pytree import static
from jaxenvs.spaces import Space
from jaxenvs.wrappers._elements import check_element, element_struct
from jaxenvs.wrappers.action_wrapper import ActionWrapper


class TransformAction(ActionWrapper[Any]):
    """Passes `func(action)` to the wrapped environment.

    The counterpart of `gymnasium.wrappers.TransformAction`.

    Attributes:
        func: a pure function, traceable by JAX, from an action of this wrapper to one of the wrapped
            environment. It is part of the traced program, so define it once: a new lambda means a new trace.
        space: the space of this wrapper's actions; None for that of the wrapped environment.
    """

    func: Callable[[Any], Any] = static()
    space: Space[Any] | None = None

    def check_fields(self) -> None:
        """Checks that `func` is a function."""
        check_function(self, "func", self.func)

    def check_spaces(self) -> None:
        """Checks that what `func` returns has the structure, shapes and dtypes of the wrapped space."""
        result = jax.eval_shape(self.func, element_struct(self.action_space))
        check_element(result, self.env.action_space, self, "func", "Say with `space=...` what it maps from")

    @property
    def action_space(self) -> Space[Any]:
        """`space`, or the wrapped environment's action space if that is None."""
        return self.env.action_space if self.space is None else self.space

    def transform_action(self, action: Any) -> Any:
        return self.func(action)
