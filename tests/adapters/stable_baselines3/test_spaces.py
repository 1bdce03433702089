"""The forms that spaces and batches take for Stable-Baselines3."""

import gymnasium
import jax
import numpy as np
import pytest

import jaxenvs
from jaxenvs import spaces
from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, action_form, rows
from jaxenvs.errors import InvalidAction, InvalidSpace

LANES = 5

ARRAYS = {
    "box": (spaces.Box(-1.0, 2.0, (3,)), gymnasium.spaces.Box(-1.0, 2.0, (3,))),
    "box of one number": (spaces.Box(-1.0, 2.0, ()), gymnasium.spaces.Box(-1.0, 2.0, (1,))),
    "discrete": (spaces.Discrete(4), gymnasium.spaces.Discrete(4)),
    "discrete from -3": (spaces.Discrete(4, -3), gymnasium.spaces.Discrete(4)),
    "multi-discrete": (spaces.MultiDiscrete([2, 5]), gymnasium.spaces.MultiDiscrete([2, 5])),
    "multi-discrete table from 7": (
        spaces.MultiDiscrete([[2, 5, 3], [4, 2, 6]], start=[[7, 1, 0], [2, 9, 7]]),
        gymnasium.spaces.MultiDiscrete([2, 5, 3, 4, 2, 6]),
    ),
    "multi-binary": (spaces.MultiBinary(3), gymnasium.spaces.MultiBinary(3)),
    "multi-binary table": (spaces.MultiBinary((2, 3)), gymnasium.spaces.MultiBinary(6)),
    "tuple of discretes": (
        spaces.Tuple((spaces.Discrete(32), spaces.Discrete(11, 4), spaces.Discrete(2))),
        gymnasium.spaces.MultiDiscrete([32, 11, 2]),
    ),
}
"""Spaces whose elements are one array: ours, and what Stable-Baselines3 is told."""

IMAGE = spaces.Box(0, 255, (4, 5, 3), np.uint8)

NESTED = spaces.Dict(
    {
        "inner": spaces.Dict({"n": spaces.Discrete(3, start=5), "image": IMAGE}),
        "parts": spaces.Tuple((spaces.Box(0.0, 1.0, (2,)), spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3))))),
    }
)

NESTED_FLAT = {
    "inner/n": gymnasium.spaces.Discrete(3),
    "inner/image": gymnasium.spaces.Box(0, 255, (4, 5, 3), np.uint8),
    "parts/0": gymnasium.spaces.Box(0.0, 1.0, (2,)),
    "parts/1": gymnasium.spaces.MultiDiscrete([2, 3]),
}


def batch_of(space):
    """Random elements on the host, as `jax.device_get` returns them: read-only arrays."""
    return jax.device_get(jax.vmap(space.sample)(jax.random.split(jaxenvs.random.key(0), LANES)))


def entries_of(batch):
    """(LANES, entries) float64: all numbers of a batch, lane by lane."""
    leaves = [np.asarray(leaf, np.float64).reshape(LANES, -1) for leaf in jax.tree.leaves(batch)]
    return np.concatenate(leaves, axis=1)


def starts_of(space):
    """What has to be subtracted from `entries_of` so that each entry counts from 0."""
    parts = space.spaces if isinstance(space, spaces.Tuple) else [space]
    return np.concatenate([np.ravel(getattr(part, "start", 0)) for part in parts]).astype(np.float64)


@pytest.mark.parametrize("ours, theirs", ARRAYS.values(), ids=ARRAYS)
def test_an_observation_of_one_array(ours, theirs):
    batch = batch_of(ours)
    form = ObservationForm.of(ours)
    encoded = form.encode(batch)
    assert form.space == theirs
    assert encoded.dtype == theirs.dtype and encoded.shape == (LANES, *theirs.shape)
    assert all(row in theirs for row in rows(encoded))
    np.testing.assert_array_equal(entries_of(encoded), entries_of(batch) - starts_of(ours))


def test_nested_observations_become_one_flat_dict():
    batch = batch_of(NESTED)
    form = ObservationForm.of(NESTED)
    encoded = form.encode(batch)
    assert form.space == gymnasium.spaces.Dict(NESTED_FLAT)
    assert all(row in form.space for row in rows(encoded))
    np.testing.assert_array_equal(encoded["inner/n"], batch["inner"]["n"] - 5)
    np.testing.assert_array_equal(encoded["inner/image"], batch["inner"]["image"])
    np.testing.assert_array_equal(encoded["parts/0"], batch["parts"][0])
    np.testing.assert_array_equal(encoded["parts/1"], np.stack(batch["parts"][1], axis=1))
    assert rows(encoded)[3].keys() == NESTED_FLAT.keys()


def test_a_tuple_of_anything_else_becomes_a_dict_by_index():
    form = ObservationForm.of(spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(2))))
    assert form.space == gymnasium.spaces.Dict(
        {"0": gymnasium.spaces.Discrete(2), "1": gymnasium.spaces.MultiBinary(2)}
    )


@pytest.mark.parametrize("ours", [*(ours for ours, _ in ARRAYS.values()), NESTED], ids=[*ARRAYS, "nested"])
def test_observations_are_fresh_and_writable(ours):
    batch = batch_of(ours)
    encoded = ObservationForm.of(ours).encode(batch)
    for array in jax.tree.leaves(encoded):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, leaf) for leaf in jax.tree.leaves(batch))


@pytest.mark.parametrize("ours, theirs", ARRAYS.values(), ids=ARRAYS)
def test_actions_come_back_as_the_environment_takes_them(ours, theirs):
    batch = batch_of(ours)
    form = action_form(ours)
    assert form.space == theirs
    decoded = form.decode(ObservationForm.of(ours).encode(batch), LANES)
    assert jax.tree.structure(decoded) == jax.tree.structure(batch)
    for mine, original in zip(jax.tree.leaves(decoded), jax.tree.leaves(batch), strict=True):
        assert mine.dtype == original.dtype
        np.testing.assert_array_equal(mine, original)


@pytest.mark.parametrize("ours, theirs", ARRAYS.values(), ids=ARRAYS)
def test_decoded_actions_are_copies(ours, theirs):
    actions = ObservationForm.of(ours).encode(batch_of(ours))
    decoded = action_form(ours).decode(actions, LANES)
    assert not any(np.shares_memory(leaf, actions) for leaf in jax.tree.leaves(decoded))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_])
def test_a_policys_floats_for_a_multi_binary_are_welcome(dtype):
    actions = np.array([[1, 0], [0, 1], [1, 1]], dtype)
    decoded = action_form(spaces.MultiBinary(2)).decode(actions, 3)
    assert decoded.dtype == np.int8
    np.testing.assert_array_equal(decoded, actions)


BAD_ACTIONS = {
    "too few": ("discrete", [0, 1], r"each of 5 environments, an array of shape \(5,\); got shape \(2,\)"),
    "a single one": ("discrete", 1, r"got shape \(\)"),
    "a column": ("discrete", np.zeros((5, 1), int), r"got shape \(5, 1\)"),
    "ragged": ("box", [[0.0], [0.0, 1.0], [], [], []], "must be an array of shape"),
    "floats for a discrete": ("discrete", np.zeros(5), "must be integers.*Discrete.*float64"),
    "words": ("box", np.full((5, 3), "a"), "must be floats.*<U1"),
    "above the range": ("discrete", [0, 1, 2, 4, 0], r"int64\(4\) invalid: the action of environment 3.*Discrete\(4\)"),
    "below the range": ("discrete from -3", [0, 1, -1, 0, 0], "environment 2"),
    "one entry out of range": ("multi-discrete", [[0, 0]] * 4 + [[2, 0]], "environment 4.*No environment has moved"),
    "a tuple's entry out of range": ("tuple of discretes", [[0, 0, 0]] * 4 + [[0, 11, 0]], "environment 4"),
    "not a number": ("box", [[0.0] * 3] * 2 + [[0.0, np.nan, 0.0]] * 3, "environment 2"),
    "half a bit": ("multi-binary", [[0.0, 0.5, 1.0]] * 5, "environment 0"),
    "no bit": ("multi-binary", [[0.0, 1.0, np.nan]] * 5, "environment 0"),
}


@pytest.mark.parametrize("name, actions, message", BAD_ACTIONS.values(), ids=BAD_ACTIONS)
def test_bad_actions_are_refused(name, actions, message):
    with pytest.raises(InvalidAction, match=message):
        action_form(ARRAYS[name][0]).decode(actions, LANES)


def test_floats_beyond_a_box_go_to_the_environment():
    decoded = action_form(spaces.Box(-1.0, 1.0, (1,))).decode([[7.0], [-np.inf]], 2)
    np.testing.assert_array_equal(decoded, np.array([[7.0], [-np.inf]], np.float32))


UNSUPPORTED_OBSERVATIONS = {
    "text": (spaces.Text(4), r"no policy for observations in Text.*FlattenObservation"),
    "sequence inside": (spaces.Dict({"a": spaces.Sequence(spaces.Discrete(2), 3)}), r"in Sequence.* at 'a'"),
    "graph inside": (
        spaces.Tuple((spaces.Discrete(2), spaces.Graph(spaces.Box(0.0, 1.0, (1,)), None, 2, 0))),
        r"in Graph.* at '1'",
    ),
    "keys that clash": (
        spaces.Dict({"a/b": spaces.Discrete(2), "a": spaces.Dict({"b": spaces.Discrete(2)})}),
        r"the key 'a/b'; rename one",
    ),
    "nothing": (spaces.Tuple(()), "hold nothing"),
}


@pytest.mark.parametrize("space, message", UNSUPPORTED_OBSERVATIONS.values(), ids=UNSUPPORTED_OBSERVATIONS)
def test_unsupported_observations_are_named(space, message):
    with pytest.raises(InvalidSpace, match=message):
        ObservationForm.of(space)


UNSUPPORTED_ACTIONS = {
    "dict": (spaces.Dict({"a": spaces.Discrete(2)}), r"not in Dict"),
    "tuple with a box": (spaces.Tuple((spaces.Discrete(2), spaces.Box(0.0, 1.0, (1,)))), r"not in Tuple"),
    "text": (spaces.Text(4), r"not in Text"),
    "box of integers": (spaces.Box(0, 5, (2,), np.int32), r"supports only float actions in a Box.*int32"),
}


@pytest.mark.parametrize("space, message", UNSUPPORTED_ACTIONS.values(), ids=UNSUPPORTED_ACTIONS)
def test_unsupported_actions_are_named(space, message):
    with pytest.raises(InvalidSpace, match=message):
        action_form(space)
