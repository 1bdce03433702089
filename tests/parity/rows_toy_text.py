"""The references of the toy-text ids."""

from tests.parity.row import Row

_TABLE = (
    "every state, action and branch against Gymnasium's `P`; probabilities to within float64 rounding of the table,"
    " and `info['prob']` to within float32 rounding"
)
_CARDS = "rewards and sums are small integers or 1.5; equal with the same cards dealt to both"

_RECORDED = "gym 0.17.3 {}, transitions recorded in toy_text_of_gym_0_17_3.json"

ROWS = [
    Row("Blackjack-v1", "gymnasium 1.4.0 Blackjack-v1", 0.0, _CARDS),
    Row("FrozenLake-v1", "gymnasium 1.4.0 FrozenLake-v1", 1e-7, _TABLE),
    Row("FrozenLake8x8-v1", "gymnasium 1.4.0 FrozenLake8x8-v1", 1e-7, _TABLE),
    Row("CliffWalking-v1", "gymnasium 1.4.0 CliffWalking-v1", 1e-7, _TABLE),
    Row("CliffWalkingSlippery-v1", "gymnasium 1.4.0 CliffWalkingSlippery-v1", 1e-7, _TABLE),
    Row("Taxi-v4", "gymnasium 1.4.0 Taxi-v4", 1e-7, _TABLE),
    Row("Roulette-v0", _RECORDED.format("Roulette-v0"), 0.0, "every bet and pocket"),
    Row("NChain-v0", _RECORDED.format("NChain-v0"), 0.0, "every place, action and slip"),
    Row("GuessingGame-v0", _RECORDED.format("GuessingGame-v0"), 0.0, "comparisons of the same float32 numbers"),
    Row(
        "HotterColder-v0", _RECORDED.format("HotterColder-v0"), 1e-6, "a quotient squared in float32, there in float64"
    ),
    Row("KellyCoinflip-v0", _RECORDED.format("KellyCoinflip-v0"), 1e-6, "cents, which float64 there holds to 1e-14"),
]
