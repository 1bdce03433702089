"""Messages between this process and its workers: pickled tuples, preceded by their length, through pipes."""

import pickle
from typing import Any, BinaryIO


def read_message(stream: BinaryIO) -> Any:
    """Reads a message; raises EOFError if the other process has ended."""
    size = _read(stream, 8)
    return pickle.loads(_read(stream, int.from_bytes(size, "little")))


def write_message(stream: BinaryIO, message: Any) -> None:
    """Writes a message for `read_message`."""
    data = pickle.dumps(message)
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def _read(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the other process has ended")
    return data
