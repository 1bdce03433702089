"""Pictures for the pages: the start of an environment, and a replay of a verified episode."""

import io
from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.trees import tree_at
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import DependencyNotInstalled, RenderingUnavailable
from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.monitor.pictures.animation import write_animation
from jaxenvs.monitor.pictures.episodes import Episode, cut_episode, follow_actions
from jaxenvs.monitor.pictures.png import pillow
from jaxenvs.monitor.pictures.sized_frames import frames_at
from jaxenvs.random import key as make_key
from jaxenvs.scoreboard.board import board_of, on_cpu
from jaxenvs.scoreboard.playback import PackedActions, roots_of
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.submission import Submission
from jaxenvs.scoreboard.verification import Verdict

_SIDE = 480
"""Pixels of the longer side of a picture; small drawings are enlarged by a whole number."""
_MOST_FRAMES = 600
_MOST_STEPS = 5000
_MOST_STATE_BYTES = 256 * 2**20
_LAST = 100
"""The episodes of which one is drawn."""
_LEAST_RATE, _MOST_RATE = 4.0, 60.0


def draw_start(env_id: str) -> bytes:
    """A PNG of a first state.

    Raises:
        RenderingUnavailable: the environment has no picture.
        DependencyNotInstalled: something that it needs is missing.
    """
    env = board_of(env_id).env
    if not env.can_render:
        raise RenderingUnavailable(f"{env_id} has no picture.")
    with on_cpu():
        frame = np.asarray(jax.jit(lambda key: env.render(env.reset(key)[0]))(make_key(0)))
    return _png(pillow().fromarray(frame), _size(frame.shape))


def draw_episode(verdict: Verdict, files: Files, name: str) -> dict[str, Any] | None:
    """Draws an episode of a verified submission from its actions: an MP4, a contact sheet, and the picture before play.

    It is the episode of median return among the last 100.

    Args:
        verdict: the verdict, `verified`.
        files: where the pictures go, as `NAME.mp4`, `NAME-sheet.png` and `NAME-poster.png`.
        name: the submission's name.

    Returns:
        Which episode it is, as JSON, and whether there is a film; None if the environment has no picture.
    """
    submission = verdict.submission
    assert submission is not None
    env: Any = board_of(submission.env_id).env
    if not env.can_render:
        return None
    begin = max(0, len(verdict.returns) - _LAST)
    index = begin + int(np.argsort(verdict.returns[begin:], kind="stable")[(len(verdict.returns) - begin) // 2])
    answer = {"episode": index, "episode_return": float(verdict.returns[index]), "length": int(verdict.lengths[index])}
    with on_cpu():
        episode = _played(submission, env, index)
        every = -(-(episode.length + 1) // _MOST_FRAMES)
        width, height = _size(jax.eval_shape(lambda states: env.render(tree_at(states, 0)), episode.states).shape)
        frames = frames_at(env, [episode], (width, height), every=every)
        rate = min(_MOST_RATE, max(_LEAST_RATE, unwrap(env).frames_per_second / every))
        write_animation(files.picture(f"{name}-sheet.png"), frames, rate)
        poster = pillow().fromarray(np.asarray(frames[len(frames) // 2]))
        write_bytes(files.picture(f"{name}-poster.png"), _png(poster, poster.size))
        try:
            write_animation(files.picture(f"{name}.mp4"), frames, rate)
        except DependencyNotInstalled:
            return {**answer, "has_film": False, "width": width, "height": height}
    return {**answer, "has_film": True, "width": width, "height": height, "steps": episode.length}


def _played(submission: Submission, env: Env[Any, Any], index: int) -> Episode:
    """An episode from its key and actions, or the first steps of a very long one."""
    actions = PackedActions(submission, board_of(submission.env_id)).of(index)
    roots, numbers = roots_of(submission)
    root = roots if roots.ndim == 0 else roots[submission.episodes.lane[index]]
    key = jax.random.fold_in(root, int(numbers[index]))
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(jax.eval_shape(env.reset, key)[0]))
    steps = int(min(submission.episodes.length[index], _MOST_STEPS, max(1, _MOST_STATE_BYTES // max(1, size))))
    padding = (1 << (steps - 1).bit_length()) - steps  # episodes of similar lengths share a program
    padded = jax.tree.map(
        lambda leaf: np.pad(leaf[:steps], [(0, padding)] + [(0, 0)] * (leaf.ndim - 1), mode="edge"), actions
    )
    return cut_episode(*follow_actions(env, padded, key)).first(steps)


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Width and height of pictures: even numbers, as films need them."""
    height, width = shape[:2]
    scale = _SIDE / max(height, width)
    if scale > 1:
        scale = int(scale)
    return tuple(max(2, 2 * round(side * scale / 2)) for side in (width, height))  # pyright: ignore[reportReturnType]


def _png(image: Any, size: tuple[int, int]) -> bytes:
    if image.size != size:
        kinds = pillow().Resampling
        image = image.resize(size, kinds.NEAREST if size > image.size else kinds.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
