"""`jax.shard_map` checks which values differ between devices, and environments mark theirs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import jaxenvs
from jaxenvs.core.varying import varying_as
from jaxenvs.errors import DependencyNotInstalled

LANES = PartitionSpec("data")

IDS = (
    *("CartPole-v1", "Taxi-v4", "MinAtar/Breakout-v1", "ReversedAddition-v0", "HeartPole-v1", "TicTacToe-v0"),
    *("bsuite/Catch-v0", "gymnax/MetaMaze-v0", "rlenvs/Minecraft-v0", "VoxelCraftSymbolic-v0"),
    *("Hopper-v5", "PointMaze_UMaze-v3", "FetchReach-v4"),
    *("LunarLander-v3", "BipedalWalkerHardcore-v3", "CarRacing-v3"),
)
"""Of each family, and of each engine or loop of its own."""


def spread(function, out_specs=LANES, devices=1):
    mesh = jax.make_mesh((devices,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    return jax.shard_map(function, mesh=mesh, in_specs=LANES, out_specs=out_specs)


def played(env):
    """Keys as states, and rewards of the first steps."""

    def play(keys):
        def step(carry, _):
            keys, state = carry
            keys, action_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
            state, timestep = jax.vmap(env.step)(state, jax.vmap(env.action_space.sample)(action_keys))
            return (keys, state), timestep.observation

        state, timestep = jax.vmap(env.reset)(keys)
        return timestep.observation, jax.lax.scan(step, (keys, state), None, 5)[1]

    return play


@pytest.mark.parametrize("id", IDS)
def test_a_loop_within_shard_map_passes_its_check(id):
    try:
        play = played(jaxenvs.AutoReset(jaxenvs.make(id)))
    except DependencyNotInstalled as error:
        pytest.skip(f"needs an extra: {error}")
    keys = jax.random.split(jaxenvs.random.key(0), 2)
    over_devices = jax.eval_shape(spread(play, (LANES, PartitionSpec(None, "data"))), keys)
    assert jax.tree.map(jnp.shape, over_devices) == jax.tree.map(jnp.shape, jax.eval_shape(play, keys))


@pytest.mark.parametrize(
    "wrapped",
    [lambda env: jaxenvs.wrappers.RepeatAction(env, 3), lambda env: jaxenvs.wrappers.OpeningActions(env, (1, 0))],
)
def test_a_wrapper_with_a_loop_passes_the_check(wrapped):
    play = played(jaxenvs.AutoReset(wrapped(jaxenvs.make("CartPole-v1"))))
    keys = jax.random.split(jaxenvs.random.key(0), 2)
    jax.eval_shape(spread(play, (LANES, PartitionSpec(None, "data"))), keys)


def test_a_picture_that_is_drawn_in_loops_passes_the_check():
    env = jaxenvs.make("BipedalWalkerHardcore-v3")
    draw = spread(lambda keys: jax.vmap(lambda key: env.render(env.reset(key)[0]))(keys))
    assert jax.eval_shape(draw, jax.random.split(jaxenvs.random.key(0), 2)).shape == (2, 400, 600, 3)


def test_a_loop_within_shard_map_gives_what_it_gives_alone():
    play = played(jaxenvs.AutoReset(jaxenvs.make("CartPole-v1", max_episode_steps=2)))
    keys = jax.random.split(jaxenvs.random.key(0), 4)
    over_devices = jax.jit(spread(play, (LANES, PartitionSpec(None, "data"))))(keys)
    jax.tree.map(np.testing.assert_array_equal, over_devices, jax.jit(play)(keys))


def test_results_differ_between_devices_where_an_argument_does_and_not_otherwise():
    one = jnp.ones(())

    def marked(x):
        total = jax.lax.psum(x.sum(), "data")  # the same on all devices
        with pytest.raises(TypeError, match="carry"):
            jax.lax.scan(lambda sum, y: (sum + y, y), one, x)
        sums = jax.lax.scan(lambda sum, y: (sum + y, y), varying_as({"x": x}, one), x)[0]
        return varying_as(total, one), sums[None]

    same, sums = spread(marked, (PartitionSpec(), LANES))(jnp.arange(3.0))
    assert same == 1 and sums == 4
