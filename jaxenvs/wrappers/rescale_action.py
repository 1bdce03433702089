"""RescaleAction: map actions from a range of the caller's choice."""

from typing import Any

from jax import Array
from jax.typing import ArrayLike

from jaxenvs.spaces import Box
from jaxenvs.wrappers._boxes import action_box, affine, check_bounds
from jaxenvs.wrappers.action_wrapper import ActionWrapper


class RescaleAction(ActionWrapper[Any]):
    """Takes actions in [min_action, max_action] and maps them affinely to the wrapped action space.

    The counterpart of `gymnasium.wrappers.RescaleAction`. Values outside the range are mapped as well; put a
    `ClipAction` around it to clip them. An unbounded component keeps its infinite bounds.

    Attributes:
        min_action: () or the action's shape, the new lower bounds.
        max_action: () or the action's shape, the new upper bounds.
    """

    min_action: ArrayLike = -1.0
    max_action: ArrayLike = 1.0

    def check_spaces(self) -> None:
        """Checks that actions are real numbers and that the bounds fit theirs."""
        check_bounds(self, action_box(self), ("min_action", "max_action"), (self.min_action, self.max_action))

    @property
    def action_space(self) -> Box:
        """The box from `min_action` to `max_action`."""
        box = action_box(self)
        return Box(self.min_action, self.max_action, box.shape, box.dtype)

    def transform_action(self, action: Array) -> Array:
        """The action of the wrapped environment."""
        return affine(action_box(self), self.min_action, self.max_action).backward(action)
