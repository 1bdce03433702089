"""Simulation: what is simulated, by which engine, and what is read. It is static; engines are functions of it."""

import dataclasses
import functools
import importlib.util
from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np

from jaxenvs.core.checks import check_choice
from jaxenvs.core.processes import computes_on_cpu
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.simulators.mujoco.gripper import Gripper
from jaxenvs.simulators.mujoco.model import Model, import_mujoco
from jaxenvs.simulators.mujoco.parameters import model_values
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, OF_STATE, POINT, POSE, Reading

Engine: TypeAlias = Literal["c", "mjx", "warp"]
"""`c` is C MuJoCo on the CPU, `mjx` is pure JAX, `warp` is MuJoCo Warp."""

ENGINES: tuple[Engine, ...] = get_args(Engine)


@dataclasses.dataclass(frozen=True)
class Simulation:
    """How a task is simulated.

    Attributes:
        engine: the engine that computes it.
        model: the model that is simulated.
        readings: the quantities that are read besides positions and velocities.
        tracked_point: the point that is read as `point`, and whose displacement in a step is read as `displacement`;
            None for none.
        dtype: `"float32"` or `"float64"`.
        gripper: how actions move a hand that is led by a mocap body, whose pose is read as `pose`; None for robots
            whose controls are those of their actuators. It excludes a tracked point.
    """

    engine: Engine
    model: Model
    readings: tuple[Reading, ...] = ()
    tracked_point: Reading | None = None
    dtype: str = "float32"
    gripper: Gripper | None = None

    @property
    def kept(self) -> Reading | None:
        """The reading that the next step continues from besides the state: the tracked point, or the hand's pose."""
        return self.tracked_point if self.gripper is None else self.gripper.pose

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of MuJoCo's data that are read."""
        readings = (*self.readings, *([] if self.kept is None else [self.kept]))
        names = {name for reading in readings for name in reading.fields}
        return tuple(sorted(names - set(OF_STATE)))

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of what is derived, by name."""
        return _shapes(self)


@functools.cache
def _shapes(simulation: Simulation) -> dict[str, tuple[int, ...]]:
    data = import_mujoco().MjData(simulation.model.mj_model)
    fields = {name: np.array(getattr(data, name)) for name in {*simulation.fields, *OF_STATE} - {"body_mass"}}
    fields["body_mass"] = model_values(simulation.model)["body_mass"]
    shapes = {reading.name: np.shape(reading.read(fields, np)) for reading in simulation.readings}
    if simulation.tracked_point is not None:
        shapes[POINT] = shapes[DISPLACEMENT] = np.shape(simulation.tracked_point.read(fields, np))
    if simulation.gripper is not None:
        shapes[POSE] = (7,)
    return shapes


def check_precision(env: Any) -> None:
    """Checks the field `precision` of an environment.

    Raises:
        InvalidField: it is neither "float32" nor "float64", or 64-bit types are not enabled.
    """
    check_choice(env, "precision", env.precision, ("float32", "float64"))
    if env.precision == "float64" and not jax.config.read("jax_enable_x64"):
        raise InvalidField(
            f'{type(env).__name__}: `precision="float64"` needs 64-bit types:'
            ' `jax.config.update("jax_enable_x64", True)` first.'
        )


def choose_engine(wanted: str) -> Engine:
    """The engine with a name; `"auto"` is `c` if JAX computes on the CPU, else `mjx`.

    Raises:
        InvalidField: there is no such engine.
        DependencyNotInstalled: it needs a package that is not installed.
    """
    wanted_name = wanted if isinstance(wanted, str) else ""  # an array would be compared entry by entry
    engine = ("c" if computes_on_cpu() else "mjx") if wanted_name == "auto" else wanted_name
    for known in ENGINES:
        if engine == known:
            check_engine(known)
            return known
    raise InvalidField(f'`engine` must be "auto" or one of {", ".join(map(repr, ENGINES))}, got {wanted!r}.')


def check_engine(engine: Engine) -> None:
    """Raises an error if the engine cannot run here."""
    if engine != "c" and importlib.util.find_spec("mujoco.mjx") is None:
        raise DependencyNotInstalled(
            f'The engine `{engine}` needs mujoco-mjx, which is not installed: run `pip install "jaxenvs[mujoco]"`,'
            ' or use `engine="c"`.'
        )
    if engine == "warp" and importlib.util.find_spec("warp") is None:
        raise DependencyNotInstalled(
            'The engine `warp` needs warp-lang, which is not installed: run `pip install "jaxenvs[warp]"`,'
            ' or use `engine="mjx"`.'
        )
