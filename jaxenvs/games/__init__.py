"""Board games: their rules as pure functions, apart from the environments that are built of them, and players."""

from jaxenvs.games.connect_four import ConnectFour as ConnectFour
from jaxenvs.games.game import Game as Game
from jaxenvs.games.game import Position as Position
from jaxenvs.games.go import Go as Go
from jaxenvs.games.hex import Hex as Hex
from jaxenvs.games.othello import Othello as Othello
from jaxenvs.games.score import Scored as Scored
from jaxenvs.games.symmetry import Symmetric as Symmetric
from jaxenvs.games.symmetry import Symmetries as Symmetries
from jaxenvs.games.tic_tac_toe import TicTacToe as TicTacToe
