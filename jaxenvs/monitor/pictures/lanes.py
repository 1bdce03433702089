"""Many lanes in one picture: contact sheets of a batch of states, still or moving."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from jaxenvs.canvas import palette
from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.trees import tree_at
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.pictures.captions import line_height, write
from jaxenvs.monitor.pictures.episodes import CHUNK_BYTES, drawn

_ASPECT = 4 / 3
"""Width over height that a sheet comes near by default."""
_MOST_PIXELS = 2**26
_GAP = 0.02
"""Of the width of a picture."""


def contact_sheet(
    env: Env[Any, Any],
    states: Any,
    *,
    columns: int | None = None,
    labels: Sequence[str] | None = None,
    shrink: int = 1,
) -> np.ndarray:
    """Draws a batch of states side by side, in reading order on white.

    Args:
        env: the environment that the states belong to, with its wrappers.
        states: states with a leading axis of lanes, as `jax.vmap(env.step)` returns them.
        columns: pictures in a row; by default so many that the sheet is about as wide as a screen.
        labels: a line above each picture, in printable ASCII.
        shrink: the number of pixels of a picture, along each side, whose mean is one pixel of the sheet.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InvalidField: there is no axis of lanes, a setting does not fit, or the sheet would be huge.
    """
    return LaneFrames(env, jax.tree.map(lambda x: x[None], states), columns=columns, labels=labels, shrink=shrink)[0]


class LaneFrames(Sequence[np.ndarray]):
    """Contact sheets of many lanes over time, to be written by `write_animation`; each is drawn when it is accessed.

    `states` of a rollout have the axes that this takes:

        _, trajectory = jaxenvs.rollout(env, policy, key, 100, num_envs=16, keep_states=True)
        write_animation(Path("lanes.gif"), LaneFrames(env, trajectory.states), 30)
    """

    def __init__(
        self,
        env: Env[Any, Any],
        states: Any,
        *,
        columns: int | None = None,
        labels: Sequence[str] | None = None,
        shrink: int = 1,
    ) -> None:
        """See `contact_sheet`; `states` have two leading axes, steps and lanes.

        Raises:
            InvalidField: `env` is not an environment, there are no such axes, a setting does not fit, or a sheet would
                be huge.
        """
        check_is_env("A contact sheet", env)
        shapes = {leaf.shape[:2] for leaf in jax.tree.leaves(states)}
        if len(shapes) != 1 or len(shape := next(iter(shapes))) != 2 or 0 in shape:
            raise InvalidField(
                "A contact sheet needs a batch of states, as `jax.vmap(env.step)` returns them: every array with a"
                f" leading axis of lanes. Got arrays whose leading axes are {sorted(s[1:] for s in shapes)}."
            )
        self._env, self._states = env, states
        self._steps, self._lanes = shape
        self._labels = labels
        one = jax.eval_shape(lambda s: env.render(jax.tree.map(lambda x: x[0, 0], s)), states)
        if labels is not None and len(labels) != self._lanes:
            raise InvalidField(f"A contact sheet of {self._lanes} lanes needs as many labels, got {len(labels)}.")
        if not 1 <= shrink <= min(one.shape[:2]):
            raise InvalidField(f"`shrink` must be from 1 to the picture's {min(one.shape[:2])} pixels, got {shrink}.")
        height, width = one.shape[0] // shrink, one.shape[1] // shrink
        self._shrink = shrink
        self._columns = sheet_columns(self._lanes, height, width, columns)
        if self._lanes * height * width > _MOST_PIXELS:
            raise InvalidField(
                f"A sheet of {self._lanes} pictures of {width} x {height} pixels would be huge. Draw fewer lanes, such"
                " as `jax.tree.map(lambda x: x[:64], states)`, or give a larger `shrink`."
            )
        self._chunk = max(1, min(self._lanes, CHUNK_BYTES // math.prod(one.shape)))

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._steps))]
        states = tree_at(self._states, range(self._steps)[index])
        drawing = drawn(self._env, states, np.arange(self._lanes), self._chunk)
        pictures = [_shrunk(picture, self._shrink) for picture in drawing]
        return tiled(pictures, self._columns, self._labels)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(self._steps))


def sheet_columns(count: int, height: int, width: int, wanted: int | None = None) -> int:
    """The number of pictures in a row of a sheet.

    Raises:
        InvalidField: the wanted number is below 1.
    """
    if wanted is not None:
        if wanted < 1:
            raise InvalidField(f"A contact sheet needs at least 1 column, got {wanted}.")
        return min(wanted, count)
    return min(count, max(1, math.ceil(math.sqrt(count * _ASPECT * height / width) - 0.25)))


def tiled(pictures: Sequence[np.ndarray], columns: int, labels: Sequence[str] | None = None) -> np.ndarray:
    """Pictures of one size in reading order on white, with a gap between them and a label above each."""
    height, width = pictures[0].shape[:2]
    gap, rows = max(2, round(_GAP * width)), -(-len(pictures) // columns)
    size = int(np.clip(width // 24, 7, 14))
    above = 0 if labels is None else line_height(size)
    cell = height + above
    sheet = np.full((rows * (cell + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (cell + gap), (i % columns) * (width + gap)
        sheet[top + above : top + cell, left : left + width] = picture
        if labels is not None:
            write(sheet[top : top + above, left : left + width], labels[i], (0, 0), size, palette.INK)
    return sheet


def _shrunk(picture: np.ndarray, factor: int) -> np.ndarray:
    """The means of squares of `factor` by `factor` pixels; pixels that fill no square are left out."""
    if factor == 1:
        return picture
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    squares = picture[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return np.round(squares.mean(axis=(1, 3))).astype(np.uint8)
