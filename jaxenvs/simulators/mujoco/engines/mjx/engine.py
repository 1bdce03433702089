"""The `mjx` engine: MuJoCo's physics as a pure function of the state, on any device, differentiable.

Gradients of `step` reach the controls, the state and the parameters, in forward and reverse mode. They are those of the
path that was taken: at the moment when a contact opens or closes there is none.

Parameters replace the model's fields of the same names. As when writing to an `mujoco.MjModel`, constants that MuJoCo's
compiler derived from them stay the same (`body_invweight0` and `dof_invweight0`, which scale the softness of
constraints, and `stat.meaninertia`). Only the masses of subtrees are computed again in each step.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from mujoco.mjx._src import smooth
from mujoco.mjx._src.types import IntegratorType

from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.simulators.mujoco.engines.mjx.compiled_model import compile_model
from jaxenvs.simulators.mujoco.engines.mjx.dynamics import add_inertias
from jaxenvs.simulators.mujoco.engines.mjx.euler import euler
from jaxenvs.simulators.mujoco.engines.mjx.forward import forward
from jaxenvs.simulators.mujoco.engines.mjx.kinematics import kinematics
from jaxenvs.simulators.mujoco.engines.mjx.promotion import with_usual_promotion
from jaxenvs.simulators.mujoco.engines.mjx.runge_kutta import runge_kutta
from jaxenvs.simulators.mujoco.readings import POST_CONSTRAINT
from jaxenvs.simulators.mujoco.state import CARRIED, SimulationState

_POST_CONSTRAINT_NEEDS = (
    "qvel",
    "qacc",
    "xpos",
    "xmat",
    "xquat",
    "xipos",
    "subtree_com",
    "site_xpos",
    "cdof",
    "cdof_dot",
    "cvel",
    "cinert",
    "contact",
    "efc_force",
)
"""What `mj_rnePostConstraint` reads of an evaluation."""

_COMPUTED = """
    xpos xquat xmat xipos ximat xanchor xaxis geom_xpos geom_xmat site_xpos site_xmat subtree_com cdof cdof_dot cinert
    cvel qacc qacc_smooth qfrc_bias qfrc_passive qfrc_gravcomp qfrc_actuator qfrc_smooth qfrc_constraint
    actuator_length actuator_velocity actuator_force act_dot ten_length ten_velocity cacc cfrc_int cfrc_ext
"""
DERIVED = tuple(_COMPUTED.split())
"""Fields of MuJoCo's data that the engine can give, in MuJoCo's shapes."""


@with_usual_promotion
def initial(model: Any, parameters: Any, qpos: Array, qvel: Array, derived_names: tuple[str, ...]) -> SimulationState:
    """The state at a position, like Gymnasium's `set_state` after a reset (`mj_forward`).

    Args:
        model: a hashable handle with an `mj_model`.
        parameters: its fields replace those of the model.
        qpos: (nq,) positions.
        qvel: (nv,) velocities.
        derived_names: names from `DERIVED`; fields that `mj_rnePostConstraint` computes are zero here.

    Raises:
        DependencyNotInstalled: the versions of MuJoCo or MJX are not those that were tested.
        InvalidField: the model has a feature that the engine does not support, or a name is unknown.
    """
    _check_names(derived_names)
    mjx_model, data = _prepared(model, parameters)
    data = data.replace(qpos=_strong(qpos, data.qpos), qvel=_strong(qvel, data.qvel))
    evaluated = forward(mjx_model, data) if derived_names else data
    derived = {name: _field(evaluated, name) for name in derived_names}
    derived |= {name: jnp.zeros_like(derived[name]) for name in POST_CONSTRAINT & derived.keys()}
    dtype = jnp.result_type(qpos)
    return SimulationState(
        *(jnp.asarray(value, dtype) for value in (qpos, qvel, data.act, data.qacc_warmstart, data.time)),
        derived={name: value.astype(dtype) for name, value in derived.items()},
    )


@with_usual_promotion
def step(
    model: Any,
    parameters: Any,
    state: SimulationState,
    ctrl: Array,
    frames: int,
    derived_names: tuple[str, ...],
    leader: Array | None = None,
) -> SimulationState:
    """The state after `frames` steps of the simulation, like Gymnasium's `do_simulation`.

    Args:
        model: a hashable handle with an `mj_model`.
        parameters: its fields replace those of the model.
        state: the state of the simulation.
        ctrl: (nu,) controls, constant throughout.
        frames: number of time steps, at least 1.
        derived_names: names from `DERIVED`; each is as in the last evaluation of the dynamics, before the last move.
        leader: (7,) the pose of the mocap body, if there is one.

    Raises:
        DependencyNotInstalled: the versions of MuJoCo or MJX are not those that were tested.
        InvalidField: the model has a feature that the engine does not support, or a name is unknown.
    """
    _check_names(derived_names)
    mjx_model, data = _prepared(model, parameters)
    if leader is not None:  # it is a body without joints, which is where the model says
        body = np.flatnonzero(np.asarray(mjx_model.body_mocapid) == 0)[0]
        mjx_model = mjx_model.replace(
            body_pos=mjx_model.body_pos.at[body].set(leader[:3]), body_quat=mjx_model.body_quat.at[body].set(leader[3:])
        )
    data = data.replace(ctrl=_strong(ctrl, data.ctrl))
    needed = tuple(sorted(set(derived_names) - POST_CONSTRAINT))
    if POST_CONSTRAINT & set(derived_names):
        needed = tuple(sorted({*needed, *_POST_CONSTRAINT_NEEDS}))
    integrate = {IntegratorType.EULER: euler, IntegratorType.RK4: runge_kutta}[mjx_model.opt.integrator]

    def keep(evaluated: Any) -> dict[str, Any]:
        return {name: _raw_field(evaluated, name) for name in needed}

    def frame(carry: dict[str, Array], _: None) -> tuple[dict[str, Array], dict[str, Any]]:
        later, kept = integrate(mjx_model, data.replace(**carry), keep)
        return {name: _strong(getattr(later, name), carry[name]) for name in carry}, kept

    first = {name: _strong(getattr(state, name), getattr(data, name)) for name in CARRIED}
    last, kept = jax.lax.scan(frame, first, length=frames)
    kept = jax.tree.map(lambda leaf: leaf[-1], kept)
    evaluated = data.tree_replace({_path(name): value for name, value in kept.items()})
    if POST_CONSTRAINT & set(derived_names):
        evaluated = smooth.rne_postconstraint(mjx_model, evaluated)
    dtype = jnp.result_type(state.qpos)
    moved = {name: value.astype(dtype) for name, value in last.items()}
    return state.replace(**moved, derived={name: _field(evaluated, name).astype(dtype) for name in derived_names})


@with_usual_promotion
def places(model: Any, parameters: Any, state: SimulationState, derived_names: tuple[str, ...]) -> SimulationState:
    """The state with the derived fields that follow from its positions alone.

    Args:
        model: a hashable handle with an `mj_model`.
        parameters: its fields replace those of the model.
        state: the state of the simulation.
        derived_names: names of positions, orientations, centres of mass and motion axes.
    """
    mjx_model, data = _prepared(model, parameters)
    evaluated = add_inertias(mjx_model, kinematics(mjx_model, data.replace(qpos=_strong(state.qpos, data.qpos))))
    dtype = jnp.result_type(state.qpos)
    return state.replace(derived={name: _field(evaluated, name).astype(dtype) for name in derived_names})


def _prepared(model: Any, parameters: Any) -> tuple[Any, Any]:
    """MJX's model with the parameters in place, and data to start from."""
    mjx_model, data = compile_model(model).on_device()
    options, fields = {}, {}
    for field in dataclasses.fields(parameters):
        value = getattr(parameters, field.name)
        owner, changes = (mjx_model.opt, options) if hasattr(mjx_model.opt, field.name) else (mjx_model, fields)
        own = getattr(owner, field.name, None)
        if not isinstance(own, jax.Array) or own.shape != jnp.shape(value):
            raise InvalidField(
                f"The parameter {field.name!r} with shape {jnp.shape(value)} has no counterpart in the model."
            )
        changes[field.name] = _strong(value, own)
    return mjx_model.replace(**fields, opt=mjx_model.opt.replace(**options)), data


def _strong(value: Any, like: Array) -> Array:
    """`value` with the dtype of `like`, not weakly typed."""
    return jnp.asarray(value).astype(like.dtype)


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in DERIVED:
            raise InvalidField(f"The `mjx` engine does not compute {name!r}.{did_you_mean(name, DERIVED)}")


def _path(name: str) -> str:
    """The object in which MJX keeps a field: some are in a part of its data that only its JAX implementation has."""
    return f"_impl.{name}" if name in _IN_IMPLEMENTATION else name


_IN_IMPLEMENTATION = frozenset(
    ("cinert", "actuator_velocity", "ten_velocity", "cacc", "cfrc_int", "cfrc_ext", "contact", "efc_force")
)


def _raw_field(data: Any, name: str) -> Any:
    return getattr(data._impl if name in _IN_IMPLEMENTATION else data, name)


def _field(data: Any, name: str) -> Array:
    """A field in MuJoCo's shape, in which rotation matrices are rows of nine."""
    value = _raw_field(data, name)
    return value.reshape(-1, 9) if value.ndim == 3 else value
