"""The tables of measured figures in the pages, made from the JSON files in `docs/figures/`.

    python -m docs.generator.figures

rewrites, in every page, what stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`. NAME is a key of
`TABLES`. Each file says which command measured it, when, on what device and with which versions; what is not known is
null, and the page says so. `jaxenvs bench --json` and the programs in `benchmarks` write such files.
"""

import datetime
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from docs.generator.figure_tables import TABLES

FIGURES = Path(__file__).parents[1] / "figures"
PAGES = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- figures: ([\w ]+) -->\n.*?<!-- end of figures -->", re.DOTALL)
ORIGIN = "command", "date", "device", "versions"
"""What every file says about its figures; each may be null."""

_NAMES = {
    "python": "Python",
    "jax": "JAX",
    "envpool": "EnvPool",
    "gymnasium": "Gymnasium",
    "ale_py": "ale-py",
    "stable_baselines3": "stable-baselines3",
    "torch": "PyTorch",
    "mujoco": "MuJoCo",
    "gymnasium_robotics": "gymnasium-robotics",
}
"""How the pages write the names of packages."""
_NOT_NAMED = "jaxlib", "numpy"


def read(name: str) -> dict[str, Any]:
    """A file of figures.

    Raises:
        KeyError: it does not say where its figures come from.
    """
    data = json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))
    missing = [key for key in ORIGIN if key not in data]
    if missing:
        raise KeyError(f"docs/figures/{name}.json has no {', '.join(missing)}; write null for what is not known.")
    return data


def when_and_where(data: dict[str, Any]) -> str:
    """The date, the device and the versions of figures, in words."""
    day = data["date"] and datetime.date.fromisoformat(data["date"])
    versions = {_NAMES.get(key, key): value for key, value in (data["versions"] or {}).items() if key not in _NOT_NAMED}
    parts = [
        f"{day.day} {day:%B %Y}" if day else "date not recorded",
        data["device"] or "device not recorded",
        ", ".join(f"{package} {version}" for package, version in versions.items()) or "versions not recorded",
    ]
    return "; ".join(parts)


def pages() -> list[Path]:
    """The pages that may have tables: the README, and those in `docs`."""
    return [*PAGES.parent.glob("README.md"), *sorted(PAGES.glob("*.md"))]


def origin(name: str, data: dict[str, Any], folder: str = "figures") -> str:
    """Where and when the figures of a file were measured, and a link to it in this folder."""
    note = f" {data['note']}" if data.get("note") else ""
    return textwrap.fill(f"Measured: {when_and_where(data)}.{note} [Data]({folder}/{name}.json)", width=120)


def block(key: str, folder: str = "figures") -> str:
    """A table and where its figures come from, between their markers."""
    name, *more, make = TABLES[key]
    files = {each: read(each) for each in (name, *more)}
    table, source = make(*files.values()), origin(name, files[name], folder)
    return f"<!-- figures: {key} -->\n{table}\n\n{source}\n<!-- end of figures -->"


def with_figures(page: Path) -> str:
    """A page's text with its tables made again from the files."""
    folder = "figures" if page.parent == PAGES else f"{PAGES.name}/figures"
    return BLOCK.sub(lambda found: block(found[1], folder), page.read_text(encoding="utf-8"))


def main() -> None:
    """Rewrites the tables in all pages."""
    for path in pages():
        if (text := with_figures(path)) != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"Wrote {path.relative_to(PAGES.parent)}")


if __name__ == "__main__":
    main()
