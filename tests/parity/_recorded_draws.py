"""Draws: the random numbers that an environment of Gymnasium asks for."""

import numpy as np


class Draws:
    """Stands in for `np_random` of an environment, and keeps the numbers that it gives, in place of a generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.drawn: list[float] = []

    def uniform(self, low: float, high: float) -> float:
        self.drawn.append(self.rng.uniform(low, high))
        return self.drawn[-1]
