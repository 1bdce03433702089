"""rlenvs' Minecraft: the gold can be reached in every layout; ends, rewards and fields."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.envs.rlenvs.minecraft import BACKWARD, FORWARD, LEFT, RIGHT, Minecraft
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.voxels.blocks import Block

TINY = {"image_size": (2, 2)}
LAYOUTS = 15


@functools.cache
def stepper(**fields):
    env = Minecraft(**TINY, **fields)
    return env, jax.jit(env.step), jax.jit(env.reset)


def towards(state, x, z):
    """Turns until a place is ahead, then walks."""
    here = state.body.position
    bearing = jnp.degrees(jnp.arctan2(here[0] - x, z - here[2]))
    off = (bearing - state.yaw + 180) % 360 - 180
    return jnp.where(off > 18, RIGHT, jnp.where(off < -18, LEFT, FORWARD)).astype(jnp.int32)


def test_a_scripted_agent_reaches_the_gold_in_every_layout():
    env = Minecraft(**TINY)
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), 200))
    places = np.argwhere(np.asarray(states.blocks) == Block.GOLD_BLOCK)[:, 1]
    _, chosen = np.unique(np.stack([places, np.asarray(states.body.position)[:, 0]]), axis=1, return_index=True)
    assert len(chosen) == LAYOUTS
    states = jax.tree.map(lambda x: x[chosen], states)

    def act(state, _):
        gold = jnp.argmax(state.blocks[:, 6, 1] == Block.GOLD_BLOCK).astype(jnp.float32)
        state, timestep = env.step(state, towards(state, gold + 0.5, 6.5))
        return state, (timestep.reward, timestep.terminated)

    _, (rewards, ends) = jax.jit(jax.vmap(lambda state: jax.lax.scan(act, state, None, length=25)))(states)
    np.testing.assert_array_equal(rewards.sum(axis=1), 1000.0)
    np.testing.assert_array_equal(ends.argmax(axis=1), rewards.argmax(axis=1))


def test_the_time_is_up_after_30_s():
    _, step, reset = stepper()
    state, _ = reset(jaxenvs.random.key(0))
    state = state.replace(elapsed=jnp.int32(148))
    state, timestep = step(state, jnp.int32(LEFT))
    assert not timestep.terminated and float(timestep.reward) == 0
    state, timestep = step(state, jnp.int32(LEFT))
    assert timestep.terminated and float(timestep.reward) == -1000
    _, timestep = step(state, jnp.int32(LEFT))
    assert timestep.terminated and float(timestep.reward) == 0


@pytest.mark.slow
def test_ore_in_a_gap_earns_20_once():
    _, step, reset = stepper(divisions=(1, 0), ore="diamond")
    state, _ = reset(jaxenvs.random.key(0))
    gap = np.argwhere(np.asarray(state.blocks)[:, :, 0] == Block.DIAMOND_ORE)
    assert len(gap) == 2 and set(gap[:, 1]) == {8}
    body = state.body.replace(position=jnp.asarray([gap[:, 0].mean() + 0.5, 1.0, 6.5], jnp.float32))
    state, rewards = state.replace(body=body), []
    for _ in range(6):
        state, timestep = step(state, jnp.int32(FORWARD))
        rewards.append(float(timestep.reward))
    assert sum(rewards) == 20 and float(state.body.position[2]) > 9


@pytest.mark.slow
def test_lava_under_a_bridge_is_death():
    _, step, reset = stepper(divisions=(1, 0), obstacle="bridge")
    state, _ = reset(jaxenvs.random.key(0))
    moat = np.argwhere(np.asarray(state.blocks)[:, :, 0] == Block.LAVA)
    assert len(moat) == 5
    body = state.body.replace(position=jnp.asarray([moat[0, 0] + 0.5, 1.5, 8.5], jnp.float32))
    state, rewards = state.replace(body=body), []
    for _ in range(4):
        state, timestep = step(state, jnp.int32(RIGHT))
        rewards.append(float(timestep.reward))
    assert sum(rewards) == -10_000 and bool(timestep.terminated)


@pytest.mark.slow
def test_commands_that_last_stay_in_force_until_the_next_of_their_kind():
    _, step, reset = stepper(commands_last=True)
    state, _ = reset(jaxenvs.random.key(0))
    for action in (FORWARD, RIGHT):
        state, _ = step(state, jnp.int32(action))
    before = state
    state, _ = step(state, jnp.int32(BACKWARD))
    assert (float(state.move), float(state.turn)) == (-1.0, 1.0)
    assert float(state.yaw) == float(before.yaw) + 36


@pytest.mark.slow
def test_rooms_may_be_larger_and_more():
    env, _, reset = stepper(room_size=(5, 9), divisions=(1, 2))
    state, timestep = reset(jaxenvs.random.key(0))
    assert state.blocks.shape == (19, 21, 7) and timestep.observation.shape == (2, 2, 3)
    goal = np.argwhere(np.asarray(state.blocks) == Block.GOLD_BLOCK)
    assert goal[0, 0] == 15 and goal[0, 1] == 18
    assert env.render(state).shape == (336, 336, 3)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"room_size": (4, 7)}, "`room_size` must be an integer"),
        ({"room_size": 7}, "`room_size` must be a tuple"),
        ({"divisions": (9, 0)}, "at most 60"),
        ({"obstacle": "door"}, "`obstacle` must be one of"),
        ({"ore": "gld"}, "'gold'"),
        ({"time_limit": 0.0}, "`time_limit`"),
    ],
)
def test_bad_fields_are_refused(fields, message):
    with pytest.raises(InvalidField, match=message):
        Minecraft(**fields)
