"""Environment steps/s by number of lanes and by AutoReset's method, and compared with gymnax in the same process.

All programs are compiled first, several at a time. Then those of the same task and batch take turns.
"""

import concurrent.futures
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import jaxenvs
from benchmarks.rehearsal.report import Report, failure
from benchmarks.rehearsal.sizes import Sizes
from jaxenvs.bench.tasks import PEERS
from jaxenvs.spaces import Box

METHODS = "select", "cond", "chunked"
_OUTPUT_BYTES = 2**31
"""Maximum size of the observations that a call returns, unless those of four steps are larger."""
_THREADS = 12

Program = tuple[Callable[..., Any], Any, int]
"""A compiled scan, its first carry, and the minimum number of bytes that a step of one lane reads and writes."""


def main(sizes: Sizes, report: Report) -> None:
    """Measures the memory, then all tasks, with batches in increasing order."""
    bandwidth = copy_bandwidth(sizes)
    report.add("device", {"kind": jax.devices()[0].device_kind, "bytes copied a second": bandwidth})
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        todo = [
            (lanes, task, steps := steps_of(task, lanes, sizes), _prepare(pool, task, lanes, steps))
            for lanes in sizes.speed_lanes
            for task in sizes.tasks
        ]
        concurrent.futures.wait([future for *_, futures in todo for future in futures.values()])
    for lanes, task, steps, futures in todo:
        report.attempt(f"{task}, {lanes} lanes", _measure, futures, lanes, steps, bandwidth, sizes)


def copy_bandwidth(sizes: Sizes) -> float:
    """Bytes read and written per second when adding one to a large array."""
    array = jnp.zeros(sizes.copied // 4, jnp.float32)
    add = jax.jit(lambda x: x + 1, donate_argnums=0)
    array = jax.block_until_ready(add(array))
    rates = []
    for _ in range(sizes.repeats):
        started = time.perf_counter()
        for _ in range(10):
            array = add(array)
        jax.block_until_ready(array)
        rates.append(10 * 2 * sizes.copied / (time.perf_counter() - started))
    return max(rates)


def steps_of(task: str, lanes: int, sizes: Sizes) -> int:
    """Steps of a call, whose observations should not need too much memory."""
    space = jaxenvs.make(task).observation_space
    numbers = sum(x.size for x in jax.tree.leaves(jax.eval_shape(space.sample, jax.eval_shape(_key))))
    return max(4, min(sizes.most_steps, _OUTPUT_BYTES // (lanes * 4 * numbers)))


def _key() -> Any:
    return jaxenvs.random.key(0)


def _prepare(pool: Any, task: str, lanes: int, steps: int) -> dict[str, Any]:
    """Futures of the programs by name. Tracing is done at once, since only one Python thread runs at a time."""
    makers: dict[str, Callable[[], Any]] = {
        method: lambda method=method: _ours(task, lanes, steps, method) for method in METHODS
    }
    if importlib.util.find_spec("gymnax"):
        gymnax = next(peer for peer in PEERS if peer.name == "gymnax")
        if task in gymnax.tasks:
            makers["gymnax"] = lambda: gymnax_rollout(gymnax.tasks[task], lanes, steps)
    futures = {}
    for name, make in makers.items():
        try:
            lowered = make()
        except Exception as error:  # noqa: BLE001  # any failure is a result here
            futures[name] = pool.submit(_raise, error)
        else:
            futures[name] = pool.submit(_compile, *lowered)
    return futures


def _raise(error: Exception) -> None:
    raise error


def _compile(begin: Any, play: Any, key: Any) -> Any:
    started = time.perf_counter()
    begin, play = begin.compile(), play.compile()
    return begin, play, key, time.perf_counter() - started


def _lowered(begin: Any, step: Any, key: Any, steps: int) -> Any:
    """The two programs of a loop: the first carry from a key, and a scan of it."""
    carry = jax.eval_shape(begin, key)
    play = jax.jit(lambda carry: jax.lax.scan(step, carry, None, length=steps), donate_argnums=0)
    return jax.jit(begin).lower(key), play.lower(carry), key


def _ours(task: str, lanes: int, steps: int, method: Any) -> Any:
    env = jaxenvs.AutoReset(jaxenvs.make(task), method=method)
    space = env.action_space

    def begin(key: Any) -> Any:
        key, reset_key = jax.random.split(key)
        return jax.vmap(env.reset)(jax.random.split(reset_key, lanes))[0], key

    def step(carry: Any, _: None) -> Any:
        states, key = carry
        key, action_key = jax.random.split(key)
        if isinstance(space, Box):  # all at once, like the actions of a policy
            actions = jax.random.uniform(action_key, (lanes, *space.shape), jnp.float32, space.low, space.high)
        else:
            actions = jax.vmap(space.sample)(jax.random.split(action_key, lanes))
        states, timesteps = jax.vmap(env.step)(states, actions)
        return (states, key), (timesteps.observation, timesteps.reward, timesteps.done)

    return _lowered(begin, step, jaxenvs.random.key(0), steps)


def gymnax_rollout(task: Any, lanes: int, steps: int) -> Any:
    """Gymnax's programs, lowered: what makes the first carry of a key, and a scan of it; and the key."""
    import gymnax  # pyright: ignore[reportMissingImports]  # only if it is installed

    options = dict(task.options)
    limit = options.pop("max_steps_in_episode", None)
    env, params = gymnax.make(task.name, **options)
    params = params if limit is None else params.replace(max_steps_in_episode=limit)
    space = env.action_space(params)

    def begin(key: Any) -> Any:
        key, reset_key = jax.random.split(key)
        return jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(reset_key, lanes), params)[1], key

    def step(carry: Any, _: None) -> Any:
        states, key = carry
        key, action_key, step_key = jax.random.split(key, 3)
        if hasattr(space, "n"):
            actions = jax.random.randint(action_key, (lanes,), 0, space.n)
        else:
            actions = jax.random.uniform(action_key, (lanes, *space.shape), minval=space.low, maxval=space.high)
        observations, states, rewards, terminated, truncated, _ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            jax.random.split(step_key, lanes), states, actions, params
        )
        return (states, key), (observations, rewards, terminated | truncated)

    return _lowered(begin, step, jax.random.key(0), steps)


def _measure(
    futures: dict[str, Any], lanes: int, steps: int, bandwidth: float, sizes: Sizes
) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    programs: dict[str, tuple[Any, Any]] = {}
    for name, future in futures.items():
        try:
            begin, play, key, compile_seconds = future.result()
            carry, outputs = play(begin(key))
            moved = 2 * num_bytes(carry) + num_bytes(outputs) // steps
            results[name] = {"compile_seconds": round(compile_seconds, 2), "bytes a step": moved // lanes, "rates": []}
            programs[name] = play, carry
            del outputs  # frees memory for the next program
        except Exception as error:  # noqa: BLE001  # the others continue
            results[name] = {"failed": failure(error)}
    for _ in range(sizes.repeats):
        for name, (play, carry) in programs.items():
            carry, calls_a_second = timed(play, carry, sizes.seconds)
            programs[name] = play, carry
            results[name]["rates"].append(round(calls_a_second * steps * lanes))
    for name in programs:
        result = results[name]
        result["steps a second"] = rate = statistics.median(result["rates"])
        result["share of bandwidth"] = round(rate * result["bytes a step"] / bandwidth, 4)
    return results


def timed(play: Any, carry: Any, seconds: float) -> tuple[Any, float]:
    """The carry after calls for the given seconds, and the number of calls per second."""
    calls, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        carry, outputs = play(carry)
        jax.block_until_ready(outputs)
        del outputs  # frees memory for the next call
        calls += 1
    return carry, calls / passed


def num_bytes(tree: Any) -> int:
    """Of all arrays of a tree."""
    return sum(x.nbytes for x in jax.tree.leaves(tree))
