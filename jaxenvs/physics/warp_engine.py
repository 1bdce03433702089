"""The engine `warp`: MuJoCo Warp's kernels behind MJX, for NVIDIA's accelerators.

In float32, without derivatives, and on an accelerator not always the same in the last bits, since its threads add in
the order in which they come. What tasks read besides positions and velocities comes from the engine `mjx`, which then
takes the last substep: MJX's interface to Warp has no `mj_rnePostConstraint`, and does not say of which evaluation of
a substep its fields are.

Warp's kernels want to know how many lanes there are, since all share one list of contacts; so this module has a
batching rule of its own.
"""

import copy
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.errors import InvalidField
from jaxenvs.physics.mjx import engine as mjx_engine
from jaxenvs.physics.mjx.collision import MAX_CONTACTS
from jaxenvs.physics.mjx.compiled_model import check_features, compile_model
from jaxenvs.physics.mjx.promotion import with_usual_promotion
from jaxenvs.physics.model import Model
from jaxenvs.physics.parameters import Parameters
from jaxenvs.physics.state import PhysicsState

_MOVING = ("qpos", "qvel", "act", "qacc_warmstart", "time")
_LEAST_CONTACTS = 8 * MAX_CONTACTS
"""Room for contacts however few lanes there are: pairs of geoms that come near take some of it, too."""

Moving = dict[str, Array]

initial = mjx_engine.initial


def step(
    model: Model,
    parameters: Parameters,
    state: PhysicsState,
    ctrl: Array,
    frames: int,
    derived_names: tuple[str, ...],
) -> PhysicsState:
    """The state after `frames` substeps; as `jaxenvs.physics.mjx.engine.step`.

    Raises:
        InvalidField: the model has something that the engine does not compute, or states are in float64.
    """
    if state.qpos.dtype != jnp.float32:
        raise InvalidField('The engine `warp` computes in float32: leave out `precision="float64"`.')
    own = frames - 1 if derived_names else frames
    if own:
        moving = {name: getattr(state, name) for name in _MOVING}
        state = state.replace(**_substeps(model, own, (), False)(parameters, moving, ctrl), derived={})
    return mjx_engine.step(model, parameters, state, ctrl, 1, derived_names) if derived_names else state


@functools.cache
def _substeps(model: Model, frames: int, batch: tuple[int, ...], own_parameters: bool) -> Any:
    """The substeps of a batch, as a function of parameters, what moves, and controls.

    Args:
        model: the model.
        frames: how many substeps.
        batch: the axes of the batch, which lead in what moves and in the controls.
        own_parameters: whether they also lead in the parameters.
    """

    @jax.custom_batching.custom_vmap
    def substeps(parameters: Parameters, moving: Moving, ctrl: Array) -> Moving:
        flatten = functools.partial(jax.tree.map, lambda x: x.reshape(-1, *x.shape[len(batch) :]))
        parameters = flatten(parameters) if own_parameters else parameters
        after = _run(model, frames, math.prod(batch), own_parameters, parameters, *flatten((moving, ctrl)))
        return jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), after)

    @substeps.def_vmap
    def of_a_batch(size: int, batched: Any, parameters: Parameters, moving: Moving, ctrl: Array) -> tuple[Any, Any]:
        spread = functools.partial(
            jax.tree.map, lambda x, is_batched: x if is_batched else jnp.broadcast_to(x, (size, *jnp.shape(x)))
        )
        wider = own_parameters or any(jax.tree.leaves(batched[0]))
        if wider:
            if not own_parameters:  # axes that were mapped before go between
                between = (1,) * len(batch)
                parameters = jax.tree.map(
                    lambda x, is_batched: x.reshape((size, *between, *x.shape[1:])) if is_batched else x,
                    parameters,
                    batched[0],
                )
            parameters = jax.tree.map(
                lambda x, own: jnp.broadcast_to(x, (size, *batch, *own)), parameters, _shapes(model)
            )
        moving, ctrl = spread((moving, ctrl), tuple(batched[1:]))
        after = _substeps(model, frames, (size, *batch), wider)(parameters, moving, ctrl)
        return after, jax.tree.map(lambda _: True, after)

    return substeps
