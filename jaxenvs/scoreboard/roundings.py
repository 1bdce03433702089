"""Roundings: where the actions of a segment lead if its floats are rounded otherwise.

In a contact, or near a tie, a system can make the last bit of a number a hundredth of it within a few steps, or another
flag. How much it does so there is measured: the segment is played again in many lanes, and before each step every float
of each lane moves by a few of its last bits. This is Monte Carlo arithmetic (Parker, 1997), with the noise added to the
numbers that a step begins with rather than to each operation in it.
"""

import hashlib
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxenvs.scoreboard.program import Program

_ROUNDINGS = 4.0
"""How far a float moves before a step, in units of the most that one rounding changes.

A step has many operations, and functions such as `sin` are off by one or two last bits on a graphics processor. With 2,
LunarLander's segments without fused multiply-adds were as near as with 4."""


class Roundings(NamedTuple):
    """What the actions of a segment give with as many roundings as the program has lanes; lane 0 has no noise.

    Attributes:
        data: the leaves of the states after the last step, with an axis of lanes, keys as their words.
        rewards: (steps, lanes) float32.
        terminated: (steps, lanes) bool.
        truncated: (steps, lanes) bool.
    """

    data: list[np.ndarray]
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


def roundings(
    program: Program, start: list[np.ndarray], actions: Any, scales: list[float], generator: np.random.Generator
) -> Roundings:
    """Plays a segment with other roundings.

    Args:
        program: the program of the board.
        start: the leaves of the state that it begins with, keys as their words.
        actions: elements of the action space, with an axis of steps.
        scales: the scale of each leaf, in which its small numbers are rounded.
        generator: draws the noise.
    """
    data = [np.repeat(leaf[None], program.lanes, axis=0) for leaf in start]
    actions = jax.tree.map(lambda leaf: np.repeat(leaf[:, None], program.lanes, axis=1), actions)
    outputs = []
    for step in range(len(jax.tree.leaves(actions)[0])):
        data = [_moved(leaf, scale, generator) for leaf, scale in zip(data, scales)]
        taken = jax.tree.map(lambda leaf, step=step: leaf[step : step + 1], actions)
        steps = program.advance(program.states(data), taken, 1)
        data = program.data(steps.states)
        outputs.append((steps.rewards, steps.terminated, steps.truncated))
    return Roundings(data, *(np.concatenate(x) for x in zip(*outputs)))


def generator_of(*states: list[np.ndarray]) -> np.random.Generator:
    """Noise that follows from states, so that nobody can forge a state and know the noise that it is judged by."""
    digest = hashlib.sha256()
    for leaf in (leaf for state in states for leaf in state):
        digest.update(np.ascontiguousarray(leaf, leaf.dtype.newbyteorder("<")).tobytes())
    return np.random.default_rng(int.from_bytes(digest.digest()[:16], "little"))


def _moved(leaf: np.ndarray, scale: float, generator: np.random.Generator) -> np.ndarray:
    """The leaf with noise in all lanes but the first. Whole numbers, such as a clamped speed or 0, were not rounded."""
    if leaf.dtype.kind != "f":
        return leaf
    values = leaf[1:].astype(np.float64)
    fixed = ~np.isfinite(values) | (values == np.rint(values))
    size = _ROUNDINGS * float(np.finfo(leaf.dtype).eps) / 2 * np.maximum(np.abs(values), scale)
    noise = generator.uniform(-1.0, 1.0, values.shape) * np.where(fixed, 0.0, size)
    with np.errstate(over="ignore"):  # of forged states
        return np.concatenate([leaf[:1], (values + noise).astype(leaf.dtype)])
