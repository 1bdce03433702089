"""The constraint solver: Newton's method on MuJoCo's convex problem, differentiable in both directions.

The acceleration minimises half of (a - a0)ᵀ M (a - a0) plus a penalty for each row, a parabola in J a - aref whose
slope is bounded (see `Rows`). So the problem is piecewise quadratic, and Newton's method with a sufficiently exact line
search is at the minimum as soon as a step ends in the piece where it began. There the iterations stop, or earlier if
those of C would: C keeps a warm start that is good enough, and to agree with it beyond its tolerance, one has to stop
where it stops. MuJoCo's documentation, "Computation", describes the problem.

MJX's solver runs its line search for the full number of iterations in every lane, factorises with LAPACK, and has no
reverse-mode derivative. Here the derivative comes from the equation that the minimum satisfies (gradient = 0), so it is
exact, costs one more linear solve, and does not go through the iterations.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.simulators.mujoco.engines.mjx import cholesky
from jaxenvs.simulators.mujoco.engines.mjx.constraints import Rows
from jaxenvs.simulators.mujoco.engines.mjx.promotion import with_usual_promotion

MAX_ITERATIONS = 20
"""Greatest number of Newton steps. Two to five are usual."""
_MAX_LINE_SEARCH = 16
"""Greatest number of points that the line search tries after the full step."""
_SLOPE_LEFT = 1e-2
"""Fraction of the first slope at which the line search stops."""


class Problem(NamedTuple):
    """The problem whose minimum is the acceleration.

    Attributes:
        inertia: (nv, nv), M.
        unconstrained: (nv,), a0: the acceleration without constraints.
        rows: the constraints.
        tolerance: () tolerance of the gradient and of a step's improvement, relative to the inertia's trace, as in C.
    """

    inertia: Array
    unconstrained: Array
    rows: Rows
    tolerance: Array


class _Iterate(NamedTuple):
    acceleration: Array
    residual: Array  # J a - aref
    gradient: Array
    cost: Array
    quadratic: Array  # whether each row's force is within its bounds
    iteration: Array
    running: Array


class _Search(NamedTuple):
    length: Array
    slope: Array
    curvature: Array
    quadratic: Array
    low: Array
    high: Array
    tried: Array
    running: Array


def force_of(rows: Rows, residual: Array) -> Array:
    """(rows,) the force of each row at `residual` = J qacc - aref."""
    return jnp.clip(-rows.stiffness * residual, rows.lower, rows.upper)


def _is_quadratic(rows: Rows, residual: Array) -> Array:
    pull = -rows.stiffness * residual
    return (pull > rows.lower) & (pull < rows.upper)


def _hessian(problem: Problem, quadratic: Array) -> Array:
    jacobian = problem.rows.jacobian
    return problem.inertia + (jacobian * (problem.rows.stiffness * quadratic)[:, None]).T @ jacobian


def _evaluate(problem: Problem, acceleration: Array, residual: Array) -> tuple[Array, Array]:
    """Gradient (nv,) and cost () at an acceleration."""
    off = acceleration - problem.unconstrained
    pull = problem.inertia @ off
    force = force_of(problem.rows, residual)
    penalty = jnp.dot(force, residual + 0.5 * force / problem.rows.stiffness)
    return pull - force @ problem.rows.jacobian, 0.5 * jnp.dot(off, pull) - penalty


def _line_search(problem: Problem, at: _Iterate, direction: Array) -> tuple[Array, Array]:
    """The step length along `direction`, near the root of the piecewise increasing slope, and J `direction`."""
    rows = problem.rows
    turn = rows.jacobian @ direction
    pushed = problem.inertia @ direction
    slope_0 = jnp.dot(pushed, at.acceleration - problem.unconstrained)
    curvature_0 = jnp.dot(pushed, direction)

    def look(length: Array) -> tuple[Array, Array, Array]:
        residual = at.residual + length * turn
        quadratic = _is_quadratic(rows, residual)
        slope = slope_0 + length * curvature_0 - jnp.dot(force_of(rows, residual), turn)
        return slope, curvature_0 + jnp.sum(rows.stiffness * turn * turn * quadratic), quadratic

    def try_next(search: _Search) -> _Search:
        falls = search.slope < 0.0
        low, high = jnp.where(falls, search.length, search.low), jnp.where(falls, search.high, search.length)
        newton = search.length - search.slope / search.curvature
        within = (newton > low) & (newton < high)
        length = jnp.where(within, newton, 0.5 * (low + high))  # `high` is finite where `newton` is not within
        slope, curvature, quadratic = look(length)
        # A Newton step that stays in its piece ends at the root up to rounding, whatever the slope there is.
        done = (jnp.abs(slope) <= enough) | (within & jnp.all(quadratic == search.quadratic))
        tried = search.tried + 1
        return _Search(length, slope, curvature, quadratic, low, high, tried, ~done & (tried < _MAX_LINE_SEARCH))

    enough = _SLOPE_LEFT * jnp.abs(jnp.dot(at.gradient, direction))
    one = jnp.ones((), direction.dtype)
    slope, curvature, quadratic = look(one)
    running = (jnp.abs(slope) > enough) & jnp.any(quadratic != at.quadratic)
    first = _Search(
        one, slope, curvature, quadratic, jnp.zeros_like(one), jnp.full_like(one, jnp.inf), jnp.int32(0), running
    )
    return jax.lax.while_loop(lambda search: search.running, try_next, first).length, turn


def _step(problem: Problem, tolerance: Array, at: _Iterate) -> _Iterate:
    direction = -cholesky.solve(_hessian(problem, at.quadratic), at.gradient)
    length, turn = _line_search(problem, at, direction)
    acceleration = at.acceleration + length * direction
    residual = at.residual + length * turn
    gradient, cost = _evaluate(problem, acceleration, residual)
    quadratic = _is_quadratic(problem.rows, residual)
    iteration = at.iteration + 1
    running = jnp.any(quadratic != at.quadratic) & (iteration < MAX_ITERATIONS)
    running &= (at.cost - cost >= tolerance) & (jnp.linalg.norm(gradient) >= tolerance)
    return _Iterate(acceleration, residual, gradient, cost, quadratic, iteration, running)


@jax.custom_jvp
def minimise(problem: Problem, warm_start: Array) -> Array:
    """(nv,) the acceleration that solves the problem.

    The search begins with `warm_start` (nv,) or the unconstrained acceleration, whichever is better, as in C.
    """
    rows = problem.rows
    starts = jnp.stack([warm_start, problem.unconstrained])
    residuals = starts @ rows.jacobian.T - rows.reference
    gradients, costs = jax.vmap(lambda *at: _evaluate(problem, *at))(starts, residuals)
    best = jnp.where(costs[0] < costs[1], 0, 1)
    acceleration, residual, gradient, cost = (both[best] for both in (starts, residuals, gradients, costs))
    tolerance = problem.tolerance * jnp.trace(problem.inertia)
    first = _Iterate(
        acceleration,
        residual,
        gradient,
        cost,
        _is_quadratic(rows, residual),
        jnp.zeros((), jnp.int32),
        jnp.linalg.norm(gradient) >= tolerance,
    )
    return jax.lax.while_loop(lambda at: at.running, lambda at: _step(problem, tolerance, at), first).acceleration


@minimise.defjvp
@with_usual_promotion  # JAX calls it when it differentiates, which may be after the engine has returned
def _implicit_derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    """Differentiates `gradient(problem, solution) = 0`; the warm start does not matter to the solution."""
    problem, warm_start = primals
    solution = minimise(problem, warm_start)

    def gradient(problem: Problem) -> Array:
        rows = problem.rows
        return _evaluate(problem, solution, rows.jacobian @ solution - rows.reference)[0]

    _, change = jax.jvp(gradient, (problem,), (tangents[0],))
    rows = problem.rows
    quadratic = _is_quadratic(rows, rows.jacobian @ solution - rows.reference)
    return solution, -cholesky.solve(_hessian(problem, quadratic), change)
