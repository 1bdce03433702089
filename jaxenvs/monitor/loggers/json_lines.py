"""JsonLinesLogger: figures as lines of JSON."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from jaxenvs.monitor.loggers.appending import append_bytes, kept_until, replace_text, whole_lines
from jaxenvs.monitor.loggers.logger import RunLogger, as_numbers


@final
class JsonLinesLogger(RunLogger):
    """Writes a JSON object on a line of its own for each call of `log`: `step`, then the figures by name.

    JSON has no NaN and no infinity, so both become `null`. `pandas.read_json(path, lines=True)` reads the file at any
    moment, also while it grows.

    An existing file is continued: its lines from the first step that is logged are dropped, so steps only increase.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Logs to the file `path`, which is made at the first line."""
        self.path = Path(path)
        self._is_open = False

    def start(self, step: int, settings: Mapping[str, Any]) -> None:
        lines = whole_lines(self.path)
        kept = kept_until(self.path, lines, step, lambda line: int(json.loads(line)["step"]))
        if self.path.exists():
            replace_text(self.path, "".join(kept))
        self._is_open = True

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        values = {name: value if math.isfinite(value) else None for name, value in as_numbers(figures).items()}
        if not self._is_open:
            self.start(int(step) - 1, {})
        line = json.dumps({"step": int(step), **values}, allow_nan=False)
        append_bytes(self.path, f"{line}\n".encode())

    def close(self) -> None:
        pass  # no file stays open
