"""The figures in the picture of `Taxi`, in pixels, y down."""

import functools

from jaxenvs.canvas import Canvas, palette


def paint_flag(canvas: Canvas) -> Canvas:
    """The sign of the destination, (56, 40)."""
    cloth = [(12, 8), (34, 16), (12, 24)]
    return (
        canvas.line((12, 50), (12, 8), 4, palette.INK)
        .polygon(cloth, palette.WHITE, corner_radius=1)
        .polygon(cloth, palette.INK, stroke=2)
    )


def paint_passenger(canvas: Canvas) -> Canvas:
    """Somebody who waits, (56, 40)."""
    coat = [(11, 48), (11, 32), (20, 27), (29, 32), (29, 48)]
    return (
        canvas.polygon(coat, palette.WHITE, corner_radius=5)
        .circle((20, 19), 11, palette.WHITE)
        .polygon(coat, palette.PURPLE, corner_radius=3)
        .circle((20, 19), 9, palette.ORANGE_LIGHT)
        .rectangle((20, 12), (18, 6), palette.PURPLE_DARK, corner_radius=3)
        .line((9, 15), (31, 15), 3, palette.PURPLE_DARK)
        .circle((17, 20), 1.3, palette.INK)
        .circle((23, 20), 1.3, palette.INK)
    )


def paint_taxi(canvas: Canvas, *, full: bool = False) -> Canvas:
    """The taxi from its side, (80, 80)."""
    canvas = (
        canvas.polygon([(18, 37), (27, 20), (52, 20), (62, 37)], palette.YELLOW_DARK, corner_radius=5)
        .polygon([(19, 37), (28, 21), (51, 21), (61, 37)], palette.YELLOW, corner_radius=4)
        .polygon([(23, 36), (29, 24), (38, 24), (38, 36)], palette.SKY)
        .polygon([(57, 36), (50, 24), (42, 24), (42, 36)], palette.SKY)
        .rectangle((40, 13), (24, 8), palette.INK, corner_radius=2)
        .rectangle((40, 13), (18, 4), palette.ORANGE if full else palette.MIST)
    )
    if full:
        canvas = canvas.circle((32, 30), 5, palette.ORANGE_LIGHT).rectangle((32, 36), (12, 3), palette.PURPLE)
        canvas = canvas.line((27, 26), (37, 26), 3, palette.PURPLE_DARK)
    canvas = canvas.rectangle((40, 47), (70, 26), palette.YELLOW_DARK, corner_radius=9)
    canvas = canvas.rectangle((40, 46), (68, 24), palette.YELLOW, corner_radius=8).rectangle(
        (40, 46), (66, 6), palette.INK
    )
    for x in range(11, 72, 8):
        canvas = canvas.rectangle((x, 46), (4, 6), palette.WHITE)
    for x in (21, 59):
        canvas = canvas.circle((x, 59), 10, palette.INK).circle((x, 59), 4.5, palette.SILVER)
    return canvas.circle((71, 52), 3, palette.WHITE).circle((9, 52), 3, palette.RED)


paint_full_taxi = functools.partial(paint_taxi, full=True)
