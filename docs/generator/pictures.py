"""Pictures of environments: a start, or an animation of a few seconds.

Two environment variables, each a regular expression, say which ids get one: DOCS_PICTURES those with a picture (all, by
default), and DOCS_ANIMATIONS those whose picture moves (none, by default). Most of the time goes into compiling.
"""

import io
import os
import re
from typing import Any

import jax
import numpy as np
from PIL import Image

import jaxenvs

SIZE = 200
"""Pixels of the longer side of an animation, at most; smaller pictures are enlarged by a whole number."""
SECONDS = 5.0
FRAMES_PER_SECOND = 12
MAX_BYTES = 300_000
_USUAL_STEPS_PER_SECOND = 8
"""For environments without a time of their own."""
_MOVES = 4
"""How many steps are played before the picture of a board game is drawn; few enough for tic-tac-toe."""
_QUALITIES = 60, 30, 10


def picture(env: jaxenvs.Env[Any, Any], id: str) -> tuple[str, bytes] | None:
    """The suffix and the content of an id's picture; None if it should have none.

    Args:
        env: the environment, which can render.
        id: its id.
    """
    if not re.search(os.environ.get("DOCS_PICTURES", ""), id):
        return None
    moving = os.environ.get("DOCS_ANIMATIONS")
    if moving and re.search(moving, id):
        return ".webp", animation(env)
    return ".png", still(env)


def still(env: jaxenvs.Env[Any, Any]) -> bytes:
    """A start state, or a position of a game that starts with an empty board, drawn by the environment: a PNG."""
    key = jaxenvs.random.key(0)
    if "legal_action_mask" in jax.eval_shape(env.reset, key)[1].info:
        frame = play(env, num_frames=2, stride=_MOVES)[-1]
    else:
        frame = jax.jit(lambda env, key: env.render(env.reset(key)[0]))(env, key)
    file = io.BytesIO()
    Image.fromarray(np.asarray(frame)).save(file, "png", optimize=True)
    return file.getvalue()


def animation(env: jaxenvs.Env[Any, Any]) -> bytes:
    """A few seconds of random actions, one episode after the other: a WebP of at most `MAX_BYTES`."""
    rate = getattr(jaxenvs.unwrap(env), "frames_per_second", _USUAL_STEPS_PER_SECOND)
    stride = max(1, round(rate / FRAMES_PER_SECOND))
    frames = play(env, num_frames=round(SECONDS * rate / stride), stride=stride)
    pictures = [resized(frame) for frame in frames]
    for quality in _QUALITIES:
        file = io.BytesIO()
        options = {"duration": round(1000 * stride / rate), "loop": 0, "quality": quality, "method": 4}
        pictures[0].save(file, "webp", save_all=True, append_images=pictures[1:], **options)
        if file.tell() <= MAX_BYTES:
            break
    return file.getvalue()


def play(env: jaxenvs.Env[Any, Any], num_frames: int, stride: int) -> np.ndarray:
    """(num_frames, height, width, 3) uint8: random actions from a start, with `stride` steps from frame to frame.

    If the environment says which actions are legal, those are taken.
    """
    env = jaxenvs.AutoReset(env, reset_info=True)

    def step(carry: Any, key: Any) -> tuple[Any, None]:
        state, mask = carry
        state, timestep = env.step(state, env.action_space.sample(key, mask))
        return (state, timestep.info.get("legal_action_mask")), None

    def frame(carry: Any, keys: Any) -> tuple[Any, Any]:
        return jax.lax.scan(step, carry, keys)[0], env.render(carry[0])

    @jax.jit
    def frames(env_key: Any, action_key: Any) -> Any:
        keys = jax.random.split(action_key, (num_frames, stride))
        state, timestep = env.reset(env_key)
        return jax.lax.scan(frame, (state, timestep.info.get("legal_action_mask")), keys)[1]

    return np.asarray(frames(*jax.random.split(jaxenvs.random.key(0))))


def resized(frame: np.ndarray) -> Image.Image:
    """A frame in its own proportions, with at most `SIZE` pixels on each side."""
    height, width = frame.shape[:2]
    longer = max(height, width)
    if longer <= SIZE:
        scale = SIZE // longer
        return Image.fromarray(frame).resize((scale * width, scale * height), Image.Resampling.NEAREST)
    size = round(width * SIZE / longer), round(height * SIZE / longer)
    return Image.fromarray(frame).resize(size, Image.Resampling.BOX)
