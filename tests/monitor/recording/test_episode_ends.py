"""Where episodes end, and how long they were, beside a loop over single steps."""

import numpy as np
import pytest

from jaxenvs.monitor.recording.episode_ends import EpisodeClock, EpisodeEnds


@pytest.mark.parametrize("lanes", [1, 7, 2**16 + 3])
@pytest.mark.parametrize("sizes", [(60,), (1, 20, 0, 39)], ids=str)
def test_lengths_are_those_of_a_loop_over_steps(lanes, sizes):
    ended = np.random.default_rng(lanes).random((sum(sizes), lanes)) < (0.3 if lanes < 10 else 0.001)
    clock, elapsed, step = EpisodeClock(lanes), np.zeros(lanes, np.int64), 0
    for size in sizes:
        block = ended[step : step + size]
        expected, counts = [], np.zeros(lanes, np.int64)
        for row in block:
            elapsed += 1
            for lane in np.flatnonzero(row).tolist():
                expected.append((step, lane, elapsed[lane], counts[lane]))
                elapsed[lane] = 0
                counts[lane] += 1
            step += 1
        ends = EpisodeEnds.of(block)
        length, rank = clock.advance(ends, size), ends.ranks()
        found = zip((step - size + ends.step).tolist(), ends.lane.tolist(), length.tolist(), rank.tolist())
        assert list(found) == expected
        assert (clock.elapsed == elapsed).all()


def test_lanes_of_several_seeds_are_counted_through():
    ended = np.zeros((2, 3, 4), bool)
    ended[0, 2, 1] = ended[1, 0, 3] = True
    ends = EpisodeEnds.of(ended)
    assert ends.index.tolist() == [9, 15] and ends.step.tolist() == [0, 1] and ends.lane.tolist() == [9, 3]
    some = ends.chosen(np.array([False, True]))
    assert len(some) == 1 and some.index.tolist() == [15]
