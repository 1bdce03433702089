"""The engine `warp`: MuJoCo Warp's kernels behind MJX, for NVIDIA GPUs.

It computes in float32, without derivatives. On a GPU its results may differ in the last bits, since threads add in any
order. The task's readings come from the engine `mjx`, which then takes the last substep: MJX's interface to Warp has no
`mj_rnePostConstraint`, and does not say to which evaluation of a substep its fields belong.

Contacts are MuJoCo Warp's own: those of capsules that stand steeply on a plane have the friction edges of unmodified
MJX, not those of C (see `mjx/plane_capsule.py`). A landing Ant differs from that of C by 0.05 to 0.3 m/s or rad/s after
two substeps; with `mjx` it does not.

Warp's kernels need to know the number of lanes, since all share one list of contacts. So this module has its own
batching rule.
"""

import copy
import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco import mjx
from mujoco.mjx._src import constraint
from mujoco.mjx._src.types import JacobianType, SolverType

from jaxenvs.errors import NotDifferentiable
from jaxenvs.simulators.mujoco.engines.mjx import engine as mjx_engine
from jaxenvs.simulators.mujoco.engines.mjx.collision import MAX_CONTACTS
from jaxenvs.simulators.mujoco.engines.mjx.compiled_model import compile_model
from jaxenvs.simulators.mujoco.engines.mjx.promotion import with_usual_promotion
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.parameters import Parameters, default_parameters, subtree_masses
from jaxenvs.simulators.mujoco.state import CARRIED, SimulationState

_LEAST_CONTACTS = 8 * MAX_CONTACTS
"""The least room for contacts, for any number of lanes: pairs of geoms that come near each other also take some."""

Moving = dict[str, Array]

initial = mjx_engine.initial


def step(
    model: Model,
    parameters: Parameters,
    state: SimulationState,
    ctrl: Array,
    frames: int,
    derived_names: tuple[str, ...],
) -> SimulationState:
    """The state after `frames` substeps, like `jaxenvs.simulators.mujoco.engines.mjx.engine.step`.

    Raises:
        InvalidField: the model has a feature that the engine does not support.
        NotDifferentiable: a derivative goes through the step.
    """
    own = frames - 1 if derived_names else frames
    if own:
        moving = {name: getattr(state, name) for name in CARRIED}
        state = state.replace(**_without_derivative(model, own, parameters, moving, ctrl), derived={})
    return mjx_engine.step(model, parameters, state, ctrl, 1, derived_names) if derived_names else state


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _without_derivative(model: Model, frames: int, parameters: Parameters, moving: Moving, ctrl: Array) -> Moving:
    return _substeps(model, frames, (), False)(parameters, moving, ctrl)


@_without_derivative.defjvp
def _refuse(*arguments: Any) -> Any:
    raise NotDifferentiable(
        "A derivative goes through MuJoCo Warp, which has none here. Use the engine that has derivatives:"
        ' `jaxenvs.make(id, engine="mjx")`.'
    )


@functools.cache
def _substeps(model: Model, frames: int, batch: tuple[int, ...], own_parameters: bool) -> Any:
    """The substeps of a batch, as a function of parameters, the moving state, and controls.

    Args:
        model: the model.
        frames: number of substeps.
        batch: the axes of the batch, which are the leading axes of the moving state and the controls.
        own_parameters: whether they are also the leading axes of the parameters.
    """

    @jax.custom_batching.custom_vmap
    def substeps(parameters: Parameters, moving: Moving, ctrl: Array) -> Moving:
        lanes = math.prod(batch)
        flatten = functools.partial(jax.tree.map, lambda x: x.reshape(lanes, *x.shape[len(batch) :]))
        parameters = flatten(parameters) if own_parameters else parameters
        after = _run(model, frames, lanes, own_parameters, parameters, *flatten((moving, ctrl)))
        return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), after)

    @substeps.def_vmap
    def of_a_batch(size: int, batched: Any, parameters: Parameters, moving: Moving, ctrl: Array) -> tuple[Any, Any]:
        def spread(x: Array, is_batched: bool) -> Array:
            return x if is_batched else jnp.broadcast_to(x, (size, *x.shape))

        def spread_parameter(x: Array, is_batched: bool, own: Array) -> Array:
            between = batch if own_parameters else (1,) * len(batch)
            x = x.reshape(*((size,) if is_batched else (1,)), *between, *own.shape)
            return jnp.broadcast_to(x, (size, *batch, *own.shape))

        own = own_parameters or any(jax.tree.leaves(batched[0]))
        if own:
            parameters = jax.tree.map(spread_parameter, parameters, batched[0], default_parameters(model, "float32"))
        moving, ctrl = jax.tree.map(spread, (moving, ctrl), tuple(batched[1:]))
        after = _substeps(model, frames, (size, *batch), own)(parameters, moving, ctrl)
        return after, jax.tree.map(lambda _: True, after)

    return substeps


@with_usual_promotion
def _run(
    model: Model, frames: int, lanes: int, own_parameters: bool, parameters: Parameters, moving: Moving, ctrl: Array
) -> Moving:
    """The substeps of `lanes` lanes, on one leading axis."""
    warp_model, data = jax.tree.map(jnp.asarray, _compiled(model, lanes))
    parents = np.array(model.mj_model.body_parentid)

    def run(parameters: Parameters, moving: Moving, ctrl: Array) -> Moving:
        fields = {field.name: getattr(parameters, field.name) for field in dataclasses.fields(parameters)}
        options = {"gravity": fields.pop("gravity")}
        fields["body_subtreemass"] = subtree_masses(parameters.body_mass, parents, jnp)
        own_model = warp_model.replace(**fields, opt=warp_model.opt.replace(**options))

        def substep(data: Any, _: None) -> tuple[Any, None]:
            return mjx.step(own_model, data), None

        last, _ = jax.lax.scan(substep, data.replace(**moving, ctrl=ctrl), None, length=frames)
        return {name: getattr(last, name) for name in moving}

    return jax.vmap(run, in_axes=(0 if own_parameters else None, 0, 0))(parameters, moving, ctrl)


@functools.lru_cache(maxsize=64)
def _compiled(model: Model, lanes: int) -> tuple[Any, Any]:
    """The model and data for this many lanes in the form that MJX passes to Warp, with NumPy arrays as leaves."""
    rows, contacts = _sizes(model)
    solved_by_newton = copy.copy(model.mj_model)
    solved_by_newton.opt.solver = SolverType.NEWTON  # Warp has no PGS either
    solved_by_newton.opt.jacobian = JacobianType.DENSE
    with jax.ensure_compile_time_eval():
        warp_model = mjx.put_model(solved_by_newton, impl="warp")
        room = max(_LEAST_CONTACTS, 2 * contacts * lanes)
        data = mjx.make_data(solved_by_newton, impl="warp", naconmax=room, njmax=max(rows, 1))
        return jax.tree.map(np.asarray, (warp_model, data))


def _sizes(model: Model) -> tuple[int, int]:
    """The greatest number of rows of the constraint problem and of contacts per lane: as many as on `mjx`."""
    mjx_model, data = compile_model(model)
    dimensions = data._impl.contact.dim
    return len(constraint.make_efc_type(mjx_model, dimensions)), len(dimensions)
