"""Built-in players, which choose an action in any game."""

from jaxenvs.games.opponents.greedy import GreedyOpponent as GreedyOpponent
from jaxenvs.games.opponents.match import match as match
from jaxenvs.games.opponents.match import worst_outcome as worst_outcome
from jaxenvs.games.opponents.opponent import Opponent as Opponent
from jaxenvs.games.opponents.search import SearchOpponent as SearchOpponent
from jaxenvs.games.opponents.uniform import RandomOpponent as RandomOpponent
from jaxenvs.games.opponents.uniform import uniform_action as uniform_action
