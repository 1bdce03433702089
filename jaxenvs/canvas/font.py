"""The font: every printable ASCII character as a few strokes, drawn on the host at any size.

A glyph is a list of paths on a grid. x goes from 0 to 6. y goes downwards from 0, the top of capitals, past 8, the
baseline, to 10, the foot of descenders. A path is a sequence of two-digit points (x, then y in hexadecimal). With a
leading `~` it is drawn as the quadratic B-spline controlled by the points, closed if the last point is the first. A
single point is a dot. All glyphs are equally wide.
"""

import functools

import numpy as np

CAP_HEIGHT = 8
"""Grid units from the baseline to the top of capitals; the `size` of text is this height."""
_ADVANCE = 8
_ROWS = 12
_MARGIN = 1
_STROKE = 1.25

# fmt: off
GLYPHS: dict[str, str] = {
    " ": "", "!": "3035 38", '"': "2022 4042", "#": "2018 5048 0262 0666", "$": "~6261010464670706 3038",
    "%": "6008 ~0020220200 ~4666684846", "&": "~681210404205084865", "'": "3032", "(": "~40222648", ")": "~20424628",
    "*": "3236 1355 5315", "+": "3236 1454", ",": "3829", "-": "1454", ".": "38", "/": "5018",
    "0": "~0060680800 2543", "1": "123038 1858", "2": "~0200606308 0868", "3": "~0100606424 ~2464680807",
    "4": "48400666", "5": "600003 ~0363680806", "6": "~60000868630306", "7": "006028", "8": "~1050541410 ~0464680804",
    "9": "~08686000056562", ":": "34 38", ";": "34 3829", "<": "511457", "=": "1353 1555", ">": "115417",
    "?": "~020060643436 38", "@": "~580800606646 ~4323264643", "A": "083068 1555", "B": "0008 ~00505404 ~04646808",
    "C": "~626000086866", "D": "0008 ~00606808", "E": "60000868 0454", "F": "600008 0454", "G": "~626000086864 6434",
    "H": "0008 6068 0464", "I": "1050 3038 1858", "J": "~5054580806", "K": "0008 6004 2368", "L": "000868",
    "M": "0800356068", "N": "08006860", "O": "~0060680800", "P": "0008 ~00606404", "Q": "~0060680800 3568",
    "R": "0008 ~00606404 3468", "S": "~6160000464680807", "T": "0060 3038", "U": "~000408686460", "V": "003860",
    "W": "0018335860", "X": "0068 6008", "Y": "003460 3438", "Z": "00600868", "[": "40202848", "\\": "1058",
    "]": "20404828", "^": "123052", "_": "0969", "`": "2042", "a": "~0353580803 5358", "b": "0008 ~0353580803",
    "c": "~545303085857", "d": "5058 ~0353580803", "e": "0555 ~555303085857", "f": "~5150202428 0343",
    "g": "~0353580803 ~53585a0a09", "h": "0008 ~0503535558", "i": "31 133338 1858", "j": "41 2343 ~43484a0a09",
    "k": "0008 5306 2558", "l": "103038 1858", "m": "0308 ~0503333538 ~3533636568", "n": "0308 ~0503535558",
    "o": "~0353580803", "p": "030a ~0353580803", "q": "535a ~0353580803", "r": "0308 ~05035354",
    "s": "~5453030556580807", "t": "~2026285857 0343", "u": "~0306085856 5358", "v": "033863", "w": "0318355863",
    "x": "0358 5308", "y": "0338 632a", "z": "03530858", "{": "~50303414 ~14343858", "|": "303a",
    "}": "~10303454 ~54343818", "~": "~050333356563",
}
# fmt: on

FIRST = 32
"""The code of the first glyph, the space."""
COUNT = 95
"""The number of glyphs, codes 32 to 126."""


def _smooth(points: np.ndarray, closed: bool) -> np.ndarray:
    """The spline controlled by `points`, found by cutting corners three times; open ends stay where they are."""
    for _ in range(3):
        following = np.roll(points, -1, axis=0) if closed else points[1:]
        first = points if closed else points[:-1]
        cut = np.stack([0.75 * first + 0.25 * following, 0.25 * first + 0.75 * following], 1).reshape(-1, 2)
        points = cut if closed else np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return np.concatenate([points, points[:1]]) if closed else points


def strokes(character: str) -> list[np.ndarray]:
    """The paths of a glyph, each (points, 2) in grid units.

    Raises:
        ValueError: the character is not printable ASCII.
    """
    if character not in GLYPHS:
        raise ValueError(f"The font has printable ASCII only, got {character!r}.")
    paths = []
    for code in GLYPHS[character].split():
        digits = code.removeprefix("~")
        points = np.array([[int(digits[i]), int(digits[i + 1], 16)] for i in range(0, len(digits), 2)], float)
        if code.startswith("~"):
            closed = digits[:2] == digits[-2:]
            points = _smooth(points[:-1] if closed else points, closed)
        paths.append(points)
    return paths


@functools.lru_cache(maxsize=2048)
def glyph(character: str, size: int) -> np.ndarray:
    """(rows, advance) uint8 coverage, 0 to 255, of a character whose capitals are `size` pixels high.

    The rows reach from above the capitals to below the descenders; see `baseline`.
    """
    unit = size / CAP_HEIGHT
    rows, columns = round(_ROWS * unit), round(_ADVANCE * unit)
    x = ((np.arange(columns) + 0.5) / unit - _MARGIN)[None, :]
    y = ((np.arange(rows) + 0.5) / unit - _MARGIN)[:, None]
    distance = np.full((rows, columns), np.inf)
    for path in strokes(character):
        for (ax, ay), (bx, by) in zip(path, path[1:] if len(path) > 1 else path):
            squared = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-12)
            along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared, 0, 1)
            distance = np.minimum(distance, np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)))
    radius = max(_STROKE * unit, 1.1) / 2
    coverage = np.round(255 * np.clip(radius + 0.5 - distance * unit, 0, 1)).astype(np.uint8)
    coverage.setflags(write=False)
    return coverage


def baseline(size: int) -> int:
    """The row, within a glyph's, of the baseline."""
    return round((CAP_HEIGHT + _MARGIN) * size / CAP_HEIGHT)


def atlas(size: int) -> np.ndarray:
    """(COUNT, rows, advance) uint8: all glyphs, by code minus FIRST."""
    return np.stack([glyph(chr(FIRST + i), size) for i in range(COUNT)])


def line(text: str, size: int) -> np.ndarray:
    """(rows, columns) uint8 coverage of a line of text."""
    if not text:
        return glyph(" ", size)[:, :0]
    return np.concatenate([glyph(character, size) for character in text], axis=1)
