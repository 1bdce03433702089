"""The classroom of rlenvs' Minecraft, block for block, and the way of its agent, from the rules in plain Python."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.rlenvs.minecraft import Minecraft
from jaxenvs.simulators.voxels.blocks import Block
from tests.parity.differences import assert_close, record
from tests.parity.rows_rlenvs_minecraft import ROWS

ID, TOLERANCE = ROWS[0].id, ROWS[0].tolerance
SMALL = jaxenvs.unwrap(jaxenvs.make(ID, image_size=(2, 2)))


def classroom(gold_x):
    """The blocks that are not air, by their place in Minecraft: a room of 7 by 7 by 4, its corner at (0, 55, 0)."""
    blocks = {}
    for x in range(-1, 8):
        for z in range(-1, 8):
            blocks[x, 54, z] = Block.PLANKS
            blocks[x, 59, z] = Block.COBBLESTONE
            if x in (-1, 7) or z in (-1, 7):
                for y in range(54, 59):
                    blocks[x, y, z] = Block.COBBLESTONE
    for along in (1, 3, 5):
        for x, z in ((-1, along), (7, along), (along, -1), (along, 7)):
            blocks[x, 58, z] = Block.TORCHED_COBBLESTONE
    blocks[gold_x, 55, 5] = Block.GOLD_BLOCK
    return blocks


@pytest.mark.measures_parity
def test_the_classroom_is_that_of_malmo_block_for_block():
    states, _ = jax.jit(jax.vmap(SMALL.reset))(jax.random.split(jaxenvs.random.key(0), 200))
    seen = set()
    for grid, position in zip(np.asarray(states.blocks), np.asarray(states.body.position), strict=True):
        gold_x = int(np.argwhere(grid == Block.GOLD_BLOCK)[0, 0]) - 1
        ours = {(x - 1, y + 54, z - 1): grid[x, z, y] for x, z, y in np.argwhere(grid)}
        wanted = classroom(gold_x)
        assert ours == wanted
        x, y, z = position + np.array([-1, 54, -1])
        assert (y, z) == (56, 0.5)
        seen.add((gold_x, float(x)))
    record(ID, 0.0)
    assert {gold for gold, _ in seen} == {2, 3, 4}
    assert {start for _, start in seen} == {0.5, 1.5, 2.5, 3.5, 4.5}


def walked(position, velocity, yaw, move, turn):
    """Four ticks of a player on the floor of an empty place, in float64."""
    (x, z), (vx, vz) = position, velocity
    for _ in range(4):
        yaw += 9 * turn
        vx -= 0.098 * move * math.sin(math.radians(yaw))
        vz += 0.098 * move * math.cos(math.radians(yaw))
        x, z = x + vx, z + vz
        vx, vz = vx * 0.546, vz * 0.546
    return (x, z), (vx, vz), yaw % 360


@pytest.mark.measures_parity
def test_the_agent_moves_as_minecrafts_player_does():
    step = jax.jit(SMALL.step)
    state, _ = jax.jit(SMALL.reset)(jaxenvs.random.key(1))
    on_floor = jnp.asarray([4.5, 1.0, 4.5], jnp.float32)
    at_rest = jnp.asarray([0.0, -0.0784, 0.0], jnp.float32)  # the ground stops what gravity adds in each tick
    body = state.body.replace(position=on_floor, velocity=at_rest, on_ground=jnp.asarray(True))
    state = state.replace(body=body, blocks=state.blocks.at[1:8, 1:8, 1].set(0))
    for action in (0, 0, 3, 1, 2, 2, 0, 3, 1):
        before = state
        state, timestep = step(state, jnp.int32(action))
        (x, z), (vx, vz), yaw = walked(
            np.asarray(before.body.position)[[0, 2]].astype(float),
            np.asarray(before.body.velocity)[[0, 2]].astype(float),
            float(before.yaw),
            {0: 1, 1: -1}.get(action, 0),
            {2: 1, 3: -1}.get(action, 0),
        )
        ours = (
            *np.asarray(state.body.position)[[0, 2]],
            *np.asarray(state.body.velocity)[[0, 2]],
            float(state.yaw) % 360,
        )
        assert_close(ID, ours, (x, z, vx, vz, yaw), TOLERANCE)
        assert float(timestep.reward) == 0 and float(state.body.position[1]) == 1.0


def test_the_defaults_are_those_of_the_mission():
    env = Minecraft()
    assert env.time_limit == 30.0 and env.observation_space.shape == (84, 84, 3)
    assert env.action_space.n == 4
