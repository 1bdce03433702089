"""What a section reports while it runs: a JSON file that is whole at every moment."""

import json
import os
from pathlib import Path
from typing import Any


class Report:
    """The results of a section, written to a file after each of them.

    Attributes:
        path: the file.
        results: what it holds.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, Any] = {}

    def add(self, name: str, result: Any) -> None:
        """Notes a result, a value of JSON, under a name."""
        self.results[name] = result
        write_json(self.path, self.results)

    def attempt(self, name: str, action: Any, *arguments: Any) -> None:
        """Notes what the action returns, or how it failed."""
        try:
            self.add(name, action(*arguments))
        except Exception as error:  # noqa: BLE001  # whatever goes wrong is a result here
            self.add(name, {"failed": failure(error)})


def failure(error: BaseException) -> str:
    """An exception in words, of bounded length."""
    return f"{type(error).__name__}: {str(error).strip()[:500]}"


def write_json(path: Path, value: Any) -> None:
    """Writes a file that readers see either as it was or whole."""
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(unfinished, path)
