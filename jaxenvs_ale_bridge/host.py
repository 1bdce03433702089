"""The callbacks on the host: pure functions of arrays, which the workers compute.

Nothing here uses JAX. Each function is made once per program, so that JAX gets the same object each time.
"""

import dataclasses
import functools
import threading

import numpy as np

from jaxenvs.errors import InvalidAction
from jaxenvs.host import Arrays, HostFunction
from jaxenvs_ale_bridge.layout import Count, Fact, GameProgram
from jaxenvs_ale_bridge.pool import POOL

_NOOP = 0


@functools.cache
def step_function(program: GameProgram) -> HostFunction:
    """Steps: from the arrays of `program.state` and `program.action` to those of the next state and the outcome."""

    def step(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        if (inputs["counts"][:, Count.FRAMES] < 0).any():
            raise InvalidAction("An action lies outside the action space; see `env.action_space` for its range.")
        POOL.run("step", program, lanes, _spread(inputs, lanes), outputs)

    return step


@functools.cache
def render_function(program: GameProgram) -> HostFunction:
    """Draws: from the arrays of `program.state` to the picture."""

    def render(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        POOL.run("render", program, lanes, _spread(inputs, lanes), outputs)

    return render


@functools.cache
def reset_function(program: GameProgram, noop_max: int) -> HostFunction:
    """Begins episodes: from the number of no-ops to the arrays of the state and the outcome."""
    lock = threading.Lock()
    starts: Arrays = {}

    def reset(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        noops = _spread(inputs, lanes)["noops"]
        with lock:
            if not starts:
                starts.update(_starts(program, noop_max))
        for name, array in outputs.items():
            np.take(starts[name], noops, axis=0, out=array)

    return reset


def _spread(arrays: Arrays, lanes: int) -> Arrays:
    """The arrays with all lanes, if some were given once for all."""
    return {name: x if len(x) == lanes else np.broadcast_to(x, (lanes, *x.shape[1:])) for name, x in arrays.items()}


def _starts(program: GameProgram, noop_max: int) -> Arrays:
    """The states after 0 to `noop_max` frames without action, on a leading axis, and their views.

    If a game ends meanwhile, which none does within the usual 30, it begins with fewer. Snapshots are taken as often as
    possible, so that few frames bring an emulator to a start.
    """
    single = _with_frequent_snapshots(dataclasses.replace(program, frames="last"))
    fields = single.state | single.outcome
    first = {name: np.zeros((1, *field.shape), field.dtype) for name, field in fields.items()}
    for name, value in POOL.boot(single).items():
        first[name][0] = value
    inputs = {name: np.zeros((1, *field.shape), field.dtype) for name, field in single.action.items()}
    inputs["actions"][:] = _NOOP
    if program.continuous:
        inputs["strengths"][:] = 1.0
    inputs["counts"][:, Count.FRAMES] = 1
    starts = [first]
    for _ in range(noop_max):
        state = {name: starts[-1][name] for name in single.state}
        inputs["counts"][:, Count.LOG_LENGTH] = starts[-1]["facts"][:, Fact.LOG_LENGTH]
        after = {name: np.empty_like(array) for name, array in first.items()}
        POOL.run("step", single, 1, state | inputs, after)
        starts.append(starts[-1] if after["facts"][0, Fact.TERMINATED] else after)
    arrays = {name: np.concatenate([start[name] for start in starts]) for name in fields}
    if program.frames == "last_two":
        arrays["observation"] = np.stack([arrays["observation"]] * 2, axis=1)
    return arrays


def _with_frequent_snapshots(program: GameProgram) -> GameProgram:
    """The program with the shortest possible interval, and states of the same form."""
    if program.machine.sound:  # without any snapshots
        return program
    return dataclasses.replace(program, interval=1, frameskip=program.frameskip + program.interval - 1)
