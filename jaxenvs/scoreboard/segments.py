"""verify_segments: episodes whose floats are rounded otherwise here, verified between checkpoints.

The last bits of floats depend on the processor and on how a loop was compiled, and a chaotic system makes them grow. So
a submission holds states on the way. Each segment begins in one of them and must lead to the next: integers, flags and
keys exactly, floats up to a tolerance.
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

TOLERANCE = 1e-4
"""The greatest difference of a float from its checkpoint, relative to the larger of its magnitude and 1."""


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
        _compare(program, of, numbers, every, length, program.data(current), states, first)
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


def _compare(
    program: Program,
    of: np.ndarray,
    numbers: np.ndarray,
    every: int,
    length: np.ndarray,
    reached: list[np.ndarray],
    states: list[np.ndarray],
    first: np.ndarray,
) -> None:
    """Raises `Rejected` if a segment does not lead to the checkpoint after it."""
    has_next = (numbers + 1) * every < length[of]
    index = (first[of] + numbers)[has_next]
    for leaf, saved in zip(reached, states):
        mine, theirs = leaf[: len(of)][has_next], saved[index]
        if mine.dtype.kind == "f":
            with np.errstate(invalid="ignore", over="ignore"):
                close = np.abs(mine - theirs) <= TOLERANCE * np.maximum(np.abs(mine), 1)
            same = (mine == theirs) | close | (np.isnan(mine) & np.isnan(theirs))
        else:
            same = mine == theirs
        same = same.reshape(len(same), -1).all(axis=1)
        if not same.all():
            segment = np.flatnonzero(has_next)[np.argmin(same)]
            begin = int(numbers[segment]) * every
            raise Rejected(
                f"Episode {of[segment]} does not follow from its key and actions: from step {begin} to {begin + every}"
                " they lead to another state than its checkpoint."
            )
