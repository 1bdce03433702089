"""Environment steps a second, of the loop as a learner runs it."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxenvs.core.env import Env
from jaxenvs.core.random import key as make_key
from jaxenvs.wrappers import AutoReset


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One subject at one batch size.

    Attributes:
        env_id: the environment.
        peer: who stepped it.
        num_envs: environments stepped at once.
        steps: steps of each of them in one repeat.
        steps_per_second: environment steps a second, the median over repeats.
        slowest: the same of the slowest repeat.
        fastest: the same of the fastest repeat.
        compile_seconds: tracing, compiling and the first call, less one repeat.
        repeats: how often it was timed.
    """

    env_id: str
    peer: str
    num_envs: int
    steps: int
    steps_per_second: float
    slowest: float
    fastest: float
    compile_seconds: float
    repeats: int


Workload = Callable[[], Any]
"""Runs all steps once and returns what must be waited for."""


def jaxenvs_workload(env: Env[Any, Any], num_envs: int, steps: int) -> Workload:
    """A rollout of random actions drawn on the device, AutoReset with fresh starts, all observations returned."""
    env = AutoReset(env)
    key = make_key(0)
    states, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(key, num_envs))
    carry = states, key

    def run() -> Any:
        nonlocal carry
        carry, outputs = _rollout(env, carry, num_envs=num_envs, steps=steps)
        return outputs

    return run


@partial(jax.jit, static_argnames=("num_envs", "steps"))
def _rollout(env: Env[Any, Any], carry: tuple[Any, Any], *, num_envs: int, steps: int) -> tuple[Any, Any]:
    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Any]:
        states, key = carry
        key, action_key = jax.random.split(key)
        actions = jax.vmap(env.action_space.sample)(jax.random.split(action_key, num_envs))
        states, timesteps = jax.vmap(env.step)(states, actions)
        return (states, key), (timesteps.observation, timesteps.reward, timesteps.done)

    return jax.lax.scan(step, carry, None, length=steps)


def measure(
    env_id: str, workload: Workload, num_envs: int, steps: int, *, repeats: int = 5, peer: str = "jaxenvs"
) -> Measurement:
    """Times a workload; its first call, which compiles, apart from the others."""

    def seconds() -> float:
        started = time.perf_counter()
        jax.block_until_ready(workload())
        return time.perf_counter() - started

    first = seconds()
    times = [seconds() for _ in range(repeats)]
    rate = num_envs * steps
    return Measurement(
        env_id=env_id,
        peer=peer,
        num_envs=num_envs,
        steps=steps,
        steps_per_second=rate / statistics.median(times),
        slowest=rate / max(times),
        fastest=rate / min(times),
        compile_seconds=max(0.0, first - statistics.median(times)),
        repeats=repeats,
    )


def steps_for(env: Env[Any, Any], num_envs: int, max_bytes: int = 2**28) -> int:
    """So many steps that a repeat is long enough to time, and its observations fit in `max_bytes`."""
    observation = jax.eval_shape(lambda: env.reset(make_key(0))[1].observation)
    size = sum(x.size * jnp.dtype(x.dtype).itemsize for x in jax.tree.leaves(observation))
    return max(1, min(1000, max_bytes // max(1, size * num_envs)))
