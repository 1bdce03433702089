"""Robots on the engines that run on the device: time to compile, and environment steps/s."""

import concurrent.futures
import importlib.util
import statistics
import time
from typing import Any

import jax

import jaxenvs
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.sizes import Sizes

STEPS = 5
_THREADS = 4


def main(sizes: Sizes, report: Report) -> None:
    """Measures each robot in each batch, with every engine that is installed."""
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        todo = {}
        for engine in ("mjx", "warp"):
            if engine == "warp" and importlib.util.find_spec("warp") is None:
                report.add("warp", {"skipped": "warp-lang is not installed"})
                continue
            for id in sizes.robots:
                for lanes in sizes.robot_batches:
                    todo[f"{id}, {engine}, {lanes} lanes"] = prepare(pool, id, engine, lanes), lanes
        for name, (program, lanes) in todo.items():
            report.attempt(name, measure, program, lanes, sizes)


def prepare(pool: concurrent.futures.Executor, id: str, engine: str, lanes: int) -> Any:
    """A future of the compiled programs, with random actions and automatic resets; tracing is done at once."""
    try:
        env = jaxenvs.AutoReset(jaxenvs.make(id, engine=engine))

        def begin(key: Any) -> Any:
            return jax.vmap(env.reset)(jax.random.split(key, lanes))[0]

        def play(key: Any, state: Any) -> Any:
            def step(state: Any, key: Any) -> Any:
                actions = jax.vmap(env.action_space.sample)(jax.random.split(key, lanes))
                state, timestep = jax.vmap(env.step)(state, actions)
                return state, (timestep.observation, timestep.reward, timestep.done)

            return jax.lax.scan(step, state, jax.random.split(key, STEPS))

        started = time.perf_counter()
        key = jaxenvs.random.key(0)
        programs = jax.jit(begin).lower(key), jax.jit(play).lower(key, jax.eval_shape(begin, key))
        return pool.submit(_compile, *programs, time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001  # the others continue
        return pool.submit(_raise, error)


def _raise(error: Exception) -> None:
    raise error


def _compile(begin: Any, play: Any, tracing: float) -> Any:
    begin = begin.compile()
    started = time.perf_counter()
    play = play.compile()
    return begin, play, {"trace": round(tracing, 2), "compile": round(time.perf_counter() - started, 2)}


def measure(program: Any, lanes: int, sizes: Sizes) -> dict[str, Any]:
    """Waits for a robot's program, and times it while others may still be compiling."""
    begin, play, seconds = program.result()
    key = jaxenvs.random.key(0)
    state, outputs = jax.block_until_ready(play(key, begin(key)))
    rates = []
    for turn in range(sizes.repeats):
        started = time.perf_counter()
        state, outputs = jax.block_until_ready(play(jax.random.fold_in(key, turn), state))
        rates.append(STEPS * lanes / (time.perf_counter() - started))
    finite = bool(jax.numpy.isfinite(outputs[1]).all())
    return {"ok": finite, "steps a second": round(statistics.median(rates)), "seconds": seconds}
