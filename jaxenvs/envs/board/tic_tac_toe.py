"""Tic-tac-toe against an opponent, and between two players."""

from jax import Array

from jaxenvs.canvas import Canvas
from jaxenvs.envs.board._against_opponent import AgainstOpponent, AgainstOpponentState
from jaxenvs.envs.board._two_player import TwoPlayer, TwoPlayerState
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

    def render(self, state: AgainstOpponentState[TicTacToePosition]) -> Array:
        """(360, 360, 3) uint8: the board."""
        return _picture(state.position)


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

    def render(self, state: TwoPlayerState[TicTacToePosition]) -> Array:
        """(360, 360, 3) uint8: the board."""
        return _picture(state.position)


def _picture(position: TicTacToePosition) -> Array:
    canvas = Canvas.blank(360, 360, (250, 248, 243))
    for line in (120, 240):
        canvas = canvas.line((line, 20), (line, 340), 4, (60, 60, 70)).line((20, line), (340, line), 4, (60, 60, 70))
    for cell in range(9):
        x, y = 60 + 120 * (cell % 3), 60 + 120 * (cell // 3)
        cross, ring = (position.marks[player, cell] for player in (0, 1))
        canvas = canvas.line((x - 32, y - 32), (x + 32, y + 32), 10, (200, 70, 60), opacity=cross)
        canvas = canvas.line((x - 32, y + 32), (x + 32, y - 32), 10, (200, 70, 60), opacity=cross)
        canvas = canvas.circle((x, y), 36, (50, 110, 180), stroke=10, opacity=ring)
    return canvas.to_rgb()
