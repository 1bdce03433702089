"""VoxelCraft has no reference: its rules are its own."""

from tests.parity.row import Row

_RECORDED = "a trajectory recorded with version v0, in test_voxel_craft.py, because the rules are its own"

ROWS = [
    Row("VoxelCraftSymbolic-v0", _RECORDED, 0.0, "whole numbers; tests in tests/envs/voxel_craft check rule by rule"),
    Row(
        "VoxelCraft-v0", _RECORDED, 0.0, "the same world and rules; pictures are compared with rays followed one by one"
    ),
]
