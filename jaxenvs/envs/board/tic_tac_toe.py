"""Tic-tac-toe against an opponent, and between two players."""

from jaxenvs.envs.board._against_opponent import AgainstOpponent
from jaxenvs.envs.board._look import Look
from jaxenvs.envs.board._tic_tac_toe_picture import tic_tac_toe_look
from jaxenvs.envs.board._two_player import TwoPlayer
from jaxenvs.games import tic_tac_toe
from jaxenvs.games.tic_tac_toe import TicTacToePosition


class TicTacToe(AgainstOpponent[TicTacToePosition]):
    """Mark cells of a board of 3 by 3 in turn with an opponent, and be the first with three in a row.

    Observation: (3, 3, 2) bool: row, column and channel.

        | channel | meaning              |
        |---------|----------------------|
        | 0       | the agent's marks    |
        | 1       | the opponent's marks |

    Action: () int32, from 0 to 8: the cell to mark, row by row from the top left.

    Reward: 1 for a game won, -1 for one lost, 0 for a draw and before the end.

    Start: an empty board; the opponent has made its first move unless the agent moves first.

    Episode end:
        Termination: three in a row, a full board, or an illegal action, which loses.
        Truncation: none.

    Info: `legal_action_mask`, (9,) bool: the cells that are free; none once the game is over.

    Parameters, besides those of `AgainstOpponent`: none.

    Source: the game as children play it.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> tic_tac_toe.TicTacToe:
        """The rules."""
        return tic_tac_toe.TicTacToe()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return tic_tac_toe_look()


class TwoPlayerTicTacToe(TwoPlayer[TicTacToePosition]):
    """Two players mark cells of a board of 3 by 3 in turn, and the first with three in a row wins.

    Observation: (3, 3, 2) bool: row, column and channel, as the player sees it whose turn it is.

        | channel | meaning                  |
        |---------|--------------------------|
        | 0       | the player's own marks   |
        | 1       | the other player's marks |

    Action: () int32, from 0 to 8: the cell to mark, row by row from the top left.

    Reward: of the player who moved: 1 for a game won, -1 for an illegal action, 0 for a draw and before the end.

    Start: an empty board.

    Episode end:
        Termination: three in a row, a full board, or an illegal action, which loses.
        Truncation: none.

    Info: `current_player`, () int32, 0 or 1: whose turn it is; `legal_action_mask`, (9,) bool: the cells that are free;
        `rewards`, (2,) float32: the reward of each player.

    Source: the game as children play it.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> tic_tac_toe.TicTacToe:
        """The rules."""
        return tic_tac_toe.TicTacToe()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return tic_tac_toe_look()
