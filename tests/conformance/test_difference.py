"""What counts as a difference of two compiled forms of a program."""

import numpy as np
import pytest

from jaxenvs.testing.trees import difference


@pytest.mark.parametrize(("pixels", "differs"), [(5, False), (6, True)])
def test_rounding_may_decide_few_pixels_of_a_picture(pixels, differs):
    picture = np.zeros((96, 96, 3), np.uint8)
    other = picture.copy()
    other.reshape(-1)[:pixels] = 4
    assert (difference("picture", picture, other) is not None) == differs


@pytest.mark.parametrize(
    "array",
    [np.zeros((96, 96, 3), np.int32), np.zeros((96, 96, 3), bool), np.zeros((9, 9, 3), np.uint8)],
    ids=["int32", "bool", "few"],
)
def test_other_integers_must_be_equal(array):
    other = array.copy()
    other[5, 5, 0] = 1
    assert difference("array", array, other) is not None
