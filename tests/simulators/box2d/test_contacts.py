"""The lists of contacts, and the flag that listeners keep."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.simulators.box2d.broad_phase import edge_boxes, update_pairs
from jaxenvs.simulators.box2d.contacts import compacted, first_places, last_event, no_contacts

GROUND = jnp.array([[[i, 0], [i + 1, 0]] for i in range(7)], jnp.float32)


def contacts(*edges, pairs=5):
    empty = no_contacts(1, pairs)
    row = [*edges, *[-1] * (pairs - len(edges))]
    return empty.replace(
        edge=jnp.array(row, jnp.int32), points=jnp.array([1 + (e >= 0) if e >= 0 else 0 for e in row], jnp.int32),
        feature=jnp.array([[e, e + 100] for e in row], jnp.int32), impulse=jnp.zeros((pairs, 2, 2), jnp.float32),
    )  # fmt: skip


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
    places, exists = first_places(jnp.array([False, True, False, True, True]), 2)
    assert places.tolist() == [1, 3] and exists.tolist() == [True, True]
    places, exists = first_places(jnp.array([False, False, True]), 2)
    assert places[0] == 2 and exists.tolist() == [True, False]


def test_dead_pairs_leave_and_the_others_keep_their_order():
    left = compacted(contacts(4, 2, 6), jnp.array([True, False, True, False, False]), 5)
    assert left.edge.tolist() == [4, 6, -1, -1, -1]
    assert left.feature[:2].tolist() == [[4, 104], [6, 106]] and left.points.tolist() == [2, 2, 0, 0, 0]


def test_new_pairs_go_to_the_head_the_last_edge_first():
    box = jnp.array([2.5, -1.0, 4.5, 1.0], jnp.float32)
    new, overflow = update_pairs(GROUND, box, jnp.array(True), contacts(3))
    assert new.edge.tolist() == [4, 2, 3, -1, -1] and not overflow
    assert new.points.tolist() == [0, 0, 2, 0, 0] and new.feature[2].tolist() == [3, 103]


def test_a_box_that_stayed_finds_no_pairs():
    box = jnp.array([2.5, -1.0, 4.5, 1.0], jnp.float32)
    new, _ = update_pairs(GROUND, box, jnp.array(False), contacts(3))
    assert new.edge.tolist() == [3, -1, -1, -1, -1]


def test_more_pairs_than_slots_set_the_flag():
    box = jnp.array([0.0, -1.0, 7.0, 1.0], jnp.float32)
    new, overflow = update_pairs(GROUND, box, jnp.array(True), contacts())
    assert overflow and new.edge.tolist() == [6, 5, 4, 3, 2]


def test_edge_boxes_have_skin_and_margin():
    np.testing.assert_allclose(edge_boxes(GROUND)[0], [-0.11, -0.11, 1.11, 0.11], rtol=1e-6)
