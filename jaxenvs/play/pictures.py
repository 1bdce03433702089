"""Frames as PNG or JPEG files in memory."""

import io
from typing import Any, Literal

import numpy as np

from jaxenvs.core.packages import load_package

Format = Literal["PNG", "JPEG"]

_QUALITY = 90
_PNG_LEVEL = 1
_PNG_IS_FINE = 2.0
"""PNG is taken if it is at most this many times as large as JPEG: drawn pictures, which it keeps exactly. Pictures of
robots are five times as large, and take longer than a frame."""

_THUMBNAIL_SIDE = 240


def check_pillow() -> None:
    """Checks that pictures can be encoded.

    Raises:
        DependencyNotInstalled: pillow is missing.
    """
    _pillow()


def encode(frame: np.ndarray, format: Format) -> bytes:
    """A (height, width, 3) uint8 frame as a file of this format."""
    return _encoded(_pillow().fromarray(frame), format)


def best_format(frame: np.ndarray) -> Format:
    """The format for frames like this one: PNG unless it is much larger than JPEG."""
    return "PNG" if len(encode(frame, "PNG")) <= _PNG_IS_FINE * len(encode(frame, "JPEG")) else "JPEG"


def thumbnail(frame: np.ndarray) -> bytes:
    """A PNG of a frame, made smaller if it is large."""
    image = _pillow().fromarray(frame)
    image.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    return _encoded(image, "PNG")


def _encoded(image: Any, format: Format) -> bytes:
    file = io.BytesIO()
    if format == "PNG":
        image.save(file, format, compress_level=_PNG_LEVEL)
    else:
        image.save(file, format, quality=_QUALITY)
    return file.getvalue()


def _pillow() -> Any:
    return load_package("PIL.Image", "Pictures need pillow", '"jaxenvs[play]"')
