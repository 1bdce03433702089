"""Parameters: the numbers of a model that may differ from environment to environment."""

import functools
from types import ModuleType
from typing import Any

import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco.model import Model


class Parameters(PyTreeNode):
    """Numbers that can be drawn for each environment, mapped over and, on MJX, differentiated.

    Each replaces the field of the same name in MuJoCo's model. As when writing to Gymnasium's `env.unwrapped.model`, no
    other constant changes (MuJoCo's `mj_setConst` is not called), except the masses of subtrees: inertias are separate
    parameters, and the softness of constraints is scaled by the model's masses.

    Attributes:
        gravity: (3,) m/s^2.
        body_mass: (nbody,) kg; the first is the world's, 0.
        body_inertia: (nbody, 3) kg m^2, about each body's principal axes.
        geom_friction: (ngeom, 3), sliding (no unit), torsional and rolling (m).
        dof_damping: (nv,) N s/m or N m s/rad.
        dof_armature: (nv,) kg or kg m^2, added to the inertia.
        actuator_gear: (nu, 6), effect on the joint of a unit of an actuator's force.
        actuator_gainprm: (nu, 10), of which the first is the gain.
    """

    gravity: Array
    body_mass: Array
    body_inertia: Array
    geom_friction: Array
    dof_damping: Array
    dof_armature: Array
    actuator_gear: Array
    actuator_gainprm: Array

    def __eq__(self, other: object) -> bool:
        """Whether all numbers are equal, so that environments can be compared."""
        return isinstance(other, Parameters) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in FIELDS
        )


FIELDS: dict[str, str] = {
    "gravity": "opt.gravity",
    "body_mass": "body_mass",
    "body_inertia": "body_inertia",
    "geom_friction": "geom_friction",
    "dof_damping": "dof_damping",
    "dof_armature": "dof_armature",
    "actuator_gear": "actuator_gear",
    "actuator_gainprm": "actuator_gainprm",
}
"""The place of each parameter in an `mujoco.MjModel`."""


def model_values(model: Model) -> dict[str, np.ndarray]:
    """The model's values, as float64, by the names of `Parameters`."""
    return {name: np.array(_read(model.mj_model, path), np.float64) for name, path in FIELDS.items()}


@functools.cache
def default_parameters(model: Model, dtype: str) -> Parameters:
    """The model's own parameters, as read-only NumPy arrays.

    The same object each time, so that environments with equal fields compare equal.
    """
    values = {name: value.astype(dtype) for name, value in model_values(model).items()}
    for value in values.values():
        value.flags.writeable = False
    return Parameters(**values)  # pyright: ignore[reportArgumentType]  # NumPy arrays can be used as JAX arrays


def with_parameters(env: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields for `replace` of an environment, with `parameters=None` if the model becomes another one.

    Args:
        env: an environment with the fields `parameters` and `precision`, and with its `model`.
        fields: the fields to replace.

    Raises:
        InvalidField: the parameters were changed, so it is unclear what they should be for the new model.
    """
    if not {"xml_file", "precision"} & fields.keys() or "parameters" in fields:
        return fields
    if env.parameters != default_parameters(env.model, env.precision):
        raise InvalidField(
            f"{type(env).__name__}: its `parameters` were changed for {env.model.path}; say what they should be now:"
            " `parameters=...`, or None for those of the new model."
        )
    return {**fields, "parameters": None}


def adopt_parameters(env: Any, model: Model) -> None:
    """Sets the field `parameters` of an environment to those of its model if it is None, and checks it.

    Raises:
        InvalidField: it does not fit the model.
    """
    if env.parameters is None:
        object.__setattr__(env, "parameters", default_parameters(model, env.precision))
    _check_shapes(model, env.parameters)


def subtree_masses(masses: Any, parents: np.ndarray, numpy: ModuleType) -> Any:
    """(..., nbody) kg: the mass of each body with all that hangs on it.

    Args:
        masses: (..., nbody) kg.
        parents: (nbody,) the number of each body's parent.
        numpy: `numpy` or `jax.numpy`, by the kind of the masses.
    """
    totals = [masses[..., body] for body in range(len(parents))]
    for body in range(len(parents) - 1, 0, -1):  # children come after their parents
        totals[parents[body]] = totals[parents[body]] + totals[body]
    return numpy.stack(totals, axis=-1)


def _check_shapes(model: Model, parameters: Any) -> None:
    if not isinstance(parameters, Parameters):
        raise InvalidField(
            f"`parameters` must be a `Parameters`, got {type(parameters).__name__}; start from those of an"
            " environment: `env.replace(parameters=env.parameters.replace(gravity=...))`."
        )
    for name, value in model_values(model).items():
        got = np.shape(getattr(parameters, name))
        if got != value.shape:
            raise InvalidField(f"`parameters.{name}` must have shape {value.shape} for {model.path}, got {got}.")


def _read(mj_model: Any, path: str) -> Any:
    for part in path.split("."):
        mj_model = getattr(mj_model, part)
    return mj_model
