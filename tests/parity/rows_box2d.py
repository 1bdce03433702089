"""Rows of the parity table: Box2D."""

from tests.parity.row import Row

_REASON = (
    "rewards, in which LunarLander counts speeds a hundredfold; observations agree within 1e-5 in flight, and within"
    " 1e-4 in 99.9 % of transitions in contact, where Box2D's 180 passes amplify the roundings of compiled arithmetic"
)

_JAMMED = (
    "; with the legs of a walker jammed against the ground, for which 180 passes are too few, one in 250 differs by"
    " more, and so it does here if the last bit of the state before changes"
)

ROWS = [
    Row(id, f"gymnasium 1.4.0 {id}, transitions recorded with Box2D's hidden state", 5e-3, reason)
    for id, reason in (
        ("LunarLander-v3", _REASON),
        ("LunarLanderContinuous-v3", _REASON),
        ("BipedalWalker-v3", _REASON + _JAMMED),
        ("BipedalWalkerHardcore-v3", _REASON + _JAMMED),
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
