"""Tiles, images and the font."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.canvas import Canvas, font, paint_tiles, palette

PRINTABLE = [chr(code) for code in range(32, 127)]


def test_tiles_follow_the_map():
    tileset = np.arange(3 * 2 * 4 * 3, dtype=np.uint8).reshape(3, 2, 4, 3)
    indices = np.array([[0, 2], [1, 0], [2, 2]], np.int32)
    image = jax.jit(lambda i: Canvas.blank(8, 9, palette.WHITE).tiles(i, tileset, corner=(1, 2)).to_rgb())(indices)
    for row in range(3):
        for column in range(2):
            tile = image[2 + 2 * row : 4 + 2 * row, 1 + 4 * column : 5 + 4 * column]
            np.testing.assert_array_equal(tile, tileset[indices[row, column]])
    np.testing.assert_array_equal(image[:2], 255)
    np.testing.assert_array_equal(image[:, 0], 255)


@pytest.mark.parametrize("channels", [3, 4])
def test_rows_of_tiles_are_shifted_and_leave_the_rest_as_it_was(channels):
    tileset = np.full((2, 2, 4, channels), 255, np.uint8)
    tileset[0, ..., 0], tileset[1, ..., 0] = 10, 200
    indices = np.array([[0, 1], [1, 1], [0, 0]], np.int32)
    draw = jax.jit(lambda i: Canvas.blank(8, 16, palette.BLACK).tiles(i, tileset, corner=(1, 1), row_shift=3).to_rgb())
    expected = np.zeros((8, 16, 3), np.uint8)
    for row, chosen in enumerate(indices):
        for column, index in enumerate(chosen):
            left = 1 + 4 * column + 3 * row
            expected[1 + 2 * row : 3 + 2 * row, left : left + 4] = tileset[index, ..., :3]
    np.testing.assert_array_equal(draw(indices), expected)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("corner", [(2, 3), (-2, -1), (7, 8), (-5, 0), (20, 0)])
def test_images_are_cropped_by_the_frame(corner, static):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8)
    image[..., 3] = np.where(image[..., 3] > 127, 255, 0)
    expected = np.zeros((30, 30, 3), np.uint8)
    x, y = corner[0] + 10, corner[1] + 10
    part = expected[y : y + 4, x : x + 5]
    part[...] = np.where(
        image[: part.shape[0], : part.shape[1], 3:] == 255, image[: part.shape[0], : part.shape[1], :3], 0
    )
    where = corner if static else jnp.array(corner, jnp.int32)
    drawn = Canvas.blank(10, 10, palette.BLACK).image(image, where).to_rgb()
    np.testing.assert_array_equal(drawn, expected[10:20, 10:20])


def test_half_transparent_images_blend():
    image = np.full((2, 2, 4), 200, np.uint8)
    image[..., 3] = 128
    drawn = Canvas.blank(2, 2, (100, 100, 100)).image(image, (0, 0)).to_rgb()
    np.testing.assert_array_equal(drawn, 150)


def test_painters_draw_a_tileset():
    painters = [lambda c: c, lambda c: c.circle((0.5, 0.5), 0.5, palette.RED)]
    tileset = paint_tiles(painters, 16, 16, palette.MIST)
    assert tileset.shape == (2, 16, 16, 3)
    np.testing.assert_array_equal(tileset[0], np.full((16, 16, 3), palette.MIST))
    np.testing.assert_array_equal(tileset[1, 8, 8], palette.RED)
    np.testing.assert_array_equal(tileset[1, 0, 0], palette.MIST)


@pytest.mark.parametrize("size", [8, 14, 32])
def test_all_glyphs_differ_visibly(size):
    glyphs = np.stack([font.glyph(character, size) for character in PRINTABLE]).astype(np.float64) / 255
    differences = np.abs(glyphs[:, None] - glyphs[None]).sum((-1, -2))
    np.fill_diagonal(differences, np.inf)
    # In units of a dot of the stroke's width squared; the nearest pair are `.` and `:` or the like.
    stroke = max(size / font.CAP_HEIGHT, 1.0)
    first, second = np.unravel_index(differences.argmin(), differences.shape)
    assert differences.min() > 0.8 * stroke**2, (PRINTABLE[first], PRINTABLE[second])


def test_every_printable_character_but_the_space_leaves_ink_inside_its_cell():
    assert sorted(font.GLYPHS) == PRINTABLE
    for character in PRINTABLE:
        coverage = font.glyph(character, 32)
        assert coverage.any() == (character != " ")
        assert not coverage[:, 0].any() and not coverage[:, -1].any() and not coverage[0].any()


def test_the_font_says_what_it_lacks():
    with pytest.raises(ValueError, match="printable ASCII only, got 'é'"):
        Canvas.blank(20, 20, palette.WHITE).text("é", (0, 0), 10, palette.INK)


def test_text_aligns_at_its_position():
    def columns(align):
        canvas = Canvas.blank(40, 400, palette.WHITE).text("HIH", (200, 30), 16, palette.BLACK, align=align)
        ink = np.asarray(canvas.to_rgb())[..., 0] < 128
        assert np.nonzero(ink)[0].max() in (29, 30, 31)
        return np.nonzero(ink)[1]

    assert columns("left").min() >= 200
    assert columns("right").max() < 200
    assert columns("center").mean() == pytest.approx(199.5, abs=1)
    with pytest.raises(ValueError, match="`align` must be"):
        columns("middle")


def test_characters_write_what_text_writes():
    codes = jnp.array([ord(c) for c in "A1 z"], jnp.int32)
    blank = Canvas.blank(40, 120, palette.WHITE)
    expected = blank.text("A1 z", (5, 30), 16, palette.INK).to_rgb()
    np.testing.assert_array_equal(
        jax.jit(lambda c: blank.characters(c, (5, 30), 16, palette.INK).to_rgb())(codes), expected
    )


@pytest.mark.parametrize(
    ("value", "digits", "decimals", "expected"),
    [
        (0, 3, 0, "0"),
        (7, 3, 0, "7"),
        (-42, 3, 0, "-42"),
        (999, 3, 0, "999"),
        (1000, 3, 0, "####"),
        (-1000, 3, 0, "####"),
        (2**31 - 1, 3, 0, "####"),
        (-(2**31), 9, 0, "##########"),
        (12345.0, 5, 0, "12345"),
        (0.5, 3, 2, "0.50"),
        (-0.25, 3, 2, "-0.25"),
        (0.004, 3, 2, "0.00"),
        (9.996, 3, 2, "#####"),
        (3, 3, 1, "3.0"),
        (float("nan"), 3, 1, "#####"),
        (float("-inf"), 3, 1, "#####"),
    ],
)
def test_numbers_are_written_out(value, digits, decimals, expected):
    array = jnp.asarray(value, jnp.int32 if isinstance(value, int) else jnp.float32)
    blank = Canvas.blank(30, 160, palette.WHITE)
    left = blank.number(array, (5, 25), 12, palette.INK, digits=digits, decimals=decimals)
    np.testing.assert_array_equal(left.to_rgb(), blank.text(expected, (5, 25), 12, palette.INK).to_rgb())
    right = blank.number(array, (150, 25), 12, palette.INK, digits=digits, decimals=decimals, align="right")
    np.testing.assert_array_equal(
        right.to_rgb(), blank.text(expected, (150, 25), 12, palette.INK, align="right").to_rgb()
    )


def test_a_number_field_must_fit_its_decimals():
    with pytest.raises(ValueError, match="decimals < digits <= 9"):
        Canvas.blank(20, 20, palette.WHITE).number(1, (0, 0), 8, palette.INK, digits=2, decimals=2)
