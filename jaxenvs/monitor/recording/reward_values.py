"""What a compiled program says about its rewards before it runs."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun


def two_values(closed: ClosedJaxpr, output: int) -> tuple[float, float] | None:
    """The values of an output that follows from constants and at most one boolean array, if it has only two.

    Such are rewards of 1 until the end, of -1 per step, or of 1 at a goal. What the program computes with the array is
    evaluated for False and for True.

    Args:
        closed: the program.
        output: the number of the output, whose axes are those of the array.

    Returns:
        The values for False and True; None if the output follows from anything else.
    """
    wanted = closed.jaxpr.outvars[output]
    known = dict(zip(closed.jaxpr.constvars, closed.consts))
    if isinstance(wanted, Literal):
        return _both(wanted.val, wanted.val)
    sources, equations = _origins(closed.jaxpr, wanted)
    inputs = [source for source in sources if source not in known or isinstance(known[source], Tracer)]
    if len(inputs) > 1 or any(x.aval.dtype != bool or x.aval.shape != wanted.aval.shape for x in inputs):
        return None
    constants = [source for source in sources if source not in inputs]
    part = closed.jaxpr.replace(
        constvars=[], invars=[*constants, *inputs], outvars=[wanted], eqns=equations, effects=frozenset()
    )
    evaluate = jaxpr_as_fun(ClosedJaxpr(part, []))
    with jax.ensure_compile_time_eval():
        found = [
            np.unique(evaluate(*(known[x] for x in constants), *(np.full(x.aval.shape, value) for x in inputs))[0])
            for value in (False, True)
        ]
    return _both(*(values[0] for values in found)) if all(len(values) == 1 for values in found) else None


def _origins(jaxpr: Jaxpr, wanted: Any) -> tuple[list[Any], Sequence[JaxprEqn]]:
    """The variables that one follows from, boolean ones at the latest, and the equations in between, in order."""
    made_by = {variable: equation for equation in jaxpr.eqns for variable in equation.outvars}
    sources, needed, open_variables, seen = [], set(), [wanted], set()
    while open_variables:
        variable = open_variables.pop()
        if isinstance(variable, Literal) or variable in seen:
            continue
        seen.add(variable)
        equation = made_by.get(variable)
        if equation is None or equation.effects or (variable.aval.dtype == bool and variable.aval.shape):
            sources.append(variable)
        else:
            needed.add(id(equation))
            open_variables += equation.invars
    return sources, [equation for equation in jaxpr.eqns if id(equation) in needed]


def _both(first: Any, second: Any) -> tuple[float, float]:
    return float(first), float(second)
