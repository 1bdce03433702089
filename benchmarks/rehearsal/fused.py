"""Fused scans beside XLA's own and gymnax: speed, share of the memory's bandwidth, and whether they compute the same.

On a GPU, kernels in CUDA C are measured; on a CPU, those of LLVM.
"""

import concurrent.futures
import importlib.util
import statistics
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import jaxenvs
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.sizes import Sizes
from benchmarks.rehearsal.speed import copy_bandwidth, gymnax_rollout, num_bytes, steps_of, timed
from jaxenvs import fusion
from jaxenvs.bench.tasks import PEERS
from jaxenvs.fusion import gpu

_THREADS = 12


def main(sizes: Sizes, report: Report) -> None:
    """Compiles all programs, several at a time; then those of a task take turns."""
    bandwidth = copy_bandwidth(sizes)
    about = {"kind": jax.devices()[0].device_kind, "bytes copied a second": bandwidth}
    report.add("device", about | {"no kernels for GPUs, because": gpu.missing()})
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        todo = [(task, sizes, bandwidth, _prepared(pool, task, sizes)) for task in sizes.fused_tasks]
        for task, *rest in todo:
            report.attempt(task, _measured, *rest)


def _prepared(pool: Any, task: str, sizes: Sizes) -> Any:
    """The programs by name, which are being compiled, what they begin with, and their steps."""
    lanes, steps = sizes.fused_lanes, steps_of(task, sizes.fused_lanes, sizes)
    env = jaxenvs.AutoReset(jaxenvs.make(task))
    reset_key, action_key = jax.random.split(jaxenvs.random.key(0))

    def begin(keys: Any) -> Any:
        return jax.vmap(env.reset)(keys)[0], keys

    def drawn(carry: Any, _: None) -> Any:
        """One step of one lane with an action of its own."""
        state, key = carry
        key, action_key = jax.random.split(key)
        state, timestep = env.step(state, env.action_space.sample(action_key))
        return (state, key), (timestep.observation, timestep.reward, timestep.done)

    carry = jax.jit(begin)(jax.random.split(reset_key, lanes))
    sample = jax.jit(jax.vmap(jax.vmap(env.action_space.sample)))
    actions = sample(jax.random.split(action_key, (steps, lanes)))
    makers: dict[str, tuple[Callable[..., Any], Any]] = {
        "fused": (lambda carry: fusion.scan(drawn, carry, None, length=steps), carry),
        "scan": (lambda carry: jax.lax.scan(jax.vmap(drawn), carry, None, length=steps), carry),
        # The whole trajectory, of actions that are given.
        "fused, all": (lambda carry: _kept(fusion.scan(env.step, *carry), carry), (carry[0], actions)),
        "scan, all": (lambda carry: _kept(jax.lax.scan(jax.vmap(env.step), *carry), carry), (carry[0], actions)),
    }
    programs = {
        name: (pool.submit(_compiled, jax.jit(play).lower(first)), first) for name, (play, first) in makers.items()
    }
    gymnax = next(peer for peer in PEERS if peer.name == "gymnax")
    if importlib.util.find_spec("gymnax") and task in gymnax.tasks:
        start, play, peer_key = gymnax_rollout(gymnax.tasks[task], lanes, steps)
        programs["gymnax"] = pool.submit(_compiled, play), start.compile()(peer_key)
    return programs, num_bytes(actions), steps


def _kept(results: Any, carry: Any) -> Any:
    """The results of a scan, with the actions for the next call."""
    state, trajectory = results
    return (state, carry[1]), trajectory


def _compiled(lowered: Any) -> Any:
    return lowered.compile()


def _measured(sizes: Sizes, bandwidth: float, prepared: Any) -> dict[str, Any]:
    programs, action_bytes, steps = prepared
    lanes, results, running = sizes.fused_lanes, {}, {}
    found: dict[str, Any] = {"lanes": lanes, "steps of a call": steps}
    outputs: dict[str, int] = {}
    for name, (future, carry) in programs.items():
        running[name] = future.result(), carry
    for kind in ("", ", all"):
        fused, reference = (running[name + kind][0](running[name + kind][1]) for name in ("fused", "scan"))
        found["differences" + kind] = _differences(fused[1], reference[1])
        outputs["fused" + kind] = outputs["scan" + kind] = num_bytes(fused[1])
        del fused, reference
    for _ in range(sizes.repeats):
        for name, (play, carry) in running.items():
            carry, calls_a_second = timed(play, carry, sizes.seconds)
            running[name] = play, carry
            results.setdefault(name, []).append(calls_a_second)
    for name, rates in results.items():
        calls_a_second = statistics.median(rates)
        found[name] = {"rates": [round(x * steps * lanes) for x in rates]}
        found[name]["steps a second"] = round(calls_a_second * steps * lanes)
        if name in outputs:
            moved = outputs[name] + (action_bytes if name.endswith("all") else 0)
            found[name]["share of bandwidth"] = float(f"{calls_a_second * moved / bandwidth:.4g}")
    return found


def _differences(trajectory: Any, reference: Any) -> dict[str, Any]:
    """How many integers and flags differ, of how many, and the largest difference of floats."""
    differ = numbers = 0
    largest = 0.0
    for x, y in zip(jax.tree.leaves(trajectory), jax.tree.leaves(reference), strict=True):
        if jnp.issubdtype(x.dtype, jnp.floating):
            largest = max(largest, float(jnp.max(jnp.abs(x - y), initial=0.0)))
        elif not jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            differ, numbers = differ + int(jnp.sum(x != y)), numbers + x.size
    return {"integers differ": differ, "integers": numbers, "largest of floats": largest}
