"""The picture of CarRacing, which is its observation: grass, road, car and the bar below them."""

import operator
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxenvs.core.compiled_once import compiled_once
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.box2d._car_racing_car import MODEL, POLYGONS, WHEEL_RADIUS, WHEEL_WIDTH, Car
from jaxenvs.envs.box2d._car_racing_dashboard import Readings, bar_top, draw_bar, draw_gauges, gauge_columns
from jaxenvs.envs.box2d._car_racing_road import BRIGHTEST, DILATION, WINDOW, Painting, Road, paint_road, rounded
from jaxenvs.envs.box2d._car_racing_track import Track
from jaxenvs.simulators.box2d.lanes import keep, over_lanes
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


@partial(compiled_once, static_argnames=("height", "width"))
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
    origin = _origins(car)
    moment = jnp.minimum(scene.seconds, 1.0)
    zoom = _FAR * (1 - moment) + _NEAR * moment
    view = _View(place=origin[:, 0], sine=jnp.sin(car.angle[:, 0]), cosine=jnp.cos(car.angle[:, 0]), zoom=zoom)

    painting = _road(scene, view, height, width)
    # Each colour of the picture is put together in one pass and in one word, since moving numbers about takes longer
    # than computing them.
    to_word = partial(_word, _DARKER[width])
    image = painting.picture()
    readings = Readings(
        score=scene.score,
        speed=jnp.sqrt(jnp.sum(car.velocity[:, 0] * car.velocity[:, 0], -1)),
        spin=car.spin,
        steering=car.angle[:, 1] - car.angle[:, 0],
        turning=car.angular_velocity[:, 0],
    )
    bar, across = bar_top(height), gauge_columns(width)
    text, rest = (to_word(part) for part in draw_bar(readings, height, width))
    image = lax.dynamic_update_slice(image, text, (0, bar, 0))
    image = lax.dynamic_update_slice(image, rest, (0, bar, text.shape[2]))
    above = int(_GAUGES_TOP / WINDOW[1] * height), bar
    behind = _part(painting, colors, view, height, width, above, across)
    seen, gauges = draw_gauges(readings, height, width, *above)
    channels = [seen * below + color for below, color in zip(behind, gauges, strict=True)]
    image = lax.dynamic_update_slice(image, to_word(channels), (0, above[0], across[0]))
    image = _with_car(image, painting, colors, car, origin, view)
    return lax.bitcast_convert_type(image, jnp.uint8)[..., :3]


def _road(scene: Scene, view: _View, height: int, width: int) -> Painting:
    """Field and road: tiles and kerbs, each kerb drawn after its tile."""
    track = scene.track
    lanes, tiles = track.has_kerb.shape
    real = track.count[:, None] > np.arange(tiles, dtype=np.int32)[None]
    bounds: list[tuple[Vector, Vector]] = []
    for corners in (track.tiles, track.kerbs):
        places = keep(view.to_window(corners[..., 0].reshape(lanes, -1), corners[..., 1].reshape(lanes, -1)))
        places = [place.reshape(lanes, tiles, 4) for place in places]
        low, high = (
            tuple(reduce(bound, [place[..., i] for i in range(4)]) for place in places)
            for bound in (jnp.minimum, jnp.maximum)
        )
        bounds.append(((low[0], low[1]), (high[0], high[1])))
    outlines = [corners.reshape(lanes * tiles, 8) for corners in (track.tiles, track.kerbs)]
    worn = scene.worn.reshape(-1)
    ground, colors = _Ground.of(view, WINDOW[0] / width, WINDOW[1] / height), scene.colors

    def items(lane: Array, number: Array) -> tuple[Vector, tuple[Array, Array, Array]]:
        tile, is_kerb = number // 2, number % 2
        row = lane * tiles + tile
        found = jnp.where(is_kerb[:, None] > 0, outlines[1][row], outlines[0][row])
        here = jax.tree.map(lambda x: x[lane], view)
        x, y = here.to_window(found[:, 0::2], found[:, 1::2])
        shade = jnp.where((is_kerb > 0) | worn[row], 0.0, jnp.asarray(_SHADES, jnp.float32)[tile % 3])
        kerb = is_kerb.astype(jnp.float32)
        return (x.T, y.T), (shade, kerb, jnp.where(tile % 2 == 0, kerb, 0.0))

    def colors_of(lane: Array, corner: Vector, within: Vector, road: Road) -> Array:
        here = jax.tree.map(lambda x: x[lane], ground)
        shares = here.shares(*(place[:, None] + beyond for place, beyond in zip(corner, within, strict=True)))
        return _word(_DARKER[width], _background(road, shares, colors[lane]))

    low, high = zip(*bounds, strict=True)
    return paint_road(list(low), list(high), [real, real & track.has_kerb], items, colors_of, height, width)


def _word(darker: float, channels: list[Array]) -> Array:
    """Red, green and blue from 0 to 255, (lanes, rows, columns) float32 each, in one uint32."""
    red, green, blue = (jnp.clip(channel - darker, 0.0, 255.0).astype(jnp.uint32) for channel in channels)
    return red | green << np.uint32(8) | blue << np.uint32(16)


def _background(road: Road, shares: tuple[Array, Array], colors: Array) -> list[Array]:
    """Red, green and blue of field and road, (lanes, ...) float32 each.

    Args:
        road: what it covers, (lanes, ...) each.
        shares: what the field covers of each pixel, and patches of grass of that.
        colors: (lanes, 3, 3) float32, of the road, the ground and patches of grass.
    """
    field, grass = road.ground * shares[0], road.ground * shares[0] * shares[1]
    asphalt = 1.0 - road.ground - road.kerb
    channels = []
    for channel in range(3):
        paved, ground, patch = (_like(colors[:, i, channel], field) for i in range(3))
        ground, patch = jnp.floor(ground), jnp.floor(patch)
        kerb = road.kerb if channel == 0 else road.white
        channels.append(field * ground + grass * (patch - ground) + asphalt * paved + road.shade + 255.0 * kerb)
    return channels


def _part(
    painting: Painting,
    colors: Array,
    view: _View,
    height: int,
    width: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> list[Array]:
    """Red, green and blue of field and road in a part of the picture, (lanes, rows, columns) float32 each."""
    pixel = WINDOW[0] / width, WINDOW[1] / height
    x = ((np.arange(*columns) + 0.5) * pixel[0]).astype(np.float32)[None, None]
    y = (WINDOW[1] - (np.arange(*rows) + 0.5) * pixel[1]).astype(np.float32)[None, :, None]
    return _background(painting.road(rows, columns), _Ground.of(view, *pixel).shares(x, y), colors)


def _origins(car: Car) -> Array:
    sine, cosine = jnp.sin(car.angle), jnp.cos(car.angle)
    x, y = MODEL.local_centers[None, :, 0], MODEL.local_centers[None, :, 1]
    return car.position - jnp.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


class _Ground(PyTreeNode):
    """How pixels see the field, (lanes, 2) float32 each, for both axes of the world.

    Attributes:
        along: m along the axis per pixel of the window to the right.
        across: the same for a pixel upwards.
        place: m along the axis at the lower left corner of the window.
        half: half the length of a pixel of the picture as seen along the axis, m.
        inverse: of that length, 1/m.
        wider: by how much shapes are enlarged, m.
    """

    along: Array
    across: Array
    place: Array
    half: Array
    inverse: Array
    wider: Array

    @staticmethod
    def of(view: _View, pixel_width: float, pixel_height: float) -> "_Ground":
        """For pixels of a size in pixels of the window."""
        scale = 1 / view.zoom
        sine, cosine = scale * view.sine, scale * view.cosine
        along, across = jnp.stack([cosine, sine], 1), jnp.stack([-sine, cosine], 1)
        # A pixel seen along an axis of the world is a trapezoid; a box of the same spread is almost the same.
        half = 0.5 * jnp.sqrt(jnp.square(along * pixel_width) + jnp.square(across * pixel_height))
        return _Ground(
            along=along,
            across=across,
            place=view.place - along * _CAR_AT[0] - across * _CAR_AT[1],
            half=half,
            inverse=0.5 / half,
            wider=jnp.broadcast_to((DILATION * scale)[:, None], along.shape),
        )

    def shares(self, x: Any, y: Any) -> tuple[Array, Array]:
        """What the field covers of pixels, and patches of grass of that.

        Args:
            x: of their centres in the window, with a first axis of lanes or of 1.
            y: the same upwards.
        """
        field, grass = [], []
        for axis in range(2):
            along, across, place, half, inverse, wider = (_like(value[:, axis], x) for value in jax.tree.leaves(self))
            place = along * x + (across * y + place)
            field.append(jnp.clip((_FIELD + wider - jnp.abs(place)) * inverse + 0.5, 0.0, 1.0))
            first, last = (_patches_until(place + wider + sign * half, _PATCH + 2 * wider) for sign in (-1, 1))
            grass.append((last - first) * inverse)
        return field[0] * field[1], grass[0] * grass[1]


def _like(values: Array, pixels: Any) -> Array:
    """(lanes, 1, ...): numbers of lanes, (lanes,), with as many axes as an array of pixels."""
    return values.reshape(-1, *(1,) * (pixels.ndim - 1))


def _patches_until(place: Array, length: Array) -> Array:
    """Length in m of all patches of a row from 0 to a place, given the length of each."""
    before = jnp.floor(place * np.float32(1 / (2 * _PATCH)))
    return before * length + jnp.minimum(place - before * np.float32(2 * _PATCH), length)


def _with_car(image: Array, painting: Painting, colors: Array, car: Car, origin: Array, view: _View) -> Array:
    """The picture, (lanes, height, width) words, with the car, which is computed in parts of pixels."""
    height, width = image.shape[1:]
    pixel = WINDOW[0] / width, WINDOW[1] / height
    parts = 3 if width == 96 else 1
    left, right = int((_CAR_AT[0] - _CAR_WIDTH) / pixel[0]), int(np.ceil((_CAR_AT[0] + _CAR_WIDTH) / pixel[0]))
    from_top = WINDOW[1] - _CAR_AT[1]
    top, bottom = int((from_top - _CAR_ABOVE) / pixel[1]), int(np.ceil((from_top + _CAR_BELOW) / pixel[1]))
    x = (left + np.arange(right - left) + (np.arange(parts)[:, None] + 0.5) / parts) * pixel[0]
    y = WINDOW[1] - (top + np.arange(bottom - top) + (np.arange(parts)[:, None] + 0.5) / parts) * pixel[1]
    # All parts of the same place in their pixels follow each other: (parts, parts, rows, columns), in one axis.
    x, y = np.broadcast_arrays(x[None, :, None], y[:, None, :, None])
    x, y = (value.astype(np.float32).reshape(1, 1, -1) for value in (x, y))
    size = pixel[0] / parts, pixel[1] / parts
    # What is left of the background, and the colours of the car, painted from the first shape to the last.
    painted = jnp.broadcast_to(np.array([1, 0, 0], np.float32)[None, :, None], (image.shape[0], 3, x.shape[2]))
    for shapes in _shapes(car, origin, view):
        share = _covers(shapes.corners, shapes.seen, x, y, size)
        for number, color in enumerate(shapes.colors):
            color = np.array([0, *color], np.float32)[None, :, None]
            painted = painted + share[:, number, None] * (color - painted)
    painted = keep(painted).reshape(-1, 3, parts * parts, bottom - top, right - left)
    painted = reduce(operator.add, [painted[:, :, i] for i in range(parts * parts)]) / np.float32(parts * parts)
    seen, red, grey = (painted[:, i] for i in range(3))
    behind = _part(painting, colors, view, height, width, (top, bottom), (left, right))
    channels = [seen * below + color for below, color in zip(behind, (red + grey, grey, grey), strict=True)]
    return lax.dynamic_update_slice(image, _word(_DARKER[width], channels), (0, top, left))


class _Shapes(PyTreeNode):
    """Polygons with equally many corners that are painted one after another.

    Attributes:
        corners: (lanes, shapes, corners) float32 each, in pixels of the window.
        seen: (lanes, shapes) bool.
        colors: red and grey of each.
    """

    corners: Vector
    seen: Array
    colors: tuple[tuple[float, float], ...] = static()


def _shapes(car: Car, origin: Array, view: _View) -> list[_Shapes]:
    """The car: each wheel and its light part, then the hull."""
    lanes = car.angle.shape[0]
    first, last = car.phase, car.phase + _WHITE_ANGLE
    near, far = (
        jnp.where(jnp.sin(angle) > 0, jnp.sign(jnp.cos(angle)), jnp.cos(angle)) * WHEEL_RADIUS
        for angle in (first, last)
    )
    tyre = np.stack([shape.vertices for body, shape in POLYGONS if body > 0])
    light_x = np.array([-1, 1, 1, -1], np.float32) * np.float32(WHEEL_WIDTH)
    light = jnp.broadcast_to(light_x, (lanes, 4, 4)), jnp.stack([near, near, far, far], -1)
    x, y = (
        jnp.stack([jnp.broadcast_to(tyre[None, ..., i], (lanes, 4, 4)), light[i]], 2).reshape(lanes, 8, 4)
        for i in range(2)
    )
    below = (jnp.sin(first) > 0) & (jnp.sin(last) > 0)
    seen = jnp.stack([jnp.ones_like(below), ~below], 2).reshape(lanes, 8)

    def in_window(x: Any, y: Any, bodies: np.ndarray) -> Vector:
        sine, cosine = (function(car.angle)[:, bodies, None] for function in (jnp.sin, jnp.cos))
        x, y = cosine * x - sine * y, sine * x + cosine * y
        x, y = x + origin[:, bodies, :1], y + origin[:, bodies, 1:]
        px, py = view.to_window(x.reshape(lanes, -1), y.reshape(lanes, -1))
        return px.reshape(x.shape), py.reshape(x.shape)

    shapes = [_Shapes(in_window(x, y, np.repeat(np.arange(1, 5), 2)), seen, ((0.0, 0.0), (0.0, _GREY)) * 4)]
    for body, shape in POLYGONS:
        if body == 0:
            x, y = shape.vertices[None, None, :, 0], shape.vertices[None, None, :, 1]
            shapes.append(_Shapes(in_window(x, y, np.array([0])), jnp.ones((lanes, 1), bool), ((_HULL_RED, 0.0),)))
    return shapes


def _covers(points: Vector, seen: Array, x: np.ndarray, y: np.ndarray, size: tuple[float, float]) -> Array:
    """(lanes, shapes, pixels) float32: what convex polygons cover of small pixels, given their centres."""
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
    a, b, c = (value[..., None] for value in keep((a * inverse, b * inverse, c)))
    inside = [a[:, :, side] * x + (b[:, :, side] * y + c[:, :, side]) for side in range(px.shape[2])]
    share = jnp.clip(reduce(jnp.minimum, inside), 0.0, 1.0) * seen[..., None].astype(jnp.float32)
    # So the least upright rectangle bounds the polygon.
    for place, width, corners in ((x, size[0], px), (y, size[1], py)):
        low, high = (values[..., None] for values in keep((jnp.min(corners, 2), jnp.max(corners, 2))))
        begin = jnp.maximum(low - DILATION, place - 0.5 * width)
        end = jnp.minimum(high + DILATION, place + 0.5 * width)
        share = share * jnp.maximum(end - begin, 0.0) / width
    return keep(share)
