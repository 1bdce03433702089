"""PettingZooAECEnv: a game between two players behind `pettingzoo.AECEnv`."""

from typing import Any

import numpy as np
from pettingzoo import AECEnv

from jaxenvs.adapters.gymnasium.errors import ResetNeeded
from jaxenvs.adapters.pettingzoo.adapter import Adapter
from jaxenvs.adapters.pettingzoo.host_game import AGENTS, Seen
from jaxenvs.core.env import Env


class PettingZooAECEnv(Adapter, AECEnv[str, dict[str, np.ndarray], Any]):
    """A game between two players behind PettingZoo's interface of agents that act in turn.

        env = PettingZooAECEnv("two_player/TicTacToe-v0")
        env.reset(seed=0)
        for agent in env.agent_iter():
            observation, reward, terminated, truncated, info = env.last()
            over = terminated or truncated
            env.step(None if over else env.action_space(agent).sample(observation["action_mask"]))

    The agents are `"player_0"`, who begins, and `"player_1"`. As in PettingZoo's classic games, an observation is a
    dict: `observation` is the board as that player sees it, (rows, columns, channels) bool, with the player's own
    pieces in channel 0, and `action_mask`, (num_actions,) int8, is 1 for each legal action. The mask has only zeros
    while it is the other's turn, and when the game is over.

    An illegal action loses the game: that player's reward is -1 and the other's 1. PettingZoo's
    `TerminateIllegalWrapper` around this environment prevents it from being played, and gives the other player 0.
    An action outside the action space raises an error and changes nothing.

    The same seed gives the same games. All instances of a game share compiled programs.

    Attributes:
        metadata: `name`, `render_modes`, `render_fps` and `is_parallelizable`, which is False.
        render_mode: "human", "rgb_array", "ansi" or None.
        possible_agents: both agents.
        agents: those that have not been stepped with None after the end of the game; none before the first reset.
        agent_selection: whose turn it is.
        rewards, terminations, truncations, infos: dicts by agent, as PettingZoo defines them.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        *,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        **fields: Any,
    ) -> None:
        """Makes the environment; nothing is compiled yet.

        Args:
            env: an id such as `"two_player/Othello-v0"`, or an environment of two players.
            render_mode: what `render` returns. "human" opens a window at the first reset.
            max_episode_steps: number of moves after which a game is truncated; only with an id.
            **fields: values for fields of the environment, such as `komi=6.5`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: the environment is not of two players, or has wrappers other than `TimeLimit`; the render mode
                is unknown; or fields are given with an environment.
            WrapperOrderError: the environment resets itself.
            DependencyNotInstalled: "human" needs pygame, which is missing.
        """
        super().__init__(env, render_mode, max_episode_steps, fields)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begins a game.

        Args:
            seed: seed of this game and those after it; None to continue the current sequence.
            options: ignored, as in PettingZoo's games.

        Raises:
            InvalidSeed: the seed is not a non-negative integer.
        """
        del options
        seen = self._game.reset(seed)
        self.agents = list(AGENTS)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.infos = {agent: {} for agent in AGENTS}
        self._skip_agent_selection = None  # PettingZoo's note of who was to move when the game ended
        self._take(seen)

    def step(self, action: Any) -> None:
        """Plays the action of `agent_selection`; None, after the game is over, to remove that agent.

        Raises:
            InvalidAction: the action is not in the action space; also an `AssertionError`. Nothing has changed.
            ValueError: the game is over, and the action is not None.
            ResetNeeded: `reset` has not been called, or no agents are left.
            ClosedEnvironment: `close` has been called.
        """
        if not self.agents:
            raise ResetNeeded("Cannot call env.step() without agents. Call env.reset() to begin a game.")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        seen = self._game.step(action)
        self._cumulative_rewards[agent] = 0.0
        self._take(seen)
        self._accumulate_rewards()

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        """The board as an agent sees it, and what the agent may do now.

        Raises:
            ResetNeeded: `reset` has not been called.
        """
        is_turn = bool(self.agents) and agent == self.agent_selection
        may_act = is_turn and not (self.terminations[agent] or self.truncations[agent])
        return self._game.observation(agent, may_act=may_act)

    def _take(self, seen: Seen) -> None:
        self.agent_selection = AGENTS[int(seen.player)]
        self.rewards = dict(zip(AGENTS, map(float, seen.rewards), strict=True))
        self.terminations = dict.fromkeys(AGENTS, bool(seen.terminated))
        self.truncations = dict.fromkeys(AGENTS, bool(seen.truncated))
