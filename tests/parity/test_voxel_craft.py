"""VoxelCraft against a trajectory that was recorded with version v0: its rules are its own, without a reference."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.voxel_craft._rules import ACTIONS
from tests.parity.differences import record
from tests.parity.rows_voxel_craft import ROWS

ID = ROWS[0].id
SEED, STEPS = 5, 120
RECORDED = [
    [16, 15, 18, 1, 2, 0, 0, 350452956],
    [16, 15, 18, 2, 2, 0, 0, 350452956],
    [17, 15, 18, 1, 3, 0, 0, 350452956],
    [15, 16, 18, 1, 2, 0, 0, 350452956],
    [15, 16, 19, 2, 0, 0, 0, 350452956],
    [15, 16, 18, 2, 0, 0, 0, 350452956],
    [15, 16, 17, 1, 1, 0, 0, 350452956],
    [14, 16, 17, 1, 1, 0, 0, 350452956],
    [16, 15, 17, 1, 2, 0, 0, 350452956],
    [14, 17, 16, 2, 2, 0, 0, 350452956],
    [14, 17, 15, 2, 1, 0, 0, 350452956],
    [14, 17, 16, 2, 1, 0, 0, 350452956],
]


def trajectory():
    """Every tenth state of random actions: cell, facing, pitch, items, achievements, and a sum over all blocks."""
    env = jaxenvs.make(ID)
    state, _ = jax.jit(env.reset)(jaxenvs.random.key(SEED))
    step = jax.jit(env.step)
    rows, total = [], 0
    actions = np.random.default_rng(SEED).integers(0, len(ACTIONS), STEPS)
    weights = np.arange(1, 32 * 32 * 32 + 1) % 9973
    for i, action in enumerate(actions):
        state, timestep = step(state, jnp.int32(action))
        total += int(timestep.reward)
        if i % 10 == 9:
            base = state.inner
            blocks = int((np.asarray(base.blocks).reshape(-1).astype(int) * weights).sum())
            rows.append(
                [*base.cell.tolist(), int(base.facing), int(base.pitch), int(base.inventory.sum()), total, blocks]
            )
    return rows


@pytest.mark.measures_parity
def test_a_trajectory_is_the_recorded_one():
    ours = trajectory()
    record(ID, np.abs(np.array(ours) - np.array(RECORDED)))
    assert ours == RECORDED
