"""EpisodicLife: end the episode when a life is lost."""

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
        lives: () int32, number of lives after the last step.
    """

    lives: Array


class EpisodicLife(SameObservations, SameActions, StatefulWrapper[EpisodicLifeState, Obs], Generic[Obs]):
    """Sets `terminated` when a life is lost, according to `info["lives"]`, () int32.

    What happens next depends on its side of AutoReset:

    * `EpisodicLife(AutoReset(env))`: the same game continues, as for DeepMind's DQN. A lost life is an end only
      for the learner: AutoReset and a TimeLimit inside it see whole games. So does an EpisodeStatistics between
      the two, whose returns are then those of games. `final_observation` is `observation`, since no new game
      has begun.
    * `AutoReset(EpisodicLife(env))`: a new game begins, as with Gymnasium's `AtariPreprocessing`
      (`terminal_on_life_loss=True`). This suits learners and adapters that add AutoReset themselves, but the
      agent rarely sees a game after the first life.

    Lives are counted after each step. Around AutoReset, the lives at the start of a new game are known only after its
    first step, unless `AutoReset(reset_info=True)` reports them.

    It belongs to training only: `evaluation` removes it, since returns are those of whole games.
    """

    training_only = True

    def reset(self, key: Key) -> tuple[EpisodicLifeState, TimeStep[Obs]]:
        """Resets the wrapped environment.

        Raises:
            InvalidField: there are no `lives` in its `info`.
        """
        inner, timestep = self.env.reset(key)
        if "lives" not in timestep.info:
            known = ", ".join(f"`{name}`" for name in timestep.info) or "nothing"
            raise InvalidField(
                f"EpisodicLife needs an environment that reports `lives` in `info`; this one reports {known}."
                " Leave EpisodicLife out: there are no lives to lose."
            )
        return EpisodicLifeState(inner=inner, lives=timestep.info["lives"]), timestep

    def step(self, state: EpisodicLifeState, action: Array) -> tuple[EpisodicLifeState, TimeStep[Obs]]:
        """Steps the wrapped environment and checks whether a life was lost."""
        inner, timestep = self.env.step(state.inner, action)
        lives = timestep.info["lives"]
        is_lost = lives < state.lives
        if any(isinstance(wrapper, AutoReset) and not wrapper.reset_info for wrapper in wrappers_of(self.env)):
            # These lives were those of the game that ended. With 0, none can be lost in the next game's first step.
            lives = jnp.where(timestep.done, jnp.zeros_like(lives), lives)
        state = EpisodicLifeState(inner=inner, lives=lives)
        return state, timestep.replace(terminated=timestep.terminated | is_lost)
