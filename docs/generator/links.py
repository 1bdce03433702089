"""Checks the links that lead out of the repository: in the pages, the notebooks and the docstrings.

    python -m docs.generator.links          # or `make links`

prints every broken link with the files that have it, and then ends with status 1. A server that refuses programs (401,
403, 405, 429) leaves its links unchecked, which is said. The strict build of the site checks all other links.
"""

import argparse
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATTERNS = "*.md", "docs/**/*.md", "notebooks/*.ipynb", "jaxenvs/**/*.py", "jaxenvs_ale_bridge/**/*.py"
PAPER = re.compile(r"\barXiv:(\d{4}\.\d{4,5})")
LINK = re.compile(r"(?:https?://|\bgithub\.com/)[^\s<>\"'`\\\]}|]+")
NOT_LINKS = re.compile(r"https?://(127\.0\.0\.1|localhost|example\.(org|com))\b|[{$*]|cvdf-datasets/mnist/$")
"""Addresses that only stand for others, and a folder whose files can be read but not listed."""
REFUSED = 401, 403, 405, 429
TRIES, SECONDS, THREADS = 2, 20.0, 16
_AGENT = {"User-Agent": "Mozilla/5.0 (a check of the links in documentation)"}


def links_of(text: str) -> set[str]:
    """The addresses in a text, without the punctuation that follows them, and those of the papers that it names."""
    found = {f"https://arxiv.org/abs/{number}" for number in PAPER.findall(text)}
    for link in LINK.findall(text):
        link = link.split("#")[0].rstrip(".,;:!?*_")
        while link.endswith(")") and link.count(")") > link.count("("):
            link = link[:-1].rstrip(".,;:")
        if not NOT_LINKS.search(link):
            found.add(link if link.startswith("http") else f"https://{link}")
    return found


def collect(root: Path = ROOT, patterns: Iterable[str] = PATTERNS) -> dict[str, list[str]]:
    """The files that have each address."""
    files: dict[str, list[str]] = {}
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        for link in links_of(path.read_text(encoding="utf-8")):
            files.setdefault(link, []).append(str(path.relative_to(root)))
    return files


def problem(link: str) -> str | None:
    """Why an address does not work, in words; None if it works."""
    said = ""
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(urllib.request.Request(link, headers=_AGENT), timeout=SECONDS):
                return None
        except urllib.error.HTTPError as error:
            said = f"{error.code} {error.reason}"
            if error.code < 500:
                return f"not checked: {said}" if error.code in REFUSED else said
        except OSError as error:  # no such host, no connection, no answer in time
            said = str(getattr(error, "reason", error))
    return said


def check(files: Mapping[str, Sequence[str]]) -> int:
    """Prints the addresses that do not work, and returns how many there are."""
    broken = unchecked = 0
    with ThreadPoolExecutor(THREADS) as pool:
        for link, said in zip(files, pool.map(problem, files), strict=True):
            if said is None:
                continue
            refused = said.startswith("not checked")
            broken, unchecked = broken + (not refused), unchecked + refused
            print(f"{link}\n    {said}\n    in {', '.join(files[link])}", flush=True)
    print(f"{len(files)} links: {broken} broken, {unchecked} not checked, {len(files) - broken - unchecked} work.")
    return broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks all links; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    return 1 if check(collect()) else 0


if __name__ == "__main__":
    sys.exit(main())
