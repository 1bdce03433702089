"""The picture of CarRacing, which is its observation: grass, road, car and the bar below them."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.envs.box2d._car_racing_car import MODEL, POLYGONS, WHEEL_RADIUS, WHEEL_WIDTH, Car
from jaxenvs.envs.box2d._car_racing_dashboard import Readings, bar_top, draw_bar, draw_gauges, gauge_columns
from jaxenvs.envs.box2d._car_racing_road import BRIGHTEST, DILATION, WINDOW, paint_road, rounded, unpacked
from jaxenvs.envs.box2d._car_racing_track import Track
from jaxenvs.simulators.box2d.lanes import Keep, over_lanes
from jaxenvs.simulators.box2d.vectors import Vector

_CAR_AT = np.array([WINDOW[0] / 2, WINDOW[1] / 4], np.float32)
"""Where the car stands in the window, from its lower left corner."""
_FAR, _NEAR = 0.1 * 6, 2.7 * 6
"""Pixels of the window per metre, at the start and after a second."""
_FIELD = 2000 / 6
"""Half the width of the field, m."""
_PATCH = _FIELD / 20
"""Width of a patch of grass, m; there is one in every second place."""
_SHADES = (0.0, BRIGHTEST / 2, BRIGHTEST)
"""How much brighter than the road its tiles are, in turn, until the car has touched them."""
_CAR_WIDTH, _CAR_BELOW, _CAR_ABOVE = 30, 45, 45
"""Half the width of the part of the window that the car never leaves, and how far it reaches below and above it."""
_HULL_RED, _GREY = 204.0, 77.0
"""Red of the hull, and all channels of the light part of a wheel; wheels are black."""
_WHITE_ANGLE = 1.2
"""Of the light part of a wheel, rad."""
_DARKER = {96: 1.01, 600: 0.01}
"""By how much colours are lowered before they are rounded down, by the width of the picture: Gymnasium's scaling makes
plain areas darker, by 2 if it shrinks both sides of a picture by more than half, and else by 1."""
_GAUGES_TOP = 600
"""No gauge of the bar reaches above this line of the window, except those of wheels that spin at over 900 rad/s."""


_SHAPE_BODIES = np.array([body for body, _ in POLYGONS for _ in range(2 if body > 0 else 1)])
"""Of each shape of the car in the order of painting: each wheel and its light part, then the hull."""


def _outlines() -> np.ndarray:
    """(shapes, 8, 2) float32 in m, in the frames of the bodies; shorter ones repeat their last corner."""
    rows = []
    for body, shape in POLYGONS:
        corners = shape.vertices
        row = np.concatenate([corners, np.repeat(corners[-1:], 8 - len(corners), 0)])
        rows += [row] * (2 if body > 0 else 1)
    return np.stack(rows)


_OUTLINES = _outlines()


class Scene(PyTreeNode):
    """What a picture shows.

    Attributes:
        car: the car.
        track: the road.
        worn: (tiles,) bool, which tiles are drawn in the plain colour of the road.
        colors: (3, 3) float32 from 0 to 255: of the road, of the ground, and of patches of grass on it.
        score: () float32.
        seconds: () float32, time since the start.
    """

    car: Car
    track: Track
    worn: Array
    colors: Array
    score: Array
    seconds: Array


def picture(scene: Scene, height: int, width: int) -> Array:
    """(height, width, 3) uint8."""
    return over_lanes(partial(_picture, height, width))(scene)


class _View(PyTreeNode):
    """Where the window looks: the place of the hull in m, (lanes, 2), its sine and cosine, and pixels per metre."""

    place: Array
    sine: Array
    cosine: Array
    zoom: Array

    def to_window(self, x: Array, y: Array) -> Vector:
        """Points of the world, (lanes, n) each, in pixels of the window, the second coordinate upwards."""
        x, y = x - self.place[:, :1], y - self.place[:, 1:]
        sine, cosine = (self.zoom * self.sine)[:, None], (self.zoom * self.cosine)[:, None]
        return cosine * x + sine * y + _CAR_AT[0], cosine * y - sine * x + _CAR_AT[1]


def _picture(height: int, width: int, scene: Scene) -> Array:
    """The same for many scenes; all arrays have a first axis of lanes."""
    car, colors = scene.car, scene.colors
    keep = Keep(scene.worn)
    origin = _origins(car)
    moment = jnp.minimum(scene.seconds, 1.0)
    zoom = _FAR * (1 - moment) + _NEAR * moment
    view = _View(place=origin[:, 0], sine=jnp.sin(car.angle[:, 0]), cosine=jnp.cos(car.angle[:, 0]), zoom=zoom)

    words = _road(keep, scene, view, height, width)
    # Each colour of the picture is put together in one pass and in one word, since moving numbers about takes longer
    # than computing them.
    to_word = partial(_word, _DARKER[width])
    image = to_word(_background(words, colors, view, height, width))
    readings = Readings(
        score=scene.score,
        speed=jnp.sqrt(jnp.sum(car.velocity[:, 0] * car.velocity[:, 0], -1)),
        spin=car.spin,
        steering=car.angle[:, 1] - car.angle[:, 0],
        turning=car.angular_velocity[:, 0],
    )
    bar, across = bar_top(height), gauge_columns(width)
    image = lax.dynamic_update_slice(image, to_word(draw_bar(readings, height, width)), (0, bar, 0))
    above = int(_GAUGES_TOP / WINDOW[1] * height), bar
    behind = _background(words, colors, view, height, width, above, across)
    seen, gauges = draw_gauges(readings, height, width, *above)
    channels = [seen * below + color for below, color in zip(behind, gauges, strict=True)]
    image = lax.dynamic_update_slice(image, to_word(channels), (0, above[0], across[0]))
    image = _with_car(keep, image, words, colors, car, origin, view)
    return lax.bitcast_convert_type(image, jnp.uint8)[..., :3]


def _road(keep: Keep, scene: Scene, view: _View, height: int, width: int) -> Array:
    """(lanes, height, width) uint32: tiles and kerbs, as `paint_road` draws them. Each kerb is drawn after its tile."""
    track = scene.track
    lanes, tiles = track.has_kerb.shape
    real = np.arange(tiles, dtype=np.int32)[None] < track.count[:, None]
    exists = jnp.stack([real, real & track.has_kerb], 2).reshape(lanes, 2 * tiles)
    sides = []
    for corners in (track.tiles, track.kerbs):
        places = [view.to_window(corners[:, :, i, 0], corners[:, :, i, 1]) for i in range(4)]
        sides.append(
            [[reduce(bound, axis) for axis in zip(*places, strict=True)] for bound in (jnp.minimum, jnp.maximum)]
        )

    def of_all(bound: int, axis: int) -> Array:
        """(lanes, quadrilaterals) float32: the least (0) or the greatest (1) coordinates along an axis."""
        return jnp.stack([sides[0][bound][axis], sides[1][bound][axis]], 2).reshape(lanes, -1)

    low, high = (of_all(0, 0), of_all(0, 1)), (of_all(1, 0), of_all(1, 1))
    outlines = [corners.reshape(lanes * tiles, 8) for corners in (track.tiles, track.kerbs)]
    worn = scene.worn.reshape(-1)

    def items(lane: Array, number: Array) -> tuple[Vector, tuple[Array, Array, Array]]:
        tile, is_kerb = number // 2, number % 2
        row = lane * tiles + tile
        found = jnp.where(is_kerb[:, None] > 0, outlines[1][row], outlines[0][row])
        here = jax.tree.map(lambda x: x[lane], view)
        x, y = here.to_window(found[:, 0::2], found[:, 1::2])
        shade = jnp.where((is_kerb > 0) | worn[row], 0.0, jnp.asarray(_SHADES, jnp.float32)[tile % 3])
        kerb = is_kerb.astype(jnp.float32)
        return (x.T, y.T), (shade, kerb, jnp.where(tile % 2 == 0, kerb, 0.0))

    return paint_road(keep, low, high, exists, items, height, width)


def _word(darker: float, channels: list[Array]) -> Array:
    """Red, green and blue from 0 to 255, (lanes, rows, columns) float32 each, in one uint32."""
    red, green, blue = (jnp.clip(channel - darker, 0.0, 255.0).astype(jnp.uint32) for channel in channels)
    return red | green << np.uint32(8) | blue << np.uint32(16)


def _background(
    words: Array,
    colors: Array,
    view: _View,
    height: int,
    width: int,
    rows: tuple[int, int] | None = None,
    columns: tuple[int, int] | None = None,
) -> list[Array]:
    """Red, green and blue of field and road, (lanes, rows, columns) float32 each.

    Args:
        words: (lanes, height, width) uint32, what `paint_road` returns.
        colors: (lanes, 3, 3) float32, of the road, the ground and patches of grass.
        view: where the window looks.
        height: of the picture.
        width: of the picture.
        rows: the first, and the one after the last; all by default.
        columns: the same for columns.
    """
    rows, columns = rows or (0, height), columns or (0, width)
    road = unpacked(words[:, slice(*rows), slice(*columns)])
    field, grass = _ground(view, height, width, rows, columns)
    field, grass = road.ground * field, road.ground * field * grass
    asphalt = 1.0 - road.ground - road.kerb
    channels = []
    for channel in range(3):
        paved = colors[:, 0, channel][:, None, None]
        ground, patch = (jnp.floor(colors[:, i, channel])[:, None, None] for i in (1, 2))
        kerb = road.kerb if channel == 0 else road.white
        channels.append(field * ground + grass * (patch - ground) + asphalt * paved + road.shade + 255.0 * kerb)
    return channels


def _origins(car: Car) -> Array:
    sine, cosine = jnp.sin(car.angle), jnp.cos(car.angle)
    x, y = MODEL.local_centers[None, :, 0], MODEL.local_centers[None, :, 1]
    return car.position - jnp.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


def _ground(
    view: _View, height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[Array, Array]:
    """What the field covers of each pixel, and patches of grass of that, (lanes, rows, columns) float32 each."""
    pixel = WINDOW[0] / width, WINDOW[1] / height
    x = ((np.arange(*columns) + 0.5) * pixel[0] - _CAR_AT[0]).astype(np.float32)[None, None]
    y = (WINDOW[1] - (np.arange(*rows) + 0.5) * pixel[1] - _CAR_AT[1]).astype(np.float32)[None, :, None]
    scale = 1 / view.zoom
    sine, cosine = (scale * view.sine)[:, None, None], (scale * view.cosine)[:, None, None]
    field, grass = [], []
    wider = (DILATION * scale)[:, None, None]
    for axis, (along, across) in enumerate(((cosine, -sine), (sine, cosine))):
        place = along * x + (across * y + view.place[:, axis][:, None, None])
        # A pixel seen along an axis of the world is a trapezoid; a box of the same spread is almost the same.
        half = 0.5 * jnp.sqrt(jnp.square(along * pixel[0]) + jnp.square(across * pixel[1]))
        field.append(jnp.clip((_FIELD + wider - jnp.abs(place)) / (2 * half) + 0.5, 0.0, 1.0))
        first, last = (_patches_until(place + wider + sign * half, _PATCH + 2 * wider) for sign in (-1, 1))
        grass.append((last - first) / (2 * half))
    return field[0] * field[1], grass[0] * grass[1]


def _patches_until(place: Array, length: Array) -> Array:
    """Length in m of all patches of a row from 0 to a place, given the length of each."""
    before = jnp.floor(place * np.float32(1 / (2 * _PATCH)))
    return before * length + jnp.minimum(place - before * np.float32(2 * _PATCH), length)


def _with_car(keep: Keep, image: Array, words: Array, colors: Array, car: Car, origin: Array, view: _View) -> Array:
    """The picture, (lanes, height, width) words, with the car, which is computed in parts of pixels."""
    height, width = image.shape[1:]
    pixel = WINDOW[0] / width, WINDOW[1] / height
    parts = 3 if width == 96 else 1
    left, right = int((_CAR_AT[0] - _CAR_WIDTH) / pixel[0]), int(np.ceil((_CAR_AT[0] + _CAR_WIDTH) / pixel[0]))
    from_top = WINDOW[1] - _CAR_AT[1]
    top, bottom = int((from_top - _CAR_ABOVE) / pixel[1]), int(np.ceil((from_top + _CAR_BELOW) / pixel[1]))
    x = ((left + (np.arange((right - left) * parts) + 0.5) / parts) * pixel[0]).astype(np.float32)[None, None]
    y = WINDOW[1] - (top + (np.arange((bottom - top) * parts) + 0.5) / parts) * pixel[1]
    y = y.astype(np.float32)[None, :, None]
    size = pixel[0] / parts, pixel[1] / parts
    share = _covers(keep, *_shapes(car, origin, view), x, y, size)
    # What is left of the background, and the colours of the car, painted from the first shape to the last.
    seen = jnp.ones((image.shape[0], y.shape[1], x.shape[2]), jnp.float32)
    red, grey = jnp.zeros_like(seen), jnp.zeros_like(seen)
    for number, body in enumerate(_SHAPE_BODIES):
        over = share[:, number]
        is_light = body > 0 and number % 2 == 1
        seen, red, grey = (
            value + over * (np.float32(color) - value)
            for value, color in (
                (seen, 0.0),
                (red, _HULL_RED if body == 0 else 0.0),
                (grey, _GREY if is_light else 0.0),
            )
        )
    seen, red, grey = (
        jnp.mean(value.reshape(-1, bottom - top, parts, right - left, parts), (2, 4)) for value in (seen, red, grey)
    )
    behind = _background(words, colors, view, height, width, (top, bottom), (left, right))
    channels = [seen * below + color for below, color in zip(behind, (red + grey, grey, grey), strict=True)]
    return lax.dynamic_update_slice(image, _word(_DARKER[width], channels), (0, top, left))


def _shapes(car: Car, origin: Array, view: _View) -> tuple[Vector, Array]:
    """The corners of all shapes in pixels of the window, (lanes, shapes, 8) each, and which of them are seen."""
    first, last = car.phase, car.phase + _WHITE_ANGLE
    near, far = (
        jnp.where(jnp.sin(angle) > 0, jnp.sign(jnp.cos(angle)), jnp.cos(angle)) * WHEEL_RADIUS
        for angle in (first, last)
    )
    lights_x = np.array([-1, 1, 1, -1, -1, -1, -1, -1], np.float32)[None, None] * np.float32(WHEEL_WIDTH)
    lights_y = jnp.stack([near, near, far, far, far, far, far, far], -1)
    is_light = ((_SHAPE_BODIES > 0) & (np.arange(len(_SHAPE_BODIES)) % 2 == 1))[None, :, None]
    wheel = np.maximum(_SHAPE_BODIES - 1, 0)
    x = jnp.where(is_light, lights_x, _OUTLINES[None, :, :, 0])
    y = jnp.where(is_light, lights_y[:, wheel], _OUTLINES[None, :, :, 1])
    below = (jnp.sin(first) > 0) & (jnp.sin(last) > 0)
    seen = ~(below[:, wheel] & is_light[..., 0])
    sine, cosine = (function(car.angle)[:, _SHAPE_BODIES, None] for function in (jnp.sin, jnp.cos))
    x, y = cosine * x - sine * y, sine * x + cosine * y
    x, y = x + origin[:, _SHAPE_BODIES, :1], y + origin[:, _SHAPE_BODIES, 1:]
    px, py = view.to_window(x.reshape(x.shape[0], -1), y.reshape(y.shape[0], -1))
    return (px.reshape(x.shape), py.reshape(y.shape)), seen


def _covers(keep: Keep, points: Vector, seen: Array, x: np.ndarray, y: np.ndarray, size: tuple[float, float]) -> Array:
    """(lanes, shapes, rows, columns) float32: what convex polygons cover of small pixels."""
    px, py = rounded(points[0]), rounded(points[1])
    next_x, next_y = jnp.roll(px, -1, 2), jnp.roll(py, -1, 2)
    inward = jnp.where(jnp.sum(px * next_y - py * next_x, 2, keepdims=True) < 0, -1.0, 1.0)
    dx, dy = (next_x - px) * inward, (next_y - py) * inward
    length = jnp.maximum(jnp.sqrt(dx * dx + dy * dy), 1e-6)
    a, b = keep((-dy / length, dx / length))
    reach = DILATION * jnp.maximum(jnp.abs(a), jnp.abs(b))
    spread = jnp.abs(a) * size[0] + jnp.abs(b) * size[1]
    # Sides that rounding has left without length do not count: they are infinitely far away.
    inverse = jnp.where(spread > 0, 1 / jnp.maximum(spread, 1e-6), 0.0)
    c = jnp.where(spread > 0, (reach - a * px - b * py) * inverse + 0.5, 2.0)
    a, b, c = (value[..., None, None] for value in keep((a * inverse, b * inverse, c)))
    x, y = x[:, None], y[:, None]
    inside = [a[:, :, side] * x + (b[:, :, side] * y + c[:, :, side]) for side in range(px.shape[2])]
    share = jnp.clip(reduce(jnp.minimum, inside), 0.0, 1.0) * seen[..., None, None].astype(jnp.float32)
    # So the least upright rectangle bounds the polygon.
    for place, width, corners in ((x, size[0], px), (y, size[1], py)):
        low, high = (values[..., None, None] for values in keep((jnp.min(corners, 2), jnp.max(corners, 2))))
        begin = jnp.maximum(low - DILATION, place - 0.5 * width)
        end = jnp.minimum(high + DILATION, place + 0.5 * width)
        share = share * jnp.maximum(end - begin, 0.0) / width
    return keep(share)
