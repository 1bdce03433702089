"""How fast the Fetch tasks step: `python -m benchmarks.fetch --json docs/figures/speed_fetch.json`.

The engine `c` beside EnvPool's native tasks, gymnasium-robotics, and a bare loop over `mj_step` in one thread per core.
The peers take turns in one process, several times. The figures are medians over these rounds: steps per second, steps
per second of processor time, and the ratio of the latter to that of the engine `c` in the same round, which other
programs on the machine disturb less.

How long a step takes depends on what the hand touches. So all peers start where the task's episodes do, and draw new
actions for each burst: a few actions again and again would drive the hand to the end of its reach.
"""

import argparse
import itertools
import os
import statistics
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any, cast

import jax
import numpy as np

import jaxenvs
from benchmarks.clocks import now, since
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.provenance import provenance
from jaxenvs.envs.robotics._fetch_env import FetchEnv
from jaxenvs.simulators.mujoco.model import import_mujoco

TASKS = ("FetchReach-v4", "FetchPush-v4", "FetchSlide-v4", "FetchPickAndPlace-v4")
COMMAND = "python -O -m benchmarks.fetch --json docs/figures/speed_fetch.json"
LANES = 64
FRAMES = 20
Burst = Callable[[int], int]
"""A function that takes a number of steps of a batch, and returns the number of steps of environments."""


def ours(id: str) -> Burst:
    """The engine `c`, with automatic resets, as one program."""
    env = jaxenvs.AutoReset(jaxenvs.make(id, engine="c"))
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), LANES))

    def step(state: Any, key: jax.Array) -> Any:
        actions = jax.random.uniform(key, (LANES, 4), np.float32, -1.0, 1.0)
        state, timestep = jax.vmap(env.step)(state, actions)
        return state, timestep.reward.sum()

    run = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys))
    held, bursts = [state], itertools.count()

    def burst(steps: int) -> int:
        held[0], rewards = run(held[0], jax.random.split(jaxenvs.random.key(next(bursts)), steps))
        jax.block_until_ready(rewards)
        return steps * LANES

    return burst


def envpool(id: str) -> Burst:
    """EnvPool's native task, on all cores."""
    import envpool as library  # pyright: ignore[reportMissingImports]

    env = library.make_gymnasium(id, num_envs=LANES, num_threads=os.cpu_count())
    env.reset()
    random = np.random.default_rng(0)

    def burst(steps: int) -> int:
        for actions in random.uniform(-1.0, 1.0, (steps, LANES, 4)).astype(np.float32):
            env.step(actions)
        return steps * LANES

    return burst


def gymnasium_robotics(id: str) -> Burst:
    """gymnasium-robotics, one environment, in `python -O`: its assertions fail with mujoco 4.0."""
    import gymnasium
    import gymnasium_robotics as library  # pyright: ignore[reportMissingImports]

    gymnasium.register_envs(library)
    env = gymnasium.make(id)
    env.reset(seed=0)
    random = np.random.default_rng(0)

    def burst(steps: int) -> int:
        for action in random.uniform(-1.0, 1.0, (steps * 8, 4)).astype(np.float32):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return steps * 8

    return burst


def bare(id: str) -> Burst:
    """`mj_step` and nothing else, in one thread per core: the mocap body moves at random, and nothing is read.

    The simulation is that of the task: the fingers move at random as well, or are closed after each step.
    """
    mujoco, env = import_mujoco(), cast(FetchEnv, jaxenvs.unwrap(jaxenvs.make(id, engine="c")))
    model, qvel = env.model.mj_model, env.home.qvel
    begin, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), LANES))
    starts = np.asarray(begin.simulation.qpos, np.float64)
    threads = os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads)
    hand = env.model.body("robot0:gripper_link")
    gripper = env.gripper
    held, actuated = list(gripper.held), list(gripper.actuated)
    seeds = itertools.count()

    def one(steps: int) -> None:
        random, data = np.random.default_rng(next(seeds)), mujoco.MjData(model)
        moves, turns = random.uniform(-0.05, 0.05, (steps, 3)), random.uniform(-1.0, 1.0, steps)
        for number in range(steps):
            if number % 50 == 0:
                mujoco.mj_resetData(model, data)
                data.qpos[:], data.qvel[:] = starts[random.integers(LANES)], qvel
                mujoco.mj_forward(model, data)
            data.mocap_pos[0] = data.xpos[hand] + moves[number]
            data.mocap_quat[0] = data.xquat[hand] + (1.0, 0.0, 1.0, 0.0)
            data.ctrl[:] = data.qpos[actuated] + (0.0 if held else turns[number])
            mujoco.mj_step(model, data, FRAMES)
            if held:
                data.qpos[held] = 0.0
                mujoco.mj_forward(model, data)

    def burst(steps: int) -> int:
        each = steps * LANES // threads
        list(pool.map(one, [each] * threads))
        return each * threads

    return burst


PEERS = {"jaxenvs c": ours, "EnvPool": envpool, "gymnasium-robotics": gymnasium_robotics, "mj_step": bare}


def measure(burst: Burst, steps: int) -> tuple[float, float]:
    """Steps per second, and steps per second of processor time."""
    start = now()
    count = burst(steps)
    passed, spent = since(start)
    return count / passed, count / spent


def main() -> None:
    """Measures every task and peer, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_report_options(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="steps of a batch in a round")
    options = parser.parse_args()
    rows, missing = [], []
    for id in TASKS:
        bursts = {}
        for name, make in PEERS.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    bursts[name] = make(id)
                    bursts[name](options.steps if name == "jaxenvs c" else 1)  # compiles
            except (ImportError, AssertionError) as error:
                missing.append(f"{name}: {type(error).__name__}")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in bursts}
        for _ in range(options.rounds):
            for name, burst in bursts.items():
                found[name].append(measure(burst, options.steps))
        own = [spent for _, spent in found["jaxenvs c"]]
        for name, values in found.items():
            rows.append(
                {
                    "id": id,
                    "library": name,
                    "steps_per_second": round(statistics.median(passed for passed, _ in values)),
                    "steps_per_processor_second": round(statistics.median(spent for _, spent in values)),
                    "of_ours": round(statistics.median(spent / mine for (_, spent), mine in zip(values, own)), 3),
                }
            )
            print(rows[-1], flush=True)
    packages = ("mujoco", "gymnasium-robotics", "envpool")
    versions = {}
    for name in packages:
        try:
            versions[name.replace("-", "_")] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    figures = {"lanes": LANES, "rounds": options.rounds, "not_measured": sorted(set(missing)), "rows": rows}
    write_report(options, {**provenance(COMMAND, versions=[versions]), **figures})


if __name__ == "__main__":
    main()
