"""MuJoCo's own model and data of an environment and a state, to be read on the host."""

import copy
import functools
from typing import Any, Protocol

import numpy as np

from jaxenvs.simulators.mujoco.model import Model, import_mujoco
from jaxenvs.simulators.mujoco.parameters import FIELDS, Parameters, subtree_masses
from jaxenvs.simulators.mujoco.state import CARRIED, SimulationState


class _Modelled(Protocol):
    @property
    def model(self) -> Model: ...

    @property
    def parameters(self) -> Parameters: ...


class HostView:
    """The part of an environment with a `model` and `parameters` that shows them as MuJoCo's structures."""

    @property
    def mj_model(self: _Modelled) -> Any:
        """The `mujoco.MjModel` with the `parameters`, for reading on the host; its arrays are read-only."""
        return mj_model_of(self.model, self.parameters)

    def writable_mj_model(self: _Modelled) -> Any:
        """A copy of `mj_model` in which the numbers of `parameters` can be written to; see `parameters_in`."""
        return mj_model_of(self.model, self.parameters, writable=True)

    def parameters_in(self: _Modelled, mj_model: Any) -> Parameters:
        """The parameters that were written into a `writable_mj_model`; `parameters` itself if none was changed."""
        return parameters_in(mj_model, self.parameters)

    def mj_data(self: _Modelled, state: Any = None) -> Any:
        """The `mujoco.MjData` of a concrete state, for reading on the host; None for the model's reference.

        Everything in it belongs to the state's `qpos` and `qvel`; after a step of MuJoCo, positions of bodies and
        forces lag behind by a substep. Controls are no part of a state, and are 0.
        """
        return mj_data_of(self.model, self.parameters, getattr(state, "simulation", state))


def mj_model_of(model: Model, parameters: Parameters, *, writable: bool = False) -> Any:
    """A `mujoco.MjModel` with these parameters, whose arrays are read-only, since writing to them would have no effect.

    Args:
        model: the model.
        parameters: concrete numbers.
        writable: whether to return a new copy, in which the parameters can be written to; for `parameters_in`.
    """
    global _last
    if not writable and _last is not None and _last[0] is model and _last[1] is parameters:
        return _last[2]
    mj_model = copy.copy(model.mj_model)
    for name, path in FIELDS.items():
        own, given = _field(mj_model, path), np.asarray(getattr(parameters, name))
        own[...] = np.where(own.astype(given.dtype) == given, own, given)  # what was not changed keeps all its digits
    mj_model.body_subtreemass[...] = subtree_masses(mj_model.body_mass, mj_model.body_parentid, np)
    writable_fields = frozenset(path.rpartition(".")[2] for path in FIELDS.values()) if writable else frozenset()
    for struct in (mj_model, mj_model.opt):
        _make_read_only(struct, writable_fields)
    if not writable:
        _last = model, parameters, mj_model
    return mj_model


_last: tuple[Model, Parameters, Any] | None = None
"""The last model and its arguments, since a script that reads one number in each step would copy it each time."""


def parameters_in(mj_model: Any, parameters: Parameters) -> Parameters:
    """The parameters that someone wrote into a `mujoco.MjModel`; `parameters` itself if nothing else was written.

    Args:
        mj_model: a model of `mj_model_of`.
        parameters: those that it was made with.
    """
    before = {name: np.asarray(getattr(parameters, name)) for name in FIELDS}
    after = {name: _field(mj_model, path).astype(before[name].dtype) for name, path in FIELDS.items()}
    if all(np.array_equal(before[name], after[name]) for name in FIELDS):
        return parameters
    return parameters.replace(**after)


def _field(mj_model: Any, path: str) -> np.ndarray:
    return functools.reduce(getattr, path.split("."), mj_model)


def mj_data_of(model: Model, parameters: Parameters, state: SimulationState | None) -> Any:
    """A read-only `mujoco.MjData` of a state, with everything that `mj_forward` and `mj_rnePostConstraint` compute.

    In a simulation, positions of bodies and forces lag behind `qpos` by a substep; here they belong to it. Controls are
    no part of a state, so they are 0.

    Args:
        model: the model.
        parameters: concrete numbers.
        state: a concrete state; None for the model's reference.
    """
    mujoco = import_mujoco()
    mj_model = mj_model_of(model, parameters)
    data = _data_class()(mj_model)
    if state is not None:
        for name in CARRIED:
            value = np.asarray(getattr(state, name), np.float64)
            if name == "time":
                object.__setattr__(data, name, float(value))
            else:
                getattr(data, name)[...] = value
    mujoco.mj_forward(mj_model, data)
    mujoco.mj_rnePostConstraint(mj_model, data)
    _make_read_only(data)
    return data


@functools.cache
def _data_class() -> type[Any]:
    mujoco = import_mujoco()

    class ReadOnlyData(mujoco.MjData):
        """MuJoCo's data of one moment."""

        def __setattr__(self, name: str, value: Any) -> None:
            raise AttributeError(
                f"`data.{name}` cannot be set: it is a copy, made from the state of the environment. Set the state:"
                " `env.unwrapped.set_state(qpos, qvel)` with Gymnasium's interface, `env.state_at(qpos, qvel)` without."
            )

    return ReadOnlyData


def _make_read_only(struct: Any, but: frozenset[str] = frozenset()) -> None:
    """Forbids writing to the arrays of one of MuJoCo's structures, which returns the same ones each time."""
    kind = type(struct)
    if kind not in _ARRAYS:
        public = [name for name in dir(struct) if not name.startswith("_")]
        _ARRAYS[kind] = [name for name in public if isinstance(getattr(struct, name, None), np.ndarray)]
    for name in _ARRAYS[kind]:
        if name not in but:
            getattr(struct, name).flags.writeable = False


_ARRAYS: dict[type, list[str]] = {}
"""The names of the arrays of MuJoCo's structures."""
