"""OpeningActions: take fixed actions at the beginning of each episode."""

from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import TimeStep, restart
from jaxenvs.core.pytree import static
from jaxenvs.core.trees import tree_where
from jaxenvs.core.varying import varying_as
from jaxenvs.core.wrapper import Placement, SameActions, SameObservations, StatelessWrapper
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Discrete

Obs = TypeVar("Obs")


class OpeningActions(SameObservations, SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """Takes given actions at the beginning of each episode, before the agent acts.

    With FIRE as the action, it is the "fire reset" of Atari games that wait for it. The rewards of these steps are
    dropped. If they end the episode, it begins without them. It goes inside AutoReset; a TimeLimit inside it counts
    these steps as well.

    Attributes:
        actions: the actions to take, in order; elements of a Discrete action space.
        training_only: whether `evaluation` removes the wrapper. By default it does not: an agent that never had to
            press FIRE would wait forever. Pass True if the actions only lead to starts worth exploring from.
    """

    actions: tuple[int, ...] = static()
    training_only: bool = static(default=False, kw_only=True)

    reset_is_costly: ClassVar[bool] = True

    placement: ClassVar[Placement] = "inside"

    def check_fields(self) -> None:
        """Checks that there are actions."""
        actions: Any = self.actions
        if not isinstance(actions, tuple) or not actions:
            raise InvalidField(f"OpeningActions: `actions` must be a tuple of one or more actions, got {actions!r}.")

    def check_spaces(self) -> None:
        """Checks that the action space is Discrete and contains the actions."""
        space = self.env.action_space
        if not isinstance(space, Discrete):
            raise InvalidField(f"OpeningActions needs a Discrete action space, got {type(space).__name__}.")
        for action in self.actions:
            if not is_integer(action) or not space.contains(np.int32(action)):
                raise InvalidField(f"OpeningActions: {action!r} is not an action of {space}.")

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        """Resets the wrapped environment and takes the actions."""
        start = self.env.reset(key)

        def take(carry: Any, action: jax.Array) -> tuple[Any, None]:
            (state, _), is_over = carry
            state, timestep = self.env.step(state, action)
            opened = state, restart(timestep.observation, timestep.info)
            return varying_as(carry, (opened, is_over | timestep.done)), None

        carry = varying_as((self, key), (start, jnp.zeros((), bool)))
        (opened, is_over), _ = jax.lax.scan(take, carry, jnp.asarray(self.actions, jnp.int32))
        return tree_where(is_over, start, opened)

    def step(self, state: Any, action: jax.Array) -> tuple[Any, TimeStep[Obs]]:
        return self.env.step(state, action)
