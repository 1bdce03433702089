"""MNIST's files: arrays of bytes in the IDX format, plain or compressed."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from jaxenvs.core.folders import expanded, named_folder
from jaxenvs.errors import DatasetNotFound, InvalidField

VARIABLE = "JAXENVS_MNIST"
"""The environment variable that names the folder."""
_BYTES = 0x08  # IDX's code for unsigned bytes
_FILES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"


def mnist_folder() -> Path:
    """The folder of MNIST's files: that in `JAXENVS_MNIST`, or else `~/.cache/jaxenvs/mnist`."""
    return named_folder(VARIABLE) or expanded(Path("~/.cache/jaxenvs/mnist"))


def read_images() -> np.ndarray:
    """MNIST's training images, (60000, 28, 28) uint8; see `read_mnist`."""
    return read_mnist(_FILES[0])


def read_labels() -> np.ndarray:
    """The labels of MNIST's training images, (60000,) uint8; see `read_mnist`."""
    return read_mnist(_FILES[1])


def read_mnist(name: str, folder: Path | str | None = None) -> np.ndarray:
    """Reads one of MNIST's files.

    Args:
        name: name of the file, such as `"train-images-idx3-ubyte"`; in the folder, `.gz` may follow.
        folder: folder of the file; `mnist_folder()` by default.

    Returns:
        An array of uint8, of the shape given in the file.

    Raises:
        DatasetNotFound: there is no such file.
        InvalidField: the file is not in the IDX format, or is damaged.
    """
    folder = mnist_folder() if folder is None else Path(folder)
    for path, opened in ((folder / name, open), (folder / f"{name}.gz", gzip.open)):
        if path.is_file():
            with opened(path, "rb") as file:
                try:
                    return _parse(file.read(), path)
                except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                    raise InvalidField(f"{path} is damaged ({error}); download it again.") from error
    raise DatasetNotFound(
        f"bsuite/MnistBandit-v0 needs the training set of MNIST, but there is no `{name}` in {folder}. Download"
        f" {_FILES[0]}.gz and {_FILES[1]}.gz (10 MB) from {_URL} to that folder, or set {VARIABLE} to the folder that"
        " contains them. Or pass arrays: `make('bsuite/MnistBandit-v0', images=images, labels=labels)`."
    )


def _parse(data: bytes, path: Path) -> np.ndarray:
    """The array in the bytes of an IDX file: two zeros, type, number of axes, their lengths, and the values."""
    if len(data) < 4 or data[:3] != bytes((0, 0, _BYTES)):
        raise InvalidField(f"{path} is not an IDX file of unsigned bytes.")
    axes = data[3]
    start = 4 + 4 * axes
    shape = struct.unpack(f">{axes}I", data[4:start]) if len(data) >= start else ()
    values = np.frombuffer(data, np.uint8, offset=min(start, len(data)))
    if not axes or values.size != int(np.prod(shape, dtype=np.int64)):
        raise InvalidField(f"{path} is damaged: {values.size} bytes for an array of shape {shape}; download it again.")
    return values.reshape(shape)
