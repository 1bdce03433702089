"""The arguments of a step, checked before anything is traced."""

from typing import get_args

from jax import Array

from jaxenvs.core.checks import check_choice
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.box2d.island import Drive, Solver
from jaxenvs.simulators.box2d.model import Model
from jaxenvs.simulators.box2d.world import World, check_shape


def check_kinds(model: Model, world: World, drive: Drive) -> None:
    """Raises `InvalidField` if an argument is of another class, as when two are exchanged."""
    for name, value, kind in (("model", model, Model), ("world", world, World), ("drive", drive, Drive)):
        if not isinstance(value, kind):
            raise InvalidField(
                f"box2d.step: `{name}` must be a {kind.__name__}, got {type(value).__name__}. Write `step(model, world,"
                " ground, drive)`; within `jax.jit` and `jax.vmap`, close over the model."
            )


def check_call(model: Model, world: World, ground: Array, drive: Drive, solver: Solver, airborne: bool) -> None:
    """Raises `InvalidField` if an array has not the shape that the model asks for, or an option is wrong."""
    check_choice("box2d.step", "solver", solver, get_args(Solver))
    if not airborne and not model.edge_friction:
        raise InvalidField("box2d.step: the model has no ground. If nothing is ever to touch, pass `airborne=True`.")
    bodies, joints = len(model.bodies), len(model.joints)
    for name, array, shape in (
        ("world.position", world.position, (bodies, 2)),
        ("world.joint_impulse", world.joint_impulse, (joints, 4)),
        ("ground", ground, (len(model.edge_friction), 2, 2)),
        ("drive.gravity", drive.gravity, ()),
        ("drive.force", drive.force, (bodies, 2)),
        ("drive.torque", drive.torque, (bodies,)),
        ("drive.motor_speed", drive.motor_speed, (joints,)),
        ("drive.max_motor_torque", drive.max_motor_torque, (joints,)),
    ):
        check_shape("box2d.step", name, array, shape)
