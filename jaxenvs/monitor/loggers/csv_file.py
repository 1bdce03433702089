"""CsvLogger: figures as the rows of a CSV file."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

from jaxenvs.errors import InvalidField
from jaxenvs.monitor.loggers.appending import append_bytes, kept_until, replace_text, whole_lines
from jaxenvs.monitor.loggers.logger import RunLogger, as_numbers


@final
class CsvLogger(RunLogger):
    """Writes a row for each call of `log`: the step, then one column for each figure.

    A figure that a row lacks is an empty cell, and a figure with a new name becomes a new column. The file can be read
    at any moment, also while it grows: `pandas.read_csv(path)`.

    An existing file is continued: its rows from the first step that is logged are dropped, so steps only increase.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Logs to the file `path`, which is made at the first row."""
        self.path = Path(path)
        self._columns: list[str] | None = None

    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        self._open(step)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        row = {"step": int(step), **as_numbers(figures)}
        if self._columns is None:
            self._open(int(step) - 1)
        assert self._columns is not None
        new = [name for name in row if name not in self._columns]
        columns = [*self._columns, *new]
        if new and self._columns:
            replace_text(self.path, _widened(self.path, whole_lines(self.path), columns) + _line(row, columns))
        else:
            append_bytes(self.path, ((_text([columns]) if new else "") + _line(row, columns)).encode())
        self._columns = columns

    def close(self) -> None:
        pass  # no file stays open

    def _open(self, step: int) -> None:
        """Reads the columns of an existing file, and drops its rows after `step`."""
        lines = whole_lines(self.path)
        columns = next(csv.reader(lines[:1]), [])
        if lines and columns[:1] != ["step"]:
            raise InvalidField(
                f"{self.path} was not written by this logger: its first column is not `step`. Log to another file."
            )
        kept = kept_until(self.path, lines[1:], step, lambda line: int(line.split(",", 1)[0]))
        if self.path.exists():
            replace_text(self.path, "".join([*lines[:1], *kept]) if kept else "")
        self._columns = columns if kept else []


def _widened(path: Path, lines: Sequence[str], columns: Sequence[str]) -> str:
    """The file with more columns, which are empty in the rows so far."""
    rows = csv.DictReader(lines)
    return _text([columns]) + "".join(_line(row, columns) for row in rows)


def _line(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return _text([[row.get(name, "") for name in columns]])


def _text(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
