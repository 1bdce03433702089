"""Fused environments beside XLA's scan: `python -m benchmarks.fusion --json docs/figures/fusion.json`.

Each id of the catalog that can be fused plays random actions, drawn within the step, with automatic resets, and writes
observations, rewards, flags and actions of all steps. `fusion.scan` and `jax.lax.scan` of the same step are called
three times each, in turn and with a pause between, and the best of each counts. CartPole is measured beside a loop in C
that was vectorised by hand (`cartpole.c`, compiled by gcc), which writes the same: into the same arrays in every call,
and into new ones, as a program in JAX does. What gymnax has as well (`jaxenvs/bench/tasks.py`) is measured beside it
where it is installed, as `pip install -e ".[test-neighbours]"` does.
"""

import argparse
import ctypes
import importlib.util
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

import jaxenvs
from benchmarks.report import add_report_options, write_report
from jaxenvs import fusion
from jaxenvs.bench.provenance import provenance
from jaxenvs.bench.tasks import PEERS
from jaxenvs.errors import DatasetNotFound

COMMAND = "python -m benchmarks.fusion --json docs/figures/fusion.json"
IDS = [id for id, spec in jaxenvs.registry.items() if spec.extra is None]
"""Every id that needs no simulator outside JAX."""
LANES, STEPS = 4096, 64
SIZES = {
    "LunarLander": (1024, 100),
    "BipedalWalker": (1024, 50),
    "Go13x13": (1024, 16),
    "Go19x19": (1024, 16),
    "CarRacing": (256, 16),
    "Minecraft": (256, 16),
    "VoxelCraft": (256, 16),
}
"""By a part of the id, the lanes and steps of those that XLA runs slowly."""
IN_GYMNAX = next(peer.tasks for peer in PEERS if peer.name == "gymnax")
PAUSE, TURN = 0.02, 0.05  # seconds between the turns of two functions, and of a turn
STEPS_IN_GYMNAX = {"MinAtar/Seaquest-v1": 4}
"""Where gymnax takes 0.2 seconds for a step of all lanes: its steps in a call."""


def programs(id: str, lanes: int, steps: int) -> tuple[Callable[[], Any], Callable[[], Any], float]:
    """The fused scan, XLA's scan, and the seconds to compile the first."""
    env = jaxenvs.AutoReset(jaxenvs.make(id))
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), lanes))
    keys = jax.random.split(jaxenvs.random.key(1), lanes)

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Any]:
        state, key = carry
        key, action_key = jax.random.split(key)
        action = env.action_space.sample(action_key)
        state, timestep = env.step(state, action)
        return (state, key), (timestep.observation, timestep.reward, timestep.terminated, timestep.truncated, action)

    begin = time.perf_counter()
    fused = jax.jit(lambda *carry: fusion.scan(step, carry, length=steps)).lower(state, keys).compile()
    seconds = time.perf_counter() - begin
    mapped = jax.vmap(step, in_axes=(0, None))
    scanned = jax.jit(lambda *carry: jax.lax.scan(mapped, carry, length=steps)).lower(state, keys).compile()
    return (
        lambda: jax.block_until_ready(fused(state, keys)),
        lambda: jax.block_until_ready(scanned(state, keys)),
        seconds,
    )


def fastest(functions: dict[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """The shortest time of each function. They take turns for a while, at least once.

    A turn is `TURN` seconds of calls, as in a loop of a program, and at least three. The pause before each turn is for
    the others' sake: OpenMP's threads, which the loop in C has, look for work for some milliseconds after each call,
    and take a processor from whatever runs next.
    """
    best, turns, begin = dict.fromkeys(functions, float("inf")), 0, time.perf_counter()
    while not turns or time.perf_counter() - begin < seconds:
        for name, function in functions.items():
            time.sleep(PAUSE)
            calls, end = 0, time.perf_counter() + TURN
            while calls < 3 or time.perf_counter() < end:
                start = time.perf_counter()
                function()
                best[name] = min(best[name], time.perf_counter() - start)
                calls += 1
        turns += 1
    return best


def cart_pole_in_c(lanes: int, steps: int, *, new_arrays: bool = False) -> Callable[[], Any] | None:
    """The loop in C, or None without gcc; it writes into the same arrays in every call, or into new ones."""
    folder = Path(tempfile.mkdtemp())
    flags = ["-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11"]
    flags += ["-shared", "-fPIC"]
    source = Path(__file__).with_name("cartpole.c")
    try:
        subprocess.run(["gcc", *flags, str(source), "-o", str(folder / "c.so"), "-lm"], check=True)
    except FileNotFoundError:
        return None
    run = ctypes.CDLL(str(folder / "c.so")).run
    keys = np.random.default_rng(0).integers(0, 2**32, (lanes, 2), dtype=np.uint32)
    state = [np.zeros((lanes, 4), np.float32), np.zeros(lanes, np.int32), keys]
    kinds = [((4,), np.float32), ((), np.float32), ((), np.uint8), ((), np.uint8), ((), np.int32)]

    def arrays() -> list[np.ndarray]:
        return [np.empty((steps, lanes, *shape), dtype) for shape, dtype in kinds]

    kept = None if new_arrays else arrays()

    def play() -> list[np.ndarray]:
        results = [*state, *(arrays() if kept is None else kept)]
        pointers = [x.ctypes.data_as(ctypes.c_void_p) for x in results]
        run(*pointers, ctypes.c_int64(lanes), ctypes.c_int64(steps))
        return results

    return play


def program_in_gymnax(id: str, lanes: int, steps: int) -> Callable[[], Any]:
    """A scan of gymnax's environment; its random numbers are drawn for all lanes at once, which is fastest."""
    gymnax: Any = importlib.import_module("gymnax")
    options = dict(IN_GYMNAX[id].options)
    limit = options.pop("max_steps_in_episode", None)
    env, params = gymnax.make(IN_GYMNAX[id].name, **options)
    if limit is not None:
        params = params.replace(max_steps_in_episode=limit)
    _, state = jax.jit(jax.vmap(env.reset, in_axes=(0, None)))(jax.random.split(jax.random.key(0), lanes), params)
    space = env.action_space(params)

    def draw(key: Any) -> Any:
        if hasattr(space, "n"):
            return jax.random.randint(key, (lanes,), 0, space.n)
        return jax.random.uniform(key, (lanes, *space.shape), minval=space.low, maxval=space.high)

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Any]:
        state, key = carry
        key, action_key, step_key = jax.random.split(key, 3)
        action = draw(action_key)
        step_keys = jax.random.split(step_key, lanes)
        observation, state, reward, terminated, truncated, _ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            step_keys, state, action, params
        )
        return (state, key), (observation, reward, terminated, truncated, action)

    program = jax.jit(lambda *carry: jax.lax.scan(step, carry, length=steps))
    compiled = program.lower(state, jax.random.key(1)).compile()
    return lambda: jax.block_until_ready(compiled(state, jax.random.key(1)))


def measure(ids: list[str], seconds: float, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """All figures, without their origin; each row is printed as soon as it is there."""
    rows = []
    for id in tqdm(ids, "ids"):
        lanes, steps = size or next((size for part, size in SIZES.items() if part in id), (LANES, STEPS))
        try:
            fused, scanned, compiling = programs(id, lanes, steps)
        except DatasetNotFound as reason:
            tqdm.write(f"{id} is left out. {reason}")
            continue
        functions = {"fused": fused, "scan": scanned}
        if id == "CartPole-v1" and lanes % 512 == 0:
            for name, new_arrays in (("C", False), ("C, new arrays", True)):
                in_c = cart_pole_in_c(lanes, steps, new_arrays=new_arrays)
                functions |= {} if in_c is None else {name: in_c}
        taken = {"gymnax": min(steps, STEPS_IN_GYMNAX.get(id, steps))}
        if id in IN_GYMNAX and importlib.util.find_spec("gymnax"):
            functions["gymnax"] = program_in_gymnax(id, lanes, taken["gymnax"])
        best = fastest(functions, seconds)
        speeds = {name: round(lanes * taken.get(name, steps) / x) for name, x in best.items()}
        rows.append({"env_id": id, "lanes": lanes, "steps": steps, "compile_seconds": round(compiling, 2)} | speeds)
        tqdm.write(str(rows[-1]))
    return {"rows": rows}


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", nargs="*", default=IDS, help="ids to measure; every one that can be fused by default")
    parser.add_argument("--seconds", type=float, default=2.0, help="of measuring, for each id")
    add_report_options(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["JAXENVS_CACHE"] = folder  # so that compiling is measured
        figures = measure(options.ids, options.seconds)
    write_report(options, provenance(COMMAND) | figures)


if __name__ == "__main__":
    main()
