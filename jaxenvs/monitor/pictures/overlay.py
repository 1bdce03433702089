"""Action, reward and return of each step, written under or on its picture."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import jax
import numpy as np

from jaxenvs.canvas import palette
from jaxenvs.core.env import Env, check_is_env
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.pictures.captions import line_height, write
from jaxenvs.monitor.pictures.episodes import Episode, Frames, as_episodes, thinned
from jaxenvs.spaces import Box, Discrete

_LEAST_WIDTH = 240
"""Columns that a picture gets at least, by whole multiples of its own, so that text has room under it."""
_SMALLEST, _LARGEST = 8, 14
"""Heights of capitals, in pixels: the largest at which all fits on one line, else the smallest."""
_MOST_NUMBERS = 3
"""Of a continuous action; one with more is drawn as bars."""
_MOST_INTEGERS = 8
_GAP = 2
"""Characters between two values."""
_PAPER = np.asarray(palette.PAPER, np.float64)
_STRIP_OPACITY = 0.8
"""Of the strip on a picture."""


@dataclasses.dataclass(frozen=True)
class _Caption:
    """What is written at a frame: texts, and the heights of an action's bars from -1 to 1 if it is drawn as bars."""

    texts: tuple[str, ...]
    bars: np.ndarray | None


class OverlaidFrames(Sequence[np.ndarray]):
    """Pictures of recorded episodes, each with the step, the action that led to it, its reward and the return so far.

    Pictures narrower than 240 pixels are enlarged by a whole factor, without smoothing. A continuous action of more
    than three numbers is drawn as bars between the bounds of its space.
    """

    def __init__(
        self,
        env: Env[Any, Any],
        episodes: Episode | Sequence[Episode],
        *,
        every: int = 1,
        action_names: Sequence[str] | None = None,
        place: Literal["under", "on"] = "under",
    ) -> None:
        """Like `Frames`, keeps every `every`-th state of each episode, and always the last.

        Args:
            env: the environment.
            episodes: recorded episodes, of at least one step.
            every: the number of steps between frames.
            action_names: names of discrete actions, in the order of their numbers.
            place: whether the text is under the picture or on it.

        Raises:
            InvalidField: `env` is not an environment, there are no episodes, there are fewer names than actions, or the
                place is unknown.
        """
        check_is_env("OverlaidFrames", env)
        episodes = as_episodes(episodes)
        if place not in ("under", "on"):
            raise InvalidField(f"The place of an overlay is 'under' or 'on', got {place!r}.")
        space: Any = env.action_space
        if action_names is not None and isinstance(space, Discrete) and len(action_names) < space.n:
            raise InvalidField(f"There are {space.n} actions, but {len(action_names)} names of actions.")
        self._frames = Frames(env, episodes, every=every)
        height, width = self._frames.shape[:2]
        self._factor = max(1, -(-_LEAST_WIDTH // width))
        self._height, self._width = height * self._factor, width * self._factor
        self._is_under = place == "under"
        self._captions = [caption for episode in episodes for caption in _captions(space, episode, every, action_names)]
        widths = [max(map(len, column)) for column in zip(*(caption.texts for caption in self._captions))]
        whole_line = sum(widths) + _GAP * (len(widths) - 1) + 1
        self._size = int(np.clip(self._width // whole_line, _SMALLEST, _LARGEST))
        self._places, lines = _places(widths, self._width // self._size - 1)
        has_bars = self._captions[-1].bars is not None
        margin = self._size // 2
        self._bars_top = margin + lines * line_height(self._size)
        bars = 3 * self._size if has_bars else 0
        self._strip = self._bars_top + bars + margin // 2
        self.shape = (self._height + (self._strip if self._is_under else 0), self._width, 3)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._overlaid(f, c) for f, c in zip(self._frames[index], self._captions[index])]
        return self._overlaid(self._frames[index], self._captions[index])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self._overlaid(f, c) for f, c in zip(self._frames, self._captions))

    def _overlaid(self, frame: np.ndarray, caption: _Caption) -> np.ndarray:
        picture = np.repeat(np.repeat(frame, self._factor, axis=0), self._factor, axis=1)
        if self._is_under:
            whole = np.concatenate([picture, np.full((self._strip, self._width, 3), _PAPER, np.uint8)])
        else:
            whole = picture.copy()
            area = whole[-self._strip :]
            area[...] = np.round(area * (1 - _STRIP_OPACITY) + _PAPER * _STRIP_OPACITY).astype(np.uint8)
        strip, margin = whole[-self._strip :], self._size // 2
        for text, (character, line) in zip(caption.texts, self._places):
            corner = margin + character * self._size, margin + line * line_height(self._size)
            if corner[1] < len(strip):
                write(strip, text, corner, self._size)
        if caption.bars is not None:
            _draw_bars(strip[self._bars_top :, margin : self._width - margin], caption.bars, 3 * self._size)
        return whole


def _places(widths: Sequence[int], room: int) -> tuple[list[tuple[int, int]], int]:
    """(character, line) at which each text begins, the same in all frames, and the number of lines.

    Args:
        widths: the characters that each text needs.
        room: characters of a line.
    """
    places, column, line = [], 0, 0
    for width in widths:
        if column and column + width > room:
            column, line = 0, line + 1
        places.append((column, line))
        column += width + _GAP
    return places, line + 1


def _captions(space: Any, episode: Episode, every: int, names: Sequence[str] | None) -> Iterator[_Caption]:
    """The captions of the frames that `Frames` keeps."""
    returns = np.concatenate([[0.0], np.cumsum(episode.rewards, dtype=np.float64)])
    actions = [np.asarray(leaf) for leaf in jax.tree.leaves(jax.device_get(episode.actions))]
    bars = _bar_heights(space, actions[0]) if isinstance(space, Box) and actions[0][0].size > _MOST_NUMBERS else None
    for step in thinned(episode.length + 1, every):
        texts = [f"step {step}"]
        if bars is None:
            texts.append(f"action {_action_text(space, [a[step - 1] for a in actions], names) if step else '-'}")
        texts.append(f"reward {_number(float(episode.rewards[step - 1])) if step else '-'}")
        texts.append(f"return {_number(float(returns[step]))}")
        row = None if bars is None else bars[step - 1] if step else np.zeros_like(bars[0])
        yield _Caption(tuple(texts), row)


def _action_text(space: Any, action: Sequence[np.ndarray], names: Sequence[str] | None) -> str:
    if isinstance(space, Discrete) and names is not None:
        return names[int(action[0]) - space.start]
    numbers = np.concatenate([np.ravel(part).astype(np.float64) for part in action])
    is_continuous = any(np.issubdtype(part.dtype, np.floating) for part in action)
    shown = [f"{x:+.2f}" if is_continuous else str(int(x)) for x in numbers[:_MOST_INTEGERS]]
    return " ".join([*shown, *([".."] if len(numbers) > _MOST_INTEGERS else [])])


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e7:
        return str(int(value))
    return f"{value:.2f}" if 0.01 <= abs(value) < 1e6 else f"{value:.2g}"


def _bar_heights(space: Box, actions: np.ndarray) -> np.ndarray:
    """(steps, numbers) float64 from -1, the lowest action, to 1, the highest; or of all that occur without bounds."""
    flat = actions.reshape(len(actions), -1).astype(np.float64)
    low, high = (
        np.broadcast_to(bound, space.shape).reshape(-1).astype(np.float64) for bound in (space.low, space.high)
    )
    is_bounded = np.isfinite(low) & np.isfinite(high) & (high > low)
    reach = np.maximum(np.abs(flat).max(axis=0), 1e-9)
    low, high = np.where(is_bounded, low, -reach), np.where(is_bounded, high, reach)
    return np.clip(2 * (flat - low) / (high - low) - 1, -1, 1)


def _draw_bars(area: np.ndarray, heights: np.ndarray, rows: int) -> None:
    """Draws bars that rise and fall from a line in the middle of the first `rows` rows."""
    middle, cell = rows // 2, area.shape[1] / len(heights)
    area[middle : middle + 1] = palette.STEEL
    for index, height in enumerate(heights):
        left = round(index * cell)
        right = max(left + 1, round((index + 0.7) * cell))
        end = middle - round(float(height) * (middle - 1))
        area[min(middle, end) : max(middle, end) + 1, left:right] = palette.BLUE if height >= 0 else palette.ORANGE
