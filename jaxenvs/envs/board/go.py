"""Go against an opponent, and between two players."""

from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.board._against_opponent import AgainstOpponent
from jaxenvs.envs.board._go_picture import go_look
from jaxenvs.envs.board._look import Look
from jaxenvs.envs.board._two_player import TwoPlayer
from jaxenvs.games import go
from jaxenvs.games.go import GoPosition


class Go(AgainstOpponent[GoPosition]):
    """Surround more of the board than an opponent does, with stones placed in turn.

    Observation: (size, size, 5) bool: row, column and channel.

        | channel | meaning                                                   |
        |---------|-----------------------------------------------------------|
        | 0       | the agent's stones                                        |
        | 1       | the opponent's stones                                     |
        | 2       | empty points where a move is illegal because of `ko`      |
        | 3       | whether the agent is black                                |
        | 4       | whether the last action was a pass; another ends the game |

    Action: () int32, from 0 to size * size - 1: the point, row by row from the top left; size * size: pass; then
        resigning, if `can_resign`, as in the registered ids.

    Reward: 1 for a game won, -1 for one lost, 0 for a draw, which needs an integer as `komi`, and before the end.

    Start: an empty board; the opponent, as black, has made its first move unless the agent moves first.

    Episode end:
        Termination: two passes in a row, the move limit, or an illegal action, which loses.
        Truncation: none.

    Info: `legal_action_mask`, (number of actions,) bool: what the rules allow, and resigning; none once the game is
        over.

    Parameters, besides those of `AgainstOpponent`:
        size: rows and columns of the board, from 2 to 25.
        komi: points that white gets for moving second.
        ko: `"simple"`, `"positional"` or `"situational"`: which moves are illegal because they repeat a position; see
            `jaxenvs.games.go.Go`.
        move_limit: the number of actions, of both players together, after which the game ends and is scored; None for
            twice the number of points.

    Differences from the reference: OpenAI Gym's environment gives (3, size, size) numbers, with the free points as the
        third channel. It plays by the rules of the program Pachi, which also is its opponent.

    Source: the game as played in China for more than 2,500 years; OpenAI Gym's `Go9x9-v0` and `Go19x19-v0`; Tromp and
        Taylor's rules, https://tromp.github.io/go.html.

    Version history:
        v0: first version.
    """

    size: int = static(default=19)
    komi: ArrayLike = 7.5
    ko: str = static(default="positional")
    move_limit: int | None = static(default=None)

    @property
    def game(self) -> go.Go:
        """The rules."""
        return go.Go(size=self.size, komi=self.komi, ko=self.ko, move_limit=self.move_limit)

    @property
    def look(self) -> Look:
        """How the game looks."""
        return go_look(self.size)


class TwoPlayerGo(TwoPlayer[GoPosition]):
    """Two players place stones in turn, and who surrounds more of the board wins.

    Observation: (size, size, 5) bool: row, column and channel, as the player sees it whose turn it is.

        | channel | meaning                                                   |
        |---------|-----------------------------------------------------------|
        | 0       | the player's own stones                                   |
        | 1       | the other player's stones                                 |
        | 2       | empty points where a move is illegal because of `ko`      |
        | 3       | whether the player is black                               |
        | 4       | whether the last action was a pass; another ends the game |

    Action: () int32, from 0 to size * size - 1: the point, row by row from the top left; size * size: pass.

    Reward: of the player who moved: 1 for a game won, -1 for one lost, 0 for a draw, which needs an
        integer as `komi`, and before the end.

    Start: an empty board.

    Episode end:
        Termination: two passes in a row, the move limit, or an illegal action, which loses.
        Truncation: none.

    Info: `current_player`, () int32, 0 for black or 1 for white: whose turn it is; `legal_action_mask`,
        (size * size + 1,) bool: what the rules allow; none once the game is over; `rewards`, (2,) float32: the reward
        of each player.

    Parameters:
        size: rows and columns of the board, from 2 to 25.
        komi: points that white gets for moving second.
        ko: `"simple"`, `"positional"` or `"situational"`: which moves are illegal because they repeat a position; see
            `jaxenvs.games.go.Go`.
        move_limit: the number of actions, of both players together, after which the game ends and is scored; None for
            twice the number of points.

    Source: the game as played in China for more than 2,500 years; Tromp and Taylor's rules,
        https://tromp.github.io/go.html.

    Version history:
        v0: first version.
    """

    size: int = static(default=19)
    komi: ArrayLike = 7.5
    ko: str = static(default="positional")
    move_limit: int | None = static(default=None)

    @property
    def game(self) -> go.Go:
        """The rules."""
        return go.Go(size=self.size, komi=self.komi, ko=self.ko, move_limit=self.move_limit)

    @property
    def look(self) -> Look:
        """How the game looks."""
        return go_look(self.size)
