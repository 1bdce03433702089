"""The engine `c`: C MuJoCo behind one callback for a whole batch, as a pure function of the state.

C computes in float64 and a state has float32, so the state also holds the rounding errors. A step adds them to those
numbers that are unchanged since the last step, and uses the others as they are. So unchanged states lose nothing, and
numbers that were replaced in a state take effect.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.host import Arrays, HostFunction, host_call
from jaxenvs.simulators.mujoco.gripper import DOWNWARD, Gripper
from jaxenvs.simulators.mujoco.model import Model, import_mujoco
from jaxenvs.simulators.mujoco.parameters import FIELDS, Parameters, model_values
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, OF_STATE, POINT, POSE
from jaxenvs.simulators.mujoco.simulation import Simulation
from jaxenvs.simulators.mujoco.state import SimulationState

_PARTS = {"float32": 3, "float64": 1}
"""How many numbers of a dtype add up to any float64 number whose magnitude is at least 1e-29."""


def initial(simulation: Simulation, parameters: Parameters, qpos: Array, qvel: Array) -> SimulationState:
    """The simulation at time 0 with given positions and velocities, like `mj_forward` after `mj_resetData`."""
    _check_process()
    if not simulation.fields:  # MuJoCo would compute what nobody reads: `mj_forward` leaves the state as it is
        return _unread(simulation, parameters, qpos, qvel)
    arguments = {"start": jnp.concatenate([qpos, qvel]), "parameters": _flat(simulation, parameters)}
    return _call(simulation, initial_function(simulation), arguments)


def _unread(simulation: Simulation, parameters: Parameters, qpos: Array, qvel: Array) -> SimulationState:
    """The same for a task that reads only positions and velocities, without a call to the host."""
    rest = jnp.zeros((simulation.model.na + simulation.model.nv,), qpos.dtype)
    numbers = jnp.concatenate([jnp.zeros((1,), qpos.dtype), qpos, qvel, rest])
    results = {"numbers": numbers}
    fields = {"qpos": qpos, "qvel": qvel, "act": rest[: simulation.model.na], "body_mass": parameters.body_mass}
    results |= {reading.name: reading.read(fields, jnp) for reading in simulation.readings}
    if simulation.tracked_point is not None:
        point = simulation.tracked_point.read(fields, jnp)
        results |= {POINT: point, DISPLACEMENT: jnp.zeros_like(point)}
        numbers = jnp.concatenate([numbers, point])
    # A number of the narrower dtype is the sum of itself and zeros.
    exact = jnp.pad(numbers[None], ((0, _PARTS[simulation.dtype] - 1), (0, 0)))
    return _state(simulation, results | {"exact": exact})


def step(
    simulation: Simulation, parameters: Parameters, state: SimulationState, ctrl: Array, frames: int
) -> SimulationState:
    """The simulation some substeps later, like `mj_step`."""
    _check_process()
    if state.exact is None:
        raise ValueError("This state comes from another engine; `MujocoEnv.state_at` makes one of its qpos and qvel.")
    arguments = {
        "numbers": jnp.concatenate([state.time[None], state.qpos, state.qvel, state.act, state.qacc_warmstart]),
        "exact": state.exact,
        "ctrl": ctrl,
        "parameters": _flat(simulation, parameters),
    }
    if simulation.gripper is not None:
        arguments["pose"] = state.derived[POSE]
    return _call(simulation, step_function(simulation, frames), arguments)


def _call(simulation: Simulation, function: HostFunction, arguments: dict[str, Array]) -> SimulationState:
    hint = 'C MuJoCo computes no derivatives; use the engine that does: `jaxenvs.make(id, engine="mjx")`.'
    return _state(simulation, host_call(function, _results(simulation), arguments, hint=hint))


@functools.cache
def initial_function(simulation: Simulation) -> HostFunction:
    """From positions and velocities to a state."""

    @np.errstate(over="ignore", invalid="ignore")
    def run(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        given = np.zeros((lanes, _length(simulation.model)))
        given[:, 1 : 1 + simulation.model.nq + simulation.model.nv] = inputs["start"]
        _run(simulation, 0, lanes, given, None, None, inputs["parameters"], outputs)

    return run


@functools.cache
def step_function(simulation: Simulation, frames: int) -> HostFunction:
    """From a state and the actuators' controls to the next state."""
    length, tracked = _length(simulation.model), simulation.tracked_point

    @np.errstate(over="ignore", invalid="ignore")  # numbers too large for a narrower dtype become infinite
    def run(lanes: int, inputs: Arrays, outputs: Arrays) -> None:
        parts, numbers = inputs["exact"], inputs["numbers"]
        exact = parts[:, 0].astype(np.float64)
        for place in range(1, parts.shape[1]):
            exact += parts[:, place]
        given = np.where(parts[:, 0, :length] == numbers, exact[:, :length], numbers)
        # If the point follows from positions, it is computed from them, since they may have been replaced.
        point = None if tracked is not None and set(tracked.fields) <= set(OF_STATE) else exact[:, length:]
        if simulation.gripper is not None:  # its pose may have been replaced as well
            point = np.where(parts[:, 0, length:] == inputs["pose"], exact[:, length:], inputs["pose"])
        _run(simulation, frames, lanes, given, point, inputs["ctrl"], inputs["parameters"], outputs)

    return run


def _run(
    simulation: Simulation,
    frames: int,
    lanes: int,
    given: np.ndarray,
    point: np.ndarray | None,
    ctrl: np.ndarray | None,
    parameters: np.ndarray,
    outputs: Arrays,
) -> None:
    """Runs the simulations from the given numbers, and writes the results."""
    from jaxenvs.simulators.mujoco.engines.c_batch import borrow  # needs mujoco, which states and spaces do not

    model, length = simulation.model, given.shape[1]
    own_values, masses = _values_of(simulation, parameters)
    with borrow(model, lanes, simulation.fields, tuple(own_values)) as batch:
        batch.set_values(own_values)
        rows = batch.rows
        rows[...] = _row_at_reset(model)
        rows[:, :length] = given
        if ctrl is None:
            batch.forward()
        else:
            if simulation.gripper is None:
                rows[:, length : length + model.nu] = ctrl
            else:
                _lead(model, simulation.gripper, rows, point, ctrl)
            batch.step(frames)
            if simulation.gripper is not None and simulation.gripper.held:
                rows[:, 1 + np.array(simulation.gripper.held)] = 0.0
                batch.forward()
        after = np.array(rows[:, :length])
        fields = {**batch.fields, **_of_state(model, after), "body_mass": masses}
        derived = {reading.name: reading.read(fields, np) for reading in simulation.readings}
        if simulation.tracked_point is not None:
            new_point = simulation.tracked_point.read(fields, np)
            if ctrl is None:
                point = new_point
            elif point is None:
                point = simulation.tracked_point.read({**_of_state(model, given), "body_mass": masses}, np)
            derived |= {POINT: new_point, DISPLACEMENT: new_point - point}
            exact = np.concatenate([after, new_point], axis=1)
        elif simulation.gripper is not None:
            derived[POSE] = simulation.gripper.pose.read(fields, np)
            exact = np.concatenate([after, derived[POSE]], axis=1)
        else:
            exact = after
        for name, value in derived.items():
            outputs[name][...] = value
    _split(exact, outputs["exact"])
    outputs["numbers"][...] = outputs["exact"][:, 0, :length]


def _lead(model: Model, gripper: Gripper, rows: np.ndarray, pose: np.ndarray | None, ctrl: np.ndarray) -> None:
    """Puts the mocap body where the hand was, moved by the action, and moves the fingers' targets."""
    length = _length(model)
    fingers = rows[:, 1 + np.array(gripper.actuated, np.intp)]
    rows[:, length : length + model.nu] = fingers + ctrl[:, 3:]
    place = _mocap_place(model)
    rows[:, place : place + 7] = pose
    rows[:, place : place + 3] += ctrl[:, :3]
    rows[:, place + 3 : place + 7] += DOWNWARD


@functools.cache
def _mocap_place(model: Model) -> int:
    """The index at which the mocap body's position, and then its orientation, begin in the integration state."""
    kinds = import_mujoco().mjtState
    before = int(kinds.mjSTATE_INTEGRATION) & (int(kinds.mjSTATE_MOCAP_POS) - 1)
    return import_mujoco().mj_stateSize(model.mj_model, before)


def _check_process() -> None:
    """Raises `ForkedProcess` in a process in which nothing can run, before JAX hangs."""
    from jaxenvs.simulators.mujoco.engines.c_batch import check_process

    check_process()


def _of_state(model: Model, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Positions, velocities and activations, by name."""
    return {name: numbers[:, place] for name, place in _places(model).items()}


@functools.cache
def _places(model: Model) -> dict[str, slice]:
    """The places of positions, velocities and activations in MuJoCo's integration state."""
    ends = [int(end) for end in np.cumsum([1, model.nq, model.nv, model.na])]
    return {name: slice(*place) for name, place in zip(("qpos", "qvel", "act"), itertools.pairwise(ends))}


def _values_of(simulation: Simulation, parameters: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The parameters that differ from the model's, by name; and the masses.

    A number that equals the rounded value of the model stands for the exact value of the model.
    """
    flat, rounded, slices, shapes = _model_parameters(simulation.model, parameters.dtype.name)
    same = rounded == parameters
    masses = flat[slices["body_mass"]][None]
    if same.all():
        return {}, masses
    own = np.where(same, flat, parameters)
    changed = [name for name, place in slices.items() if not same[:, place].all()]
    values = {name: own[:, slices[name]].reshape(-1, *shapes[name]) for name in changed}
    return values, values.get("body_mass", masses)


@functools.cache
def _model_parameters(
    model: Model, dtype: str
) -> tuple[np.ndarray, np.ndarray, dict[str, slice], dict[str, tuple[int, ...]]]:
    """The model's values in one vector, exact and rounded, their positions in it, and their shapes."""
    values = model_values(model)
    ends = np.cumsum([values[name].size for name in FIELDS])
    slices = {name: slice(int(end) - values[name].size, int(end)) for name, end in zip(FIELDS, ends)}
    flat = np.concatenate([values[name].ravel() for name in FIELDS])
    return flat, flat.astype(dtype), slices, {name: value.shape for name, value in values.items()}


@functools.cache
def _row_at_reset(model: Model) -> np.ndarray:
    """MuJoCo's integration state after `mj_resetData`."""
    mujoco = import_mujoco()
    data = mujoco.MjData(model.mj_model)
    row = np.zeros(mujoco.mj_stateSize(model.mj_model, mujoco.mjtState.mjSTATE_INTEGRATION))
    mujoco.mj_getState(model.mj_model, data, row, mujoco.mjtState.mjSTATE_INTEGRATION)
    return row


def _split(exact: np.ndarray, parts: np.ndarray) -> None:
    """Writes numbers as sums of narrower ones along the axis before the last; the first is the rounded number."""
    parts[:, 0] = exact
    rest = exact
    for place in range(1, parts.shape[1]):
        rest = rest - parts[:, place - 1]
        parts[:, place] = rest
    if parts.shape[1] > 1 and not np.isfinite(parts[:, 0]).all():
        parts[:, 1:][np.broadcast_to(~np.isfinite(parts[:, :1]), parts[:, 1:].shape)] = 0.0


def _length(model: Model) -> int:
    """The number of leading numbers in MuJoCo's integration state: time, qpos, qvel, act, qacc_warmstart."""
    return 1 + model.nq + 2 * model.nv + model.na


def _flat(simulation: Simulation, parameters: Parameters) -> Array:
    dtype = simulation.dtype
    return jnp.concatenate([jnp.asarray(getattr(parameters, name)).astype(dtype).reshape(-1) for name in FIELDS])


@functools.cache
def _results(simulation: Simulation) -> dict[str, jax.ShapeDtypeStruct]:
    """The arrays that the host writes, for one lane."""
    length = _length(simulation.model)
    shapes = simulation.shapes
    point = shapes.get(DISPLACEMENT, shapes.get(POSE, (0,)))[0]
    results = {name: jax.ShapeDtypeStruct(shape, simulation.dtype) for name, shape in shapes.items()}
    results["numbers"] = jax.ShapeDtypeStruct((length,), simulation.dtype)
    results["exact"] = jax.ShapeDtypeStruct((_PARTS[simulation.dtype], length + point), simulation.dtype)
    return results


def _state(simulation: Simulation, results: dict[str, Array]) -> SimulationState:
    model, numbers = simulation.model, results["numbers"]
    ends = np.cumsum([1, model.nq, model.nv, model.na, model.nv])[:-1]
    time, qpos, qvel, act, warmstart = jnp.split(numbers, [int(end) for end in ends])
    derived = {name: results[name] for name in simulation.shapes}
    return SimulationState(qpos, qvel, act, warmstart, time[0], derived, results["exact"])
