"""The robot after the first step of an episode, which `reset` takes.

The robot always starts at the same place above the same flat pad, so what the first step does depends only on the
force on the hull. Box2D computed it for three forces. In between it is linear, up to rounding (5e-6 at most).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.simulators.box2d import Model, World
from jaxenvs.simulators.box2d.contacts import no_contacts

INITIAL_FORCE = 5.0
"""Greatest force in the first step, to either side, N. What follows is for -5, 0 and 5 N, in this order."""
_POSITION = np.array(
    [
        [
            [4.64325285, 5.67863607],
            [4.68954945, 4.85241413],
            [4.6504221, 3.92240715],
            [4.71251392, 4.85297728],
            [4.67238951, 3.92028213],
        ],
        [
            [4.64362431, 5.67863941],
            [4.68962526, 4.85240507],
            [4.65028954, 3.92240524],
            [4.71266937, 4.85296249],
            [4.67228651, 3.92029047],
        ],
        [
            [4.64399385, 5.67864084],
            [4.689785, 4.85239697],
            [4.65017033, 3.92241335],
            [4.71282816, 4.8529458],
            [4.67216825, 3.92030168],
        ],
    ],
    np.float32,
)
"""(3, 5, 2) in m, centres of mass."""
_ANGLE = np.array(
    [
        [0.00274487073, 0.0454236977, -0.0949936807, 0.0856902897, -0.0608735345],
        [0.00274759624, 0.0448987633, -0.0949422494, 0.0853052139, -0.0609888993],
        [0.00274729333, 0.0445271321, -0.0951003954, 0.0849326998, -0.0611451007],
    ],
    np.float32,
)
"""(3, 5) in rad."""
_VELOCITY = np.array(
    [
        [
            [-0.0178619716, -0.200001389],
            [-0.00625765091, -0.200568482],
            [-0.00289172144, -8.5540094e-05],
            [-0.00625803228, -0.19941783],
            [2.40085143e-08, 5.14966416e-08],
        ],
        [
            [0.0, -0.199999988],
            [0.0, -0.199999988],
            [-0.00487888977, -0.000145293583],
            [0.0, -0.199999988],
            [4.50911981e-11, 9.62001536e-08],
        ],
        [
            [0.0174896028, -0.199997738],
            [0.010661805, -0.199678391],
            [-0.00518118357, -0.000155341811],
            [0.010662239, -0.200344101],
            [-3.18937765e-10, -2.54136934e-10],
        ],
    ],
    np.float32,
)
"""(3, 5, 2) in m/s."""
_ANGULAR_VELOCITY = np.array(
    [
        [0.000410956214, 0.0203143042, 0.00499071088, 0.020313628, -4.15904111e-08],
        [0.0, 0.0, 0.00842024107, 0.0, 1.69906045e-07],
        [-0.000674493844, -0.0117530553, 0.00894171558, -0.0117522869, 5.2531357e-10],
    ],
    np.float32,
)
"""(3, 5) in rad/s."""
_JOINT_IMPULSE = np.array(
    [
        [
            [0.000316946942, 0.000232522973, 0.0, 0.0],
            [-0.00157436635, 0.000408000225, 0.0, -0.0],
            [-0.00157406821, -0.000401139172, 0.0, -0.0],
            [0.000317125203, -0.000229017911, 0.0, 0.0],
        ],
        [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
        [
            [-0.000638383382, -0.000244373223, -0.00068312994, -0.0],
            [0.00258398126, -0.0003481069, 0.0, 0.0],
            [0.00258353446, 0.000335943565, 0.0, 0.0],
            [-0.000638699043, 0.00023844064, -0.000683164981, 0.0],
        ],
    ],
    np.float32,
)
"""(3, 4, 4): of the point (x, y) in N s, of the limit and of the motor in N m s; in the order of the model's joints."""
_FAT_BOX = np.array(
    [
        [
            [3.55666661, 5.22333288, 5.90999985, 6.01000023],
            [4.39517832, 3.27510548, 5.00424242, 5.98262262],
            [4.289505, 2.15546513, 4.93096256, 4.84795618],
            [4.39517832, 3.27293253, 5.09555149, 5.98262262],
            [4.37637377, 2.16689706, 4.99612474, 4.84795618],
        ],
        [
            [3.55666661, 5.22333288, 5.90999985, 6.01000023],
            [4.39517832, 3.27513456, 5.00417614, 5.98262262],
            [4.28891325, 2.15539098, 4.93074179, 4.84795618],
            [4.39517832, 3.27292061, 5.09580469, 5.98262262],
            [4.37608814, 2.16684127, 4.99570847, 4.84795618],
        ],
        [
            [3.55666661, 5.22333288, 5.90999985, 6.01000023],
            [4.39517832, 3.2751503, 5.00444698, 5.98262262],
            [4.28815508, 2.15539312, 4.93068743, 4.84795618],
            [4.39517832, 3.27290201, 5.09607506, 5.98262262],
            [4.37574005, 2.16679978, 4.99524975, 4.84795618],
        ],
    ],
    np.float32,
)
"""(3, 5, 4) in m."""
_CONTACTS = (
    (),
    ((10, ()), (9, ())),
    ((10, (65792, 16777216)), (9, (65536,)), (8, ())),
    ((11, ()), (10, ()), (9, ())),
    ((10, (65792, 16777216)), (9, (65536, 65536))),
)
"""Of each body, newest first: an edge of the terrain, and the identifiers of the contact points."""


def first_world(model: Model, force: Array, boxes: int) -> World:
    """The robot after the first step.

    Args:
        model: the hull, then upper and lower part of each leg.
        force: () float32 in N, horizontal, on the hull.
        boxes: how many numbers of parts of the ground come before those of edges.
    """
    share = force / INITIAL_FORCE
    left, right = jnp.maximum(-share, 0.0), jnp.maximum(share, 0.0)

    def between(table: np.ndarray) -> Array:
        return table[1] + left * (table[0] - table[1]) + right * (table[2] - table[1])

    edge, points = (
        np.full((len(_CONTACTS), model.pairs), -1, np.int32),
        np.zeros((len(_CONTACTS), model.pairs), np.int32),
    )
    feature = np.zeros((*points.shape, 2), np.int32)
    for body, contacts in enumerate(_CONTACTS):
        for slot, (number, features) in enumerate(contacts):
            edge[body, slot], points[body, slot] = number + boxes, len(features)
            feature[body, slot, : len(features)] = features
    found = jax.tree.map(jnp.asarray, (edge, points, feature))
    contacts = no_contacts(len(_CONTACTS), model.pairs).replace(edge=found[0], points=found[1], feature=found[2])
    return World(
        position=between(_POSITION),
        angle=between(_ANGLE),
        velocity=between(_VELOCITY),
        angular_velocity=between(_ANGULAR_VELOCITY),
        sleep_time=jnp.zeros(len(_CONTACTS), jnp.float32),
        awake=jnp.ones((), bool),
        joint_impulse=between(_JOINT_IMPULSE),
        fat_box=between(_FAT_BOX),
        contacts=contacts,
        touched=jnp.asarray(np.array([False, False, True, False, True])),
        overflow=jnp.zeros((), bool),
    )
