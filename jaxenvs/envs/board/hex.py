"""Hex against an opponent, and between two players."""

from jaxenvs.core.pytree import static
from jaxenvs.envs.board._against_opponent import AgainstOpponent
from jaxenvs.envs.board._hex_picture import hex_look
from jaxenvs.envs.board._look import Look
from jaxenvs.envs.board._two_player import TwoPlayer
from jaxenvs.games import hex
from jaxenvs.games.hex import HexPosition


class Hex(AgainstOpponent[HexPosition]):
    """Place stones on a board of hexagons in turn with an opponent, and connect your two sides before it does.

    Observation: (size, size, 3) bool: row, column and channel.

        | channel | meaning                                                        |
        |---------|----------------------------------------------------------------|
        | 0       | the agent's stones                                             |
        | 1       | the opponent's stones                                          |
        | 2       | whether the agent moves second, and so connects left and right |
        | 3       | whether swapping is legal; only there if `swap`                |

    Action: () int32, from 0 to size * size - 1: the cell, row by row from the top left; then swapping, if `swap`; then
        resigning, if `can_resign`, as in the registered ids.

    Reward: 1 for a game won, -1 for one lost, 0 before the end; there are no draws.

    Start: an empty board; the opponent has made its first move unless the agent moves first.

    Episode end:
        Termination: two sides connected, or an illegal action, which loses.
        Truncation: none.

    Info: `legal_action_mask`, (number of actions,) bool: the cells that are free, swapping as
        the second move, and resigning; none once the game is over.

    Parameters, besides those of `AgainstOpponent`:
        size: rows and columns of the board, from 2 to 26.
        swap: whether the second player may take over the first one's stone as its first move.

    Differences from the reference: the ids are those of OpenAI Gym, which gives (3, size, size) numbers, with the free
        cells as the third channel, and has no swapping. There, the opponent moves once more after the agent has won,
        and resigning leaves the game open, so that it can be played on. Here, both end it.

    Source: Piet Hein, 1942, and John Nash, 1948; OpenAI Gym's `Hex9x9-v0`.

    Version history:
        v0: first version.
    """

    size: int = static(default=11)
    swap: bool = static(default=False)

    @property
    def game(self) -> hex.Hex:
        """The rules."""
        return hex.Hex(size=self.size, swap=self.swap)

    @property
    def look(self) -> Look:
        """How the game looks."""
        return hex_look(self.size)


class TwoPlayerHex(TwoPlayer[HexPosition]):
    """Two players place stones on a board of hexagons in turn, and the first to connect their two sides wins.

    Observation: (size, size, 3) bool: row, column and channel, as the player sees it whose turn it is.

        | channel | meaning                                                      |
        |---------|--------------------------------------------------------------|
        | 0       | the player's own stones                                      |
        | 1       | the other player's stones                                    |
        | 2       | whether it is the second player, who connects left and right |
        | 3       | whether swapping is legal; only there if `swap`              |

    Action: () int32, from 0 to size * size - 1: the cell, row by row from the top left; then swapping, if `swap`.

    Reward: of the player who moved: 1 for a game won, -1 for one lost, 0 before the end; there are no draws.

    Start: an empty board.

    Episode end:
        Termination: two sides connected, or an illegal action, which loses.
        Truncation: none.

    Info: `current_player`, () int32, 0 or 1: whose turn it is; `legal_action_mask`, (number of actions,) bool: the
        cells that are free, and swapping as the second move; `rewards`, (2,) float32: the reward of each player.

    Parameters:
        size: rows and columns of the board, from 2 to 26.
        swap: whether the second player may take over the first one's stone as its first move.

    Source: Piet Hein, 1942, and John Nash, 1948; OpenAI Gym's `Hex9x9-v0`.

    Version history:
        v0: first version.
    """

    size: int = static(default=11)
    swap: bool = static(default=False)

    @property
    def game(self) -> hex.Hex:
        """The rules."""
        return hex.Hex(size=self.size, swap=self.swap)

    @property
    def look(self) -> Look:
        """How the game looks."""
        return hex_look(self.size)
