"""What fused environments are compared with."""

import re

NOT_FUSED = re.compile(r"ALE/|.*-v5$|Fetch|PointMaze|AntMaze")
"""Ids that call a simulator's C library."""

TOLERANCES = {
    # XLA contracts products and sums, which a kernel does not, and a contact's solver amplifies the rounding.
    "LunarLander-v3": 2e-2,
    "LunarLanderContinuous-v3": 2e-2,
    "BipedalWalker-v3": 5e-1,
    "BipedalWalkerHardcore-v3": 5e-1,
}
"""Relative and absolute tolerance of floats, where it is not 1e-6."""
