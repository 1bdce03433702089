"""Controls of spaces, and the actions read from them."""

import json

import numpy as np
import pytest

import jaxenvs
from jaxenvs import spaces
from jaxenvs.errors import InvalidAction
from jaxenvs.play.controls import describe, read
from jaxenvs.play.readings import reading

SPACES = {
    "discrete": (spaces.Discrete(3, start=1), 2),
    "many": (spaces.Discrete(25_000), 24_999),
    "box": (spaces.Box(-1, 1, (2,)), [0.5, -0.25]),
    "scalar": (spaces.Box(0, 4, (), np.int32), 3),
    "unbounded": (spaces.Box(-np.inf, np.inf, (1,)), [123.0]),
    "matrix": (spaces.Box(-1, 1, (2, 2)), [1, 0, 0, -1]),
    "multi_discrete": (spaces.MultiDiscrete([3, 4], start=[1, 0]), [3, 2]),
    "multi_binary": (spaces.MultiBinary(3), [1, 0, 1]),
    "tuple": (spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 1, (1,)))), [1, [0.5]]),
    "dict": (spaces.Dict({"a": spaces.Discrete(2), "b": spaces.MultiBinary(2)}), {"a": 0, "b": [0, 1]}),
    "large": (spaces.Box(0, 255, (84, 84), np.uint8), None),
    "text": (spaces.Text(5), None),
}


@pytest.mark.parametrize("name", SPACES)
def test_what_a_control_sends_is_an_element_of_the_space(name):
    space, value = SPACES[name]
    description = json.loads(json.dumps(describe(space), allow_nan=False))
    assert (description["kind"] == "random") == (value is None)
    action = read(space, json.loads(json.dumps(value)), jaxenvs.random.key(0))
    assert bool(space.contains(action))
    if value is not None:
        flat = np.concatenate(
            [np.ravel(leaf) for leaf in (action if isinstance(action, tuple) else [action])]
            if not isinstance(action, dict)
            else [np.ravel(leaf) for leaf in action.values()]
        )
        assert flat.tolist() == [x for part in _leaves(value) for x in np.ravel(part)]


def _leaves(value):
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    "name, value",
    [
        ("discrete", 0),
        ("discrete", 4),
        ("discrete", True),
        ("discrete", 1.5),
        ("discrete", "1"),
        ("discrete", None),
        ("box", [0.5]),
        ("box", [0.5, float("nan")]),
        ("box", [0.5, 10**400]),
        ("box", ["a", "b"]),
        ("box", {"0": 1}),
        ("tuple", [1]),
        ("tuple", {"0": 1}),
        ("dict", {"a": 0}),
        ("dict", [0, [0, 1]]),
        ("multi_binary", [1, 0]),
    ],
)
def test_what_is_no_action_is_refused(name, value):
    with pytest.raises(InvalidAction, match="The action must"):
        read(SPACES[name][0], value, jaxenvs.random.key(0))


def test_numbers_are_clipped_to_their_bounds():
    assert read(spaces.Box(-1, 1, (2,)), [-7, 3], jaxenvs.random.key(0)).tolist() == [-1, 1]
    assert read(spaces.MultiDiscrete([3]), [9], jaxenvs.random.key(0)).tolist() == [2]


def test_sliders_rest_at_zero_or_at_the_nearest_bound():
    assert describe(spaces.Box(-1, 1, (1,)))["rest"] == [0.0]
    assert describe(spaces.Box(2, 5, (1,)))["rest"] == [2.0]
    assert describe(spaces.Box(np.float32(3), np.inf, (1,)))["high"] == [13.0]


def test_readings_are_json_however_large_the_observation():
    tree = {"image": np.zeros((8, 8), np.uint8), "speed": np.array([1.0, np.nan], np.float32), "n": np.int32(3)}
    assert json.loads(json.dumps(reading(tree), allow_nan=False)) == [
        ["image", "8 x 8 uint8, 0 to 0, mean 0"],
        ["n", [3]],
        ["speed", [1.0, "nan"]],
    ]
