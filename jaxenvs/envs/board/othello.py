"""Othello against an opponent, and between two players."""

from jaxenvs.envs.board._against_opponent import AgainstOpponent
from jaxenvs.envs.board._look import Look
from jaxenvs.envs.board._othello_picture import othello_look
from jaxenvs.envs.board._two_player import TwoPlayer
from jaxenvs.games import othello
from jaxenvs.games.othello import OthelloPosition


class Othello(AgainstOpponent[OthelloPosition]):
    """Enclose an opponent's discs on a board of 8 by 8 to turn them, and have more discs in the end.

    Observation: (8, 8, 2) bool: row, column and channel.

        | channel | meaning              |
        |---------|----------------------|
        | 0       | the agent's discs    |
        | 1       | the opponent's discs |

    Action: () int32, from 0 to 63: the square to place a disc on, row by row from the top left; 64: to pass.

    Reward: 1 for a game won, -1 for one lost, 0 for a draw and before the end.

    Start: black, who moves first, has d5 and e4; white has d4 and e5; the opponent has made its first move unless the
        agent moves first.

    Episode end:
        Termination: neither player can place a disc, or an illegal action, which loses.
        Truncation: none.

    Info: `legal_action_mask`, (65,) bool: where a disc can be placed, or to pass if there is no such square; none once
        the game is over.

    Parameters, besides those of `AgainstOpponent`: none.


    Source: Othello, published by Goro Hasegawa in 1971, after Reversi of 1883.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> othello.Othello:
        """The rules."""
        return othello.Othello()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return othello_look()


class TwoPlayerOthello(TwoPlayer[OthelloPosition]):
    """Two players enclose each other's discs on a board of 8 by 8 to turn them; who has more in the end wins.

    Observation: (8, 8, 2) bool: row, column and channel, as the player sees it whose turn it is.

        | channel | meaning                  |
        |---------|--------------------------|
        | 0       | the player's own discs   |
        | 1       | the other player's discs |

    Action: () int32, from 0 to 63: the square to place a disc on, row by row from the top left; 64: to pass.

    Reward: of the player who moved: 1 for a game won, -1 for one lost, 0 for a draw and before the end.

    Start: black, who moves first, has d5 and e4; white has d4 and e5.

    Episode end:
        Termination: neither player can place a disc, or an illegal action, which loses.
        Truncation: none.

    Info: `current_player`, () int32, 0 or 1: whose turn it is; `legal_action_mask`, (65,) bool: where a disc can be
        placed, or to pass if there is no such square; `rewards`, (2,) float32: the reward of each player.

    Source: Othello, published by Goro Hasegawa in 1971, after Reversi of 1883.

    Version history:
        v0: first version.
    """

    @property
    def game(self) -> othello.Othello:
        """The rules."""
        return othello.Othello()

    @property
    def look(self) -> Look:
        """How the game looks."""
        return othello_look()
