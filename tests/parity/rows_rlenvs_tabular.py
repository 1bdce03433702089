"""The references of rlenvs' grids, counts and bandits: its rules, read a second time, since Torch7 no longer builds."""

from tests.parity.row import Row

_READ = "the rules of Kaixhin/rlenvs in plain Python, in test_rlenvs_tabular.py"
_CELLS = "every cell and action; whole numbers"

ROWS = [
    Row("rlenvs/CliffWalking-v0", _READ, 0.0, _CELLS),
    Row("rlenvs/DynaMaze-v0", _READ, 0.0, _CELLS + ", before, in and after the step that moves the wall"),
    Row(
        "rlenvs/GridWorld-v0", _READ, 1e-5, "float32 for float64; near the edge of hundredths a Gaussian's slope counts"
    ),
    Row("rlenvs/JacksCarRental-v0", _READ, 0.0, "whole cars and dollars, of the same customers"),
    Row("rlenvs/MultiArmedBandit-v0", _READ, 1e-6, "a sum of two float32, there of float64"),
    Row("rlenvs/RandomWalk-v0", _READ, 0.0, "every place and action; whole numbers"),
    Row("rlenvs/WindyWorld-v0", _READ, 0.0, _CELLS),
]
