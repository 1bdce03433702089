"""The cost of the `mjx` engine compared with stock MJX: time to compile and to step.

    python -m benchmarks.mjx_speed HalfCheetah --batches 64 1024

Stock is `mujoco.mjx.step` with the model's own solver settings (Newton instead of PGS, which it does not have). Both
start from the same states, which C MuJoCo visits under random controls, and take turns. Times are processor seconds of
all threads, as medians over the turns: other load disturbs them less than wall-clock times.

On few cores, stock MJX can hang in batches of more than a few hundred (each thread waits in LAPACK for another), so the
thread pool is enlarged before JAX starts. Our engine does not need this.
"""

import argparse
import copy
import os
import statistics
from collections.abc import Callable
from typing import Any

os.environ.setdefault("PJRT_NPROC", "8")

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx

from benchmarks.clocks import now, since
from jaxenvs.simulators.mujoco.engines.mjx import engine
from jaxenvs.simulators.mujoco.model import import_mujoco
from tests.simulators.mujoco.engines.mjx.reference import TASKS, load, parameters_of, state_at, visit


def ours(task: str) -> Callable[..., Any]:
    """One environment step of the engine."""
    handle, frames = load(task), TASKS[task][1]

    def step(qpos: Any, qvel: Any, warm_start: Any, ctrl: Any) -> Any:
        after = engine.step(handle, parameters_of(handle.mj_model), state_at(qpos, qvel, warm_start), ctrl, frames, ())
        return after.qpos, after.qvel, after.qacc_warmstart

    return step


def stock(task: str) -> Callable[..., Any]:
    """One environment step of stock MJX."""
    model = copy.copy(load(task).mj_model)
    solvers = import_mujoco().mjtSolver
    if model.opt.solver == solvers.mjSOL_PGS:
        model.opt.solver = solvers.mjSOL_NEWTON
    mjx_model = mjx.put_model(model, impl="jax")
    fresh = mjx.make_data(mjx_model)

    def step(qpos: Any, qvel: Any, warm_start: Any, ctrl: Any) -> Any:
        data = fresh.replace(qpos=qpos, qvel=qvel, qacc_warmstart=warm_start, ctrl=ctrl)
        data, _ = jax.lax.scan(lambda data, _: (mjx.step(mjx_model, data), None), data, length=TASKS[task][1])
        return data.qpos, data.qvel, data.qacc_warmstart

    return step


def main() -> None:
    """Prints a line for each program and batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="+", choices=sorted(TASKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[64])
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    for task in options.tasks:
        visited = visit(load(task).mj_model, TASKS[task][1], 100)
        programs = {}
        for batch in options.batches:
            chosen = np.random.default_rng(0).integers(0, 100, batch)
            arguments = [jnp.asarray(column[chosen], jnp.float32) for column in visited[:4]]
            for name, make in (("ours", ours), ("stock", stock)):
                start = now()
                lowered = jax.jit(jax.vmap(make(task))).lower(*arguments)
                tracing, start = since(start).spent, now()
                compiled = lowered.compile()
                programs[name, batch] = compiled, arguments, tracing, since(start).spent
                jax.block_until_ready(compiled(*arguments))
        spent: dict[Any, list[float]] = {key: [] for key in programs}
        for _ in range(options.turns):
            for key, (compiled, arguments, *_) in programs.items():
                start = now()
                jax.block_until_ready(compiled(*arguments))
                spent[key].append(since(start).spent)
        for (name, batch), (_, _, tracing, compiling) in programs.items():
            rate = batch / statistics.median(spent[name, batch])
            print(
                f"{task:22s} {name:6s} {batch:5d} trace {tracing:5.1f} s  compile {compiling:5.1f} s"
                f"  {rate:9.0f} env steps a processor second",
                flush=True,
            )


if __name__ == "__main__":
    main()
