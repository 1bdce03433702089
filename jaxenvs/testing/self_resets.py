"""Whether the step that ends an episode returns the state of a new start, which is the task of AutoReset.

The whole state is compared, so an environment that resets itself and counts its episodes in the state is not found: a
part of a state that is fresh after an end may well belong to a sound task.
"""

from typing import Any

import jax
import numpy as np
from jax import Array

from jaxenvs.core.trees import is_key, tree_at
from jaxenvs.core.wrapper import unwrap_state
from jaxenvs.testing.rollouts import FirstEnd
from jaxenvs.testing.subject import Subject
from jaxenvs.testing.trees import to_host

_KEYS = 8
_TOLERANCE = 1e-5
"""Two programs may round one start differently, relative to the larger of the number and 1."""


def returns_to_start(subject: Subject, end: FirstEnd) -> bool:
    """Whether every first end leads back to the state that its episode began with, keys aside.

    Episodes that never left this state do not count: a bandit has no other.
    """
    found = np.asarray(end.found)
    if not found.any():
        return False
    start, before, after = (_numbers(subject, state, found) for state in (end.start, end.before, end.after))
    left = ~_agree(before, start)
    return bool(left.any() and _agree(after, start)[left].all())


def draws_new_start(subject: Subject, end: FirstEnd) -> bool:
    """Whether the state after an end depends on the keys of the state before it, and on nothing else in that state.

    The last steps of all lanes are taken again, with the same keys in each lane. If that leads to a new start, it is
    the same for all lanes, and another one with other keys. Ends outside the range of the starts are not repeated.
    """
    found = np.asarray(end.found)
    if not found.any():
        return False
    starts = _numbers(subject, end.start, np.ones_like(found))
    before, after = (_numbers(subject, state, found) for state in (end.before, end.after))
    if not (_differ(before) and all(_in_range(x, of_starts) for x, of_starts in zip(after, starts, strict=True))):
        return False
    states, actions = tree_at((end.before, end.action), np.flatnonzero(found))

    def again(env: Any, state: Any, action: Any, key: Array) -> tuple[Any, Array]:
        state, timestep = env.step(_with_keys(state, key), action)
        return state, timestep.terminated

    over_lanes = jax.vmap(again, in_axes=(None, 0, 0, None))
    over_keys = jax.jit(jax.vmap(over_lanes, in_axes=(None, None, None, 0)))
    outcomes, terminated = over_keys(subject.env, states, actions, subject.keys(11, _KEYS))
    reached = []
    for row, ended in enumerate(np.asarray(terminated)):
        if _differ([x[ended] for x in before]):
            numbers = _numbers(subject, tree_at(outcomes, row), ended)
            if _differ(numbers):
                return False
            reached.append([x[0] for x in numbers])
    return len(reached) > 1 and _differ([np.stack(column) for column in zip(*reached, strict=True)])


def _numbers(subject: Subject, states: Any, lanes: np.ndarray) -> list[np.ndarray]:
    """The leaves of the base environment's states that are not keys, of the lanes that a mask selects."""
    leaves = jax.tree.leaves(unwrap_state(subject.env, states))
    return [np.asarray(x)[lanes] for x in to_host([leaf for leaf in leaves if not is_key(leaf)])]


def _with_keys(state: Any, key: Array) -> Any:
    """The state of one environment with keys that follow from `key`, each of the kind it was."""

    def replaced(place: int, leaf: Any) -> Any:
        if not is_key(leaf):
            return leaf
        form = jax.random.key_data(leaf)
        bits = jax.random.bits(jax.random.fold_in(key, place), form.shape, form.dtype)
        return jax.random.wrap_key_data(bits, impl=jax.random.key_impl(leaf))

    leaves, structure = jax.tree.flatten(state)
    return structure.unflatten([replaced(place, leaf) for place, leaf in enumerate(leaves)])


def _agree(left: list[np.ndarray], right: list[np.ndarray]) -> np.ndarray:
    """(lanes,) bool: where two lists of arrays (lanes, ...) agree up to rounding."""
    near = np.ones(len(left[0]) if left else 0, bool)
    for a, b in zip(left, right, strict=True):
        near &= np.isclose(a, b, _TOLERANCE, _TOLERANCE, equal_nan=True).all(tuple(range(1, a.ndim)))
    return near


def _differ(columns: list[np.ndarray]) -> bool:
    """Whether the lanes of arrays (lanes, ...) are not all equal, bit for bit."""
    return any(len(x) and not np.array_equal(x, np.broadcast_to(x[:1], x.shape), equal_nan=True) for x in columns)


def _in_range(x: np.ndarray, starts: np.ndarray) -> bool:
    """Whether all entries of (lanes, ...) lie in the range of these starts, or as far outside as the range is wide."""
    low, high = starts.min(0).astype(np.float64), starts.max(0).astype(np.float64)
    return bool(((x >= 2 * low - high) & (x <= 2 * high - low)).all())
