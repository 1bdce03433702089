"""Writes docs/accelerators.md from `results.json`: `python -m benchmarks.rehearsal.page`."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).parents[2] / "docs" / "accelerators.md"

HEAD = """# Accelerators

How the package behaves on a GPU or TPU: whether every environment computes there what it computes on a CPU, how fast
the loops are, and how fast PPO learns. One command measures all of it in under eight minutes, from a clone:

```sh
python -m benchmarks.rehearsal.wheels      # where packages can be downloaded, if the other machine cannot download them
bash benchmarks/rehearsal/start.sh OUT     # on the machine with the accelerator, which needs JAX, Flax and Optax
cp OUT/rehearsal.json benchmarks/rehearsal/results.json
python -m benchmarks.rehearsal.page        # writes this page
```

With `--small` it measures a little of everything on any machine. Without an accelerator, a test lowers every id's
batched loop for CUDA and TPUs. Programs that call the host (the games of the ALE, and C MuJoCo) are exempt, because
JAX lowers them only on a machine with the device.
"""

NOTHING = """
## Figures

There are no figures yet: no line of this package has run on an accelerator so far. Until then, the choice of
AutoReset's method there (`"select"` for cheap resets) is an assumption.
"""

METHODS = "select", "cond", "chunked"


def text(results: dict[str, Any] | None) -> str:
    """The page for the JSON of a rehearsal, or without any."""
    if results is None:
        return HEAD + NOTHING
    sections = results["sections"]
    written = {
        "catalog": _catalog,
        "host": _host,
        "fused": _fused,
        "speed": _speed,
        "robots": _robots,
        "learning": _learning,
    }
    parts = [HEAD, _about(results)]
    for name, write in written.items():
        if name in sections:
            parts.append(write(sections[name]["results"]) + _end_of(sections[name]))
    return "\n".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; numbers are written with separators, and None as an empty cell."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def _about(results: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    device = results["sections"].get("speed", {}).get("results", {}).get("device", {})
    kind = device.get("kind", "an unknown device")
    bandwidth = device.get("bytes copied a second")
    copied = f", which copies {bandwidth / 1e12:.2f} TB/s, read and written" if bandwidth else ""
    return f"## Figures\n\nMeasured on {results['date']} on {kind}{copied}, with {versions}.\n"


def _end_of(section: dict[str, Any]) -> str:
    """A note about a section that did not end properly."""
    if section["status"] == "finished":
        return ""
    return f"\nThis part is not complete: {section['status']} after {section['seconds']:.0f} s.\n"


def _catalog(results: dict[str, Any]) -> str:
    right = [id for id, result in results.items() if result.get("ok")]
    lines = (
        "### Every id\n\nEach id resets, steps and renders. Each step is compared with the processor's from the same"
        " state: integers and flags must be equal, floats within the tolerance (relative and absolute), pictures equal"
        f" in every byte. {len(right)} of {len(results)} ids are.\n"
    )
    wrong = [(id, _what_is_wrong(result)) for id, result in results.items() if not result.get("ok")]
    return lines + ("\n" + table(("id", "what differs"), wrong) if wrong else "")


def _what_is_wrong(result: dict[str, Any]) -> str:
    if "failed" in result:
        return result["failed"]
    picture = result["picture"] or {"bytes differ": 0}
    words = []
    if not result["finite"]:
        words.append("rewards that are not finite")
    for name in ("reset", "one step"):
        found = result[name]
        if found["integers differ in"]:
            words.append(f"{name}: integers in {found['integers differ in']:,} of {found['transitions']:,}")
        if found["floats beyond"]:
            words.append(f"{name}: {found['floats beyond']:,} floats, by up to {found['largest error']:.2g}")
    if picture["bytes differ"]:
        words.append(f"{picture['bytes differ']:,} of {picture['bytes']:,} bytes of pictures")
    return "; ".join(words)


def _host(results: dict[str, Any]) -> str:
    rows = [
        (name, result.get("ok", False), result.get("failed", result.get("device"))) for name, result in results.items()
    ]
    return "### The host\n\nCallbacks, jitted and in a scan, and tensors of torch.\n\n" + table(
        ("what", "works", ""), rows
    )


def _speed(results: dict[str, Any]) -> str:
    rows = []
    for name, programs in results.items():
        if name == "device":
            continue
        rates = {key: program.get("steps a second") for key, program in programs.items() if isinstance(program, dict)}
        ours = {method: rate for method in METHODS if (rate := rates.get(method)) is not None}
        if not ours:
            rows.append((name, *[None] * 6, programs.get("failed", "failed")))
            continue
        best = max(ours, key=lambda method: ours[method])
        gymnax = rates.get("gymnax")
        million = [None if method not in ours else ours[method] / 1e6 for method in METHODS]
        share = f"{100 * programs[best]['share of bandwidth']:.1f} %"
        rows.append((name, *million, best, ours[best] / gymnax if gymnax else None, share, None))
    head = "task", *METHODS, "best", "x gymnax", "of the bandwidth", ""
    return (
        "### Environment steps a second\n\nMillions a second by AutoReset's method, with random actions, everything"
        " that a learner needs written out. Ratios are of the best method to gymnax, which took turns in the same"
        " process. The last share counts what a step must read and write at least.\n\n" + table(head, rows)
    )


def _fused(results: dict[str, Any]) -> str:
    rows = []
    for name, found in results.items():
        if name == "device" or "failed" in found:
            rows += [] if name == "device" else [(name, *[None] * 7, found["failed"])]
            continue
        rates = {
            key: value["steps a second"]
            for key, value in found.items()
            if isinstance(value, dict) and "steps a second" in value
        }
        gymnax, differences = rates.get("gymnax"), found["differences"]
        ratios = rates["fused"] / rates["scan"], rates["fused"] / gymnax if gymnax else None
        share = f"{100 * found['fused, all']['share of bandwidth']:.1f} %"
        equal = f"{differences['integers differ']:,} of {differences['integers']:,}"
        million = rates["fused"] / 1e6, rates["fused, all"] / 1e6
        rows.append((name, *million, *ratios, share, equal, differences["largest of floats"], None))
    head = (
        "task",
        "fused",
        "with all written",
        "x scan",
        "x gymnax",
        "of the bandwidth",
        "integers differ",
        "floats",
        "",
    )
    return (
        "### Fused scans\n\nMillions of steps a second of one kernel for a whole rollout with random actions, beside"
        " XLA's scan of the same step and gymnax. The share is of the bandwidth, for whole trajectories of given"
        " actions. Differences are from XLA's scan, over all steps of a call.\n\n" + table(head, rows)
    )


def _robots(results: dict[str, Any]) -> str:
    rows = [
        (
            name,
            result.get("steps a second"),
            result.get("seconds", {}).get("trace"),
            result.get("seconds", {}).get("compile"),
            result.get("failed", result.get("skipped")),
        )
        for name, result in results.items()
    ]
    return "### Robots\n\n" + table(("robot", "steps a second", "traces in (s)", "compiles in (s)", ""), rows)


def _learning(results: dict[str, Any]) -> str:
    names = "seconds", "env_steps", "mean_return", "compile_seconds", "steps a second", "failed"
    rows = [(name, *(result.get(key) for key in names)) for name, result in results.items()]
    head = "PPO", "seconds", "steps", "mean return", "compiles in (s)", "steps a second", ""
    return "### Learning\n\nSeconds of training until 100 fresh episodes reach the return.\n\n" + table(head, rows)


def main() -> None:
    """Writes the page."""
    PAGE.write_text(text(json.loads(RESULTS.read_text()) if RESULTS.exists() else None))


if __name__ == "__main__":
    main()
