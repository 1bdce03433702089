"""The faces of blocks, 16 by 16 pixels each, drawn by a few lines of code per block."""

import functools
from collections.abc import Callable, Sequence

import numpy as np

from jaxenvs.simulators.voxels.blocks import Block

SIZE = 16
"""Rows and columns of a face."""

FACES = 3
"""Faces that a block has of its own: top, sides, bottom."""

Color = tuple[int, int, int]
Face = np.ndarray
"""(16, 16, 3) float64, from 0 to 255."""

_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE]


@functools.cache
def atlas() -> np.ndarray:
    """(blocks, 3, 16, 16) uint32: top, side and bottom of each block; pixels are `0x00BBGGRR`, the top row first."""
    faces = np.stack([np.stack(_DRAWINGS[block]()) for block in Block])
    bytes_ = np.clip(np.rint(faces), 0, 255).astype(np.uint32)
    return bytes_[..., 0] | (bytes_[..., 1] << 8) | (bytes_[..., 2] << 16)


def _noise(seed: int, cell: int = 1) -> np.ndarray:
    """(16, 16) float64 in [0, 1): a hash of each pixel, or of each square of `cell` by `cell` pixels."""
    with np.errstate(over="ignore"):
        word = ((_ROWS // cell) * 0x9E3779B1 + (_COLUMNS // cell) * 0x85EBCA77 + seed * 0xC2B2AE3D).astype(np.uint32)
        for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
            word = (word ^ (word >> np.uint32(shift))) * np.uint32(factor)
    return (word ^ (word >> np.uint32(15))) / 2.0**32


def _shades(color: Color, amount: np.ndarray) -> Face:
    """A colour, made lighter where `amount` is positive and darker where it is negative, by that share."""
    return np.array(color, float) * (1.0 + amount[..., None])


def _paint(face: Face, where: np.ndarray, paint: Face | Color) -> Face:
    return np.where(where[..., None], np.asarray(paint, float), face)


def _grainy(color: Color, seed: int, contrast: float = 0.16) -> Face:
    """Coarse and fine grains."""
    return _shades(color, contrast * (0.6 * _noise(seed) + 0.4 * _noise(seed + 1, 2) - 0.5) * 2)


def _stone(seed: int = 1) -> Face:
    face = _grainy((126, 126, 126), seed, 0.09)
    return _paint(face, (_noise(seed + 5, 2) > 0.82) & (_ROWS % 4 != 0), (108, 108, 108))


def _cobblestone() -> Face:
    """Round stones: each pixel belongs to the nearest of some centres, on a face whose opposite edges meet."""
    centres = np.array([(2, 3), (1, 9), (3, 14), (6, 6), (7, 11), (8, 1), (11, 4), (12, 9), (11, 14), (15, 2)])
    gaps = np.abs(np.stack([_ROWS, _COLUMNS], -1)[:, :, None, :] - centres)
    distances = np.sqrt((np.minimum(gaps, SIZE - gaps) ** 2).sum(-1))
    nearest, second = np.sort(distances, axis=-1)[..., :2].transpose(2, 0, 1)
    tone = np.array([0.12, -0.1, 0.05, -0.04, 0.16, 0.0, -0.12, 0.1, -0.02, 0.07])[distances.argmin(-1)]
    face = _shades((122, 122, 122), tone + 0.16 * (_noise(11) - 0.5) + 0.07 * (1.8 - nearest))
    return _paint(face, second - nearest < 0.9, _shades((74, 74, 74), 0.25 * (_noise(12) - 0.5)))


def _torch(face: Face) -> Face:
    """A stick with a flame, on another face."""
    middle = (_COLUMNS == 7) | (_COLUMNS == 8)
    glow = np.exp(-(((_ROWS - 5.0) / 4) ** 2 + ((_COLUMNS - 7.5) / 4) ** 2))
    face = face + glow[..., None] * np.array([70.0, 50.0, 10.0])
    face = _paint(face, middle & (_ROWS >= 6) & (_ROWS <= 14), _shades((112, 84, 48), 0.3 * (_noise(21) - 0.5)))
    face = _paint(face, middle & (_ROWS >= 4) & (_ROWS <= 5), (255, 216, 88))
    return _paint(face, middle & (_ROWS == 4), (255, 250, 200))


def _planks() -> Face:
    grain = 0.14 * (_noise(31, 2) - 0.5) + 0.08 * (_noise(32) - 0.5) + np.array([0.03, -0.04, 0.0, 0.04])[_ROWS // 4]
    face = _shades((162, 130, 78), grain)
    joints = (np.array([4, 12, 2, 9])[_ROWS // 4] == _COLUMNS) & (_ROWS % 4 != 3)
    return _paint(_paint(face, joints, (112, 88, 50)), _ROWS % 4 == 3, (104, 82, 46))


def _metal(color: Color, seed: int) -> Face:
    """A polished block: a light upper left edge, a dark lower right edge, and a shine across."""
    face = _shades(color, 0.10 * (_noise(seed, 2) - 0.5) + 0.16 * (((_ROWS + _COLUMNS) // 3) % 3 == 0) - 0.04)
    face = _paint(face, (_ROWS == 15) | (_COLUMNS == 15), _shades(color, np.full((SIZE, SIZE), -0.35)))
    light = _shades(color, np.full((SIZE, SIZE), 0.25)) + 25.0
    return _paint(face, ((_ROWS == 0) | (_COLUMNS == 0)) & (_ROWS < 15) & (_COLUMNS < 15), light)


def _redstone_block() -> Face:
    face = _metal((170, 26, 9), 45)
    return _paint(face, (_noise(46, 2) > 0.72) & (_ROWS % 15 > 1) & (_COLUMNS % 15 > 1), (230, 60, 30))


def _ore(color: Color, seed: int) -> Face:
    """Stone with specks in clusters."""
    seeds = np.array([(3, 4), (4, 11), (9, 7), (12, 3), (12, 12), (7, 13)])
    distance = np.abs(np.stack([_ROWS, _COLUMNS], -1)[:, :, None, :] - seeds).sum(-1).min(-1)
    speck = (distance <= 1) | ((distance == 2) & (_noise(seed, 1) > 0.5))
    face = _paint(_stone(), (distance == 3) & (_noise(seed + 1) > 0.5), (92, 92, 92))
    return _paint(face, speck, _shades(color, 0.5 * (_noise(seed + 2) - 0.4)))


def _grass_side() -> Face:
    fringe = 2 + np.floor(3 * _noise(52)[0])[None, :] > _ROWS
    return _paint(_grainy((134, 96, 67), 51, 0.2), fringe, _grainy((104, 152, 60), 53, 0.2))


def _bark() -> Face:
    return _shades((104, 82, 50), 0.4 * (_noise(61)[:1] - 0.5) + 0.12 * (_noise(62, 2) - 0.5))


def _rings() -> Face:
    ring = np.maximum(np.abs(_ROWS - 7.5), np.abs(_COLUMNS - 7.5))
    face = _shades((168, 138, 86), np.where(ring.astype(int) % 2 == 0, -0.12, 0.06) + 0.1 * (_noise(63) - 0.5))
    return _paint(face, ring > 6.6, (104, 82, 50))


def _leaves() -> Face:
    face = _grainy((58, 110, 36), 71, 0.5)
    return _paint(face, _noise(73) > 0.8, (28, 62, 18))


def _table_top() -> Face:
    face = _paint(_planks(), (_ROWS % 5 == 0) | (_COLUMNS % 5 == 0), (120, 84, 46))
    return _paint(face, (_ROWS % 15 == 0) | (_COLUMNS % 15 == 0), (86, 60, 34))


def _table_side() -> Face:
    face = _paint(_planks(), (_COLUMNS % 15 < 2) | (_ROWS < 3), (96, 68, 38))
    return _paint(face, (_ROWS > 5) & (_ROWS < 12) & (_COLUMNS > 4) & (_COLUMNS < 7), (150, 150, 150))


def _furnace_side() -> Face:
    face = _paint(_stone(5), (_ROWS % 15 == 0) | (_COLUMNS % 15 == 0), (84, 84, 84))
    face = _paint(face, (_ROWS > 8) & (_ROWS < 14) & (_COLUMNS > 3) & (_COLUMNS < 12), (36, 32, 30))
    return _paint(face, (_ROWS == 13) & (_COLUMNS > 4) & (_COLUMNS < 11), (230, 130, 40))


def _water() -> Face:
    return _shades((48, 92, 190), 0.16 * (_noise(81, 2) - 0.5) + 0.10 * np.sin(_ROWS * 0.8 + _COLUMNS * 0.3))


def _lava() -> Face:
    return _paint(_grainy((214, 92, 20), 91, 0.3), _noise(92, 2) > 0.65, (250, 190, 60))


def _alike(draw: Callable[[], Face]) -> Callable[[], Sequence[Face]]:
    return lambda: [draw()] * FACES


def _sided(
    top: Callable[[], Face], side: Callable[[], Face], bottom: Callable[[], Face]
) -> Callable[[], Sequence[Face]]:
    return lambda: [top(), side(), bottom()]


_GRASS = functools.partial(_grainy, (104, 152, 60), 53, 0.2)
_DIRT = functools.partial(_grainy, (134, 96, 67), 51, 0.2)

_DRAWINGS: dict[Block, Callable[[], Sequence[Face]]] = {
    Block.AIR: _alike(lambda: np.zeros((SIZE, SIZE, 3))),
    Block.BEDROCK: _alike(functools.partial(_grainy, (84, 84, 84), 2, 0.5)),
    Block.STONE: _alike(_stone),
    Block.COBBLESTONE: _alike(_cobblestone),
    Block.TORCHED_COBBLESTONE: _sided(_cobblestone, lambda: _torch(_cobblestone()), _cobblestone),
    Block.PLANKS: _alike(_planks),
    Block.GOLD_BLOCK: _alike(functools.partial(_metal, (252, 206, 56), 41)),
    Block.DIAMOND_BLOCK: _alike(functools.partial(_metal, (98, 219, 214), 43)),
    Block.REDSTONE_BLOCK: _alike(_redstone_block),
    Block.GOLD_ORE: _alike(functools.partial(_ore, (250, 214, 74), 101)),
    Block.DIAMOND_ORE: _alike(functools.partial(_ore, (92, 220, 220), 111)),
    Block.REDSTONE_ORE: _alike(functools.partial(_ore, (214, 20, 10), 121)),
    Block.GRASS: _sided(_GRASS, _grass_side, _DIRT),
    Block.DIRT: _alike(_DIRT),
    Block.SAND: _alike(functools.partial(_grainy, (218, 206, 160), 55, 0.08)),
    Block.LOG: _sided(_rings, _bark, _rings),
    Block.LEAVES: _alike(_leaves),
    Block.COAL_ORE: _alike(functools.partial(_ore, (44, 44, 44), 131)),
    Block.IRON_ORE: _alike(functools.partial(_ore, (214, 174, 146), 141)),
    Block.TABLE: _sided(_table_top, _table_side, _planks),
    Block.FURNACE: _sided(functools.partial(_stone, 5), _furnace_side, functools.partial(_stone, 5)),
    Block.WATER: _alike(_water),
    Block.LAVA: _alike(_lava),
}
