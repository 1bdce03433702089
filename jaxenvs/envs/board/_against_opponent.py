"""A board game against an opponent that is part of the environment."""

import abc
from typing import ClassVar, Generic

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.env import Env, RendersText, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.board._look import OnBoard, board_text, names_of_actions, result
from jaxenvs.errors import InvalidField
from jaxenvs.games.game import Game, Pos, outcome, play_or_lose
from jaxenvs.games.opponents import GreedyOpponent, Opponent, RandomOpponent, SearchOpponent
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete

_OPPONENTS = "random", "greedy", "search"


class AgainstOpponentState(PyTreeNode, Generic[Pos], kw_only=True):
    """State of a game against an opponent.

    Attributes:
        position: where the game stands; it is the agent's turn, unless the game is over.
        legal_action_mask: (number of actions,) bool, what the agent may do, resigning included.
        last_action: () int32, the last move on the board, the opponent's in most positions; -1 if there is none.
        key: () key that the opponent's choices are drawn from.
    """

    position: Pos
    legal_action_mask: Array
    last_action: Array
    key: Key


class AgainstOpponent(Env[AgainstOpponentState[Pos], Array], RendersText, OnBoard, Generic[Pos]):
    """The environment of one agent whose opponent answers within the same step; each game derives its own from it.

    An illegal action loses the game for who takes it. Nobody moves after the end.

    Parameters:
        opponent: who plays against the agent: `"random"`; `"greedy"`, which looks one move ahead; or `"search"`, by
            Monte-Carlo tree search, which needs mctx. See `jaxenvs.games.opponents`.
        custom_opponent: a player of your own, in place of `opponent`.
        num_simulations: simulations before each move of the opponent that searches.
        agent_moves_first: whether the agent makes the first move.
        can_resign: whether the agent has one more action, after all others, by which it loses at once.
    """

    frames_per_second: ClassVar[int] = 2

    opponent: str = static(default="random")
    custom_opponent: Opponent | None = None
    num_simulations: int = static(default=64)
    agent_moves_first: bool = static(default=True)
    can_resign: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks the opponent, and the fields that the rules are made of."""
        _ = self.game
        if not isinstance(self.opponent, str):
            raise InvalidField(
                f"{type(self).__name__}: `opponent` must be one of {', '.join(map(repr, _OPPONENTS))}, got"
                f" {self.opponent!r}. A player of your own goes into `custom_opponent`."
            )
        check_choice(self, "opponent", self.opponent, _OPPONENTS)
        check_integer(self, "num_simulations", self.num_simulations)
        _ = self.chosen_opponent  # raises an error if it needs a package that is missing

    @property
    @abc.abstractmethod
    def game(self) -> Game[Pos]:
        """The rules."""

    @property
    def chosen_opponent(self) -> Opponent:
        """The opponent that answers: `custom_opponent`, or the one that `opponent` names."""
        if self.custom_opponent is not None:
            return self.custom_opponent
        if self.opponent == "search":
            return SearchOpponent(self.num_simulations)
        return GreedyOpponent() if self.opponent == "greedy" else RandomOpponent()

    @property
    def agent(self) -> int:
        """The number of the agent among the players, 0 or 1."""
        return 0 if self.agent_moves_first else 1

    @property
    def observation_space(self) -> Box:
        """A truth value for each row, column and channel."""
        return Box(False, True, self.game.observation_shape, bool)

    @property
    def action_space(self) -> Discrete:
        """The actions of the game, legal or not, and resigning."""
        return Discrete(self.game.num_actions + self.can_resign)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 1.0

    def reset(self, key: Key) -> tuple[AgainstOpponentState[Pos], TimeStep[Array]]:
        key, opponent_key = jax.random.split(check_key(key))
        position, action = self.game.start(), jnp.full((), -1, jnp.int32)
        if not self.agent_moves_first:
            position, action = self._answer(position, action, opponent_key)
        state = self._state(position, action, key)
        return state, restart(self.observe(state), {"legal_action_mask": state.legal_action_mask})

    def step(
        self, state: AgainstOpponentState[Pos], action: Array
    ) -> tuple[AgainstOpponentState[Pos], TimeStep[Array]]:
        game, before = self.game, state.position
        action = self.action_space.validate(action)
        # Resigning is no action of the game, so it loses like an illegal one.
        moved, is_legal = play_or_lose(game, before, action, state.legal_action_mask[: game.num_actions])
        key, opponent_key = jax.random.split(state.key)
        last_action = jnp.where(is_legal, action, state.last_action)
        after, last_action = self._answer(moved, last_action, opponent_key)
        reward = jnp.where(before.is_over, 0.0, outcome(after, self.agent))
        state = self._state(after, last_action, key)
        info = {"legal_action_mask": state.legal_action_mask}
        return state, transition(self.observe(state), reward, after.is_over, info)

    def observe(self, state: AgainstOpponentState[Pos]) -> Array:
        return self.game.observe(state.position, self.agent)

    def render(self, state: AgainstOpponentState[Pos]) -> Array:
        """(height, width, 3) uint8: the board."""
        return self.look.draw(self.game, state.position, state.last_action)

    def render_text(self, state: AgainstOpponentState[Pos]) -> str:
        return board_text(self.look, self.game, state.position, state.last_action, self.caption(state))

    @property
    def action_meanings(self) -> tuple[str, ...]:
        return names_of_actions(self.game) + ("resign",) * self.can_resign

    @property
    def play_choices(self) -> dict[str, tuple[str, ...] | tuple[bool, ...]]:
        """The fields that are chosen on the page to play on, and their values."""
        opponents = {} if self.custom_opponent is not None else {"opponent": _OPPONENTS}
        return {**opponents, "agent_moves_first": (True, False)}

    def caption(self, state: AgainstOpponentState[Pos]) -> str:
        return result(self.look, self.game, state.position, self.agent)

    def _answer(self, position: Pos, last_action: Array, key: Key) -> tuple[Pos, Array]:
        """The position after the opponent's move, and the last move on the board."""
        legal = self.game.legal_actions(position)
        action = self.chosen_opponent.choose(self.game, position, legal, key)
        position, is_legal = play_or_lose(self.game, position, action, legal)
        return position, jnp.where(is_legal, action, last_action)

    def _state(self, position: Pos, last_action: Array, key: Key) -> AgainstOpponentState[Pos]:
        """The state with the mask of what is legal."""
        legal = self.game.legal_actions(position)
        if self.can_resign:
            legal = jnp.append(legal, ~position.is_over)
        return AgainstOpponentState(position=position, legal_action_mask=legal, last_action=last_action, key=key)
