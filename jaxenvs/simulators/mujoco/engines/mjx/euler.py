"""MuJoCo's semi-implicit Euler step: the damping of the joints is that at the end of the step (`mj_Euler`)."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from mujoco.mjx._src.types import DisableBit

from jaxenvs.simulators.mujoco.engines.mjx import cholesky
from jaxenvs.simulators.mujoco.engines.mjx.advance import advance
from jaxenvs.simulators.mujoco.engines.mjx.forward import forward


def euler(model: Any, data: Any, keep: Callable[[Any], Any]) -> tuple[Any, Any]:
    """`data` one step later, and the fields `keep` of the evaluation on which the step is based."""
    evaluated = forward(model, data)
    acceleration = evaluated.qacc
    if not model.opt.disableflags & DisableBit.EULERDAMP:
        damped = evaluated._impl.M + jnp.diag(model.opt.timestep * model.dof_damping)
        force = evaluated.qfrc_smooth + evaluated.qfrc_constraint
        acceleration = cholesky.solve(damped, force)
    later = advance(
        model,
        data,
        acceleration,
        evaluated.act_dot,
        qacc=evaluated.qacc,
        actuator_length=evaluated.actuator_length,
    )
    return later, keep(evaluated)
