"""The reference of rlenvs' Minecraft: Malmo's rules, read into plain Python, since the game itself is not free."""

from tests.parity.row import Row

ROWS = [
    Row(
        "rlenvs/Minecraft-v0",
        "the classroom and the player's motion in plain Python, in test_rlenvs_minecraft.py; pictures are drawings of"
        " its own",
        1e-3,
        "blocks are equal; places and speeds are rounded to 1/4,096 in each of the four ticks of a step",
    ),
]
