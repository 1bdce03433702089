"""The references of the toy-text ids."""

from tests.parity.row import Row

_TABLE = (
    "every state, action and branch against Gymnasium's `P`; probabilities to within float64 rounding of the table,"
    " and `info['prob']` to within float32 rounding"
)
_CARDS = "rewards and sums are small integers or 1.5; equal with the same cards dealt to both"

ROWS = [
    Row("Blackjack-v1", "gymnasium 1.4.0 Blackjack-v1", 0.0, _CARDS),
    Row("FrozenLake-v1", "gymnasium 1.4.0 FrozenLake-v1", 1e-7, _TABLE),
    Row("FrozenLake8x8-v1", "gymnasium 1.4.0 FrozenLake8x8-v1", 1e-7, _TABLE),
    Row("CliffWalking-v1", "gymnasium 1.4.0 CliffWalking-v1", 1e-7, _TABLE),
    Row("CliffWalkingSlippery-v1", "gymnasium 1.4.0 CliffWalkingSlippery-v1", 1e-7, _TABLE),
    Row("Taxi-v4", "gymnasium 1.4.0 Taxi-v4", 1e-7, _TABLE),
]
