"""VoxelCraft has no reference: its rules are its own."""

from tests.parity.row import Row

ROWS = [
    Row(
        "VoxelCraft-v0",
        "a trajectory recorded with version v0, in test_voxel_craft.py, because the rules are its own; the tests in"
        " tests/envs/voxel_craft check them one by one",
        0.0,
        "whole numbers",
    ),
]
