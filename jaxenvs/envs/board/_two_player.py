"""A board game in which every step is a move of the player whose turn it is."""

import abc
from typing import Any, ClassVar, Generic

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs.board._look import OnBoard, board_text, names_of_actions, result
from jaxenvs.games.game import Game, Pos, outcome, play_or_lose
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class TwoPlayerState(PyTreeNode, Generic[Pos], kw_only=True):
    """State of a game between two players.

    Attributes:
        position: where the game stands.
        legal_action_mask: (num_actions,) bool, what the player whose turn it is may do.
        last_action: () int32, the last move on the board; -1 at the beginning.
    """

    position: Pos
    legal_action_mask: Array
    last_action: Array


class TwoPlayer(Env[TwoPlayerState[Pos], Array], RendersText, OnBoard, Generic[Pos]):
    """The environment of two players who move in turn; each game derives its own from it.

    An illegal action loses the game for the player who takes it. Steps after the end change nothing.

    The reward is that of the player who moved, and that of the other player is its negative; `rewards` in `info` has
    both. `AutoReset` with `reset_info` gives the `info` of the game that begins, with its mask, and its rewards of 0.
    """

    frames_per_second: ClassVar[int] = 2
    num_players: ClassVar[int] = 2

    def check_fields(self) -> None:
        """Checks those that the rules are made of."""
        _ = self.game

    @property
    @abc.abstractmethod
    def game(self) -> Game[Pos]:
        """The rules."""

    @property
    def observation_space(self) -> Box:
        """A truth value for each row, column and channel."""
        return Box(False, True, self.game.observation_shape, bool)

    @property
    def action_space(self) -> Discrete:
        """The actions of the game, legal or not."""
        return Discrete(self.game.num_actions)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[TwoPlayerState[Pos], TimeStep[Array]]:
        check_key(key)
        position = self.game.start()
        state = TwoPlayerState(
            position=position,
            legal_action_mask=self.game.legal_actions(position),
            last_action=jnp.full((), -1, jnp.int32),
        )
        return state, restart(self.observe(state), self._info(state, jnp.zeros(2, jnp.float32)))

    def step(self, state: TwoPlayerState[Pos], action: Array) -> tuple[TwoPlayerState[Pos], TimeStep[Array]]:
        before = state.position
        action = self.action_space.validate(action)
        after, is_legal = play_or_lose(self.game, before, action, state.legal_action_mask)
        state = TwoPlayerState(
            position=after,
            legal_action_mask=self.game.legal_actions(after),
            last_action=jnp.where(is_legal, action, state.last_action),
        )
        rewards = jnp.where(before.is_over, 0.0, jnp.stack([outcome(after, player) for player in (0, 1)]))
        reward = jnp.where(before.player == 0, rewards[0], rewards[1])
        return state, transition(self.observe(state), reward, after.is_over, self._info(state, rewards))

    def observe(self, state: TwoPlayerState[Pos]) -> Array:
        return self.game.observe(state.position, state.position.player)

    def render(self, state: TwoPlayerState[Pos]) -> Array:
        """(height, width, 3) uint8: the board."""
        return self.look.draw(self.game, state.position, state.last_action)

    def render_text(self, state: TwoPlayerState[Pos]) -> str:
        return board_text(self.look, self.game, state.position, state.last_action, self.caption(state))

    @property
    def action_meanings(self) -> tuple[str, ...]:
        return names_of_actions(self.game)

    def caption(self, state: TwoPlayerState[Pos]) -> str:
        return result(self.look, self.game, state.position)

    def _info(self, state: TwoPlayerState[Any], rewards: Array) -> dict[str, Array]:
        return {
            "current_player": state.position.player,
            "legal_action_mask": state.legal_action_mask,
            "rewards": rewards,
        }
