"""The report of a running section: a JSON file that is complete at any time."""

import json
import os
from pathlib import Path
from typing import Any


class Report:
    """The results of a section, written to a file after each of them.

    Attributes:
        path: the file.
        results: its contents.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, Any] = {}

    def add(self, name: str, result: Any) -> None:
        """Records a result, a JSON value, under a name."""
        self.results[name] = result
        write_json(self.path, self.results)

    def attempt(self, name: str, action: Any, *arguments: Any) -> None:
        """Records what the action returns, or how it failed."""
        try:
            self.add(name, action(*arguments))
        except Exception as error:  # noqa: BLE001  # any failure is a result here
            self.add(name, {"failed": failure(error)})


def failure(error: BaseException) -> str:
    """An exception as a text of limited length."""
    return f"{type(error).__name__}: {str(error).strip()[:500]}"


def write_json(path: Path, value: Any) -> None:
    """Writes a file atomically: readers see either the old or the new contents."""
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(unfinished, path)
