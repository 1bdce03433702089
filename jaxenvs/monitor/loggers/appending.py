"""Files that grow by whole records, such as lines of text."""

from collections.abc import Callable
from pathlib import Path

from jaxenvs.errors import InvalidField, NotWritten
from jaxenvs.monitor import atomic


def append_bytes(path: Path, data: bytes) -> None:
    """Appends to a file, all of the data or, if that fails, nothing. The folder is made if it does not exist.

    Raises:
        NotWritten: the disk is full, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.append_bytes(path, data)
    except OSError as error:
        raise not_written(path, error) from error


def replace_text(path: Path, text: str) -> None:
    """Replaces the content of a file in one step.

    Raises:
        NotWritten: the disk is full, or the file cannot be written.
    """
    try:
        atomic.write_bytes(path, text.encode())
    except OSError as error:
        raise not_written(path, error) from error


def whole_lines(path: Path) -> list[str]:
    """The lines of a file, without a last one that was cut off while writing; none if there is no file.

    Raises:
        InvalidField: the file cannot be read, or is not text.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}. Log to another file.") from error
    except UnicodeDecodeError as error:
        raise InvalidField(f"{path} is not a log: {error}. Log to another file.") from error
    return text[: text.rfind("\n") + 1].splitlines(keepends=True)


def kept_until(path: Path, lines: list[str], step: int, step_of: Callable[[str], int]) -> list[str]:
    """The lines of a log up to a step.

    Raises:
        InvalidField: a line is not one of such a log.
    """
    kept = []
    for number, line in enumerate(lines, 1):
        try:
            reached = step_of(line)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise InvalidField(
                f"{path} was not written by this logger, or is damaged: line {number} has no step ({line[:40]!r}). Log"
                " to another file, or move this one away."
            ) from error
        if reached <= step:
            kept.append(line)
    return kept


def not_written(path: Path, error: OSError) -> NotWritten:
    """What to raise if a log cannot be written."""
    return NotWritten(
        f"{path} cannot be written: {error.strerror or error}. Free some space, or log to another folder."
    )
