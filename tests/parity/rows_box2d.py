"""Rows of the parity table: Box2D."""

from tests.parity.row import Row

_LANDER = (
    "rewards, in which LunarLander counts speeds a hundredfold; observations agree within 1e-5 in flight, and within"
    " 1e-4 in 99.9 % of transitions in contact, where Box2D's 180 passes amplify the roundings of compiled arithmetic"
)
_WALKER = (
    "observations agree within 5e-5 in flight, and within 1e-4 in 99.6 % of transitions in contact; for legs that are"
    " jammed against the ground, Box2D's 180 passes are too few, and single transitions differ by more, as they do here"
    " if the last bit of the state before changes"
)

ROWS = [
    Row(id, f"gymnasium 1.4.0 {id}, transitions recorded with Box2D's hidden state", 5e-3, reason)
    for id, reason in (
        ("LunarLander-v3", _LANDER),
        ("LunarLanderContinuous-v3", _LANDER),
        ("BipedalWalker-v3", _WALKER),
        ("BipedalWalkerHardcore-v3", f"{_WALKER}; so do 2 of 7,064 in flight, where rounding decides about a pass"),
    )
] + [
    Row(
        "CarRacing-v3",
        "gymnasium 1.4.0 CarRacing-v3, drives recorded with Box2D's hidden state",
        1e-4,
        "Gymnasium computes tyres in float64, and joints amplify the roundings of compiled arithmetic; tiles, rewards"
        " and ends are the same, and pictures differ by 0.2 grey levels on average",
    )
]
