"""Actions of every kind of space come out of their bits as they went in."""

import itertools

import jax
import numpy as np
import pytest

from jaxenvs import spaces
from jaxenvs.errors import CheckpointError, InvalidAction, InvalidField
from jaxenvs.monitor import ActionPacking

SPACES = [
    (spaces.Discrete(1), 0),
    (spaces.Discrete(2), 1),
    (spaces.Discrete(6, start=-3), 3),
    (spaces.Discrete(18), 5),
    (spaces.Discrete(256), 8),
    (spaces.Discrete(257, start=2**31 - 257), 9),
    (spaces.Discrete(2**31 - 1), 31),
    (spaces.MultiDiscrete([2, 3, 1, 10]), 1 + 2 + 0 + 4),
    (spaces.MultiDiscrete([[5, 300], [2, 2]], start=[[-5, 7], [0, -1]]), 3 + 9 + 1 + 1),
    (spaces.MultiBinary(9), 9),
    (spaces.MultiBinary((2, 4)), 8),
    (spaces.Box(-1.0, 1.0, (3,)), 96),
    (spaces.Box(0, 255, (2, 2), np.uint8), 32),
    (spaces.Box(-7, 7, (), np.int16), 16),
    (spaces.Box(0, 1, (5,), bool), 5),
    (spaces.Box(-1.0, 1.0, (0,)), 0),
    (spaces.Tuple((spaces.Discrete(3), spaces.Box(-1.0, 1.0, (2,)))), 2 + 64),
    (spaces.Dict({"b": spaces.Tuple((spaces.Discrete(5),)), "a": spaces.MultiBinary(3)}), 6),
    (spaces.Tuple(()), 0),
]


def drawn(space, count, draw):
    """Elements of a space with a leading axis, the greatest and the smallest among them."""
    if isinstance(space, spaces.Tuple):
        return tuple(drawn(part, count, draw) for part in space.spaces)
    if isinstance(space, spaces.Dict):
        return {name: drawn(part, count, draw) for name, part in space.spaces.items()}
    shape = (count, *space.shape)
    if isinstance(space, spaces.Box) and space.dtype.kind == "f":
        return draw.uniform(-1, 1, shape).astype(space.dtype)
    low, high = (0, 2) if isinstance(space, spaces.MultiBinary) else (0, 0)
    if isinstance(space, spaces.Discrete):
        low, high = space.start, space.start + space.n
    elif isinstance(space, spaces.MultiDiscrete):
        low, high = space.start, space.start + space.nvec
    elif isinstance(space, spaces.Box):
        low, high = space.low.astype(np.int64), space.high.astype(np.int64) + 1
    values = draw.integers(low, high, shape)
    values[0], values[1] = low, np.asarray(high) - 1
    return values.astype(space.dtype)


@pytest.mark.parametrize(("space", "bits"), SPACES, ids=[repr(space) for space, _ in SPACES])
def test_actions_come_back_as_they_were(space, bits):
    packing = ActionPacking(space)
    assert packing.bits == bits
    stacked = drawn(space, 13, np.random.default_rng(0))
    data = packing.pack(stacked, 13)
    assert len(data) == -(-13 * bits // 8)
    assert jax.tree.structure(packing.unpack(data, 13)) == jax.tree.structure(stacked)
    jax.tree.map(np.testing.assert_array_equal, packing.unpack(data, 13), stacked)
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.dtype, b.dtype), packing.unpack(data, 13), stacked)
    # Several episodes at once are packed as each of them alone.
    lengths = np.array([1, 4, 8])
    packed = packing.packed(packing.codes(stacked, (13,)), lengths)
    begins = np.cumsum([0, *lengths])
    for index, (begin, end) in enumerate(itertools.pairwise(begins)):
        part = jax.tree.map(lambda leaf, b=begin, e=end: leaf[b:e], stacked)
        assert packed[index] == packing.pack(part, end - begin)


def test_the_first_action_is_in_the_highest_bits():
    assert ActionPacking(spaces.Discrete(2)).pack(np.array([1, 0, 0, 0, 0, 0, 1, 1, 1]), 9) == bytes([0b10000011, 128])
    assert ActionPacking(spaces.Discrete(6)).pack(np.array([5, 1, 2]), 3) == bytes([0b10100101, 0b00000000])
    assert ActionPacking(spaces.Box(0, 9, (), np.uint16)).pack(np.array([0x102], np.uint16), 1) == b"\2\1"


def test_special_floats_keep_their_bits():
    packing = ActionPacking(spaces.Box(-np.inf, np.inf, (4,)))
    values = np.array([[-0.0, np.inf, np.nan, 1e-45]], np.float32)
    assert packing.unpack(packing.pack(values, 1), 1).tobytes() == values.tobytes()


@pytest.mark.parametrize("value", [-1, 2])
def test_actions_outside_the_space_are_refused(value):
    with pytest.raises(InvalidAction, match="outside their space"):
        ActionPacking(spaces.Discrete(2)).pack(np.array([0, 1, value]), 3)
    with pytest.raises(InvalidAction, match="outside their space"):
        ActionPacking(spaces.MultiDiscrete([2, 2])).pack(np.array([[0, value]]), 1)


def test_actions_of_another_form_are_refused():
    packing = ActionPacking(spaces.Discrete(2))
    with pytest.raises(InvalidAction, match=r"must be \(2,\) int32, got \(2, 1\) int64"):
        packing.pack(np.zeros((2, 1), np.int64), 2)
    with pytest.raises(InvalidAction, match="float32"):
        packing.pack(np.zeros(2, np.float32), 2)
    with pytest.raises(CheckpointError, match=r"9 actions .* take 2 bytes, got 1"):
        packing.unpack(b"1", 9)


@pytest.mark.parametrize("space", [spaces.Text(3), spaces.Sequence(spaces.Discrete(2), 3)], ids=repr)
def test_spaces_without_a_fixed_size_are_refused(space):
    with pytest.raises(InvalidField, match=r"cannot be packed.*without replays"):
        ActionPacking(spaces.Tuple((spaces.Discrete(2), space)))
