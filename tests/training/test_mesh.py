"""Training over several devices, in a process that has them."""

from pathlib import Path

import pytest

from jaxenvs.errors import InvalidField
from jaxenvs.training import PPO
from tests.devices import run_tests


def test_training_over_several_devices():
    run_tests(Path(__file__).with_name("eight_devices.py"), devices=8, seconds=500)


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
