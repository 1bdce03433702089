"""Batches of simulations: C MuJoCo over many states of one model at once. Runs on the host; nothing here touches JAX.

Only scratch space is kept from call to call. A call writes everything that its result depends on, so results are
functions of the arguments, whichever scratch space a call gets and whatever ran there before.
"""

import abc
import contextlib
import copy
import functools
import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from jaxenvs.core.processes import ForkGuard
from jaxenvs.simulators.mujoco.model import Model, import_mujoco
from jaxenvs.simulators.mujoco.parameters import FIELDS, subtree_masses
from jaxenvs.simulators.mujoco.readings import POST_CONSTRAINT

mujoco = import_mujoco()
Batch: Any = importlib.import_module("mujoco.batch").Batch

_SUBTREE_MASS = "body_subtreemass"
_KEPT_SCRATCH = 16
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION

Values = Mapping[str, np.ndarray]
"""Values of model fields by the names of `Parameters`, float64, with a leading axis of lanes or of 1."""


class SimulationBatch(abc.ABC):
    """Scratch space for `lanes` simulations.

    Attributes:
        rows: (lanes, nstate) float64, MuJoCo's integration states, with which a call begins and ends.
        fields: the requested fields, by name, each with a leading axis of lanes.
    """

    rows: np.ndarray
    fields: dict[str, np.ndarray]

    @abc.abstractmethod
    def set_values(self, values: Values) -> None:
        """Sets the values of each lane's model."""

    @abc.abstractmethod
    def step(self, frames: int) -> None:
        """Takes `frames` substeps, then what Gymnasium computes after them."""

    @abc.abstractmethod
    def forward(self) -> None:
        """Computes what follows from the states."""


class NativeBatch(SimulationBatch):
    """Uses MuJoCo's own threads, which is fastest, for fields that are available after a plain step."""

    def __init__(self, model: Model, lanes: int, names: tuple[str, ...]) -> None:
        self._batch = Batch(_without_idle_stages(model), lanes, num_threads())
        self.rows = self._batch.state
        self.fields = {name: self._batch.bind(name) for name in names}
        self._parents = np.array(model.mj_model.body_parentid)

    def set_values(self, values: Values) -> None:
        """Expands these fields of the model."""
        for name, value in values.items():
            self._batch.expand(FIELDS[name])[...] = value
        if "body_mass" in values:
            self._batch.expand(_SUBTREE_MASS)[...] = subtree_masses(values["body_mass"], self._parents, np)

    def step(self, frames: int) -> None:
        self._batch.step(nstep=frames)

    def forward(self) -> None:
        """Computes what follows from the states."""
        self._batch.forward()


class ThreadedBatch(SimulationBatch):
    """Uses our own threads, one lane after the other, for fields that need another call after the step."""

    def __init__(self, model: Model, lanes: int, names: tuple[str, ...]) -> None:
        self._threads = num_threads()
        mj_model = _without_idle_stages(model)
        self._workers = [_Worker(mj_model, names) for _ in range(min(self._threads, lanes))]
        sample = self._workers[0].data
        self.rows = np.zeros((lanes, mujoco.mj_stateSize(model.mj_model, _STATE)))
        self.fields = {name: np.zeros((lanes, *getattr(sample, name).shape)) for name in names}
        self._parents = np.array(model.mj_model.body_parentid)
        self._values: dict[str, np.ndarray] = {}

    def set_values(self, values: Values) -> None:
        """Keeps the values, which are written into a worker's model when a lane runs."""
        self._values = dict(values)
        if "body_mass" in values:
            self._values[_SUBTREE_MASS] = subtree_masses(values["body_mass"], self._parents, np)

    def step(self, frames: int) -> None:
        self._run(frames)

    def forward(self) -> None:
        """Computes what follows from the states, in newly reset data."""
        self._run(0)

    def _run(self, frames: int) -> None:
        turns = iter(range(len(self.rows)))
        lock = threading.Lock()

        def work(worker: _Worker) -> None:
            worker.take_over(self._values)
            while True:
                with lock:
                    lane = next(turns, None)
                if lane is None:
                    return
                worker.run(lane, frames, self.rows, self.fields, self._values)

        if len(self._workers) == 1:
            work(self._workers[0])
        else:
            list(_executor(self._threads).map(work, self._workers))


class _Worker:
    """The model and data in which one thread runs simulations."""

    def __init__(self, mj_model: Any, names: tuple[str, ...]) -> None:
        self._original, self._model = mj_model, mj_model
        self.data = mujoco.MjData(mj_model)
        self._views = tuple((name, getattr(self.data, name)) for name in names)

    def take_over(self, values: Mapping[str, np.ndarray]) -> None:
        """Copies the model to write into it, if there is something to write."""
        if values and self._model is self._original:
            self._model = copy.copy(self._original)
        self._fields = {name: _field(self._model, FIELDS.get(name, name)) for name in values}
        for name, value in values.items():
            if len(value) == 1:
                self._fields[name][...] = value[0]

    def run(
        self, lane: int, frames: int, rows: np.ndarray, fields: dict[str, np.ndarray], values: Mapping[str, np.ndarray]
    ) -> None:
        """Runs one lane: steps, or without frames computes what follows from its state."""
        for name, value in values.items():
            if len(value) > 1:
                self._fields[name][...] = value[lane]
        model, data, row = self._model, self.data, rows[lane]
        if frames:
            mujoco.mj_setState(model, data, row, _STATE)
            mujoco.mj_step(model, data, frames)
            mujoco.mj_rnePostConstraint(model, data)
        else:
            mujoco.mj_resetData(model, data)
            mujoco.mj_setState(model, data, row, _STATE)
            mujoco.mj_forward(model, data)
        mujoco.mj_getState(model, data, row, _STATE)
        for name, view in self._views:
            fields[name][lane] = view


@functools.cache
def _without_idle_stages(model: Model) -> Any:
    """The model, set to leave out computations that cannot have a result, which changes no bit of the others.

    With only one kinematic tree, the search for groups of bodies that constraints do not connect takes 5 to 12 % of a
    step. If no two geoms can touch, the search for contacts takes 10 to 22 %.
    """
    mj_model = copy.copy(model.mj_model)
    if mj_model.ntree == 1:
        mj_model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
    if not has_contacts(mj_model):
        mj_model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_CONTACT)
    return mj_model


def has_contacts(mj_model: Any) -> bool:
    """Whether any contact is possible by the geoms' masks (MuJoCo's `contype` and `conaffinity`) and listed pairs."""
    masks = mj_model.geom_contype[:, None] & mj_model.geom_conaffinity[None, :]
    return bool(masks.any()) or mj_model.npair > 0 or mj_model.nflex > 0


def num_threads() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def borrow(model: Model, lanes: int, names: tuple[str, ...], own: tuple[str, ...]) -> Iterator[SimulationBatch]:
    """Scratch space that nothing else uses in the meantime.

    Args:
        model: the model.
        lanes: number of simulations.
        names: fields of MuJoCo's data to read.
        own: the parameters with which `set_values` will be called. Scratch space in which others were set would keep
            them.
    """
    check_process()
    kind = ThreadedBatch if POST_CONSTRAINT & set(names) else NativeBatch
    label = model, lanes, names, own
    with _lock:
        waiting = _scratch.get(label)
        batch = waiting.pop() if waiting else None
    if batch is None:
        batch = kind(model, lanes, names)
    yield batch
    # After an error it is left to the garbage collector, since MuJoCo may have stopped half-way.
    with _lock:
        _scratch.setdefault(label, []).append(batch)
        _scratch.move_to_end(label)
        while len(_scratch) > _KEPT_SCRATCH:
            _scratch.popitem(last=False)


_lock = threading.Lock()
_scratch: OrderedDict[Any, list[SimulationBatch]] = OrderedDict()
_executors: dict[int, ThreadPoolExecutor] = {}
check_process = ForkGuard(
    "This process was forked from one that has run MuJoCo's robots, and MuJoCo's threads and JAX's would hang in it."
    ' Start new processes instead: `multiprocessing.get_context("spawn")`.'
).check


def _executor(threads: int) -> ThreadPoolExecutor:
    with _lock:
        if threads not in _executors:
            _executors[threads] = ThreadPoolExecutor(threads, "jaxenvs-mujoco")
        return _executors[threads]


def _field(mj_model: Any, path: str) -> np.ndarray:
    for part in path.split("."):
        mj_model = getattr(mj_model, part)
    return mj_model
