"""Whole episodes out of chunks of steps and lanes."""

import numpy as np
import pytest

from jaxenvs import spaces
from jaxenvs.errors import InvalidField
from jaxenvs.monitor import ActionPacking, ReplayAssembler


def episodes_of(actions, done):
    """(end, lane, number, actions) of each episode of a whole run, one step at a time."""
    found, begins, numbers = [], [0] * done.shape[1], [0] * done.shape[1]
    for step, lane in np.argwhere(done):
        found.append((step, lane, numbers[lane], actions[begins[lane] : step + 1, lane]))
        begins[lane], numbers[lane] = step + 1, numbers[lane] + 1
    return found


@pytest.mark.parametrize("space", [*map(spaces.Discrete, (3, 2, 1)), spaces.Box(-1.0, 1.0, (2,))], ids=repr)
@pytest.mark.parametrize("chunk", [1, 7, 60])
def test_episodes_are_those_of_a_loop_over_steps(space, chunk):
    draw = np.random.default_rng(0)
    steps, lanes = 120, 5
    actions = draw.random((steps, lanes, 2), np.float32)
    if isinstance(space, spaces.Discrete):
        actions = draw.integers(0, space.n, (steps, lanes), np.int32)
    done = draw.random((steps, lanes)) < [0.5, 0.2, 0.05, 0.02, 0.0]
    assembler, packing = ReplayAssembler(space, lanes), ActionPacking(space)
    found = []
    for begin in range(0, steps, chunk):
        part = slice(begin, begin + chunk)
        finished = assembler.add(actions[part], done[part])
        assert finished.rows.tolist() == list(range(len(finished)))
        for i in range(len(finished)):
            played = packing.unpack(finished.actions[i], int(finished.length[i]))
            found.append((begin + finished.step[i], finished.lane[i], finished.number[i], played))
    expected = episodes_of(actions, done)
    assert len(found) == len(expected) > 60
    for mine, theirs in zip(found, expected):
        assert mine[:3] == theirs[:3]
        np.testing.assert_array_equal(mine[3], theirs[3])


def test_episodes_that_began_earlier_have_no_actions():
    assembler = ReplayAssembler(spaces.Discrete(2), 2, number=[4, 9], started=False)
    finished = assembler.add(np.ones((3, 2), np.int32), np.array([[True, False], [True, False], [False, True]]))
    assert finished.lane.tolist() == [0, 0, 1] and finished.number.tolist() == [4, 5, 9]
    assert finished.rows.tolist() == [1] and len(finished.actions) == 1
    replays = finished.replays(np.arange(6, dtype=np.uint32).reshape(3, 2), "jaxenvs")
    assert replays.key.tolist() == [[2, 3]] and replays.rows is finished.rows


def test_a_lane_that_is_reset_begins_the_next_episode():
    assembler = ReplayAssembler(spaces.Discrete(4), 2)
    no = np.zeros((2, 2), bool)
    assembler.add(np.array([[1, 2], [1, 2]]), no)
    assembler.restart([1])
    finished = assembler.add(np.array([[3, 0]]), np.array([[True, True]]))
    assert finished.length.tolist() == [3, 1] and finished.number.tolist() == [0, 1]
    assert [finished.actions[0], finished.actions[1]] == [bytes([0b01011100]), bytes([0])]


def test_memory_is_bounded_and_what_does_not_fit_is_reported():
    assembler = ReplayAssembler(spaces.Discrete(2), 4, most_bytes=4 * 100)
    ends = np.array([[False, True, True, True]])
    quiet = np.zeros((9, 4), bool)
    with pytest.warns(UserWarning, match="Episodes of more than 100 steps do not fit"):
        for _ in range(30):
            finished = assembler.add(np.zeros((10, 4), np.int32), np.concatenate([quiet, ends]))
            assert finished.length.tolist() == [10, 10, 10] and finished.rows.tolist() == [0, 1, 2]
            assert assembler._kept.nbytes <= 4 * 100
    finished = assembler.add(np.zeros((1, 4), np.int32), np.ones((1, 4), bool))
    assert finished.rows.tolist() == [1, 2, 3]
    assert assembler.add(np.zeros((1, 4), np.int32), np.ones((1, 4), bool)).rows.tolist() == [0, 1, 2, 3]


def test_done_flags_of_another_shape_are_refused():
    with pytest.raises(InvalidField, match=r"`done` must be \(steps, 3\) bool, got \(2, 2\)"):
        ReplayAssembler(spaces.Discrete(2), 3).add(np.zeros((2, 2), np.int32), np.zeros((2, 2), bool))
