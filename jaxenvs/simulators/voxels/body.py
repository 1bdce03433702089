"""A body in a world of blocks: it walks, jumps, falls and collides, in ticks of a twentieth of a second.

The numbers are those of Minecraft's player. Positions and velocities are whole multiples of 1/4,096 block, so they are
the same however a program is compiled.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.simulators.voxels.grid import block_at, is_solid

TICK = 0.05
"""Seconds."""
HALF_WIDTH = 1229 / 4096
"""Half of a body's width in x and in z, blocks: 0.3."""
HEIGHT = 7373 / 4096
"""A body's height, blocks: 1.8."""
EYES = 6636 / 4096
"""Height of the eyes above the feet, blocks: 1.62."""

_PUSH_ON_GROUND, _PUSH_IN_AIR = 0.098, 0.0196  # blocks per tick, per tick
_KEPT_ON_GROUND, _KEPT_IN_AIR = 0.546, 0.91
_GRAVITY, _KEPT_IN_FALL = 0.08, 0.98
_JUMP = 0.42
_FASTEST = 0.99
_UNIT = 4096.0
_SIZES = (
    np.array([HALF_WIDTH, 0.0, HALF_WIDTH], np.float32),
    np.array([HALF_WIDTH, HEIGHT, HALF_WIDTH], np.float32),
)
"""How far a body reaches from its position, along (x, y, z) downwards and upwards."""
_ENDS = np.float32(-1), np.float32(1)
_COVERED = 2, 3, 2
"""The greatest number of cells that a body reaches into, along each axis."""


class Body(PyTreeNode):
    """Where a body is and how it moves; all in blocks and ticks.

    Attributes:
        position: (3,) float32, (x, y, z) of the middle of its feet.
        velocity: (3,) float32, blocks per tick.
        on_ground: () bool, whether it stands on something.
    """

    position: Array
    velocity: Array
    on_ground: Array

    @property
    def eye(self) -> Array:
        """(3,) float32: where its eyes are."""
        return self.position + np.array([0, EYES, 0], np.float32)


def at_rest(position: Array) -> Body:
    """A body at rest, in the air until its first tick."""
    return Body(position=_rounded(position), velocity=jnp.zeros(3, jnp.float32), on_ground=jnp.zeros((), bool))


def tick(blocks: Array, body: Body, yaw: Array, ahead: Array, jumps: Array | bool = False) -> Body:
    """The body a twentieth of a second later.

    Args:
        blocks: (x, z, y) uint8.
        body: inside the world, and in no solid block.
        yaw: () float32, the direction it looks in, degrees.
        ahead: () float32, from -1, walking backwards, to 1.
        jumps: () bool; it has no effect in the air.
    """
    angle = yaw * np.float32(np.pi / 180)
    push = jnp.where(body.on_ground, _PUSH_ON_GROUND, _PUSH_IN_AIR) * ahead
    x, y, z = body.velocity
    x, z = x - _rounded(push * sin(angle)), z + _rounded(push * cos(angle))
    y = jnp.where(body.on_ground & jumps, _rounded(jnp.float32(_JUMP)), y)
    position, blocked = body.position, []
    for axis, speed in ((1, y), (0, x), (2, z)):
        position, is_blocked = _moved(blocks, position, axis, jnp.clip(speed, -_FASTEST, _FASTEST))
        blocked.append(is_blocked)
    on_ground = blocked[0] & (y < 0)
    y, x, z = (jnp.where(stopped, 0.0, speed) for stopped, speed in zip(blocked, (y, x, z), strict=True))
    kept = jnp.where(body.on_ground, _KEPT_ON_GROUND, _KEPT_IN_AIR)
    velocity = jnp.stack([_rounded(x * kept), _rounded(_rounded(y - _GRAVITY) * _KEPT_IN_FALL), _rounded(z * kept)])
    return Body(position=position, velocity=velocity, on_ground=on_ground)


def is_touching(blocks: Array, body: Body, kinds: tuple[int, ...], margin: float = 0.01) -> Array:
    """() bool: whether the body touches a block of some kinds at its sides, or stands on one."""
    low, high = (body.position + sign * (size + np.float32(margin)) for sign, size in zip(_ENDS, _SIZES, strict=True))
    first, last = jnp.floor(low).astype(jnp.int32), jnp.floor(high).astype(jnp.int32)
    x, y, z = (jnp.minimum(first[axis] + np.arange(n, dtype=np.int32), last[axis]) for axis, n in enumerate(_COVERED))
    around = block_at(blocks, *jnp.meshgrid(x, y, z, indexing="ij"))
    return jnp.isin(around, np.array(kinds, np.uint8)).any()


def _moved(blocks: Array, position: Array, axis: int, way: Array) -> tuple[Array, Array]:
    """Moves along one axis, by less than a block, up to what is in the way; and whether something was."""
    forward = way > 0
    before, after = _SIZES[0][axis], _SIZES[1][axis]
    edge = jnp.where(forward, after, -before)
    place = position[axis] + way
    # A cell begins at its lower end, so a body that ends exactly there does not reach into it.
    layer = jnp.where(forward, jnp.ceil(place + edge) - 1, jnp.floor(place + edge)).astype(jnp.int32)
    spans = []
    for other, count in enumerate(_COVERED):
        low = jnp.floor(position[other] - _SIZES[0][other]).astype(jnp.int32)
        high = (jnp.ceil(position[other] + _SIZES[1][other]) - 1).astype(jnp.int32)
        cells = jnp.minimum(low + np.arange(count, dtype=np.int32), high)
        spans.append(layer[None] if other == axis else cells)
    is_blocked = is_solid(block_at(blocks, *jnp.meshgrid(*spans, indexing="ij"))).any() & (way != 0)
    stop = jnp.where(forward, layer.astype(jnp.float32), layer.astype(jnp.float32) + 1) - edge
    return position.at[axis].set(jnp.where(is_blocked, stop, place)), is_blocked


def _rounded(value: Array) -> Array:
    return jnp.round(value * _UNIT) * np.float32(1 / _UNIT)
