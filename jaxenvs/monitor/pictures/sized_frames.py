"""Pictures of recorded episodes at a size of one's choice."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import rewrap, unwrap
from jaxenvs.monitor.pictures.episodes import Episode, Frames
from jaxenvs.monitor.pictures.png import pillow

MOST_PIXELS = 8192
"""The greatest width and height of a picture."""


def frames_at(
    env: Env[Any, Any], episodes: Sequence[Episode], size: tuple[int, int] | None = None, *, every: int = 1
) -> Sequence[np.ndarray]:
    """The pictures of episodes, drawn from their states when they are accessed.

    Args:
        env: the environment, without AutoReset.
        episodes: the episodes.
        size: width and height, pixels; None for the environment's own size. An environment with fields `width` and
            `height` draws at that size. The pictures of others are scaled.
        every: keep every so many states of each episode, and always the last.

    Raises:
        InvalidField: the size is not from 1 to 8,192.
        DependencyNotInstalled: the pictures must be scaled, and pillow is missing.
    """
    if size is None:
        return Frames(env, episodes, every=every)
    for name, pixels in zip(("width", "height"), size):
        check_integer("frames_at", name, pixels, most=MOST_PIXELS)
    base: Any = unwrap(env)
    if {"width", "height"} <= {field.name for field in dataclasses.fields(base)}:
        return Frames(rewrap(env, base.replace(width=size[0], height=size[1])), episodes, every=every)
    frames = Frames(env, episodes, every=every)
    return frames if frames.shape[1::-1] == size else _Scaled(frames, size)


class _Scaled(Sequence[np.ndarray]):
    """Frames scaled to another size."""

    def __init__(self, frames: Frames, size: tuple[int, int]) -> None:
        self._frames, self._size = frames, size
        self._image = pillow()
        is_smaller = size[0] < frames.shape[1] or size[1] < frames.shape[0]
        self._filter = self._image.Resampling.BOX if is_smaller else self._image.Resampling.NEAREST

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        picked = self._frames[index]
        return list(map(self._scaled, picked)) if isinstance(index, slice) else self._scaled(picked)

    def __iter__(self) -> Any:
        return map(self._scaled, self._frames)

    def _scaled(self, frame: np.ndarray) -> np.ndarray:
        return np.asarray(self._image.fromarray(np.asarray(frame)).resize(self._size, self._filter))
