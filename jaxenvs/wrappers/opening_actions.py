"""OpeningActions: fixed actions at the beginning of each episode."""

from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.env import TimeStep, restart
from jaxenvs.core.pytree import static
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Discrete
from jaxenvs.wrappers.auto_reset import refuse_auto_reset_inside

Obs = TypeVar("Obs")


class OpeningActions(SameObservations, SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """Takes given actions before the agent takes its first, in each episode.

    With FIRE for an action it is the "fire reset" of Atari games that stand still until then. The rewards
    of these steps are dropped. Should they end the episode, it begins without them. It goes inside AutoReset;
    a TimeLimit inside it counts these steps, too.

    Attributes:
        actions: what is taken, in order; elements of a Discrete action space.
    """

    actions: tuple[int, ...] = static()

    reset_is_costly: ClassVar[bool] = True

    def check_fields(self) -> None:
        """Checks that there are actions, and the order of wrappers."""
        actions: Any = self.actions
        if not isinstance(actions, tuple) or not actions:
            raise InvalidField(f"OpeningActions: `actions` must be a tuple of one or more actions, got {actions!r}.")
        refuse_auto_reset_inside(self)

    def check_spaces(self) -> None:
        """Checks that the action space is Discrete and holds the actions."""
        space = self.env.action_space
        if not isinstance(space, Discrete):
            raise InvalidField(f"OpeningActions needs a Discrete action space, got {type(space).__name__}.")
        for action in self.actions:
            is_integer = isinstance(action, int | np.integer) and not isinstance(action, bool)
            if not is_integer or not space.contains(np.int32(action)):
                raise InvalidField(f"OpeningActions: {action!r} is no action of {space}.")

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        """Resets the wrapped environment and takes the actions."""
        start = self.env.reset(key)

        def take(carry: Any, action: jax.Array) -> tuple[Any, None]:
            (state, _), is_over = carry
            state, timestep = self.env.step(state, action)
            opened = state, restart(timestep.observation, timestep.info)
            return (opened, is_over | timestep.done), None

        carry = start, jnp.zeros((), bool)
        (opened, is_over), _ = jax.lax.scan(take, carry, jnp.asarray(self.actions, jnp.int32))
        return jax.tree.map(lambda plain, after: jnp.where(is_over, plain, after), start, opened)

    def step(self, state: Any, action: jax.Array) -> tuple[Any, TimeStep[Obs]]:
        """Steps the wrapped environment."""
        return self.env.step(state, action)
