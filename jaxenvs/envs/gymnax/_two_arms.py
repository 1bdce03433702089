"""The picture of a bandit with two arms."""

import jax.numpy as jnp
from jax import Array

from jaxenvs.canvas import Canvas, palette

_WIDTH, _HEIGHT = 560, 360  # pixels
_CENTERS = (160.0, 400.0)
_FLOOR, _BAR = 300.0, 120.0


def draw(expected: tuple[Array, Array], scale: float, last_action: Array, last_reward: Array, elapsed: Array) -> Array:
    """(360, 560, 3) uint8: two machines. The one last pulled shows its reward; bars show the mean reward of each.

    Args:
        expected: () float32 each, the expected reward of each arm, which the agent does not see.
        scale: the expected reward, of either sign, that fills a bar.
        last_action: () int32, the arm last pulled.
        last_reward: () float32, its reward.
        elapsed: () int32, steps so far; at 0 no arm was pulled.
    """
    canvas = Canvas.blank(_HEIGHT, _WIDTH, palette.PAPER)
    canvas = canvas.rectangle((_WIDTH / 2, 338.0), (float(_WIDTH), 44.0), palette.MIST)
    bodies = palette.BLUE, palette.TEAL
    dim, bright = (jnp.asarray(color, jnp.int32) for color in (palette.STEEL, palette.YELLOW))
    for arm, (x, body) in enumerate(zip(_CENTERS, bodies)):
        is_pulled = (elapsed > 0) & (last_action == arm)
        knob = jnp.where(is_pulled, 216.0, 96.0)
        canvas = canvas.line((x + 84.0, 180.0), (x + 84.0, knob), 9.0, palette.SLATE)
        canvas = canvas.circle((x + 84.0, knob), 15.0, palette.RED)
        canvas = canvas.rectangle((x, 186.0), (150.0, 232.0), body, corner_radius=20.0)
        canvas = canvas.circle((x, 92.0), 13.0, jnp.where(is_pulled, bright, dim))
        canvas = canvas.rectangle((x, 138.0), (118.0, 48.0), palette.WHITE, corner_radius=6.0)
        shown = is_pulled.astype(jnp.float32)
        canvas = canvas.number(
            last_reward, (x + 46.0, 147.0), 18.0, palette.INK, digits=4, decimals=2, align="right", opacity=shown
        )
        canvas = canvas.rectangle((x, 228.0), (_BAR, 20.0), palette.INK, corner_radius=4.0, opacity=0.35)
        length = 0.5 * _BAR * jnp.clip(expected[arm] / scale, -1.0, 1.0)
        canvas = canvas.rectangle((x + length / 2, 228.0), (jnp.abs(length), 14.0), palette.YELLOW)
        canvas = canvas.line((x, 216.0), (x, 240.0), 2.0, palette.WHITE)
        canvas = canvas.text("expected", (x, 264.0), 11.0, palette.WHITE, align="center")
    canvas = canvas.text("pulls", (_WIDTH / 2 - 8.0, 345.0), 14.0, palette.SLATE, align="right")
    return canvas.number(elapsed, (_WIDTH / 2, 345.0), 14.0, palette.INK, digits=4).to_rgb()
