"""ClipAction: continuous actions are clipped to the bounds of the action space."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.spaces import Box
from jaxenvs.wrappers._boxes import action_box
from jaxenvs.wrappers.action_wrapper import ActionWrapper


class ClipAction(ActionWrapper[Any]):
    """Takes any real action and clips it to the wrapped environment's action bounds.

    The counterpart of `gymnasium.wrappers.ClipAction`: the action space becomes unbounded.
    """

    def check_spaces(self) -> None:
        """Checks that actions are real numbers."""
        action_box(self)

    @property
    def action_space(self) -> Box:
        """The wrapped environment's action space, without bounds."""
        box = action_box(self)
        return Box(-np.inf, np.inf, box.shape, box.dtype)

    def transform_action(self, action: Array) -> Array:
        box = action_box(self)
        return jnp.clip(action, jnp.asarray(box.low, box.dtype), jnp.asarray(box.high, box.dtype))
