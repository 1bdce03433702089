"""progress.csv: the figures of each report, as text."""

import csv
import io
from collections.abc import Mapping, Sequence


def csv_text(rows: Sequence[Mapping[str, float]], *, header: bool) -> str:
    """Rows as lines of CSV, all with the columns of the first; integers are written in full."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows({name: _as_text(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _as_text(value: float) -> str:
    """Formats integers in full (a float cannot hold all of them beyond 2**53), and other numbers to seven digits."""
    is_whole = isinstance(value, int) or (value.is_integer() and abs(value) <= 2**53)
    return str(int(value)) if is_whole else f"{value:.7g}"


def csv_rows(text: str) -> list[dict[str, float]]:
    """The rows of a file, without a last one that was cut off while writing.

    Raises:
        TypeError, ValueError: a row is not of numbers, or has too many.
    """
    whole = text[: text.rfind("\n") + 1]
    return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(whole))]
