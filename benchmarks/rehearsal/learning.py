"""PPO on the device: seconds until a mean return is reached, and environment steps/s with many environments."""

import dataclasses
import time
from typing import Any

import jax
import numpy as np

import jaxenvs
from benchmarks.rehearsal.report import Report
from benchmarks.rehearsal.sizes import Sizes
from jaxenvs.training import preset

_PARTS = 25
"""Parts of a training, each followed by a test."""


def main(sizes: Sizes, report: Report) -> None:
    """Learns each task."""
    for id, threshold in sizes.learnt:
        report.attempt(f"{id}, to {threshold:g}", seconds_to, id, threshold, sizes)
    for id, _ in sizes.learnt:
        report.attempt(f"{id}, {sizes.learning_envs} environments", steps_a_second, id, sizes)


def seconds_to(id: str, threshold: float, sizes: Sizes) -> dict[str, Any]:
    """Time with the preset until 100 fresh episodes reach the threshold, without tests and compilation."""
    env, learner = jaxenvs.make(id), preset(id)
    if sizes.learning_steps is not None:
        learner = dataclasses.replace(learner, total_steps=sizes.learning_steps)
    updates = max(1, learner.num_updates // _PARTS)
    key = jaxenvs.random.key(0)
    started = time.perf_counter()
    state = jax.jit(lambda key: learner.init(env, key))(key)
    run = jax.jit(lambda state: learner.run(env, state, updates)[0]).lower(state).compile()

    @jax.jit
    def test(agent: Any, key: Any) -> Any:
        return jaxenvs.evaluate(env, learner.policy(env, agent), key, num_episodes=100).returns.mean()

    mean_return = float(test(state.agent, key))
    compile_seconds, seconds, done = time.perf_counter() - started, 0.0, 0
    while mean_return < threshold and done < learner.num_updates:
        started = time.perf_counter()
        state = jax.block_until_ready(run(state))
        seconds += time.perf_counter() - started
        done += updates
        mean_return = float(test(state.agent, jax.random.fold_in(key, done)))
    return {
        "ok": bool(mean_return >= threshold),
        "seconds": round(seconds, 2),
        "env_steps": done * learner.steps_per_update,
        "mean_return": round(mean_return, 2),
        "compile_seconds": round(compile_seconds, 1),
    }


def steps_a_second(id: str, sizes: Sizes) -> dict[str, Any]:
    """Environment steps/s of whole updates with many environments and otherwise the preset's settings."""
    env = jaxenvs.make(id)
    learner: Any = preset(id, num_envs=sizes.learning_envs, num_steps=32, total_steps=10 * 32 * sizes.learning_envs)
    state = jax.jit(lambda key: learner.init(env, key))(jaxenvs.random.key(0))
    run = jax.jit(lambda state: learner.run(env, state, 1)[0]).lower(state).compile()
    state = jax.block_until_ready(run(state))
    seconds = []
    for _ in range(sizes.repeats):
        started = time.perf_counter()
        state = jax.block_until_ready(run(state))
        seconds.append(time.perf_counter() - started)
    finite = all(np.isfinite(x).all() for x in jax.tree.leaves(jax.device_get(state.agent)))
    return {"ok": finite, "steps a second": round(learner.steps_per_update / sorted(seconds)[len(seconds) // 2])}
