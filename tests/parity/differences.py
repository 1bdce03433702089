"""The greatest differences from the references that the parity tests see, by id.

A test that is marked `measures_parity` records what it compares. `python -m tests.measure_parity` runs these tests and
writes what they saw to `measured.json` beside this file, which the page of each id shows.
"""

from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("measured.json")

SEEN: dict[str, float] = {}
"""The greatest difference so far in this process, by id."""


def relative(ours: Any, reference: Any) -> np.ndarray:
    """Differences in float64, relative to the reference where that is above 1; infinities and NaNs may be equal."""
    a, b = np.asarray(ours).astype(np.float64), np.asarray(reference).astype(np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.abs(a - b) / np.maximum(np.abs(b), 1.0)
    differences = np.where(np.isnan(differences), np.inf, differences)  # a NaN or an infinity on one side only
    return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, differences)


def record(id: str, differences: Any) -> float:
    """Keeps the greatest difference of an id, and returns the greatest of these; 0 if there are none."""
    greatest = float(np.max(differences, initial=0.0))
    SEEN[id] = float(np.fmax(SEEN.get(id, 0.0), greatest)) if not np.isnan(greatest) else np.inf
    return greatest


def assert_close(id: str, ours: Any, reference: Any, tolerance: float, message: str = "") -> None:
    """Records the differences, and asserts that they are within the tolerance, absolute and relative together."""
    record(id, relative(ours, reference))
    np.testing.assert_allclose(ours, reference, rtol=tolerance, atol=tolerance, err_msg=message)
