"""The marks that the benchmark of Stable-Baselines3 has to reach, in a short run of it."""

import runpy
import statistics
from pathlib import Path

import pytest
import torch

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "stable_baselines3_speed.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield runpy.run_path(str(BENCHMARK))
    torch.set_num_threads(threads)


@pytest.mark.parametrize("peer", ["DummyVecEnv with Monitor", "DummyVecEnv without"])
def test_256_environments_step_five_times_as_fast(benchmark, peer):
    rates = benchmark["step_rates"](256, steps=40, turns=5)
    assert statistics.median(benchmark["ratios"](rates, peer)) >= 5


def test_ppo_is_at_least_15_percent_faster(benchmark):
    rates = benchmark["ppo_rates"](256, rollouts=1, turns=5)
    assert statistics.median(benchmark["ratios"](rates, "DummyVecEnv with Monitor")) >= 1.15
