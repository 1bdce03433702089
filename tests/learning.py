"""The results of learners, seed by seed, and tests that try as many seeds as these results require.

`learning_rates.json` beside this file has a mark for each learner, and what it got beyond or below it with every
seed that was run. `python -m tests.measure_learning` writes it.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

FILE = Path(__file__).with_name("learning_rates.json")

MISSES = 1e-3
"""The fraction of test runs in which a correct program may miss its mark with every seed."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The measured results of a learner.

    Attributes:
        mark: the mean return that counts as learnt.
        returns: the mean return after training, one for each of the seeds 0, 1, 2 and so on.
    """

    mark: float
    returns: tuple[float, ...]

    @property
    def successes(self) -> int:
        """The number of seeds that reached the mark."""
        return sum(value >= self.mark for value in self.returns)

    @property
    def tries(self) -> int:
        """With so many seeds a correct program misses with all of them in less than one run in a thousand.

        A seed is taken to miss with probability (misses + 1) / (seeds + 2), Laplace's rule of succession: few
        seeds that all succeeded do not show that none ever misses.
        """
        miss = (len(self.returns) - self.successes + 1) / (len(self.returns) + 2)
        return math.floor(math.log(MISSES) / math.log(miss)) + 1


def measured(name: str) -> Measured:
    """The row of a learner.

    Raises:
        KeyError: the learner was not measured.
    """
    row = json.loads(FILE.read_text())[name]
    return Measured(row["mark"], tuple(row["returns"]))


def assert_learns(name: str, mean_return: Callable[[int], float]) -> None:
    """Trains with one seed after the other until the mark of `name` is reached.

    Args:
        name: the learner's row.
        mean_return: trains with a seed; returns the mean return of fresh episodes afterwards.

    Raises:
        AssertionError: `tries` seeds missed the mark.
    """
    row, reached = measured(name), []
    for seed in range(row.tries):
        reached.append(mean_return(seed))
        if reached[-1] >= row.mark:
            return
    raise AssertionError(f"{name}: seeds 0 to {row.tries - 1} reached {reached}, and the mark is {row.mark}")
