"""Shapes cover what they should, smoothly, and leave no mark where they should not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.canvas import Canvas, palette

BLANK = 64, 96, palette.WHITE


def covered(canvas):
    """Area in pixels that black shapes cover on a white canvas."""
    return float((255 - np.asarray(canvas.to_rgb(), np.float64)[..., 0]).sum() / 255)


@pytest.mark.parametrize("radius", [3.0, 10.0, 25.5])
@pytest.mark.parametrize("center", [(48.0, 32.0), (45.3, 30.7)])
def test_a_circle_covers_its_area(center, radius):
    area = covered(Canvas.blank(*BLANK).circle(center, radius, palette.BLACK))
    assert area == pytest.approx(np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize(
    ("draw", "area"),
    [
        (lambda c: c.rectangle((48.0, 32.0), (40.0, 20.0), palette.BLACK), 800),
        (lambda c: c.rectangle((47.25, 31.5), (40.0, 20.0), palette.BLACK, angle=0.7), 800),
        (lambda c: c.rectangle((48.0, 32.0), (40.0, 20.0), palette.BLACK, corner_radius=6.0), 800 - (4 - np.pi) * 36),
        (
            lambda c: c.rectangle((48.0, 32.0), (40.0, 20.0), palette.BLACK, corner_radius=6.0, angle=-2.0),
            800 - (4 - np.pi) * 36,
        ),
        (lambda c: c.rectangle((48.0, 32.0), (40.0, 20.0), palette.BLACK, stroke=4.0), 4 * 120 - 3.4),
        (lambda c: c.line((20.0, 20.0), (60.0, 50.0), 6.0, palette.BLACK), 6 * 50 + np.pi * 9),
        (
            lambda c: c.polyline([(20.0, 10.0), (60.0, 10.0), (60.0, 50.0)], 4.0, palette.BLACK),
            4 * 80 + np.pi * 4 - 0.9,
        ),
        (lambda c: c.polygon([(10.0, 10.0), (50.0, 10.0), (10.0, 50.0)], palette.BLACK), 800),
        (lambda c: c.polygon([(10.0, 50.0), (50.0, 10.0), (10.0, 10.0)], palette.BLACK), 800),
        (lambda c: c.polygon([(10.0, 10.0), (50.0, 10.0), (20.0, 20.0), (10.0, 50.0)], palette.BLACK), 400),
        (lambda c: c.circle((48.0, 32.0), 20.0, palette.BLACK, stroke=4.0), 2 * np.pi * 20 * 4),
        (lambda c: c.arc((48.0, 32.0), 20.0, 0.4, 1.5, 4.0, palette.BLACK), 1.5 * 20 * 4 + np.pi * 4),
        (lambda c: c.arc((48.0, 32.0), 20.0, 0.4, -4.5, 4.0, palette.BLACK), 4.5 * 20 * 4 + np.pi * 4),
        (lambda c: c.arc((48.0, 32.0), 20.0, 0.4, 7.0, 4.0, palette.BLACK), 2 * np.pi * 20 * 4),
        (lambda c: c.area_below(np.full(96, 24.0), palette.BLACK), 96 * 40),
        (lambda c: c.area_below(lambda x: 64 - 0.5 * x, palette.BLACK), 96 * 48 / 2),
        (lambda c: c.circle((48.0, 32.0), 20.0, palette.BLACK, opacity=0.5), np.pi * 400 / 2),
    ],
)
def test_a_shape_covers_its_area(draw, area):
    # 2 %: an edge is a ramp one pixel wide, which rounds off corners and is cut to 256 levels.
    assert covered(draw(Canvas.blank(*BLANK))) == pytest.approx(area, rel=0.02)


def test_a_symmetric_shape_is_drawn_symmetrically():
    image = np.asarray(Canvas.blank(41, 41, palette.PAPER).circle((20.5, 20.5), 13.3, palette.BLUE).to_rgb())
    np.testing.assert_array_equal(image, image[::-1])
    np.testing.assert_array_equal(image, image[:, ::-1])
    np.testing.assert_array_equal(image, image.transpose(1, 0, 2))


def test_edges_are_smooth():
    image = np.asarray(Canvas.blank(*BLANK).circle((48.0, 32.0), 20.0, palette.BLACK).to_rgb())
    assert len(np.unique(image)) > 10


def scribble(canvas, x, y):
    point = jnp.stack([x, y])
    return (
        canvas.circle(point, 9.0, palette.RED)
        .circle(point, 9.0, palette.RED, stroke=2.0)
        .line(point, point, 5.0, palette.BLUE)
        .polyline([point, point + 1], 5.0, palette.BLUE)
        .rectangle(point, (9.0, 5.0), palette.TEAL, corner_radius=1.0)
        .rectangle(point, (9.0, 5.0), palette.TEAL, angle=x)
        .polygon([point, point + 5, (x, y + 5)], palette.TEAL)
        .arrow(point, point + 5, 2.0, palette.INK)
        .arc(point, 5.0, x, y, 2.0, palette.INK, head=3.0)
        .image(np.full((5, 4, 3), 7, np.uint8), (jnp.clip(x, -999, 999), jnp.clip(y, -999, 999)))
        .text("text", point, 8, palette.INK)
        .number(x, point, 8, palette.INK)
    )


@pytest.mark.parametrize("corner", [(-200.0, 20.0), (300.0, 20.0), (40.0, -300.0), (40.0, 400.0), (1e9, -1e30)])
def test_what_lies_outside_the_frame_leaves_no_mark(corner):
    canvas = Canvas.blank(*BLANK)
    x, y = (jnp.float32(v) for v in corner)
    np.testing.assert_array_equal(scribble(canvas, x, y).to_rgb(), canvas.to_rgb())


def test_nan_leaves_no_mark():
    canvas = Canvas.blank(*BLANK)
    nan = jnp.float32(jnp.nan)
    drawn = canvas.circle((nan, 9.0), 5.0, palette.RED).circle((9.0, 9.0), nan, palette.RED)
    drawn = drawn.line((nan, nan), (5.0, 5.0), 5.0, palette.BLUE).polygon(
        [(nan, nan), (9.0, 9.0), (9.0, 1.0)], palette.RED
    )
    drawn = drawn.circle((9.0, 9.0), 5.0, palette.RED, opacity=nan)
    np.testing.assert_array_equal(drawn.to_rgb(), canvas.to_rgb())


def test_a_world_view_has_y_up_and_one_scale():
    canvas = Canvas.blank(100, 200, palette.WHITE, x_range=(-1, 1), y_range=(0, 1)).circle(
        (0.5, 0.75), 0.1, palette.BLACK
    )
    rows, columns = np.nonzero(np.asarray(canvas.to_rgb())[..., 0] < 128)
    assert (rows.mean(), columns.mean()) == pytest.approx((25 - 0.5, 150 - 0.5))
    assert np.ptp(rows) == np.ptp(columns) == 19


def test_angles_turn_from_x_to_y_of_the_view():
    def drawn(**ranges):
        size = 10.0 if not ranges else 0.2
        canvas = Canvas.blank(100, 100, palette.WHITE, **ranges)
        middle = (50.0, 50.0) if not ranges else (0.0, 0.0)
        return canvas.arc(middle, 2 * size, 0.0, jnp.pi / 2, size / 5, palette.BLACK)

    pixels = np.nonzero(np.asarray(drawn().to_rgb())[..., 0] < 128)
    world = np.nonzero(np.asarray(drawn(x_range=(-1, 1), y_range=(-1, 1)).to_rgb())[..., 0] < 128)
    assert pixels[0].mean() > 55 and pixels[1].mean() > 55
    assert world[0].mean() < 45 and world[1].mean() > 55


def test_half_a_view_and_curves_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="both x_range and y_range"):
        Canvas.blank(10, 10, palette.WHITE, x_range=(0, 1))
    with pytest.raises(ValueError, match="ranges of"):
        Canvas.blank(10, 10, palette.WHITE, x_range=(1, 0), y_range=(0, 1))
    with pytest.raises(ValueError, match="one height for each of 10 columns"):
        Canvas.blank(10, 10, palette.WHITE).area_below(np.zeros(9), palette.RED)


@jax.jit
def picture(t):
    canvas = Canvas.blank(200, 300, palette.PAPER, x_range=(-3, 3), y_range=(-2, 2))
    canvas = canvas.area_below(lambda x: 0.3 * np.sin(3 * x) - 1, palette.GRASS)
    canvas = canvas.rectangle((t, t**2), (0.9, 0.4), palette.TEAL, angle=3 * t, corner_radius=0.1)
    canvas = canvas.line((-2.0, t), (1.0 + t, 0.3), 0.13, palette.BLUE, opacity=0.7)
    canvas = canvas.arc((1.0, -0.5), 0.7, t, 4 * t, 0.1, palette.RED, head=0.3).arrow(
        (0.0, 0.0), (t, 1.0), 0.1, palette.INK
    )
    canvas = canvas.text("episode", (t, -0.3), 0.2, palette.INK).number(t, (0.0, 1.2), 0.2, palette.RED, decimals=2)
    return canvas.to_rgb()


def test_jit_vmap_and_eager_draw_the_same_bytes():
    times = jnp.linspace(-1.5, 1.5, 8, dtype=jnp.float32)
    batch = np.asarray(jax.vmap(picture)(times))
    assert batch.shape == (8, 200, 300, 3) and batch.dtype == np.uint8
    for t, frame in zip(times, batch, strict=True):
        np.testing.assert_array_equal(picture(t), frame)
    with jax.disable_jit():
        np.testing.assert_array_equal(picture(times[2]), batch[2])


def test_the_same_bytes_with_64_bit_types():
    expected = np.asarray(picture(jnp.float32(0.5)))
    with jax.enable_x64():
        np.testing.assert_array_equal(picture(jnp.asarray(0.5, jnp.float64)), expected)
        assert picture(jnp.asarray(0.5, jnp.float64)).dtype == jnp.uint8


def test_the_picture_of_an_empty_canvas_is_its_background():
    np.testing.assert_array_equal(
        Canvas.blank(3, 4, palette.ORANGE).to_rgb(), np.full((3, 4, 3), palette.ORANGE, np.uint8)
    )


def test_a_traced_colour_is_drawn():
    image = jax.jit(lambda c: Canvas.blank(9, 9, palette.WHITE).circle((4.5, 4.5), 4.0, c).to_rgb())(
        jnp.array([10, 20, 30], jnp.int32)
    )
    np.testing.assert_array_equal(image[4, 4], [10, 20, 30])
