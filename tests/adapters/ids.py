"""The ids that adapters are tested with: one of every kind in each run, and all of them in the slow tests."""

from importlib.metadata import version

import pytest

from jaxenvs.registration.catalog import CATALOG

EITHER_VERSION = {
    "CartPole-v1": "A vector, a discrete action, and a limit",
    "Pendulum-v1": "Actions that are real numbers",
    "Blackjack-v1": "A tuple as observation",
    "Taxi-v4": "A number as observation, a mask in `info`, text and options of `reset`",
    "InvertedPendulum-v5": "Calls to the host",
}
"""The sample for the oldest supported Gymnasium, which calls an environment differently but sees the same values."""

QUICK = {
    **EITHER_VERSION,
    "KellyCoinflip-v0": "A tuple of real numbers and integers",
    "Copy-v0": "A tuple as action, and a level that persists across episodes",
    "rlenvs/DynaMaze-v0": "Several numbers as observation, and a map that persists across episodes",
    "rlenvs/MultiArmedBandit-v0": "A parameter that is None until an episode has ended",
    "rlenvs/Catch-v0": "A picture of bytes",
    "MinAtar/Breakout-v1": "A picture of truth values",
    "bsuite/MnistBandit-v0": "Arrays among the fields",
}
"""What each run tests, and why. Gymnasium's tests run once more with the oldest supported version."""
if version("gymnasium") < "1.3":
    QUICK = EITHER_VERSION

IDS = sorted(spec.id for spec in CATALOG)
assert set(IDS) >= set(QUICK)
MARKED = [id if id in QUICK else pytest.param(id, marks=pytest.mark.slow) for id in IDS]
"""All ids; those that are not in `QUICK` are marked `slow`."""
