"""Pictures of environments."""

import io
from typing import Any

import jax
import numpy as np
from PIL import Image

import jaxenvs


def picture(env: jaxenvs.Env[Any, Any]) -> bytes:
    """A start state, drawn by the environment: a PNG."""
    frame = jax.jit(lambda env, key: env.render(env.reset(key)[0]))(env, jaxenvs.random.key(0))
    file = io.BytesIO()
    Image.fromarray(np.asarray(frame)).save(file, "png", optimize=True)
    return file.getvalue()
