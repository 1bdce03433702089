"""PettingZooParallelEnv: a game between two players behind `pettingzoo.ParallelEnv`."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from pettingzoo import ParallelEnv

from jaxenvs.adapters.gymnasium.errors import InvalidAction, ResetNeeded
from jaxenvs.adapters.pettingzoo.adapter import Adapter
from jaxenvs.adapters.pettingzoo.host_game import AGENTS
from jaxenvs.core.env import Env

Observations: TypeAlias = dict[str, dict[str, np.ndarray]]


class PettingZooParallelEnv(Adapter, ParallelEnv[str, dict[str, np.ndarray], Any]):
    """A game between two players behind PettingZoo's interface of agents that act at the same time.

        env = PettingZooParallelEnv("two_player/TicTacToe-v0")
        observations, infos = env.reset(seed=0)
        while env.agents:
            masks = {agent: observation["action_mask"] for agent, observation in observations.items()}
            actions = {agent: env.action_space(agent).sample(mask) for agent, mask in masks.items()}
            observations, rewards, terminations, truncations, infos = env.step(actions)

    Each step is one move. The action of the player whose turn it is is played; that of the other is ignored and may be
    left out. The player whose turn it is has a mask with ones, and `infos[agent]["active_agent"]` names it for both, as
    PettingZoo's `turn_based_aec_to_parallel` does. Everything else is as in `PettingZooAECEnv`.

    Attributes:
        metadata: `name`, `render_modes` and `render_fps`.
        render_mode: "human", "rgb_array", "ansi" or None.
        possible_agents: both agents.
        agents: both while the game goes on, and none after it or before the first reset.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        *,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        **fields: Any,
    ) -> None:
        """Makes the environment; nothing is compiled yet. Arguments and errors are those of `PettingZooAECEnv`."""
        super().__init__(env, render_mode, max_episode_steps, fields)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, dict[str, Any]]]:
        """Begins a game.

        Args:
            seed: seed of this game and those after it; None to continue the current sequence.
            options: ignored, as in PettingZoo's games.

        Returns:
            Each agent's observation and info.

        Raises:
            InvalidSeed: the seed is not a non-negative integer.
        """
        del options
        self._player = int(self._game.reset(seed).player)
        self.agents = list(AGENTS)
        return self._observations(is_over=False), self._infos()

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Plays the action of the player whose turn it is.

        Args:
            actions: by agent; that of the player whose turn it is not is ignored.

        Returns:
            Each agent's observation, reward, `terminated`, `truncated` and info; empty dicts after the game is over.

        Raises:
            InvalidAction: the action is missing or not in the action space; also an `AssertionError`. Nothing has
                changed.
            ResetNeeded: `reset` has not been called.
            ClosedEnvironment: `close` has been called.
        """
        if self._game.seen is None:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        if not self.agents:
            return {}, {}, {}, {}, {}
        mover = AGENTS[self._player]
        if not isinstance(actions, Mapping) or mover not in actions:
            raise InvalidAction(
                f"It is the turn of {mover!r}, so `actions` must be a dict with its action: {actions!r}."
            )
        seen = self._game.step(actions[mover])
        self._player = int(seen.player)
        is_over = bool(seen.terminated | seen.truncated)
        if is_over:
            self.agents = []
        return (
            self._observations(is_over=is_over),
            dict(zip(AGENTS, map(float, seen.rewards), strict=True)),
            dict.fromkeys(AGENTS, bool(seen.terminated)),
            dict.fromkeys(AGENTS, bool(seen.truncated)),
            self._infos(),
        )

    def _observations(self, *, is_over: bool) -> Observations:
        return {
            agent: self._game.observation(agent, may_act=number == self._player and not is_over)
            for number, agent in enumerate(AGENTS)
        }

    def _infos(self) -> dict[str, dict[str, Any]]:
        return {agent: {"active_agent": AGENTS[self._player]} for agent in AGENTS}
