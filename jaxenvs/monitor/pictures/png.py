"""Pictures as PNG files in memory."""

import io
from typing import Any

import numpy as np

from jaxenvs.errors import DependencyNotInstalled


def pillow() -> Any:
    """Pillow's module `Image`.

    Raises:
        DependencyNotInstalled: pillow is missing.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise DependencyNotInstalled('Pictures need pillow: run `pip install "jaxenvs[train]"`.') from error
    return Image


def png_bytes(picture: np.ndarray) -> bytes:
    """The PNG file of a picture, (height, width, 3) uint8."""
    file = io.BytesIO()
    pillow().fromarray(np.ascontiguousarray(picture)).save(file, format="PNG")
    return file.getvalue()
