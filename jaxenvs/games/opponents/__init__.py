"""Built-in players, which choose an action in any game."""

from jaxenvs.games.opponents.opponent import Opponent as Opponent
from jaxenvs.games.opponents.uniform import RandomOpponent as RandomOpponent
from jaxenvs.games.opponents.uniform import uniform_action as uniform_action
