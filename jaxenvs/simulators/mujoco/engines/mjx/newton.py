"""The constraint solver: Newton's method on MuJoCo's convex problem, differentiable in both directions.

The acceleration minimises half of (a - a0)ᵀ M (a - a0) plus a penalty for each row, a parabola in J a - aref whose
slope is bounded (see `Rows`). So the problem is piecewise quadratic, and Newton's method with a sufficiently exact line
search is at the minimum as soon as a step ends in the piece where it began. There the iterations stop, or earlier if
those of C would: C keeps a warm start that is good enough, and to agree with it beyond its tolerance, one has to stop
where it stops. MuJoCo's documentation, "Computation", describes the problem.

As in C, trees that no constraint links are islands, each with its own line search and its own end: a box at rest on a
table keeps its warm start while the robot next to it moves. What is one number in the problem of one island is here an
array with one entry per tree; an island has the number of its first tree, and the other entries are those of islands
without bodies.

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
"""MuJoCo's `ls_tolerance`: the slope at which the line search stops, relative to the tolerance of the gradient."""


class Problem(NamedTuple):
    """The problem whose minimum is the acceleration.

    Attributes:
        inertia: (nv, nv), M.
        unconstrained: (nv,), a0: the acceleration without constraints.
        rows: the constraints.
        tolerance: () tolerance of the gradient and of a step's improvement, relative to the inertia's trace, as in C.
        trees: (trees, nv), 1 where a degree of freedom belongs to a tree of bodies, else 0.
    """

    inertia: Array
    unconstrained: Array
    rows: Rows
    tolerance: Array
    trees: Array


class _Islands(NamedTuple):
    """Which island has what: 1, else 0."""

    dofs: Array  # (trees, nv)
    rows: Array  # (trees, rows)

    def any_row(self, holds: Array) -> Array:
        """(trees,) bool: whether something holds for a row of each island."""
        return self.rows @ holds.astype(self.rows.dtype) > 0.0


class _Iterate(NamedTuple):
    acceleration: Array
    residual: Array  # J a - aref
    gradient: Array
    cost: Array  # (trees,)
    quadratic: Array  # whether each row's force is within its bounds
    iteration: Array
    running: Array  # (trees,)


class _Search(NamedTuple):
    """All (trees,), except that `quadratic` is (rows,) and `tried` ()."""

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


def _islands(problem: Problem) -> _Islands:
    """The islands: trees are linked if a row moves both."""
    trees = problem.trees
    touched = (jnp.abs(problem.rows.jacobian) @ trees.T > 0.0).astype(trees.dtype)
    count = trees.shape[0]
    linked = touched.T @ touched + jnp.eye(count, dtype=trees.dtype)
    for _ in range((count - 1).bit_length()):
        linked = (linked @ linked > 0.0).astype(trees.dtype)
    first = jnp.argmax(linked > 0.0, axis=1)
    members = (first[None] == jnp.arange(count)[:, None]).astype(trees.dtype)
    return _Islands(members @ trees, (members @ touched.T > 0.0).astype(trees.dtype))


def _gradient(problem: Problem, acceleration: Array, residual: Array) -> Array:
    """(nv,) the gradient at an acceleration."""
    pull = problem.inertia @ (acceleration - problem.unconstrained)
    return pull - force_of(problem.rows, residual) @ problem.rows.jacobian


def _cost(problem: Problem, islands: _Islands, acceleration: Array, residual: Array) -> Array:
    """(trees,) the cost of each island at an acceleration."""
    off = acceleration - problem.unconstrained
    force = force_of(problem.rows, residual)
    penalty = force * (residual + 0.5 * force / problem.rows.stiffness)
    return islands.dofs @ (0.5 * off * (problem.inertia @ off)) - islands.rows @ penalty


def _line_search(
    problem: Problem, islands: _Islands, tolerance: Array, at: _Iterate, direction: Array
) -> tuple[Array, Array]:
    """The step lengths (trees,) along `direction`, at the roots of increasing piecewise slopes, and J `direction`."""
    rows = problem.rows
    turn = rows.jacobian @ direction
    pushed = problem.inertia @ direction
    slope_0 = islands.dofs @ (pushed * (at.acceleration - problem.unconstrained))
    curvature_0 = islands.dofs @ (pushed * direction)

    def look(length: Array) -> tuple[Array, Array, Array]:
        residual = at.residual + (length @ islands.rows) * turn
        quadratic = _is_quadratic(rows, residual)
        slope = slope_0 + length * curvature_0 - islands.rows @ (force_of(rows, residual) * turn)
        return slope, curvature_0 + islands.rows @ (rows.stiffness * turn * turn * quadratic), quadratic

    def try_next(search: _Search) -> _Search:
        falls = search.slope < 0.0
        low, high = jnp.where(falls, search.length, search.low), jnp.where(falls, search.high, search.length)
        newton = search.length - search.slope / jnp.where(search.curvature > 0.0, search.curvature, 1.0)
        within = (newton > low) & (newton < high)
        length = jnp.where(within, newton, 0.5 * (low + high))  # `high` is finite where `newton` is not within
        length = jnp.where(search.running, length, search.length)
        slope, curvature, quadratic = look(length)
        # A Newton step that stays in its piece ends at the root up to rounding, whatever the slope there is.
        done = (jnp.abs(slope) <= enough) | (within & ~islands.any_row(quadratic != search.quadratic))
        tried = search.tried + 1
        running = search.running & ~done & (tried < _MAX_LINE_SEARCH)
        return _Search(length, slope, curvature, quadratic, low, high, tried, running)

    enough = tolerance * _SLOPE_LEFT * jnp.sqrt(islands.dofs @ (direction * direction))
    one = jnp.ones_like(slope_0)
    slope, curvature, quadratic = look(one)
    running = at.running & (jnp.abs(slope) > enough) & islands.any_row(quadratic != at.quadratic)
    first = _Search(
        one, slope, curvature, quadratic, jnp.zeros_like(one), jnp.full_like(one, jnp.inf), jnp.int32(0), running
    )
    search = jax.lax.while_loop(lambda search: jnp.any(search.running), try_next, first)
    return search.length, turn


def _step(problem: Problem, islands: _Islands, tolerance: Array, at: _Iterate) -> _Iterate:
    direction = -cholesky.solve(_hessian(problem, at.quadratic), at.gradient)
    # C keeps an iterate, other than the first, from which a step could improve the cost by less than the tolerance.
    promised = -0.5 * (islands.dofs @ (at.gradient * direction))
    moves = at.running & ((at.iteration == 0) | (promised >= tolerance))
    direction = direction * (moves.astype(direction.dtype) @ islands.dofs)
    length, turn = _line_search(problem, islands, tolerance, at._replace(running=moves), direction)
    acceleration = at.acceleration + (length @ islands.dofs) * direction
    residual = at.residual + (length @ islands.rows) * turn
    gradient = _gradient(problem, acceleration, residual)
    cost = _cost(problem, islands, acceleration, residual)
    quadratic = _is_quadratic(problem.rows, residual)
    iteration = at.iteration + 1
    running = moves & islands.any_row(quadratic != at.quadratic) & (iteration < MAX_ITERATIONS)
    running &= (at.cost - cost >= tolerance) & (_norms(islands, gradient) >= tolerance)
    return _Iterate(acceleration, residual, gradient, cost, quadratic, iteration, running)


def _norms(islands: _Islands, gradient: Array) -> Array:
    """(trees,) the norm of the gradient of each island."""
    return jnp.sqrt(islands.dofs @ (gradient * gradient))


@jax.custom_jvp
def minimise(problem: Problem, warm_start: Array) -> Array:
    """(nv,) the acceleration that solves the problem.

    The search begins with `warm_start` (nv,) or the unconstrained acceleration, whichever is better, as in C.
    """
    rows, islands = problem.rows, _islands(problem)
    starts = jnp.stack([warm_start, problem.unconstrained])
    residuals = starts @ rows.jacobian.T - rows.reference
    costs = jax.vmap(lambda *at: _cost(problem, islands, *at))(starts, residuals)
    best = jnp.where(costs[0].sum() < costs[1].sum(), 0, 1)
    acceleration, residual, cost = (both[best] for both in (starts, residuals, costs))
    gradient = _gradient(problem, acceleration, residual)
    tolerance = problem.tolerance * (islands.dofs @ jnp.diagonal(problem.inertia))
    first = _Iterate(
        acceleration,
        residual,
        gradient,
        cost,
        _is_quadratic(rows, residual),
        jnp.zeros((), jnp.int32),
        (_norms(islands, gradient) >= tolerance) & (tolerance > 0.0),
    )
    step = lambda at: _step(problem, islands, tolerance, at)  # noqa: E731  # the body of the loop
    return jax.lax.while_loop(lambda at: jnp.any(at.running), step, first).acceleration


@minimise.defjvp
@with_usual_promotion  # JAX calls it when it differentiates, which may be after the engine has returned
def _implicit_derivative(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
    """Differentiates `gradient(problem, solution) = 0`; the warm start does not matter to the solution."""
    problem, warm_start = primals
    solution = minimise(problem, warm_start)

    def gradient(problem: Problem) -> Array:
        rows = problem.rows
        return _gradient(problem, solution, rows.jacobian @ solution - rows.reference)

    _, change = jax.jvp(gradient, (problem,), (tangents[0],))
    rows = problem.rows
    quadratic = _is_quadratic(rows, rows.jacobian @ solution - rows.reference)
    return solution, -cholesky.solve(_hessian(problem, quadratic), change)
