"""Pictures as PNG files in memory."""

import io
from typing import Any

import numpy as np

from jaxenvs.core.packages import load_package


def pillow() -> Any:
    """Pillow's module `Image`.

    Raises:
        DependencyNotInstalled: pillow is missing.
    """
    return load_package("PIL.Image", "Pictures need pillow", '"jaxenvs[train]"')


def png_bytes(picture: np.ndarray) -> bytes:
    """The PNG file of a picture, (height, width, 3) uint8."""
    file = io.BytesIO()
    pillow().fromarray(np.ascontiguousarray(picture)).save(file, format="PNG")
    return file.getvalue()
