"""EpisodicLife: a lost life ends the episode."""

from typing import Generic, TypeVar

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import TimeStep
from jaxenvs.core.wrapper import SameActions, SameObservations, StatefulWrapper, WrapperState, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.wrappers.auto_reset import AutoReset

Obs = TypeVar("Obs")


class EpisodicLifeState(WrapperState):
    """State of `EpisodicLife`.

    Attributes:
        lives: () int32, how many there were after the last step.
    """

    lives: Array


class EpisodicLife(SameObservations, SameActions, StatefulWrapper[EpisodicLifeState, Obs], Generic[Obs]):
    """Sets `terminated` where a life is lost, which `info["lives"]`, () int32, tells.

    What follows depends on the side of AutoReset that it stands on:

    * `EpisodicLife(AutoReset(env))`: the same game goes on. This is what DeepMind's DQN learnt from. A lost
      life is an end to the learner alone: AutoReset and a TimeLimit inside it see whole games, and so does an
      EpisodeStatistics between the two, whose returns then are those of games. `final_observation` is
      `observation`, since nothing was begun.
    * `AutoReset(EpisodicLife(env))`: a new game begins, as with Gymnasium's `AtariPreprocessing`
      (`terminal_on_life_loss=True`). Right for learners and adapters that put AutoReset around themselves,
      but the agent hardly gets to see what a game looks like after the first life.

    Lives are counted after each step. Around AutoReset the lives that a further game begins with are not known
    before its first step, unless `AutoReset(opening_info=True)` tells them.
    """

    def reset(self, key: Key) -> tuple[EpisodicLifeState, TimeStep[Obs]]:
        """Resets the wrapped environment.

        Raises:
            InvalidField: there are no `lives` in its `info`.
        """
        inner, timestep = self.env.reset(key)
        if "lives" not in timestep.info:
            known = ", ".join(f"`{name}`" for name in timestep.info) or "nothing"
            raise InvalidField(
                f"EpisodicLife needs an environment that tells `lives` in `info`; this one tells {known}."
                " Leave EpisodicLife out: there are no lives to lose."
            )
        return EpisodicLifeState(inner=inner, lives=timestep.info["lives"]), timestep

    def step(self, state: EpisodicLifeState, action: Array) -> tuple[EpisodicLifeState, TimeStep[Obs]]:
        """Steps the wrapped environment and looks whether a life was lost."""
        inner, timestep = self.env.step(state.inner, action)
        lives = timestep.info["lives"]
        is_lost = lives < state.lives
        if any(isinstance(wrapper, AutoReset) and not wrapper.opening_info for wrapper in wrappers_of(self.env)):
            # These lives were the ended game's. From none, none can be lost in the first step of the next.
            lives = jnp.where(timestep.done, jnp.zeros_like(lives), lives)
        state = EpisodicLifeState(inner=inner, lives=lives)
        return state, timestep.replace(terminated=timestep.terminated | is_lost)
