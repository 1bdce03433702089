"""Rows of the parity table: the robots of MuJoCo, on the engine `c`."""

from tests.parity.row import Row

_ROUNDING = (
    "observations are exact: C MuJoCo computes them in float64, and each is rounded once; rewards are a few operations"
    " in float32 (6e-8 each) on such numbers"
)

ROWS = [
    Row(f"{name}-v5", f"gymnasium 1.4.0 {name}-v5", 1e-6, _ROUNDING)
    for name in (
        "Ant",
        "HalfCheetah",
        "Hopper",
        "Humanoid",
        "HumanoidStandup",
        "InvertedDoublePendulum",
        "InvertedPendulum",
        "Pusher",
        "Reacher",
        "Swimmer",
        "Walker2d",
    )
]
