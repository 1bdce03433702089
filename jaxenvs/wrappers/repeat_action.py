"""RepeatAction: take each action several times."""

from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.core.varying import varying_as
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper, inner_observation, wrappers_of
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoReset

Obs = TypeVar("Obs")


class RepeatAction(SameObservations, SameActions, StatelessWrapper[Obs], Generic[Obs]):
    """Takes each action `num_repeats` times, or until the episode is over, and adds up the rewards.

    The counterpart of `gymnasium.wrappers.RepeatAction`. A TimeLimit inside counts single steps, one
    around it counts actions. It gives the same results inside and around AutoReset. If the observation is a function of
    the state (`Env.observe`), it is computed once for all repeats.

    Attributes:
        num_repeats: number of times, at least 1.
    """

    num_repeats: int = static()

    def check_fields(self) -> None:
        check_integer(self, "num_repeats", self.num_repeats)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """From the least to the greatest sum."""
        low, high = (jnp.asarray(bound, jnp.float32) for bound in self.env.reward_range)
        return jnp.minimum(low, low * self.num_repeats), jnp.maximum(high, high * self.num_repeats)

    observe = inner_observation

    def reset(self, key: Key) -> tuple[Any, TimeStep[Obs]]:
        return self.env.reset(key)

    def step(self, state: Any, action: Array) -> tuple[Any, TimeStep[Obs]]:
        """Steps the wrapped environment `num_repeats` times, or until the episode is over."""
        observes = self.env.can_observe and not _begins_episodes(self.env)
        # A blank timestep before the first step keeps `env.step` in one place of the program: a step outside the loop
        # would be compiled a second time.
        _, timestep = jax.eval_shape(self.env.step, state, action)
        blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), timestep)
        if observes:
            blank = blank.replace(observation=None, final_observation=None)

        def step_once(carry: tuple[Any, TimeStep[Obs]]) -> tuple[Any, TimeStep[Obs]]:
            state, before = carry
            state, timestep = self.env.step(state, action)
            if observes:
                timestep = timestep.replace(observation=None, final_observation=None)
            return state, timestep.replace(reward=before.reward + timestep.reward)

        def repeat(_: int, carry: tuple[Any, TimeStep[Obs]]) -> tuple[Any, TimeStep[Obs]]:
            return jax.lax.cond(carry[1].done, lambda carry: carry, step_once, carry)

        start = varying_as((self, state, action), (state, blank))
        state, timestep = jax.lax.fori_loop(0, self.num_repeats, repeat, start)
        if observes:
            observation = self.env.observe(state)
            timestep = timestep.replace(observation=observation, final_observation=observation)
        return state, timestep


def _begins_episodes(env: Any) -> bool:
    """Whether AutoReset is among the wrappers, so that an observation may be that of the next episode."""
    return any(isinstance(wrapper, AutoReset) for wrapper in wrappers_of(env))
