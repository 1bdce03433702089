"""The marks that the benchmark of Stable-Baselines3 must reach, in a short run.

The fastest turn of each side counts, since other load can only slow a turn down.
"""

import pytest
import torch

from benchmarks import stable_baselines3_speed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def step_rates():
    return stable_baselines3_speed.step_rates(256, steps=40, turns=7)


@pytest.mark.parametrize("peer", ["DummyVecEnv with Monitor", "DummyVecEnv without"])
def test_256_environments_step_five_times_as_fast(step_rates, peer):
    assert max(step_rates["jaxenvs"]) >= 5 * max(step_rates[peer])


def test_ppo_is_at_least_15_percent_faster():
    rates = stable_baselines3_speed.ppo_rates(256, rollouts=2, turns=7)
    assert max(rates["jaxenvs"]) >= 1.15 * max(rates["DummyVecEnv with Monitor"])
