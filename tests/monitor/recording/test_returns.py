"""Returns of episodes in blocks, beside rewards that are added one by one in float32."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.monitor.recording.episode_ends import EpisodeEnds
from jaxenvs.monitor.recording.returns import EpisodeCounts
from jaxenvs.rollouts import Outcome

LANES, STEPS, BLOCKS = 3, 8, 5
DRAWN = np.random.default_rng(0)
NOISE = DRAWN.random((BLOCKS, STEPS, LANES), np.float32)
ENDED = DRAWN.random((BLOCKS, STEPS, LANES)) < 0.15


def ones_until(block):
    """One in each step, except for a single reward of a block."""
    rewards = np.ones((BLOCKS, STEPS, LANES), np.float32)
    rewards[block:, 5, 1] = 0.1
    return rewards


REWARDS = {
    "all one": ones_until(BLOCKS),
    "all zero": np.zeros_like(NOISE),
    "one until the second block": ones_until(1),
    "one until the last block": ones_until(BLOCKS - 1),
    "all different": NOISE,
    "not a whole number": np.full_like(NOISE, 0.1),
    "whole numbers whose sums are not exact": np.full_like(NOISE, 2.0**23 + 1),
    "not a number": np.full_like(NOISE, np.nan),
}


def one_by_one(rewards):
    """The returns of each block's episodes."""
    total, out = np.zeros(LANES, np.float32), []
    for block, ended in zip(rewards, ENDED):
        found = []
        for step in range(STEPS):
            total += block[step]
            found += total[ended[step]].tolist()
            total[ended[step]] = 0
        out.append(found)
    return out


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("is_late", [False, True], ids=["flushed", "written with the next block"])
def test_returns_are_sums_in_single_precision(name, is_late):
    rewards, expected = REWARDS[name], one_by_one(REWARDS[name])
    counts, pending, found = EpisodeCounts((LANES,)), [], []

    def write():
        outcomes, begun = pending.pop(0)
        block = np.asarray(outcomes.reward)[:, None]
        table = counts.end(outcomes, begun, None if begun is not None else block)
        ends = EpisodeEnds.of(np.asarray(outcomes.terminated))
        length = counts.lengths(ends, STEPS)
        table = None if table is None else np.asarray(table)[:, None]
        found.append(counts.returns(length, ends.index, table).tolist())
        return table is None

    follow = []
    for block, ended in zip(rewards, ENDED):
        outcomes = Outcome(jnp.asarray(block), jnp.asarray(ended), jnp.zeros(ended.shape, bool))
        if is_late and pending:
            follow.append(write())
        pending.append((outcomes, counts.begin(outcomes)))
        if not is_late:
            follow.append(write())
    while pending:
        follow.append(write())
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(expected))
    assert sum(map(len, expected)) > 10
    assert all(follow) == name.startswith("all ") ^ (name == "all different")
