"""Rows of the parity table: the Fetch robot and the mazes, on the engine `c`."""

from tests.parity.row import Row

_ROUNDING = (
    "observations are exact: C MuJoCo computes them in float64, and each is rounded once; the distance from the goal is"
    " a few operations in float32 on such numbers"
)

FETCH = [
    Row(f"{name}{kind}-v4", f"gymnasium-robotics 1.4.2 {name}{kind}-v4", 1e-6, _ROUNDING)
    for name in ("FetchPickAndPlace", "FetchPush", "FetchReach", "FetchSlide")
    for kind in ("", "Dense")
]

_MAZE = (
    "observations are exact: C MuJoCo computes them in float64, and each is rounded once; a dense reward is exp of a"
    " distance in float32"
)

_MAPS = (
    *("UMaze", "Open", "Open_Diverse_G", "Open_Diverse_GR", "Medium", "Medium_Diverse_G", "Medium_Diverse_GR"),
    *("Large", "Large_Diverse_G", "Large_Diverse_GR"),
)

MAZES = [
    Row(f"{robot}_{maze}{kind}-{version}", f"gymnasium-robotics 1.4.2 {robot}_{maze}{kind}-{version}", 1e-6, _MAZE)
    for robot, version in (("PointMaze", "v3"), ("AntMaze", "v5"), ("AntMaze", "v4"))
    for maze in _MAPS
    for kind in ("", "Dense")
]

ROWS = FETCH + MAZES
