"""The references of MinAtar's ids."""

from tests.parity.row import Row

_FILES = {
    "Asterix": "asterix",
    "Breakout": "breakout",
    "Freeway": "freeway",
    "Seaquest": "seaquest",
    "SpaceInvaders": "space_invaders",
}

ROWS = [
    Row(
        f"MinAtar/{game}-v{version}",
        f"minatar 1.0.15, transitions recorded in minatar_{file}_of_1_0_15.json",
        0.0,
        "integers and bools throughout",
    )
    for game, file in _FILES.items()
    for version in (0, 1)
]
