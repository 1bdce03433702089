"""The reward range after wrappers. A conformance check tests that rewards are inside."""

import math

import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs.wrappers import (
    ClipReward,
    NoisyReward,
    NormalizeReward,
    RepeatAction,
    ScaleReward,
    TimeLimit,
    TransformReward,
)

TAXI = jaxenvs.make("Taxi-v4")  # -10 to 20
UNBOUNDED = (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (TimeLimit(TAXI, 5), (-10, 20)),
        (ClipReward(TAXI, -1.0, 1.0), (-1, 1)),
        (ClipReward(TAXI, max_reward=0.0), (-10, 0)),
        (ScaleReward(TAXI, 0.5), (-5, 10)),
        (ScaleReward(TAXI, -1.0), (-20, 10)),
        (ScaleReward(jaxenvs.make("Ant-v5"), 0.0), (0, 0)),
        (ScaleReward(jaxenvs.make("Reacher-v5"), -2.0), (0, math.inf)),
        (RepeatAction(TAXI, 3), (-30, 60)),
        (RepeatAction(jaxenvs.make("MountainCar-v0"), 4), (-4, -1)),
        (NoisyReward(TAXI, 1.0), UNBOUNDED),
        (NormalizeReward(TAXI), UNBOUNDED),
        (TransformReward(TAXI, abs), UNBOUNDED),
        (jaxenvs.make("Blackjack-v1", natural=True, sab=False), (-1, 1.5)),
        (jaxenvs.make("FrozenLake-v1", reward_schedule=(1.0, -1.0, 0.0)), (-1, 1)),
    ],
    ids=str,
)
def test_the_range_of(env, expected):
    np.testing.assert_array_equal([float(bound) for bound in env.reward_range], expected)


def test_it_follows_the_parameters_of_each_lane():
    env = jaxenvs.unwrap(jaxenvs.make("NChain-v0"))
    low, high = jax.vmap(lambda large: env.replace(large=large).reward_range)(np.float32([5.0, 50.0]))
    assert (low.tolist(), high.tolist()) == ([0, 0], [5, 50])
