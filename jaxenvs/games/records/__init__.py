"""Records of games as text: SGF for Go, and the moves in the usual notation for every game.

    from jaxenvs.games import TicTacToe
    from jaxenvs.games.records import read_moves, write_moves

    actions = read_moves(TicTacToe(), "b2 a3 c1")   # [4, 0, 8]
    write_moves(TicTacToe(), actions)               # "b2 a3 c1"

Reading and writing both replay the game, so that a record holds only what the rules allow.
"""

from jaxenvs.games.records.moves import read_moves as read_moves
from jaxenvs.games.records.moves import write_moves as write_moves
from jaxenvs.games.records.sgf import SgfRecord as SgfRecord
from jaxenvs.games.records.sgf import from_sgf as from_sgf
from jaxenvs.games.records.sgf import to_sgf as to_sgf
