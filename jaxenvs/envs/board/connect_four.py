"""Connect Four against an opponent, and between two players."""

from jaxenvs.envs.board._against_opponent import AgainstOpponent
from jaxenvs.envs.board._connect_four_picture import connect_four_look
from jaxenvs.envs.board._look import Look
from jaxenvs.envs.board._two_player import TwoPlayer
from jaxenvs.games import connect_four
from jaxenvs.games.connect_four import ConnectFourPosition


class ConnectFour(AgainstOpponent[ConnectFourPosition]):
    """Drop discs into 7 columns in turn with an opponent, and be the first with four in a row.

    Observation: (6, 7, 2) bool: row, column and channel.

        | channel | meaning              |
        |---------|----------------------|
        | 0       | the agent's discs    |
        | 1       | the opponent's discs |

    Action: () int32, from 0 to 6: the column, from the left; the disc falls to its lowest free cell.

    Reward: 1 for a game won, -1 for one lost, 0 for a draw and before the end.

    Start: an empty board; the opponent has made its first move unless the agent moves first.

    Episode end:
        Termination: four in a row, a full board, or an illegal action, which loses.
        Truncation: none.

    Info: `legal_action_mask`, (7,) bool: the columns that are not full; none once the game is over.

    Parameters, besides those of `AgainstOpponent`: none.


    Source: Howard Wexler's Connect Four, sold by Milton Bradley since 1974.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> connect_four.ConnectFour:
        """The rules."""
        return connect_four.ConnectFour()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return connect_four_look()


class TwoPlayerConnectFour(TwoPlayer[ConnectFourPosition]):
    """Two players drop discs into 7 columns in turn, and the first with four in a row wins.

    Observation: (6, 7, 2) bool: row, column and channel, as the player sees it whose turn it is.

        | channel | meaning                  |
        |---------|--------------------------|
        | 0       | the player's own discs   |
        | 1       | the other player's discs |

    Action: () int32, from 0 to 6: the column, from the left; the disc falls to its lowest free cell.

    Reward: of the player who moved: 1 for a game won, -1 for one lost, 0 for a draw and before the end.

    Start: an empty board.

    Episode end:
        Termination: four in a row, a full board, or an illegal action, which loses.
        Truncation: none.

    Info: `current_player`, () int32, 0 or 1: whose turn it is; `legal_action_mask`, (7,) bool: the columns that are
        not full; `rewards`, (2,) float32: the reward of each player.

    Source: Howard Wexler's Connect Four, sold by Milton Bradley since 1974.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> connect_four.ConnectFour:
        """The rules."""
        return connect_four.ConnectFour()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return connect_four_look()
