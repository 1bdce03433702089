"""Canvas: an immutable picture whose drawing methods chain, work on traced numbers and need no library.

    canvas = Canvas.blank(400, 600, palette.PAPER, x_range=(-3, 3), y_range=(-1, 3))
    frame = canvas.circle((x, 0.0), 0.2, palette.BLUE).line((x, 0.0), (x + 1.0, 1.0), 0.1, palette.ORANGE).to_rgb()

Every shape is a signed distance at each pixel, blended in with a smooth edge, so `jit` fuses a whole
picture into one pass over the pixels and `vmap` draws a batch of them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from jaxenvs.canvas import blending, font, lettering, shapes
from jaxenvs.canvas.palette import Color
from jaxenvs.canvas.view import Point, View
from jaxenvs.core.pytree import PyTreeNode, static

Paint: TypeAlias = Color | Array
"""(red, green, blue), 0 to 255; an array of shape (3,) if the colour is traced."""


class Canvas(PyTreeNode):
    """A picture in the making. Every drawing method returns a new canvas.

    Without ranges the units are pixels: x to the right, y down, (0, 0) the top left corner of the frame.
    With `x_range` and `y_range` they are those of the world, y up. Angles are in rad, from the x axis towards the y
    axis. Positions, sizes, angles and colours may be traced. Shapes outside the frame, or with NaN coordinates,
    leave no mark. All coordinates are rounded to an eighth of a pixel.

    Drawing methods share these arguments: `color`; `opacity`, from 0 to 1; and `stroke`, which, if given, is the width
    of an outline, centred on the edge, that is drawn instead of the area.

    Attributes:
        pixels: (height, width) uint32, see `blending`.
        view: the mapping from the units to the frame.
    """

    pixels: Array
    view: View = static(default=View())

    @staticmethod
    def blank(
        height: int,
        width: int,
        background: Paint,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
    ) -> "Canvas":
        """A canvas of one colour.

        Args:
            height: rows of pixels.
            width: columns of pixels.
            background: colour of the canvas.
            x_range: (left, right) of the visible part of the world, or None for units of pixels.
            y_range: (bottom, top) of the visible part of the world, or None. The scale is the same in both directions,
                so the frame may show more of the world in one of them.
        """
        if (x_range is None) != (y_range is None):
            raise ValueError("Canvas.blank takes both x_range and y_range, or neither.")
        blending.check_color(background)
        view = View() if x_range is None or y_range is None else View.fit(height, width, x_range, y_range)
        return Canvas(jnp.full((height, width), blending.pack(background), jnp.uint32), view)

    @property
    def height(self) -> int:
        """The number of rows of pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """The number of columns of pixels."""
        return self.pixels.shape[1]

    @property
    def columns(self) -> np.ndarray:
        """(width,) float32: x, in the view's units, at the centre of each column of pixels."""
        return self.view.columns(self.width)

    def to_rgb(self) -> Array:
        """The picture: (height, width, 3) uint8."""
        return blending.unpack(self.pixels)

    # ---------------------------------------------------------------- shapes

    def circle(
        self,
        center: Point,
        radius: ArrayLike,
        color: Paint,
        *,
        stroke: ArrayLike | None = None,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws a disc, or with `stroke` a ring."""
        return self._draw(shapes.circle, (self.view.point(center), self.view.length(radius)), color, stroke, opacity)

    def line(self, start: Point, end: Point, width: ArrayLike, color: Paint, *, opacity: ArrayLike = 1.0) -> "Canvas":
        """Draws a straight line with round ends."""
        ends = self.view.point(start), self.view.point(end)
        return self._draw(shapes.segment, ends, color, None, opacity, widen=self.view.half(width))

    def polyline(
        self, points: Sequence[Point] | Array, width: ArrayLike, color: Paint, *, opacity: ArrayLike = 1.0
    ) -> "Canvas":
        """Draws straight lines from each point to the next. For the graph of a function, `curve` is cheaper."""
        corners = [self.view.point(point) for point in points]
        return self._draw(shapes.polyline, (corners,), color, None, opacity, widen=self.view.half(width))

    def rectangle(
        self,
        center: Point,
        size: tuple[ArrayLike, ArrayLike],
        color: Paint,
        *,
        angle: ArrayLike = 0.0,
        corner_radius: ArrayLike = 0.0,
        stroke: ArrayLike | None = None,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws a rectangle of `size` (width, height), turned by `angle` about its centre."""
        radius, half_width, half_height = (
            self.view.length(corner_radius),
            self.view.half(size[0]),
            self.view.half(size[1]),
        )
        radius = jnp.minimum(radius, jnp.minimum(half_width, half_height))
        if isinstance(angle, int | float) and angle == 0:
            core = self.view.point(center), half_width - radius, half_height - radius
            return self._draw(shapes.box, core, color, stroke, opacity, widen=radius)
        right, up = (size[0] / 2 - radius / self.view.scale, size[1] / 2 - radius / self.view.scale)  # pyright: ignore[reportOperatorIssue]
        angle = jnp.asarray(angle, jnp.float32)
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        x, y = self._pair(center)
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        corners = [(x + i * right * cos - j * up * sin, y + i * right * sin + j * up * cos) for i, j in signs]
        turned = [self.view.point(corner) for corner in corners]
        return self._draw(shapes.polygon, (turned,), color, stroke, opacity, widen=radius)

    def polygon(
        self,
        points: Sequence[Point] | Array,
        color: Paint,
        *,
        corner_radius: ArrayLike = 0.0,
        stroke: ArrayLike | None = None,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws a polygon that does not intersect itself; `corner_radius` widens and rounds it."""
        corners = [self.view.point(point) for point in points]
        return self._draw(shapes.polygon, (corners,), color, stroke, opacity, widen=self.view.length(corner_radius))

    def arrow(
        self,
        start: Point,
        end: Point,
        width: ArrayLike,
        color: Paint,
        *,
        head: ArrayLike | None = None,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws an arrow with its tip at `end`; `head` is the length of the head, by default four widths."""
        (ax, ay), (bx, by) = self._pair(start), self._pair(end)
        head = 4.0 * width if head is None else head  # pyright: ignore[reportOperatorIssue]
        head = jnp.asarray(head, jnp.float32)
        length = jnp.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
        ux, uy = ((b - a) / jnp.maximum(length, 1e-9) for a, b in ((ax, bx), (ay, by)))
        return self._arrow_head((bx, by), (ux, uy), jnp.minimum(head, length), color, opacity).line(
            start,
            (bx - ux * jnp.minimum(head, length), by - uy * jnp.minimum(head, length)),
            width,
            color,
            opacity=opacity,
        )

    def arc(
        self,
        center: Point,
        radius: ArrayLike,
        start: ArrayLike,
        sweep: ArrayLike,
        width: ArrayLike,
        color: Paint,
        *,
        head: ArrayLike | None = None,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws a part of a circle.

        Args:
            center: centre of the circle.
            radius: radius of the circle.
            start: the angle at which the arc begins.
            sweep: the angle that it spans, of either sign.
            width: width of the line.
            color: colour of the line.
            head: the length of an arrow head at the end, or None for none.
            opacity: from 0 to 1.
        """
        x, y = self._pair(center)
        radius, start, sweep = (jnp.asarray(v, jnp.float32) for v in (radius, start, sweep))

        def at(angle: Array) -> tuple[Array, Array]:
            return x + radius * jnp.cos(angle), y + radius * jnp.sin(angle)

        first, last = self.view.point(at(start)), self.view.point(at(start + sweep))
        sweep_in_frame = sweep * self.view.y_sign
        measures = self.view.point((x, y)), self.view.length(radius), first, last, sweep_in_frame
        canvas = self._draw(shapes.arc, measures, color, None, opacity, widen=self.view.half(width))
        if head is None:
            return canvas
        sign = jnp.where(sweep >= 0, 1.0, -1.0)
        # The head is turned inwards by half the angle it spans, so that its tip lies on the circle.
        head = jnp.asarray(head, jnp.float32)
        end = start + sweep
        middle = end + sign * head / (2 * jnp.maximum(radius, 1e-9))
        direction = -sign * jnp.sin(middle), sign * jnp.cos(middle)
        base = at(end)
        tip = base[0] + head * direction[0], base[1] + head * direction[1]
        return canvas._arrow_head(tip, direction, head, color, opacity)

    def area_below(
        self, heights: Array | np.ndarray | Callable[[np.ndarray], Any], color: Paint, *, opacity: ArrayLike = 1.0
    ) -> "Canvas":
        """Fills everything below a curve, such as a terrain.

        Args:
            heights: (width,) y of the curve at each of `columns`, or a function from `columns` to them.
            color: the colour.
            opacity: from 0 to 1.
        """
        return self._draw(shapes.below, (self._rows(heights),), color, None, opacity)

    def curve(
        self,
        heights: Array | np.ndarray | Callable[[np.ndarray], Any],
        width: ArrayLike,
        color: Paint,
        *,
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Draws the graph of a function across the frame; arguments as for `area_below`."""
        return self._draw(shapes.below, (self._rows(heights),), color, width, opacity)

    # ---------------------------------------------------------------- images and text

    def tiles(
        self,
        indices: Array | np.ndarray,
        tileset: Array | np.ndarray,
        *,
        corner: tuple[int, int] = (0, 0),
        row_shift: int = 0,
    ) -> "Canvas":
        """Draws images of the same size in a grid.

        Args:
            indices: (rows, columns) integers, which image to draw at each place; an index out of range takes the
                nearest.
            tileset: (images, tile height, tile width, 3 or 4) uint8; a fourth channel is the opacity.
            corner: (x, y) of the top left corner of the grid, in whole pixels.
            row_shift: how many pixels further right than the one above it each row begins; not negative.
        """
        tileset = jnp.asarray(tileset)
        chosen = tileset.at[jnp.asarray(indices)].get(mode="clip")
        return self.image(lettering.grid(chosen, row_shift), corner)

    def image(self, image: Array | np.ndarray, corner: Sequence[ArrayLike], *, opacity: ArrayLike = 1.0) -> "Canvas":
        """Draws an image, (rows, columns, 3 or 4) uint8, with its top left corner at whole pixel `corner`, (x, y)."""
        image = jnp.asarray(image)
        coverage = image[..., 3] if image.shape[-1] == 4 else jnp.full(image.shape[:2], 255, jnp.uint8)
        return self._lay(coverage, image[..., :3], corner, opacity)

    def text(
        self,
        string: str,
        position: Point,
        size: float,
        color: Paint,
        *,
        align: Literal["left", "center", "right"] = "left",
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Writes a line of printable ASCII.

        Args:
            string: the text, known at trace time.
            position: the point on the baseline at the text's left end, centre or right end.
            size: the height of capitals in the view's units, known at trace time.
            color: the colour.
            align: which part of the text lies at `position`.
            opacity: from 0 to 1.
        """
        pixel_size = self._pixel_size(size)
        return self._write(jnp.asarray(font.line(string, pixel_size)), position, pixel_size, color, align, opacity)

    def characters(
        self,
        codes: Array,
        position: Point,
        size: float,
        color: Paint,
        *,
        align: Literal["left", "center", "right"] = "left",
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Writes characters given by their ASCII codes, (count,) integers that may be traced; see `text`."""
        pixel_size = self._pixel_size(size)
        coverage = lettering.write(codes, pixel_size)
        return self._write(coverage, position, pixel_size, color, align, opacity)

    def number(
        self,
        value: ArrayLike,
        position: Point,
        size: float,
        color: Paint,
        *,
        digits: int = 5,
        decimals: int = 0,
        align: Literal["left", "center", "right"] = "left",
        opacity: ArrayLike = 1.0,
    ) -> "Canvas":
        """Writes a number that may be traced.

        Args:
            value: () the number, an integer or a float.
            position: see `text`.
            size: see `text`.
            color: the colour.
            digits: number of places for digits, including decimals; a number that needs more is shown as `#`s.
            decimals: digits after the point.
            align: which part of the field, which has room for `digits`, a sign and a point, lies at `position`. With
                "left" the number begins at the left end of the field, else it ends at its right end.
            opacity: from 0 to 1.
        """
        codes = lettering.digits(value, digits, decimals, left=align == "left")
        return self.characters(codes, position, size, color, align=align, opacity=opacity)

    def _draw(
        self,
        shape: Callable[..., Array],
        measures: tuple[Any, ...],
        color: Paint,
        stroke: ArrayLike | None,
        opacity: ArrayLike,
        widen: ArrayLike = 0.0,
    ) -> "Canvas":
        """Blends in one of `shapes` with these measures in pixels, with its edge moved outwards by `widen`."""
        blending.check_color(color)
        half_stroke = None if stroke is None else self.view.half(stroke)
        fade = None if isinstance(opacity, int | float) and opacity == 1 else opacity
        return self.replace(pixels=blending.blend_shape(shape, self.pixels, measures, widen, half_stroke, color, fade))

    def _lay(self, coverage: Array, color: Any, corner: Sequence[ArrayLike], opacity: ArrayLike) -> "Canvas":
        """Blends in an image, (rows, columns) coverage and one colour or (rows, columns, 3) colours, at `corner`."""
        blending.check_color(color)
        if isinstance(self.pixels, Tracer):  # in a trace, a static corner gives a better program
            return self.replace(pixels=lettering.lay(self.pixels, coverage, color, corner, opacity))
        return self.replace(pixels=lettering.lay_anywhere(self.pixels, coverage, color, tuple(corner), opacity))

    def _pair(self, point: Point) -> tuple[Array, Array]:
        return jnp.asarray(point[0], jnp.float32), jnp.asarray(point[1], jnp.float32)

    def _arrow_head(
        self, tip: tuple[Array, Array], direction: tuple[Array, Array], length: Array, color: Paint, opacity: ArrayLike
    ) -> "Canvas":
        (x, y), (ux, uy) = tip, direction
        bx, by, half = x - ux * length, y - uy * length, length * math.tan(math.radians(30))
        corners = [(x, y), (bx - uy * half, by + ux * half), (bx + uy * half, by - ux * half)]
        return self.polygon(corners, color, opacity=opacity)

    def _rows(self, heights: Array | np.ndarray | Callable[[np.ndarray], Any]) -> Array:
        values = heights(self.columns) if callable(heights) else heights
        if np.shape(values) != (self.width,):
            raise ValueError(
                f"A curve needs one height for each of {self.width} columns, got shape {np.shape(values)}."
            )
        return shapes.snap(self.view.y(values))

    def _pixel_size(self, size: float) -> int:
        return max(round(size * self.view.scale), 4)

    def _write(
        self, coverage: Array, position: Point, pixel_size: int, color: Paint, align: str, opacity: ArrayLike
    ) -> "Canvas":
        if align not in ("left", "center", "right"):
            raise ValueError(f'`align` must be "left", "center" or "right", got {align!r}.')
        shift = {"left": 0, "center": coverage.shape[1] // 2, "right": coverage.shape[1]}[align]
        corner = lettering.on_whole_pixels(position, self.view, shift, font.baseline(pixel_size))
        return self._lay(coverage, color, corner, opacity)
