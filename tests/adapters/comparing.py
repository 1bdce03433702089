"""Exact comparison of the results of two Gymnasium environments: types, dtypes, shapes, keys and values."""

import gymnasium
import numpy as np

TOLERANCE = 2e-4
"""Of floats. One compiled program for a single environment and one for a batch round the last bits
differently, and the pendulums amplify that over the few dozen steps that the tests take."""


def assert_same(mine, theirs, where="result"):
    """Raises an error if the two differ; only the order of keys in a dict is ignored."""
    assert type(mine) is type(theirs), f"{where}: {type(mine)} against {type(theirs)}"
    if isinstance(mine, dict):
        assert mine.keys() == theirs.keys(), f"{where}: {sorted(mine)} against {sorted(theirs)}"
        for key in mine:
            assert_same(mine[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(mine, tuple | list):
        assert len(mine) == len(theirs), f"{where}: {len(mine)} against {len(theirs)} parts"
        for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    elif isinstance(mine, np.ndarray):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape), (
            f"{where}: {mine.dtype}{mine.shape} against {theirs.dtype}{theirs.shape}"
        )
        if mine.dtype == object:
            assert_same(mine.tolist(), theirs.tolist(), where)
        else:
            np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)
    elif isinstance(mine, float):
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)
    else:
        assert mine == theirs, f"{where}: {mine!r} against {theirs!r}"


BEFORE_1_4 = {"CliffWalking-v1": "CliffWalking-v0", "Taxi-v4": "Taxi-v3"}
"""Names of toy text in older versions of Gymnasium."""


def make_theirs(id, **kwargs):
    """Gymnasium's own environment of an id, in the version that is installed."""
    return gymnasium.make(id if id in gymnasium.registry else BEFORE_1_4[id], **kwargs)
