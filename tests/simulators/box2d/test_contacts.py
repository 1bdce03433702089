"""The lists of contacts, and the flag that listeners keep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.box2d.broad_phase import apart, edge_boxes, update_pairs
from jaxenvs.simulators.box2d.contacts import (
    as_items,
    as_lanes,
    at_places,
    compacted,
    first_places,
    last_event,
    no_contacts,
)

GROUND = jnp.array([[[i, 0], [i + 1, 0]] for i in range(7)], jnp.float32)


def contacts(*edges, pairs=5):
    """Of one item."""
    empty = no_contacts(1, pairs)
    row = [*edges, *[-1] * (pairs - len(edges))]
    filled = empty.replace(
        edge=jnp.array([row], jnp.int32), points=jnp.array([[2 if e >= 0 else 0 for e in row]], jnp.int32),
        feature=jnp.array([[[e, e + 100] for e in row]], jnp.int32),
    )  # fmt: skip
    return as_items(jax.tree.map(lambda x: x[None], filled))


def updated(box, moved, before):
    """The contacts, without their axis of items, after the fat box of the body is `box`."""
    sides = [jnp.float32(side) for side in box]
    close = jnp.array(moved) & ~apart(tuple(sides), edge_boxes(GROUND))
    new, places, overflow = update_pairs(close[:, None], before)
    numbers = at_places(jnp.arange(5, dtype=jnp.int32)[:, None] + 1, places)[:, 0]
    return jax.tree.map(lambda x: x[..., 0], new), numbers, overflow[0]


@pytest.mark.parametrize(
    ("before", "after", "flag", "expected"),
    [
        ([0, 0], [0, 0], True, True),
        ([0, 0], [1, 0], False, True),
        ([1, 1], [1, 0], True, False),  # still on one edge, but the last event is an end
        ([1, 0], [0, 2], True, True),  # the second of the list comes last
        ([0, 2], [1, 0], True, False),
    ],
)
def test_the_last_event_of_the_list_decides(before, after, flag, expected):
    every = jnp.ones(2, bool)
    assert last_event(jnp.array(before), jnp.array(after), every, jnp.array(flag)) == expected


def test_first_places_keep_the_order():
    def places(*chosen):
        return first_places(jnp.array(chosen), 2).tolist()

    assert places(False, True, False, True, True) == [1, 3]
    assert places(False, False, True) == [2, -1]


def test_dead_pairs_leave_and_the_others_keep_their_order():
    left = compacted(contacts(4, 2, 6), jnp.array([True, False, True, False, False])[:, None])
    left = jax.tree.map(lambda x: x[..., 0], left)
    assert left.edge.tolist() == [4, 6, -1, -1, -1]
    assert left.feature[:2].tolist() == [[4, 104], [6, 106]] and left.points.tolist() == [2, 2, 0, 0, 0]


def test_new_pairs_go_to_the_head_the_last_edge_first():
    new, numbers, overflow = updated([2.5, -1.0, 4.5, 1.0], True, contacts(3))
    assert new.edge.tolist() == [4, 2, 3, -1, -1] and not overflow
    assert new.points.tolist() == [0, 0, 2, 0, 0] and new.feature[2].tolist() == [3, 103]
    assert numbers.tolist() == [0, 0, 1, 0, 0]


def test_a_box_that_stayed_finds_no_pairs():
    new, _, _ = updated([2.5, -1.0, 4.5, 1.0], False, contacts(3))
    assert new.edge.tolist() == [3, -1, -1, -1, -1]


def test_more_pairs_than_slots_set_the_flag():
    new, _, overflow = updated([0.0, -1.0, 7.0, 1.0], True, contacts())
    assert overflow and new.edge.tolist() == [6, 5, 4, 3, 2]
    new, _, overflow = updated([0.0, -1.0, 3.5, 1.0], True, contacts(5, 6))
    assert overflow and new.edge.tolist() == [3, 2, 1, 0, 5]


def test_items_are_the_bodies_of_lanes_and_back():
    x = jnp.arange(2 * 3 * 4, dtype=jnp.float32).reshape(2, 3, 4)
    items = as_items(x)
    assert items.shape == (4, 6) and items[0].tolist() == [0, 12, 4, 16, 8, 20]
    np.testing.assert_array_equal(as_lanes(items, 3), x)


def test_edge_boxes_have_skin_and_margin():
    np.testing.assert_allclose([side[0] for side in edge_boxes(GROUND)], [-0.11, -0.11, 1.11, 0.11], rtol=1e-6)
