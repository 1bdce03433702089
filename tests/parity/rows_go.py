"""The references of Go."""

from tests.parity.row import Row

ROWS = [
    Row(
        f"{prefix}Go{size}x{size}-v0",
        f"OpenSpiel 2.0.2, `go(board_size={size})`",
        0.0,
        "random games to the end: masks, ends and rewards are truth values and whole numbers; moves that are legal only"
        " there must repeat a board",
    )
    for prefix in ("", "two_player/")
    for size in (9, 13, 19)
]
