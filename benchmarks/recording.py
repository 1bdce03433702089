"""What recording every episode costs: `python -m benchmarks.recording --json docs/figures/recording_cost.json`.

Each loop runs with and without a recorder in turn, in one process, and the episodes are written to Parquet files within
the measured time. The figures are medians over rounds of the ratio of neighbouring measurements: of the time that
passed, and of the time that all processors spent, which other programs on the machine disturb less.

* `bare`: random actions in CartPole, nothing else, with `jaxenvs.monitor.scan` if it is recorded.
* `outcome`: the same with `lax.scan` and `outcome`.
* `policy`: actions drawn from a network with two hidden layers of 64 units.
* `ppo`: training by PPO, by the program of `jaxenvs train`.
"""

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

import jaxenvs
from benchmarks.clocks import Times, now, since
from benchmarks.report import add_report_options, write_report
from jaxenvs.bench.provenance import provenance
from jaxenvs.monitor import Run, Settings, outcome, record, scan
from jaxenvs.monitor.training.training_episodes import TrainingEpisodes
from jaxenvs.monitor.training.updates import CompiledUpdates, initial_state
from jaxenvs.training import PPO

LANES = 4096
STEPS = 1024
"""Steps of a block, after which a loop hands its outcomes to the recorder."""
HIDDEN = 64


def random_action(weights: Any, observation: jax.Array, key: jax.Array) -> jax.Array:
    """0 or 1 for each lane."""
    del weights
    return (jax.random.bits(key, observation.shape[:1], jnp.uint32) >> 31).astype(jnp.int32)


def policy_action(weights: Any, observation: jax.Array, key: jax.Array) -> jax.Array:
    """0 or 1 for each lane, drawn from the outputs of the network."""
    hidden = observation
    for matrix in weights[:-1]:
        hidden = jnp.tanh(hidden @ matrix)
    return jax.random.categorical(key, hidden @ weights[-1]).astype(jnp.int32)


Kept: TypeAlias = Literal["nothing", "outcomes", "packed"]
"""What a loop returns of its timesteps."""


@partial(jax.jit, static_argnames=("act", "kept"))
def block(env: jaxenvs.Env[Any, Any], weights: Any, carry: Any, *, act: Callable[..., jax.Array], kept: Kept) -> Any:
    """Plays `STEPS` steps in every lane; returns the outcomes as well if they are recorded."""

    def step(carry: Any, _: None) -> Any:
        state, observation, key = carry
        key, action_key = jax.random.split(key)
        state, timestep = jax.vmap(env.step)(state, act(weights, observation, action_key))
        kinds = {"nothing": None, "outcomes": outcome(timestep), "packed": timestep}
        return (state, timestep.observation, key), kinds[kept]

    return (scan if kept == "packed" else jax.lax.scan)(step, carry, None, STEPS)


def loop(
    act: Callable[..., jax.Array], kept: Kept, blocks: int, folder: Path, stack: ExitStack
) -> Callable[[bool], Times]:
    """A function that plays some blocks and returns the times that they took."""
    env = jaxenvs.AutoReset(jaxenvs.make("CartPole-v1"))
    sizes = [(4, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 2)]
    keys = jax.random.split(jaxenvs.random.key(0), 3)
    weights = [0.3 * jax.random.normal(key, size, jnp.float32) for key, size in zip(keys, sizes)]
    state, timestep = jax.jit(jax.vmap(env.reset))(jax.random.split(jaxenvs.random.key(1), LANES))
    first = state, timestep.observation, jaxenvs.random.key(2)
    recorder = stack.enter_context(record(env, folder))
    play = partial(block, env, weights, act=act)

    def measure(recorded: bool) -> Times:
        carry, start = first, now()
        for _ in range(blocks):
            carry, outcomes = play(carry, kept=kept if recorded else "nothing")
            if recorded:
                recorder.add(outcomes)
        jax.block_until_ready(carry)
        if recorded:
            recorder.flush()
        return since(start)

    return measure


def training(updates: int, folder: Path, stack: ExitStack) -> Callable[[bool], Times]:
    """A function that trains for some updates and returns the times that they took."""
    env = jaxenvs.make("CartPole-v1")
    learner = PPO(num_envs=LANES, num_steps=32, total_steps=10**9)
    run = Run.create(Settings("CartPole-v1", {}, None, "ppo", {}, 0), folder)
    key = jaxenvs.random.key(0)
    episodes = stack.enter_context(TrainingEpisodes.of(run, learner.steps_per_update, 0, record=True))
    first = jax.jit(initial_state, static_argnames="num_seeds")(env, learner, key, num_seeds=1)
    programs = {
        recorded: CompiledUpdates(env, learner, first, num_seeds=1, mesh=None, record=recorded)
        for recorded in (False, True)
    }
    del first

    def measure(recorded: bool) -> Times:
        state = jax.jit(initial_state, static_argnames="num_seeds")(env, learner, key, num_seeds=1)
        program = programs[recorded]
        jax.block_until_ready(state)
        start, done = now(), 0
        while done < updates:
            end = min(done + program.most_updates, updates)
            state, measured = program(state, done, [end])
            episodes.add(measured, done, 0.0, 1.0)
            done = end
        jax.block_until_ready(state)
        if recorded:
            episodes.flush()
        return since(start)

    return measure


def compare(name: str, measure: Callable[[bool], Times], steps: int, rounds: int) -> dict[str, Any]:
    """Measures in turn with and without a recorder; prints and returns the figures of both clocks."""
    for recorded in (False, True):
        measure(recorded)
    pairs = np.array([(measure(False), measure(True)) for _ in range(rounds)])
    row: dict[str, Any] = {"loop": name}
    for index, clock in enumerate(Times._fields):
        plain, recorded = pairs[:, 0, index], pairs[:, 1, index]
        more = np.quantile(recorded / plain - 1, [0.25, 0.5, 0.75]) * 100
        figures = {"plain_ns": np.median(plain) / steps * 1e9, "recorded_ns": np.median(recorded) / steps * 1e9}
        row[clock] = {
            **{key: float(f"{value:.4g}") for key, value in figures.items()},
            "more_percent": [round(value, 1) for value in more.tolist()],
        }
        print(f"{name:6} {clock:6} {row[clock]}", flush=True)
    return row


def main() -> None:
    """Measures the loops that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "loops", nargs="*", default=["bare", "outcome", "policy", "ppo"], help="bare, outcome, policy, ppo"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--blocks", type=int, default=20, help=f"blocks of {STEPS} steps in a measurement")
    parser.add_argument("--updates", type=int, default=12, help="updates of PPO in a measurement")
    add_report_options(parser)
    options = parser.parse_args()
    device, load = jax.devices()[0], os.getloadavg()[0]
    print(f"{device.device_kind}, jax {jax.__version__}, {LANES} lanes of CartPole-v1, load {load:.1f}")
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name in options.loops:
            if name == "ppo":
                measure, steps = training(options.updates, Path(folder) / name, stack), options.updates * 32 * LANES
            else:
                act = policy_action if name == "policy" else random_action
                kept: Kept = "outcomes" if name == "outcome" else "packed"
                measure = loop(act, kept, options.blocks, Path(folder) / name, stack)
                steps = options.blocks * STEPS * LANES
            rows.append(compare(name, measure, steps, options.rounds))
    command = shlex.join(["python", "-m", "benchmarks.recording", *sys.argv[1:]])
    origin = provenance(command, devices=[f"{device.device_kind} ({device.platform})"])
    note = f"Before it, the load of the machine was {load:.1f}."
    write_report(options, {**origin, "note": note, "rounds": options.rounds, "rows": rows})


if __name__ == "__main__":
    main()
