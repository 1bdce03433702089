"""The references of rlenvs' classic tasks, games and pictures."""

from tests.parity.row import Row

_RULES = "the rules of Kaixhin/rlenvs' {} read again in float64, in _rlenvs_rules.py"
_ROUNDING = "a few roundings of float32 (6e-8 each)"

ROWS = [
    Row(
        "rlenvs/Acrobot-v0",
        _RULES.format("Acrobot.lua") + ", with the textbook's equation for the first link",
        2e-4,
        _ROUNDING + "; four steps of Euler's method at up to 28 rad/s amplify them",
    ),
    Row("rlenvs/Blackjack-v0", _RULES.format("Blackjack.lua"), 0.0, "integers"),
    Row("rlenvs/CartPole-v0", _RULES.format("CartPole.lua"), 5e-7, _ROUNDING),
    Row("rlenvs/Catch-v0", _RULES.format("Catch.lua"), 3e-5, "roundings of float32 (1e-6 each), one a step"),
    Row("rlenvs/MountainCar-v0", _RULES.format("MountainCar.lua"), 5e-7, _ROUNDING),
    Row("rlenvs/Taxi-v0", _RULES.format("Taxi.lua"), 0.0, "integers: all states and actions"),
    Row("rlenvs/XOWorld-v0", _RULES.format("XOWorld.lua"), 0.0, "integers: all four settings"),
]
