"""The number of seeds that a learning test tries, and its failure if none of them learns."""

import json

import pytest

from tests import learning
from tests.learning import FILE, MISSES, Measured, assert_learns
from tests.measure_learning import MODULES


@pytest.mark.parametrize(
    "returns, tries",
    [
        ((), 10),  # a coin: 2^-10 is less than one in a thousand
        ((5.0,) * 3, 5),  # a fifth, by the rule of succession: 5^-4 is more, 5^-5 less
        ((5.0,) * 30, 2),
        ((5.0, 0.0) * 5, 10),
        ((0.0,) * 8, 66),
    ],
)
def test_so_many_seeds_are_tried_that_a_correct_program_misses_less_than_once_in_a_thousand_runs(returns, tries):
    row = Measured(1.0, returns)
    assert row.tries == tries
    miss = 1 - (row.successes + 1) / (len(returns) + 2)
    assert miss**tries < MISSES <= miss ** (tries - 1)


def test_one_seed_at_the_mark_is_enough_and_none_is_a_failure(monkeypatch):
    monkeypatch.setattr(learning, "measured", lambda name: Measured(1.0, (5.0,) * 3))
    tried = []
    assert_learns("some", lambda seed: tried.append(seed) or float(seed == 2))
    assert tried == [0, 1, 2]
    with pytest.raises(AssertionError, match=r"some: seeds 0 to 4 reached .* and the mark is 1\.0"):
        assert_learns("some", lambda seed: 0.9)


def test_most_seeds_that_were_measured_reached_their_marks():
    for name in json.loads(FILE.read_text()):
        row = learning.measured(name)
        assert 2 * row.successes >= len(row.returns), name


def test_every_row_belongs_to_a_learner():
    pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed")
    learns = [name for module in MODULES for name in __import__(module, fromlist=["LEARNS"]).LEARNS]
    assert sorted(learns) == sorted(json.loads(FILE.read_text()))
