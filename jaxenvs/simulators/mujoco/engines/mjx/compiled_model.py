"""MuJoCo's model in MJX's form, checked before tracing, and made once per model and precision."""

import copy
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from mujoco import mjx
from mujoco.mjx._src import constraint
from mujoco.mjx._src.types import ConeType, IntegratorType, JacobianType, SolverType

from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco.engines.mjx import standing_mesh
from jaxenvs.simulators.mujoco.engines.mjx.collision import contact_dimensions
from jaxenvs.simulators.mujoco.engines.mjx.versions import check_versions

_INTEGRATORS = (IntegratorType.EULER, IntegratorType.RK4)


class CompiledModel(NamedTuple):
    """MJX's model and the data that every evaluation starts from, with NumPy arrays as leaves.

    Arrays made while JAX traces would belong to that trace, and must not be kept for the next one.

    Attributes:
        model: an `mjx.Model`.
        data: an `mjx.Data` in the model's reference pose, with room for the contacts that are kept.
    """

    model: Any
    data: Any

    def on_device(self) -> tuple[Any, Any]:
        """The model and the data with JAX arrays as leaves, by which MJX distinguishes them from static arrays."""
        return jax.tree.map(jnp.asarray, (self.model, self.data))


def compile_model(handle: Any) -> CompiledModel:
    """The MJX form of `handle.mj_model`, at the precision that JAX computes with now.

    Raises:
        DependencyNotInstalled: the versions of MuJoCo or MJX are not those that were tested.
        InvalidField: the model has something that the engine does not compute.
    """
    return _compile(handle, jax.dtypes.canonicalize_dtype(float).name)


@lru_cache(maxsize=64)
def _compile(handle: Any, precision: str) -> CompiledModel:
    del precision  # only part of the cache's key: MJX's arrays have JAX's current precision
    check_versions()
    check_features(handle.mj_model, is_led=handle.is_led)
    solved_by_newton = copy.copy(handle.mj_model)
    feet = standing_mesh.prepare(solved_by_newton) if handle.is_led else ()
    # MJX has no PGS, which the Humanoids specify. Both minimise the same function; Newton's method gets closer.
    solved_by_newton.opt.solver = SolverType.NEWTON
    solved_by_newton.opt.jacobian = JacobianType.DENSE
    with jax.ensure_compile_time_eval():
        try:
            bare = standing_mesh.with_spheres(solved_by_newton, has_feet=bool(feet))
            model = mjx.put_model(bare, impl="jax")
            data = mjx.make_data(model)
            geoms = {"geom_type": solved_by_newton.geom_type, "geom_dataid": solved_by_newton.geom_dataid}
            model = model.replace(**{name: np.array(value) for name, value in geoms.items()})
            if feet:
                hulls: Any = feet
                model = model.tree_replace({"_impl.mesh_convex": hulls})
        except RuntimeError as error:  # the base of the exception for code that is not implemented
            raise InvalidField(f"The `mjx` engine cannot compute this model: {error}. Use `engine='c'`.") from error
        dimensions = contact_dimensions(solved_by_newton)
        rows = constraint.make_efc_type(model, dimensions)
        data = data.tree_replace(
            {
                "_impl.contact.dim": dimensions,
                "_impl.contact.efc_address": constraint.make_efc_address(model, dimensions, rows),
            }
        )
        return CompiledModel(*jax.tree.map(np.asarray, (model, data)))


def check_features(model: Any, *, is_led: bool = False) -> None:
    """Raises InvalidField, naming all features of an `mujoco.MjModel` that the engine does not support.

    Args:
        model: the model.
        is_led: whether the caller moves its mocap bodies.
    """
    option = model.opt
    faults = {
        "elliptic friction cones (set cone='pyramidal')": option.cone != ConeType.PYRAMIDAL,
        "an implicit integrator (set integrator='Euler' or 'RK4')": option.integrator not in _INTEGRATORS,
        "iterations of the noslip solver (set noslip_iterations='0')": option.noslip_iterations > 0,
        "flexible bodies": model.nflex > 0,
        "mocap bodies": model.nmocap > 0 and not is_led,
        "plugins": model.nplugin > 0,
        "no degree of freedom": model.nv == 0,
    }
    found = [name for name, present in faults.items() if present]
    if found:
        raise InvalidField(f"The `mjx` engine cannot compute models with {', '.join(found)}. Use `engine='c'`.")
