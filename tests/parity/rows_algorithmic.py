"""The references of the algorithmic ids."""

from tests.parity.row import Row

_PLAYED = "symbols and small rewards, equal in every step of the recorded episodes, and so are the levels"

ROWS = [
    Row(id, f"gym 0.17.3 {id}, episodes recorded in algorithmic_of_gym_0_17_3.json", 0.0, _PLAYED)
    for id in (
        "Copy-v0",
        "RepeatCopy-v0",
        "DuplicatedInput-v0",
        "Reverse-v0",
        "ReversedAddition-v0",
        "ReversedAddition3-v0",
    )
]
