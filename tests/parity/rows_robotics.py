"""Rows of the parity table: the Fetch robot, on the engine `c`."""

from tests.parity.row import Row

_ROUNDING = (
    "observations are exact: C MuJoCo computes them in float64, and each is rounded once; the distance from the goal is"
    " a few operations in float32 on such numbers"
)

ROWS = [
    Row(f"{name}{kind}-v4", f"gymnasium-robotics 1.4.2 {name}{kind}-v4", 1e-6, _ROUNDING)
    for name in ("FetchPickAndPlace", "FetchPush", "FetchReach", "FetchSlide")
    for kind in ("", "Dense")
]
