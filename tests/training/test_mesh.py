"""Training over several devices, in a process that has them."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import jaxenvs
from jaxenvs.errors import InvalidField
from jaxenvs.training import PPO
from jaxenvs.training.ppo_samples import by_block, deal
from jaxenvs.training.shuffle import random_order
from tests.devices import run_tests


@pytest.mark.slow  # `tests/monitor/training/test_processes.py` trains over four devices of two processes
def test_training_over_several_devices():
    run_tests(Path(__file__).with_name("eight_devices.py"), devices=8, seconds=500)


def test_minibatches_take_as_much_of_every_block():
    """Samples are numbered by environment here, which the blocks deal out in order."""
    env_of_sample = by_block(jnp.broadcast_to(jnp.arange(6, dtype=jnp.int32), (8, 6)), num_blocks=3)
    assert [set(block.tolist()) for block in env_of_sample] == [{0, 1}, {2, 3}, {4, 5}]
    index = np.asarray(deal(jaxenvs.random.key(0), 48, num_blocks=3, num_minibatches=4))
    assert index.shape == (4, 3, 4)
    for block in np.moveaxis(index, 1, 0).reshape(3, -1):
        assert sorted(block) == list(range(16))  # every sample once an epoch
    assert not (index[:, 0] == index[:, 1]).all()


def test_one_block_is_shuffled_like_a_whole():
    order = random_order(jaxenvs.random.key(0), 48)
    index = deal(jaxenvs.random.key(0), 48, num_blocks=1, num_minibatches=4)
    np.testing.assert_array_equal(index.reshape(-1), order)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_envs": 12, "num_blocks": 8},
        {"num_envs": 16, "num_steps": 3, "num_minibatches": 4, "num_blocks": 8},
    ],
    ids=["environments", "samples"],
)
def test_blocks_that_cannot_be_equal_are_refused(settings):
    with pytest.raises(InvalidField, match=r"num_blocks \(8\) must divide num_envs .* and num_minibatches"):
        PPO(**settings)
    with pytest.raises(InvalidField, match="`num_blocks` must be an integer of at least 1"):
        PPO(num_blocks=0)
