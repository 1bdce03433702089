"""TransformObservation: each observation mapped by a given function."""

from collections.abc import Callable
from typing import Any

import jax

from jaxenvs.core.checks import check_function
from jaxenvs.core.pytree import static
from jaxenvs.spaces import Space
from jaxenvs.wrappers._elements import cast_to, check_element, element_struct
from jaxenvs.wrappers.observation_wrapper import ObservationWrapper


class TransformObservation(ObservationWrapper[Any]):
    """Maps each observation by `func`.

    The counterpart of `gymnasium.wrappers.TransformObservation`.

    Attributes:
        func: a pure function, traceable by JAX, from an observation to the new one. It is part of the traced program,
            so define it once: a new lambda means a new trace.
        space: the space of the new observations; None for that of the wrapped environment.
    """

    func: Callable[[Any], Any] = static()
    space: Space[Any] | None = None

    def check_fields(self) -> None:
        """Checks that `func` is a function."""
        check_function(self, "func", self.func)

    def check_spaces(self) -> None:
        """Checks that what `func` returns has the structure, shapes and dtypes of the space."""
        result = jax.eval_shape(self.func, element_struct(self.env.observation_space))
        check_element(result, self.observation_space, self, "func", "Say with `space=...` what it maps to")

    @property
    def observation_space(self) -> Space[Any]:
        """`space`, or the wrapped environment's observation space if that is None."""
        return self.env.observation_space if self.space is None else self.space

    def transform_observation(self, observation: Any) -> Any:
        """`func(observation)`, in the dtypes of the space."""
        return cast_to(self.observation_space, self.func(observation))
