"""The references of the board games: other programs of the same rules, move by move."""

from tests.parity.row import Row

_SPIEL = "OpenSpiel 2.0.2, `{}`"
_BOTH = _SPIEL + ", and pgx 2.6.0, `{}`"
_WHOLE = "random games to the end: masks, ends and rewards are truth values and whole numbers"

ROWS = [
    Row("TicTacToe-v0", _SPIEL.format("tic_tac_toe"), 0.0, _WHOLE),
    Row("ConnectFour-v0", _SPIEL.format("connect_four"), 0.0, _WHOLE),
    Row("Othello-v0", _SPIEL.format("othello"), 0.0, _WHOLE),
    Row("Hex9x9-v0", _SPIEL.format("hex(board_size=9)"), 0.0, _WHOLE),
    Row("Hex11x11-v0", _SPIEL.format("hex(board_size=11)"), 0.0, _WHOLE),
    Row("two_player/TicTacToe-v0", _BOTH.format("tic_tac_toe", "tic_tac_toe"), 0.0, _WHOLE),
    Row("two_player/ConnectFour-v0", _BOTH.format("connect_four", "connect_four"), 0.0, _WHOLE),
    Row("two_player/Othello-v0", _BOTH.format("othello", "othello"), 0.0, _WHOLE),
    Row("two_player/Hex9x9-v0", _SPIEL.format("hex(board_size=9)"), 0.0, _WHOLE),
    Row(
        "two_player/Hex11x11-v0",
        _BOTH.format("hex(board_size=11)", "hex"),
        0.0,
        _WHOLE + "; pgx's Hex always has swapping",
    ),
]
