"""The ids that adapters are tested with: a few of every kind in each run, and all of them in the slow tests."""

import pytest

from jaxenvs.registration.catalog import CATALOG

QUICK = {
    # Boxes, bounded and not; discrete and continuous actions.
    "CartPole-v1",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
    "HeartPole-v0",
    "gymnax/PointRobot-v0",
    # Discrete, Tuple and MultiDiscrete observations; Tuple actions; masks, text, options of `reset`.
    "Blackjack-v1",
    "CliffWalking-v1",
    "Copy-v0",
    "FrozenLake-v1",
    "KellyCoinflip-v0",
    "Taxi-v4",
    "gymnax/MetaMaze-v0",
    "rlenvs/Blackjack-v0",
    # State that persists across episodes.
    "rlenvs/DynaMaze-v0",
    "rlenvs/MultiArmedBandit-v0",
    # Pictures, of bytes and of truth values; arrays among the fields.
    "MinAtar/Breakout-v1",
    "bsuite/MnistBandit-v0",
    "rlenvs/Catch-v0",
    # Calls to the host.
    "Ant-v5",
    "InvertedPendulum-v5",
}

IDS = sorted(spec.id for spec in CATALOG)
assert set(IDS) >= QUICK
MARKED = [id if id in QUICK else pytest.param(id, marks=pytest.mark.slow) for id in IDS]
"""All ids; those that are not in `QUICK` are marked `slow`."""
