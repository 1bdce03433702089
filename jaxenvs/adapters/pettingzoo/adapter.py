"""Adapter: what both of PettingZoo's interfaces have in common."""

from typing import Any

import gymnasium

from jaxenvs.adapters._given_env import FixedFields
from jaxenvs.adapters.pettingzoo.host_game import AGENTS, HostGame
from jaxenvs.core.env import Env


class Adapter(FixedFields):
    """The part of an adapter that is the same whether agents act in turn or at the same time."""

    def __init__(
        self, env: str | Env[Any, Any], render_mode: str | None, max_episode_steps: int | None, fields: dict[str, Any]
    ) -> None:
        """Takes the arguments of the adapters' constructors."""
        super().__init__()
        self._game = HostGame(type(self).__name__, env, render_mode, max_episode_steps, fields)
        self.metadata = self._game.metadata
        self.render_mode = self._game.render_mode
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.observation_spaces = self._game.observation_spaces
        self.action_spaces = self._game.action_spaces
        self._with_fields = self._game.env

    @property
    def env(self) -> Env[Any, Any]:
        """The environment, which has no internal state, with its leaves on the device."""
        return self._game.env

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """The space of an agent's observations; the same object each time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """The space of an agent's actions; the same object each time."""
        return self.action_spaces[agent]

    def render(self) -> Any:
        """The picture of the position: (height, width, 3) uint8, text for "ansi", or None for "human" and None.

        Raises:
            ResetNeeded: `reset` has not been called.
        """
        return self._game.render()

    def close(self) -> None:
        """Closes the window, if there is one. A `reset` opens the environment again."""
        self._game.close()
