"""Rows of the parity table: Box2D."""

from tests.parity.row import Row

_REASON = (
    "rewards, in which LunarLander counts speeds a hundredfold; observations agree within 1e-5 in flight, and within"
    " 1e-4 in 99.9 % of transitions in contact, where Box2D's 180 passes amplify the roundings of compiled arithmetic"
)

ROWS = [
    Row(id, f"gymnasium 1.4.0 {id}, transitions recorded with Box2D's hidden state", 5e-3, _REASON)
    for id in ("LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3", "BipedalWalkerHardcore-v3")
] + [
    Row(
        "CarRacing-v3",
        "gymnasium 1.4.0 CarRacing-v3, drives recorded with Box2D's hidden state",
        1e-4,
        "Gymnasium computes tyres in float64, and joints amplify the roundings of compiled arithmetic; tiles, rewards"
        " and ends are the same, and pictures differ by 0.2 grey levels on average",
    )
]
