"""The kinematic tree as tables of ancestors.

MJX walks the tree level by level in every pass, and each level is separate code. XLA's CPU compiler then fuses the
levels, and a fusion computes again, for every child, what its parent computed. With long chains (Pusher, the Fetch
robots) the work grows exponentially with the depth, to seconds per step. Here a sum over a subtree, or along the path
to the root, is one product with a constant table of zeros and ones.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from mujoco.mjx._src.types import JointType


class Tree(NamedTuple):
    """Tables of one model, all float32 with zeros and ones.

    Attributes:
        moves: (nbody, nv), whether a degree of freedom moves a body.
        under: (nbody, nbody), whether the second body is the first or below it.
        turned_by: (nv, nv), whether the motion of the second degree of freedom rotates the axis of the first.
        above: (nv, nv), whether the second degree of freedom is the first or above it.
        trees: (trees, nv), whether a degree of freedom belongs to a tree of bodies that move together.
    """

    moves: np.ndarray
    under: np.ndarray
    turned_by: np.ndarray
    above: np.ndarray
    trees: np.ndarray


def tree_of(model: Any) -> Tree:
    """The tables of an `mjx.Model` or `mujoco.MjModel`."""
    fields = (model.body_parentid, model.body_dofadr, model.body_dofnum, model.jnt_type, model.jnt_dofadr)
    return _tables(model.nv, *(tuple(int(number) for number in field) for field in fields))


@lru_cache(maxsize=64)
def _tables(
    nv: int,
    parents: tuple[int, ...],
    first_dofs: tuple[int, ...],
    dof_counts: tuple[int, ...],
    joint_types: tuple[int, ...],
    joint_dofs: tuple[int, ...],
) -> Tree:
    count = len(parents)
    moves, under = np.zeros((count, nv), np.float32), np.eye(count, dtype=np.float32)
    above = np.zeros((nv, nv), np.float32)
    for body in range(1, count):  # parents come before their children
        moves[body] = moves[parents[body]]
        for dof in range(first_dofs[body], first_dofs[body] + dof_counts[body]):
            moves[body, dof] = 1.0
            above[dof] = moves[body]
    for body in range(count - 1, 0, -1):
        under[parents[body]] += under[body]

    # The axes of a hinge or slide are rotated by the joints before it. A ball joint's three axes rotate together, and
    # those of a free joint's translations do not rotate.
    turned_by = above - np.eye(nv, dtype=np.float32)
    for kind, first in zip(joint_types, joint_dofs):
        if kind == JointType.FREE:
            turned_by[first : first + 3] = 0.0
            first += 3
        if kind in (JointType.FREE, JointType.BALL):
            turned_by[first : first + 3, first : first + 3] = 0.0
    roots = np.argmax(above, axis=1)  # the first degree of freedom above each
    trees = (np.unique(roots)[:, None] == roots[None]).astype(np.float32)
    return Tree(moves, under, turned_by, above, trees)
