"""verify_segments: episodes whose floats are rounded otherwise here, verified between checkpoints.

The last bits of floats depend on the processor and on how a loop was compiled, and a chaotic system makes them grow. So
a submission holds states on the way. Each segment begins in one of them and must lead to the next: integers, flags and
keys exactly, floats nearly. Whoever forges states could push an episode a little at each of them, so what counts is the
sum: the differences of all segments of an episode together may be `most_drift`.

If they are more, or an end or the return is another, the segments that differ most are played with other `roundings`.
Then the difference of such a segment is that from the nearest of the states which these give.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from jaxenvs.scoreboard.board import Board
from jaxenvs.scoreboard.claims import agrees, at, reject_episode
from jaxenvs.scoreboard.playback import PackedActions, Played, chunk_of, roots_of
from jaxenvs.scoreboard.program import EVERY, Program
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.roundings import generator_of, roundings
from jaxenvs.scoreboard.submission import Checkpoints, Submission

_DRIFT, _DRIFT_OF_A_STEP = 1e-3, 1e-6
"""Between machines with and without fused multiply-adds, which round otherwise, classic control drifts by 2e-5 in an
episode. LunarLander drifts by 3e-4 unless a contact of it amplifies roundings, which `roundings` measures."""
_HOST_SHARE = 0.01
"""MuJoCo's C engine computes in float64: on ARM, a HalfCheetah was off by 1e-7 in 1,000 steps."""
_LEAST_SCALE = 1e-2
"""Numbers that stay near 0, such as a speed at rest, are the rounded difference of others of this size or larger."""


def most_drift(length: np.ndarray, *, is_host: bool = False) -> np.ndarray:
    """How far the checkpoints of episodes of these lengths may be off, all of one episode together.

    It is relative to the scale of each number: its magnitude, or if that is greater, the largest magnitude that its
    leaf of the state has in the episodes, from 0.01 to 1.

    Args:
        length: the steps of the episodes.
        is_host: whether their program computes outside JAX.
    """
    return (_HOST_SHARE if is_host else 1.0) * (_DRIFT + _DRIFT_OF_A_STEP * length)


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
    assert submission.checkpoints is not None
    saved = split(submission.checkpoints, submission.episodes.length, program)
    segments = Segments(submission, board, program, episodes, saved)
    segments.play(report)
    for row in np.flatnonzero(~segments.are_right()).tolist():
        segments.explain(row, report)
    return segments.played().returns


class Segments:
    """The segments of some episodes, one episode after the other.

    Attributes:
        row: (n,) which of the episodes each is of.
        number: (n,) which of the episode's segments it is.
        parts: what each is, as `Played` says it of an episode.
        off: (n,) float64, how far each ends from its checkpoint; 0 for the last of an episode.
        below: (n,) float64, how much less it returns with other roundings; 0 until these were tried.
        above: (n,) float64, how much more.
    """

    def __init__(
        self,
        submission: Submission,
        board: Board,
        program: Program,
        episodes: np.ndarray,
        saved: tuple[list[np.ndarray], np.ndarray],
    ) -> None:
        """Nothing is played yet.

        Args:
            submission: the submission, with checkpoints.
            board: its board.
            program: the program of the board.
            episodes: (k,) the episodes.
            saved: what `split` gives.
        """
        assert submission.checkpoints is not None
        self._submission, self._board, self._program, self._episodes = submission, board, program, episodes
        self._every, self._claims = submission.checkpoints.every, at(submission.episodes, episodes)
        self._length, self._total = self._claims.length, int(submission.episodes.length.sum())
        self._most = most_drift(self._length, is_host=program.is_host)
        self._states, self._first = saved
        self._scales = _scales(*saved, episodes)
        self._roots, self._folded = roots_of(submission)
        self._packed, self._unpacked = PackedActions(submission, board), dict[int, Any]()
        counts = -(-self._length // self._every)
        self._begins = np.cumsum(counts) - counts
        self.row = np.repeat(np.arange(len(episodes)), counts)
        self.number = np.arange(len(self.row)) - self._begins[self.row]
        left = self._length[self.row] - self.number * self._every
        self._steps, self._is_last = np.minimum(left, self._every), left <= self._every
        self.parts = Played.nothing_yet(self._steps)
        self.off, self.below, self.above = (np.zeros(len(self.row)) for _ in range(3))
        self._is_tried = np.zeros(len(self.row), bool)

    def play(self, report: Callable[[int], None]) -> None:
        """Plays all segments, and tries other roundings at once in those that prove an episode false without them.

        Args:
            report: called with the number of steps that have been played.

        Raises:
            Rejected: one proves it with them as well.
        """
        lanes, done = self._program.lanes, 0
        order = np.argsort(self.number > 0, kind="stable")  # those with which episodes begin need a reset
        for index in (order[begin : begin + lanes] for begin in range(0, len(order), lanes)):
            self._play(index)
            done += int(self._steps[index].sum())
            report(done)
            self._try_proofs(index[~self._is_last[index] | (self.parts.end[index] > 0)], report)
        self._try_proofs(np.flatnonzero(self._is_last), report)  # whose reasons name the return

    def _try_proofs(self, index: np.ndarray, report: Callable[[int], None]) -> None:
        proofs = index[self._is_proof()[index]]
        for proof in proofs[np.argsort(-self.off[proofs], kind="stable")].tolist():
            self._try_roundings(proof)
            self._reject_if_proof(proof)
            report(self._total)  # whether there is time left

    def _play(self, index: np.ndarray) -> None:
        """Plays segments, at most as many as the program has lanes."""
        program, every = self._program, self._every
        of = self._episodes[self.row[index]].tolist()
        self._unpacked = {episode: self._actions_of(episode) for episode in dict.fromkeys(of)}  # forgets the others
        actions = [_cut(self._unpacked[e], n * every, every) for e, n in zip(of, self.number[index].tolist())]
        current = program.states(self._starts(index))
        for done in range(0, every, program.most_steps):
            steps = program.advance(current, chunk_of(actions, done, program), min(program.most_steps, every - done))
            current = steps.states
            outputs = (x[:, : len(index)] for x in (steps.rewards, steps.terminated, steps.truncated))
            self.parts.add(index, done, self._steps[index] - done, *outputs)
        leads_on = ~self._is_last[index]
        reached = [leaf[: len(index)][leads_on] for leaf in program.data(current)]
        self.off[index[leads_on]] = _differences(reached, self._next(index[leads_on]), self._scales)

    def played(self) -> Played:
        """What the episodes are."""
        played = dataclasses.replace(
            Played.nothing_yet(self._length),
            returns=self._sum(self.parts.returns),
            magnitude=self._sum(self.parts.magnitude),
            are_integers=np.logical_and.reduceat(self.parts.are_integers, self._begins),
        )
        ends = np.flatnonzero(self.parts.end)[::-1]  # the last of an episode stands first, so its first end stays
        row = self.row[ends]
        played.end[row] = (self.number * self._every + self.parts.end)[ends]
        played.terminated[row], played.truncated[row] = self.parts.terminated[ends], self.parts.truncated[ends]
        return played

    def are_right(self) -> np.ndarray:
        """(k,) bool, whether the episodes are what their actions give and what is claimed, up to rounding."""
        played, claimed = self.played(), self._claims.episode_return
        inside = np.clip(claimed, played.returns + self._sum(self.below), played.returns + self._sum(self.above))
        beyond = dataclasses.replace(self._claims, episode_return=played.returns + (claimed - inside))
        return (self._sum(self.off) <= self._most) & agrees(beyond, self._board, played)

    def are_rounded_otherwise(self) -> np.ndarray:
        """(k,) bool, whether any segment of an episode leads to other bits than its checkpoint."""
        return self._sum(self.off) > 0

    def explain(self, row: int, report: Callable[[int], None]) -> None:
        """Tries other roundings in one segment of an episode after the other, until they explain it.

        A segment that leads to the very bits of its checkpoint was not rounded otherwise.

        Raises:
            Rejected: they do not.
        """
        mine, most = np.flatnonzero(self.row == row), float(self._most[row])
        left = mine[~self._is_tried[mine] & ((self.off[mine] > 0) | self._is_last[mine])]
        for index in left[np.argsort(-self.off[left], kind="stable")].tolist() if self._every <= EVERY else ():
            if self.off[mine[self._is_tried[mine]]].sum() > most:
                break  # whatever the others are
            self._try_roundings(index)
            if self.are_right()[row]:
                return
            self._reject_if_proof(index)
            report(self._total)  # whether there is time left
        if (drift := self._sum(self.off)[row]) > most:
            self._reject(
                row,
                f"its checkpoints are off by {drift:.2g} in all, relative to the size of the numbers in them, and"
                f" rounding explains {most:.2g}.",
            )
        reject_episode(self._submission, self.played(), row, int(self._episodes[row]))

    def _is_proof(self) -> np.ndarray:
        """(n,) bool, whether a segment alone proves that its episode is not what it is said to be."""
        return (self.off > self._most[self.row]) | self._ends_otherwise()

    def _reject_if_proof(self, index: int) -> None:
        row, begin = int(self.row[index]), int(self.number[index]) * self._every
        if self.off[index] > self._most[row]:
            end = begin + int(self._steps[index])
            self._reject(row, f"from step {begin} to {end} they lead to another state than its checkpoint.")
        if self._ends_otherwise()[index]:
            reject_episode(self._submission, self.played(), row, int(self._episodes[row]))

    def _try_roundings(self, index: int) -> None:
        """Replaces a segment by the one that ends nearest to its checkpoint, of those that other roundings give.

        In longer segments than those that are written here, they would explain too much, so nothing is replaced.
        """
        self._is_tried[index] = True
        if self._every > EVERY:
            return
        most = self._most[self.row[index]]
        episode = int(self._episodes[self.row[index]])
        start = [leaf[0] for leaf in self._starts(np.array([index]))]
        saved = [] if self._is_last[index] else self._next(np.array([index]))
        self._unpacked = {episode: self._actions_of(episode)}
        actions = _cut(self._unpacked[episode], int(self.number[index]) * self._every, int(self._steps[index]))
        tried = roundings(self._program, start, actions, self._scales, generator_of(start, saved))
        off = _differences(tried.data, saved, self._scales) if saved else np.zeros(self._program.lanes)
        ends = [
            (flags[-1] == claimed[index]) & ~flags[:-1].any(axis=0)
            for flags, claimed in zip((tried.terminated, tried.truncated), self._claimed_ends())
        ]
        fits = ends[0] & ends[1]
        nearest = int(np.where(fits, off, np.inf).argmin())
        outputs = (x[:, [nearest]] for x in (tried.rewards, tried.terminated, tried.truncated))
        part = Played.nothing_yet(self._steps[[index]])
        part.add(np.arange(1), 0, part.steps, *outputs)
        for field in dataclasses.fields(Played):
            getattr(self.parts, field.name)[index] = getattr(part, field.name)[0]
        self.off[index] = off[nearest]
        near = tried.rewards.astype(np.float64).sum(axis=0)[fits & (off <= most)]
        if near.size:
            self.below[index], self.above[index] = near.min() - part.returns[0], near.max() - part.returns[0]

    def _claimed_ends(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bool each, whether the episode is said to terminate, and to be truncated, with the segment."""
        return self._is_last & self._claims.terminated[self.row], self._is_last & self._claims.truncated[self.row]

    def _ends_otherwise(self) -> np.ndarray:
        """(n,) bool, whether a segment ends its episode otherwise than it is said to."""
        terminated, truncated = self._claimed_ends()
        other = self.parts.end != np.where(terminated | truncated, self._steps, 0)
        return other | (self.parts.terminated != terminated) | (self.parts.truncated != truncated)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """(k,) the sum of values of the segments of each episode."""
        return np.add.reduceat(values, self._begins)

    def _actions_of(self, episode: int) -> Any:
        """The actions of an episode; those of the last ones asked for are kept."""
        if episode not in self._unpacked:
            self._unpacked[episode] = self._packed.of(episode)
        return self._unpacked[episode]

    def _starts(self, index: np.ndarray) -> list[np.ndarray]:
        """The leaves of the states in which segments begin, with an axis of lanes."""
        of, number = self._episodes[self.row[index]], self.number[index]
        if number.all():
            later = np.resize(self._first[of] + number - 1, self._program.lanes)
            return [saved[later] for saved in self._states]
        lanes = np.resize(of, self._program.lanes)
        roots = self._roots if self._roots.ndim == 0 else self._roots[self._submission.episodes.lane[lanes]]
        starts, _ = self._program.reset(roots, self._folded[lanes])
        out, later = [], number > 0
        for leaf, saved in zip(self._program.data(starts), self._states):
            leaf = leaf.copy()
            leaf[: len(index)][later] = saved[(self._first[of] + number - 1)[later]]
            out.append(leaf)
        return out

    def _next(self, index: np.ndarray) -> list[np.ndarray]:
        """The leaves of the checkpoints to which segments lead."""
        at = self._first[self._episodes[self.row[index]]] + self.number[index]
        return [leaf[at] for leaf in self._states]

    def _reject(self, row: int, reason: str) -> NoReturn:
        raise Rejected(f"Episode {self._episodes[row]} does not follow from its key and actions: {reason}")


def _cut(actions: Any, begin: int, count: int) -> Any:
    import jax

    return jax.tree.map(lambda leaf: leaf[begin : begin + count], actions)


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
