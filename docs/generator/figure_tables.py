"""One function for each table of figures: from the JSON that a measurement writes to a table in Markdown."""

from collections.abc import Iterator, Sequence
from itertools import count, groupby
from typing import Any

from docs.generator.learning_tables import (
    Figures,
    learning_board_games,
    learning_games,
    learning_goals,
    learning_robots,
    learning_time,
    learning_voxels,
    transfer,
    voxel_achievements,
)
from docs.generator.markdown import table
from jaxenvs.bench.figures import short

_TITLES = {
    "c": "C",
    "gymnax": "gymnax",
    "envpool": "EnvPool",
    "gymnasium-vector": "NumPy vector",
    "gymnasium-sync": "SyncVectorEnv",
    "ale-vector": "AtariVectorEnv",
    "pgx": "pgx",
}
"""Headings of the peers of `jaxenvs bench`."""
_DIEHARDER_WEAK = 0.005
_DIEHARDER_FAILED = 0.000001


def steps_per_second(figures: Figures) -> str:
    """By id, the speed of jaxenvs, how many times faster that is than each peer, and the time to compile."""
    peers = dict.fromkeys(m["peer"] for m in _measured(figures) if m["peer"] != "jaxenvs")
    rows = []
    for id, group in groupby(_measured(figures), key=lambda m: m["env_id"]):
        by_peer = {m["peer"]: m for m in group}
        ours = by_peer["jaxenvs"]
        ratios = [_ratio(by_peer.get(peer)) for peer in peers]
        seconds, theirs = _compiling(ours), _compiling(by_peer.get("gymnax"))
        compiling = f"{seconds} s ({theirs})" if theirs else f"{seconds} s"
        rows.append((id, short(ours["steps_per_second"]), *ratios, compiling))
    head = "id", "jaxenvs", *(f"x {_TITLES.get(peer, peer)}" for peer in peers), "compiles in (gymnax)"
    return table(head, rows, range(1, len(head)))


def fusion_speed(figures: Figures) -> str:
    """By id, the speed of the kernel and of XLA's scan, their ratio, that to peers, and the time to compile."""
    peers = [name for name in ("C", "C, new arrays", "gymnax") if any(name in row for row in figures["rows"])]
    rows = []
    for row in figures["rows"]:
        cells = [f"{row['fused'] / row[peer]:.2f}" if peer in row else "" for peer in peers]
        rows.append(
            (
                row["env_id"],
                f"{row['lanes']:,} x {row['steps']}",
                short(row["fused"]),
                short(row["scan"]),
                f"**{row['fused'] / row['scan']:.1f}**",
                *cells,
                f"{row['compile_seconds']:.1f} s",
            )
        )
    head = (
        "id",
        "lanes x steps",
        "fused",
        "XLA",
        "x XLA",
        *(f"x {_TITLES.get(peer, peer)}" for peer in peers),
        "compiling",
    )
    return table(head, rows, range(1, len(head)))


def ratios_with_range(figures: Figures) -> str:
    """By id, how many times faster jaxenvs is than each peer, with the range over the repeats."""
    measured = [m for m in _measured(figures) if m["peer"] != "jaxenvs"]
    peers = list(dict.fromkeys(m["peer"] for m in measured))
    rows = []
    for id, group in groupby(measured, key=lambda m: m["env_id"]):
        by_peer = {m["peer"]: m["jaxenvs_is_faster_by"] for m in group}
        cells = [by_peer.get(peer) for peer in peers]
        rows.append((id, *(f"{c['median']:.1f} ({c['low']:.1f} to {c['high']:.1f})" if c else "" for c in cells)))
    return table(("id", *(f"x {_TITLES.get(peer, peer)}" for peer in peers)), rows, range(1, len(peers) + 1))


def speed_and_processor_time(figures: Figures, alone: Figures | None = None) -> str:
    """By id and number of lanes, the speed and the ratios to each peer in wall-clock time and in processor time.

    Args:
        figures: the measurements.
        alone: the microseconds of `mj_step` alone, by id; the table then has the processor time of a step as well.
    """
    peers = list(dict.fromkeys(m["peer"] for m in _measured(figures) if m["peer"] != "jaxenvs"))
    rows, before = [], ""
    for (id, lanes), group in groupby(_measured(figures), key=lambda m: (m["env_id"], m["num_envs"])):
        by_peer = {m["peer"]: m for m in group}
        ours, cells = by_peer["jaxenvs"], []
        for peer in peers:
            for key in ("jaxenvs_is_faster_by", "jaxenvs_needs_less_processor_time_by"):
                cells.append(f"{by_peer[peer][key]['median']:.2f}" if peer in by_peer else "")
        if alone is not None:
            floor = _low_to_high(alone["microseconds"][id]) if id != before else ""
            cells += [f"{ours['cpu_nanoseconds_per_step'] / 1000:.3g}", floor]
        rows.append((id.removeprefix("ALE/"), f"{lanes:,}", f"{ours['steps_per_second']:,.0f}", *cells))
        before = id
    head = ["id", "lanes", "steps/s"]
    for peer in peers:
        head += [f"x {_TITLES.get(peer, peer)}", "in processor time"]
    head += [] if alone is None else ["us of processor time per step", "`mj_step` alone"]
    return table(head, rows, range(1, len(head)))


def auto_reset_methods(figures: Figures) -> str:
    """Nanoseconds per step by the cost of a reset and the number of lanes; the best of each row is bold."""
    methods = "select", "cond", "chunked"
    rows = []
    for row in figures["rows"]:
        best = min(row[method] for method in methods)
        cells = [f"**{_three(row[m])}**" if row[m] == best else _three(row[m]) for m in methods]
        rows.append((row["reset"], f"{row['lanes']:,}", *cells))
    return table(("reset", "lanes", *methods), rows, range(1, 5))


def learning_speed(figures: Figures) -> str:
    """Steps per second of PPO by the sizes of an update, and how many times faster jaxenvs is."""
    rows = []
    for entry in figures["speed"]:
        sizes, (ours, theirs) = entry["sizes"], entry["measurements"]
        ratio = theirs["jaxenvs_is_faster_by"]
        spread = _low_to_high([f"{ratio['low']:.2f}", f"{ratio['high']:.2f}"])
        rows.append(
            (
                f"{sizes['num_envs']:,} x {sizes['num_steps']} ({sizes['whose']})",
                str(sizes["num_epochs"]),
                str(sizes["num_minibatches"]),
                short(ours["steps_per_second"]),
                short(theirs["steps_per_second"]),
                f"{ratio['median']:.2f}x ({spread})",
            )
        )
    head = "envs x steps", "epochs", "minibatches", "jaxenvs, steps/s", "rejax, steps/s", "jaxenvs is"
    return table(head, rows, range(1, 6))


def dieharder(figures: Figures) -> str:
    """Every p-value, by test and stream."""
    streams = {name: dict(_numbered(results)) for name, results in figures["streams"].items()}
    keys = dict.fromkeys(key for results in streams.values() for key in results)
    rows = [
        (test, str(parameter), *(_p_value(results.get((test, parameter, number))) for results in streams.values()))
        for test, parameter, number in keys
    ]
    return table(("test", "parameter", *streams), rows, range(1, len(streams) + 2))


def dieharder_summary(figures: Figures) -> str:
    """How many results each stream has, and which are FAILED or WEAK."""
    streams = figures["streams"]
    all_results = len({key for results in streams.values() for key, _ in _numbered(results)})
    rows = []
    for name, results in streams.items():
        weak: dict[str, list[str]] = {}
        for test, parameter, p in results:
            if _assessment(p) == "WEAK":
                weak.setdefault(test, []).append(str(parameter))
        failed = sum(_assessment(p) == "FAILED" for *_, p in results)
        text = ", ".join(f"{test} {' and '.join(parameters)}" for test, parameters in weak.items())
        rows.append((f"`{name}`", f"{len(results)} of {all_results}", str(failed), text))
    return table(("stream", "results", "FAILED", "WEAK"), rows, (1, 2))


_LOOPS = {
    "bare": "random actions, nothing else",
    "outcome": "the same with `lax.scan` and `outcome`",
    "policy": "a network of 64-64 units chooses the actions",
    "ppo": "training by PPO",
}


def recording_cost(figures: Figures) -> str:
    """Nanoseconds per step of loops with and without a recorder, and the quartiles of what it adds."""
    rows = []
    for row in figures["rows"]:
        cells = [_three(row["passed"][key]) for key in ("plain_ns", "recorded_ns")]
        for clock in ("passed", "spent"):
            low, median, high = row[clock]["more_percent"]
            cells.append(f"{median:+.1f} % ({_low_to_high([f'{low:+.1f}', f'{high:+.1f}'])})")
        rows.append((_LOOPS[row["loop"]], *cells))
    head = "loop", "ns a step", "recorded", "more time", "more processor time"
    return table(head, rows, range(1, 5))


def fetch_speed(figures: Figures) -> str:
    """By task, steps per second of processor time, and as fractions of that of jaxenvs."""
    libraries = list(dict.fromkeys(row["library"] for row in figures["rows"]))
    rows = []
    for id, group in groupby(figures["rows"], key=lambda row: row["id"]):
        by_library = {row["library"]: row for row in group}
        cells = []
        for name in libraries:
            row = by_library.get(name)
            cells.append("" if row is None else f"{row['steps_per_processor_second']:,} ({row['of_ours']:.2f})")
        rows.append((f"`{id}`", *cells))
    return table(("id", *libraries), rows, range(1, len(libraries) + 1))


def voxel_pictures(figures: Figures) -> str:
    """By world, size and view distance, how fast pictures are drawn, and how many times faster than by NumPy."""
    rows = []
    for row in figures["rows"]:
        floor = row.get("numpy_cpu_microseconds_per_picture")
        ours = row["cpu_microseconds_per_picture"]
        rows.append(
            (
                row["world"],
                f"{row['size']} x {row['size']}",
                str(row["view_distance"]),
                f"{row['pictures_per_second']:,}",
                f"{ours:,.0f}",
                f"{floor:,.0f}" if floor else "",
                f"{floor / ours:.1f}" if floor else "",
                f"{row['compile_cpu_seconds']:.1f} s",
            )
        )
    head = "world", "picture", "view", "pictures/s", "us of processor time", "NumPy, us", "x NumPy", "compiling"
    return table(head, rows, range(2, len(head)))


def at_a_glance(kernels: Figures, *benches: Figures) -> str:
    """The first figures that a reader sees: a few ids, their speed, and how many times that of another library."""
    by_id = {row["env_id"]: row for row in kernels["rows"]}
    rows = []
    for id in ("CartPole-v1", "MinAtar/Breakout-v1"):
        speeds = by_id[id]
        rows.append((f"`{id}`", short(speeds["fused"]), f"{speeds['fused'] / speeds['gymnax']:.2g} times gymnax"))
    for figures in benches:
        for id, (ours, theirs) in groupby(_measured(figures), key=lambda m: m["env_id"]):
            ratio = f"{theirs['jaxenvs_is_faster_by']['median']:.2g} times {_TITLES[theirs['peer']]}"
            rows.append((f"`{id}`", short(ours["steps_per_second"]), ratio))
    return table(("id", "steps per second", "which is"), rows, (1,))


TABLES: dict[str, tuple[Any, ...]] = {
    "at a glance": ("fusion", "speed_box2d_fused", "speed_car_racing", at_a_glance),
    "classic control": ("speed_classic_control", steps_per_second),
    "MinAtar": ("speed_minatar", ratios_with_range),
    "AutoReset": ("auto_reset_methods", auto_reset_methods),
    "Atari": ("speed_atari", speed_and_processor_time),
    "MuJoCo": ("speed_mujoco", "mj_step", speed_and_processor_time),
    "Fetch": ("speed_fetch", fetch_speed),
    "learning Fetch": ("learning_fetch", "learning_fetch_pick_and_place", learning_goals),
    "board games": ("speed_board_games", speed_and_processor_time),
    "learning speed": ("learning_cart_pole", learning_speed),
    "learning time": ("learning_cart_pole", learning_time),
    "learning robots": ("learning_robots", learning_robots),
    "learning games": ("learning_games", learning_games),
    "learning board games": ("alpha_zero_connect_four", "alpha_zero_tic_tac_toe", learning_board_games),
    "dieharder": ("dieharder", dieharder),
    "dieharder summary": ("dieharder", dieharder_summary),
    "recording": ("recording_cost", recording_cost),
    "Box2D": ("speed_box2d", speed_and_processor_time),
    "CarRacing": ("speed_car_racing", speed_and_processor_time),
    "Box2D fused": ("speed_box2d_fused", speed_and_processor_time),
    "fusion": ("fusion", fusion_speed),
    "Box2D transfer": ("transfer_box2d", transfer),
    "Box2D learning": ("learning_box2d", learning_robots),
    "voxels": ("speed_voxels", voxel_pictures),
    "learning voxels": ("learning_minecraft", "learning_voxel_craft", learning_voxels),
    "voxel achievements": ("learning_voxel_craft", voxel_achievements),
}
"""By the name of a table: the files in `docs/figures/` that it is made from, and the function that makes it."""


def _measured(figures: Figures) -> list[Figures]:
    """The measurements that did not fail."""
    return [m for m in figures["measurements"] if m.get("failure") is None]


def _ratio(measurement: Figures | None) -> str:
    if measurement is None:
        return ""
    median = measurement["jaxenvs_is_faster_by"]["median"]
    return f"{median:,.0f}" if median >= 100 else f"{median:.3g}"


def _compiling(measurement: Figures | None) -> str:
    seconds = [] if measurement is None else measurement.get("compile_seconds", [])
    return f"{sorted(seconds)[len(seconds) // 2]:.2f}" if seconds else ""


def _three(value: float) -> str:
    return f"{value:,.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


def _low_to_high(values: Sequence[Any]) -> str:
    low, high = values
    return str(low) if low == high else f"{low} to {high}"


def _assessment(p: float) -> str:
    """As dieharder assesses a p-value."""
    for name, limit in (("FAILED", _DIEHARDER_FAILED), ("WEAK", _DIEHARDER_WEAK)):
        if p < limit or p > 1 - limit:
            return name
    return ""


def _p_value(p: float | None) -> str:
    return "" if p is None else f"{p:.4f} {_assessment(p)}".strip()


def _numbered(results: Sequence[Sequence[Any]]) -> Iterator[tuple[tuple[str, int, int], float]]:
    """The results of a stream by test, parameter, and their number among results of the same test and parameter."""
    counters: dict[tuple[str, int], Any] = {}
    for test, parameter, p in results:
        yield (test, parameter, next(counters.setdefault((test, parameter), count()))), p
