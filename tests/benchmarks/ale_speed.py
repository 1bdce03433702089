"""Steps of the bridge to the ALE beside those of ale-py's own AtariVectorEnv.

    python tests/benchmarks/ale_speed.py

Both play the same game with the usual preprocessing (84x84 grayscale, frame skip 4, maximum of two frames, stack
of 4, automatic resets) and on as many threads or workers. Each step of the bridge is a pure function, snapshots
included. They take turns; a ratio compares two turns of one round, and the median over rounds counts. On a
machine that others use as well, processor time tells more than the clock, so both are given.
"""

import argparse
import functools
import os
import time
from pathlib import Path

import ale_py
import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from jaxenvs_ale_bridge import AleEnv, set_num_workers
from jaxenvs_ale_bridge.pool import POOL

STEPS = 16
SIZE = 84


def thin(size, into):
    """(size, into) float32: how much of each of `size` pixels goes into each of `into` that cover the same area."""
    edges = np.arange(into + 1) * size / into
    overlap = np.minimum(edges[1:], np.arange(size)[:, None] + 1) - np.maximum(edges[:-1], np.arange(size)[:, None])
    return (np.maximum(overlap, 0) * into / size).astype(np.float32)


def resize(screens):
    """Averages (lanes, 210, 160) screens over areas, to (lanes, 84, 84): 5 rows become 2, 40 columns 21."""
    lanes = screens.shape[0]
    rows = screens.reshape(lanes, 42, 5, 160).astype(jnp.float32)
    upper = 2 * rows[:, :, 0] + 2 * rows[:, :, 1] + rows[:, :, 2]
    lower = rows[:, :, 2] + 2 * rows[:, :, 3] + 2 * rows[:, :, 4]
    columns = jnp.stack([upper, lower], 2).reshape(lanes, SIZE, 4, 40) @ jnp.asarray(thin(40, 21) / 5)
    return jnp.round(columns).astype(jnp.uint8).reshape(lanes, SIZE, SIZE)


def bridge(game, lanes):
    """A function that plays STEPS steps of every lane."""
    base = AleEnv(game=game, obs_type="grayscale", frames="maximum", repeat_action_probability=0.0)
    env = jaxenvs.AutoReset(base)
    actions = jax.random.randint(jax.random.key(0), (STEPS, lanes), 0, base.action_space.n)

    @functools.partial(jax.jit, donate_argnums=0)
    def roll(carry, actions):
        def body(carry, action):
            state, stack = carry
            state, timestep = jax.vmap(env.step)(state, action)
            stack = jnp.concatenate([stack[:, 1:], resize(timestep.observation)[:, None]], 1)
            return (state, stack), (timestep.reward, stack[:, -1].max((1, 2)))

        return jax.lax.scan(body, carry, actions)

    state = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(0), lanes))[0]
    carry = [(state, jnp.zeros((lanes, 4, SIZE, SIZE), jnp.uint8))]

    def play():
        carry[0], seen = roll(carry[0], actions)
        jax.block_until_ready(seen)

    return play


def vector_env(game, lanes, threads):
    """The same for AtariVectorEnv."""
    env = ale_py.AtariVectorEnv(
        game, lanes, num_threads=threads, repeat_action_probability=0.0, noop_max=0, use_fire_reset=False
    )
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, env.single_action_space.n, (STEPS, lanes))

    def play():
        for action in actions:
            env.step(action)

    return play


def processor_seconds():
    """Processor time of this process and of the workers."""

    def ticks(pid):
        return sum(int(field) for field in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])

    return time.process_time() + sum(map(ticks, POOL.pids)) / os.sysconf("SC_CLK_TCK")


def measure(play, seconds):
    """Microseconds a call: by the clock, and of the processor."""
    calls, clock, processor = 0, time.perf_counter(), processor_seconds()
    while time.perf_counter() - clock < seconds:
        play()
        calls += 1
    return np.array([time.perf_counter() - clock, processor_seconds() - processor]) * 1e6 / calls


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="breakout")
    parser.add_argument("--lanes", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    print("| workers | lanes | bridge, us a step | AtariVectorEnv | ratio by the clock | by processor time |")
    print("|--:|--:|--:|--:|--:|--:|")
    for workers in arguments.workers:
        set_num_workers(workers)
        for lanes in arguments.lanes:
            players = bridge(arguments.game, lanes), vector_env(arguments.game, lanes, workers)
            for play in players:
                play()
            times = np.array([[measure(p, arguments.seconds) for p in players] for _ in range(arguments.rounds)])
            ours, theirs = np.median(times[:, :, 0], axis=0) / (STEPS * lanes)
            ratios = np.median(times[:, 1] / times[:, 0], axis=0)
            print(
                f"| {workers} | {lanes} | {ours:.0f} | {theirs:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
