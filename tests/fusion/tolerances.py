"""What fused environments are compared with."""

import re

NOT_FUSED = re.compile(r"ALE/|.*-v5$|Fetch|PointMaze|AntMaze")
"""Ids that call a simulator's C library."""

TOLERANCES = {
    # XLA's inverse of the error function is a series in float32; the kernel's is the same series in float64.
    "rlenvs/MultiArmedBandit-v0": 2e-5,
    # XLA and a kernel contract different products and sums, and a contact's solver amplifies the rounding, where legs
    # jam beyond any use. `test_box2d.py` compares these kernels tightly, from recorded states.
    "LunarLander-v3": 2e-2,
    "LunarLanderContinuous-v3": 2e-2,
    "BipedalWalker-v3": 5e-1,
    "BipedalWalkerHardcore-v3": 5e-1,
    "CarRacing-v3": 1e-4,
}
"""Relative and absolute tolerance of floats, where it is not 1e-6."""

PICTURES = {"CarRacing-v3": 1e-5, "rlenvs/Minecraft-v0": 1e-5, "VoxelCraft-v0": 1e-5}
"""Ids whose observations are pictures that depend on floats, with the share that may differ by more than a grey level.

Where a ray meets the edge of two textures, or a pixel is half covered, rounding decides between two colours.
"""

TIES = {"BipedalWalker-v3": 1e-3}
"""Ids with contacts, and the share of the integers that describe them that may differ.

Which corner touches, and whether at all, is decided by rounding where two are as near. Over 8,000 steps of the walker,
268 of 640,000 features and 1 of 320,000 counts of points differed, that one without any impulse. Of the hardcore
version, over 48,000 steps, none of 5,760,000 features, nor of 2,880,000 counts and as many edges.
"""
