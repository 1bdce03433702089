"""verify_segments: episodes whose floats are rounded otherwise here, verified between checkpoints.

The last bits of floats depend on the processor and on how a loop was compiled, and a chaotic system makes them grow. So
a submission holds states on the way. Each segment begins in one of them and must lead to the next: integers, flags and
keys exactly, floats nearly. Whoever forges states could push an episode a little at each of them, so what counts is the
sum: the differences of all segments of an episode together may be `most_drift`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxenvs.scoreboard.board import Board
from jaxenvs.scoreboard.claims import agrees, at, reject_episode
from jaxenvs.scoreboard.playback import PackedActions, Played, chunk_of, roots_of
from jaxenvs.scoreboard.program import Program
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Checkpoints, Submission

_DRIFT, _DRIFT_OF_A_STEP = 1e-3, 1e-6
"""Between machines with and without fused multiply-adds, which round otherwise, classic control drifts by 2e-5 in an
episode. LunarLander drifts by 5e-5, and by 1.4e-4 in the worst of 223 segments, in which it touches the ground."""
_LEAST_SCALE = 1e-2
"""Numbers that stay near 0, such as a speed at rest, are the rounded difference of others of this size or larger."""


def most_drift(length: np.ndarray) -> np.ndarray:
    """How far the checkpoints of episodes of these lengths may be off, all of one episode together.

    It is relative to the scale of each number: its magnitude, or if that is greater, the largest magnitude that its
    leaf of the state has in the episodes, from 0.01 to 1.
    """
    return _DRIFT + _DRIFT_OF_A_STEP * length


def counts_of(lengths: np.ndarray, every: int) -> np.ndarray:
    """The number of checkpoints of each episode."""
    return (lengths - 1) // every


def split(checkpoints: Checkpoints, lengths: np.ndarray, program: Program) -> tuple[list[np.ndarray], np.ndarray]:
    """The states of all checkpoints.

    Returns:
        The leaves of the states, each with an axis of checkpoints; and (n + 1,) int64, where each episode's begin.

    Raises:
        Rejected: there are more or fewer than the lengths say.
    """
    first = np.concatenate([[0], np.cumsum(counts_of(lengths, checkpoints.every))]).astype(np.int64)
    size = program.state_size
    if first[-1] * size != len(checkpoints.states):
        raise Rejected(
            f"Its checkpoints have {len(checkpoints.states):,} bytes, and {first[-1]:,} states of {size} bytes would"
            f" have {first[-1] * size:,}."
        )
    table = np.frombuffer(checkpoints.states, np.uint8).reshape(-1, size)
    leaves, begin = [], 0
    for shape, dtype in program.leaves:
        width = int(np.prod(shape)) * dtype.itemsize
        part = np.ascontiguousarray(table[:, begin : begin + width])
        leaf = (part != 0) if dtype.kind == "b" else part.view(dtype.newbyteorder("<")).astype(dtype)
        leaves.append(leaf.reshape(len(table), *shape))
        begin += width
    return leaves, first


def joined(leaves: list[np.ndarray]) -> bytes:
    """The bytes of states, (n, ...) each leaf, as `Checkpoints` holds them."""
    count = len(leaves[0])
    little = [x.astype(x.dtype.newbyteorder("<"), copy=False) for x in leaves]
    columns = [np.frombuffer(x.tobytes(), np.uint8).reshape(count, -1) for x in little]
    return np.concatenate(columns, axis=1).tobytes()


def verify_segments(
    submission: Submission, board: Board, program: Program, episodes: np.ndarray, report: Callable[[int], None]
) -> np.ndarray:
    """Verifies some episodes between their checkpoints.

    Args:
        submission: the submission, with checkpoints.
        board: its board.
        program: the program of the board.
        episodes: (k,) the episodes.
        report: called from time to time.

    Returns:
        (k,) float64, their returns.

    Raises:
        Rejected: one of them is not what its actions give, or claims another return.
    """
    checkpoints, length = submission.checkpoints, submission.episodes.length
    assert checkpoints is not None
    every, packed = checkpoints.every, PackedActions(submission, board)
    states, first = split(checkpoints, length, program)
    segments = -(-length[episodes] // every)
    row = np.repeat(np.arange(len(episodes)), segments)  # in `episodes`, of each segment
    number = np.arange(len(row)) - np.repeat(np.cumsum(segments) - segments, segments)
    played = Played.nothing_yet(length[episodes])
    roots, folded = roots_of(submission)
    scales = _scales(states, first, episodes)
    drift = np.zeros(len(episodes))
    kept: dict[int, Any] = {}
    for begin in range(0, len(row), program.lanes):
        rows, numbers = row[begin : begin + program.lanes], number[begin : begin + program.lanes]
        of = episodes[rows]
        kept = {int(e): kept[int(e)] if int(e) in kept else packed.of(int(e)) for e in np.unique(of)}
        actions = [_cut(kept[int(e)], int(n) * every, every) for e, n in zip(of, numbers)]
        lanes = np.resize(of, program.lanes)
        starts, _ = program.reset(roots if roots.ndim == 0 else roots[submission.episodes.lane[lanes]], folded[lanes])
        now = _with_checkpoints(program.data(starts), states, first[of] + numbers - 1, numbers > 0)
        left = np.minimum(length[of] - numbers * every, every)
        current = program.states(now)
        for done in range(0, every, program.most_steps):
            count = min(program.most_steps, every - done)
            steps = program.advance(current, chunk_of(actions, done, program), count)
            current = steps.states
            outputs = [x[:, : len(rows)] for x in (steps.rewards, steps.terminated, steps.truncated)]
            for lane in range(len(rows)):  # an episode may have several segments in these lanes
                played.add(
                    rows[lane : lane + 1],
                    int(numbers[lane]) * every + done,
                    left[lane : lane + 1] - done,
                    *(x[:, lane : lane + 1] for x in outputs),
                )
        has_next = (numbers + 1) * every < length[of]
        index = (first[of] + numbers)[has_next]
        reached = [leaf[: len(of)][has_next] for leaf in program.data(current)]
        off = _differences(reached, [leaf[index] for leaf in states], scales)
        np.add.at(drift, rows[has_next], off)
        _check(drift, off, rows[has_next], numbers[has_next], episodes, length, every)
        report(int(length.sum()))  # whether there is time left
    wrong = np.flatnonzero(~agrees(at(submission.episodes, episodes), board, played))
    if len(wrong):
        reject_episode(submission, played, int(wrong[0]), int(episodes[wrong[0]]))
    return played.returns


def _cut(actions: Any, begin: int, count: int) -> Any:
    import jax

    return jax.tree.map(lambda leaf: leaf[begin : begin + count], actions)


def _with_checkpoints(
    data: list[np.ndarray], states: list[np.ndarray], index: np.ndarray, where: np.ndarray
) -> list[np.ndarray]:
    """The states of lanes: those at `index` of the checkpoints where told, else the starts."""
    out = []
    for leaf, saved in zip(data, states):
        leaf = leaf.copy()
        leaf[: len(index)][where] = saved[index[where]]
        out.append(leaf)
    return out


def _scales(states: list[np.ndarray], first: np.ndarray, episodes: np.ndarray) -> list[float]:
    """The scale of each leaf of the states: its largest magnitude in these episodes, from `_LEAST_SCALE` to 1."""
    inside = np.zeros(first[-1] + 1, np.int64)
    np.add.at(inside, first[episodes], 1)
    np.add.at(inside, first[episodes + 1], -1)
    own = np.cumsum(inside)[:-1] > 0
    return [
        float(np.clip(np.abs(leaf[own]).max(initial=0.0, where=np.isfinite(leaf[own])), _LEAST_SCALE, 1.0))
        if leaf.dtype.kind == "f"
        else 1.0
        for leaf in states
    ]


def _differences(reached: list[np.ndarray], saved: list[np.ndarray], scales: list[float]) -> np.ndarray:
    """(k,) float64, how far states are from their checkpoints: infinitely if an integer, a flag or a key is another."""
    worst = np.zeros(len(reached[0]))
    for mine, theirs, scale in zip(reached, saved, scales):
        if mine.dtype.kind == "f":
            mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                off = np.abs(mine - theirs) / np.maximum(np.abs(mine), scale)
            same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
            off = np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))
        else:
            off = np.where(mine == theirs, 0.0, np.inf)
        worst = np.maximum(worst, off.max(axis=tuple(range(1, off.ndim)), initial=0.0))
    return worst


def _check(
    drift: np.ndarray,
    off: np.ndarray,
    rows: np.ndarray,
    numbers: np.ndarray,
    episodes: np.ndarray,
    length: np.ndarray,
    every: int,
) -> None:
    """Raises `Rejected` if an episode has drifted too far, in one of these segments or with all until now."""
    most = most_drift(length[episodes])
    if (drift <= most).all():
        return
    leaps = np.flatnonzero(off > most[rows])
    at = int(leaps[0]) if leaps.size else int(np.flatnonzero(rows == np.argmax(drift > most))[-1])
    begin, end = int(numbers[at]) * every, (int(numbers[at]) + 1) * every
    name = f"Episode {episodes[rows[at]]} does not follow from its key and actions:"
    if leaps.size:
        raise Rejected(f"{name} from step {begin} to {end} they lead to another state than its checkpoint.")
    raise Rejected(
        f"{name} up to step {end} its checkpoints are off by {drift[rows[at]]:.2g} in all, relative to the size of the"
        f" numbers in them, and rounding explains {most[rows[at]]:.2g}."
    )
