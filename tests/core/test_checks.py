"""The checks of fields and arguments: what they accept, what they reject, and their messages."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.core import checks
from jaxenvs.errors import InvalidField


@pytest.mark.parametrize("value", [3, np.int32(3), np.uint8(3)])
def test_integers_of_python_and_numpy_pass(value):
    checks.check_integer("f", "size", value, 3, 3)


@pytest.mark.parametrize("value", [2, 4, 3.0, True, "3", None, np.array(3), np.float32(3)])
def test_what_is_not_an_integer_of_the_range_is_refused(value):
    with pytest.raises(InvalidField, match=r"^f: `size` must be an integer from 3 to `most_size` \(3\), got "):
        checks.check_integer("f", "size", value, 3, 3, most_is="most_size")


@pytest.mark.parametrize(
    "limits, good, bad, words",
    [
        ({"low": 0}, [0, 5.0, np.inf, np.array([0, 1])], [-1, np.array([1, -1]), np.float32(-1)], "at least 0"),
        ({"low": 0, "above": True}, [0.1], [0, -1.0], "above 0"),
        ({"low": 0, "high": 1}, [0, 1], [1.5, -0.5], r"in \[0, 1\]"),
        ({"low": 0, "high": 1, "below": True}, [0], [1], "at least 0 and less than 1"),
        ({"low": 0, "high": 1, "above": True}, [1], [0], "above 0 and at most 1"),
        ({"low": 0, "high": 9, "high_is": "most"}, [9], [10], r"at least 0 and at most `most` \(9\)"),
        ({"low": 0, "below": True}, [0], [np.inf, -1], "at least 0 and finite"),
        ({"low": -math.inf, "above": True, "below": True}, [-5], [np.inf, -np.inf, np.nan], "finite"),
    ],
)
def test_numbers_outside_a_range_are_refused(limits, good, bad, words):
    for value in good:
        checks.check_range("f", "x", value, **limits)
    for value in bad:
        with pytest.raises(InvalidField, match=f"f: `x` must be {words}, got "):
            checks.check_range("f", "x", value, **limits)


def test_values_that_cannot_be_looked_at_pass():
    for value in (None, object(), jax.ShapeDtypeStruct((), jnp.float32), jnp.asarray(-1)):
        checks.check_range("f", "x", value, 0)
        checks.check_probability("f", "x", value)
    jax.jit(lambda value: checks.check_range("f", "x", value, 0, on_device=True))(jnp.asarray(-1))
    with pytest.raises(InvalidField, match="at least 0"):
        checks.check_range("f", "x", jnp.asarray(-1), 0, on_device=True)


@pytest.mark.parametrize("value", [-0.1, 1.5, np.float32(2), np.array([0.5, 2])])
def test_what_is_not_a_probability_is_refused(value):
    with pytest.raises(InvalidField, match="`p` must be a probability, from 0 to 1, got "):
        checks.check_probability("f", "p", value)


def test_a_wrong_choice_is_told_the_nearest_one():
    checks.check_choice("f", "kind", "blocking", ("blocking", "shortcut", None))
    checks.check_choice("f", "kind", None, ("blocking", "shortcut", None))
    with pytest.raises(InvalidField, match=r"must be one of 'blocking', 'shortcut', got 'bloking'.* `blocking`"):
        checks.check_choice("f", "kind", "bloking", ("blocking", "shortcut"))
    for value in (["blocking"], np.array(["blocking", "shortcut"]), 1):
        with pytest.raises(InvalidField, match="`kind` must be one of"):
            checks.check_choice("f", "kind", value, ("blocking", "shortcut"))


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), np.array([0, np.nan]), jnp.array([0, jnp.nan])])
def test_nan_is_found(value):
    assert checks.has_nan(value)


@pytest.mark.parametrize("value", [1.0, 3, "nan", None, np.array([1]), np.array("nan"), jax.random.key(0)])
def test_what_is_not_nan_is_not_taken_for_it(value):
    assert not checks.has_nan(value)


def test_real_numbers_are_told_from_what_is_none():
    for value in (1, 1.5, True, np.float32(1), np.array([True]), jnp.ones(2, jnp.bfloat16)):
        assert checks.is_real(value)
    for value in (1j, "1", None, np.array("1"), np.complex64(1), jax.random.key(0)):
        assert not checks.is_real(value)


def test_a_count_has_a_place_in_32_bits_unless_no_limit_is_asked_for():
    checks.check_integer("f", "n", checks.INT32_MAX)
    checks.check_integer("f", "n", 10**12, most=None)
    with pytest.raises(InvalidField, match="f: `n` must be an integer from 1 to 2147483647, got 1000000000000"):
        checks.check_integer("f", "n", 10**12)
    with pytest.raises(InvalidField, match="f: `n` must be an integer of at least 1, got 0"):
        checks.check_integer("f", "n", 0)
