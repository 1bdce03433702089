"""play_back: every episode of a submission, from its key and actions."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxenvs.scoreboard.board import Board, are_inside
from jaxenvs.scoreboard.program import Program
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Submission


@dataclasses.dataclass(frozen=True)
class Played:
    """What the episodes were when they were played again.

    Attributes:
        returns: (n,) float64, the sum of the rewards of the claimed steps.
        magnitude: (n,) float64, the sum of their magnitudes.
        are_integers: (n,) bool, whether all of them are integers.
        steps: (n,) int64, the claimed steps.
        end: (n,) int64, the step that ended the episode, counted from 1; 0 if none of them did.
        terminated: (n,) bool, whether that step terminated.
        truncated: (n,) bool, whether it truncated.
    """

    returns: np.ndarray
    magnitude: np.ndarray
    are_integers: np.ndarray
    steps: np.ndarray
    end: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @staticmethod
    def nothing_yet(steps: np.ndarray) -> "Played":
        """Before the first step."""
        count = len(steps)
        return Played(
            np.zeros(count),
            np.zeros(count),
            np.ones(count, bool),
            steps,
            np.zeros(count, np.int64),
            np.zeros(count, bool),
            np.zeros(count, bool),
        )

    def at(self, rows: np.ndarray) -> "Played":
        """What some of the episodes were."""
        return Played(**{field.name: getattr(self, field.name)[rows] for field in dataclasses.fields(self)})

    def add(
        self,
        rows: np.ndarray,
        begin: np.ndarray | int,
        until: np.ndarray,
        rewards: Any,
        terminated: Any,
        truncated: Any,
    ) -> None:
        """Adds steps of some episodes.

        Args:
            rows: (k,) the episodes.
            begin: the step that the first of these is, counted from 0, of all or of each.
            until: (k,) the end of each in these steps; later ones do not count.
            rewards: (steps, k) float32.
            terminated: (steps, k) bool.
            truncated: (steps, k) bool.
        """
        counts = np.arange(len(rewards))[:, None] < until
        rewards = np.where(counts, rewards, np.float32(0)).astype(np.float64)
        self.returns[rows] += rewards.sum(axis=0)
        self.magnitude[rows] += np.abs(rewards).sum(axis=0)
        self.are_integers[rows] &= (rewards == np.rint(rewards)).all(axis=0)
        done = (terminated | truncated) & counts
        first = done.argmax(axis=0)
        new = done.any(axis=0) & (self.end[rows] == 0)
        at = rows[new]
        self.end[at] = (begin + first + 1)[new]
        self.terminated[at] = terminated[first, np.arange(len(rows))][new]
        self.truncated[at] = truncated[first, np.arange(len(rows))][new]


class PackedActions:
    """The packed actions of a submission, unpacked episode by episode."""

    def __init__(self, submission: Submission, board: Board) -> None:
        """Checks that there are as many actions as steps.

        Raises:
            Rejected: there are not.
        """
        self._data, self._board = memoryview(submission.episodes.actions), board
        self._lengths = submission.episodes.length
        self.offsets = np.zeros(len(self._lengths) + 1, np.int64)
        np.cumsum(-(-self._lengths * board.packing.bits // 8), out=self.offsets[1:])
        if self.offsets[-1] != len(self._data):
            raise Rejected(
                f"Its actions have {len(self._data):,} bytes, and so many steps of {submission.env_id} have"
                f" {self.offsets[-1]:,}."
            )

    def of(self, episode: int) -> Any:
        """The actions of an episode, elements of the space with an axis of its steps.

        Raises:
            Rejected: one is outside the action space, or there are bits after the last one.
        """
        data = bytes(self._data[self.offsets[episode] : self.offsets[episode + 1]])
        length, space = int(self._lengths[episode]), self._board.env.action_space
        spare = -length * self._board.packing.bits % 8
        if data and data[-1] & ((1 << spare) - 1):  # else the same actions could be written in several ways
            raise Rejected(f"Episode {episode} has bits after its last action.")
        actions = self._board.packing.unpack(data, length)
        inside = are_inside(space, actions)
        if not inside.all():
            raise Rejected(
                f"Action {int(np.argmin(inside))} of episode {episode} is outside the action space {space!r}."
            )
        return actions


def play_back(
    submission: Submission,
    board: Board,
    program: Program,
    report: Callable[[int], None],
    *,
    episodes: np.ndarray | None = None,
    saved: dict[int, list[list[np.ndarray]]] | None = None,
    look: Callable[[np.ndarray, int, Played], None] = lambda rows, done, played: None,
) -> Played:
    """Plays episodes from their keys and actions.

    Args:
        submission: the submission.
        board: its board.
        program: the program of the board.
        report: called with the number of steps that have been played.
        episodes: (k,) which episodes; None for all. Nothing is known of the others then.
        saved: gets the leaves of the states for the checkpoints of each episode; None for none.
        look: called with some episodes, the number of their steps that have been played, and what they were so far.

    Raises:
        Rejected: actions are missing, or outside the action space.
    """
    packed = PackedActions(submission, board)
    length = submission.episodes.length
    roots, numbers = roots_of(submission)
    played = Played.nothing_yet(length)
    every = np.arange(len(length)) if episodes is None else episodes
    order = every[np.argsort(-length[every], kind="stable")]  # lanes of similar lengths waste few steps
    done = 0
    for begin in range(0, len(order), program.lanes):
        rows = order[begin : begin + program.lanes]
        lanes = np.resize(rows, program.lanes)
        states, _ = program.reset(roots if roots.ndim == 0 else roots[submission.episodes.lane[lanes]], numbers[lanes])
        unpacked = [packed.of(int(row)) for row in rows]
        chunk = program.most_steps if saved is None else program.every
        for first in range(0, int(length[rows].max()), chunk):
            if saved is not None and first:
                data = program.data(states)
                for lane in np.flatnonzero(length[rows] > first).tolist():
                    saved.setdefault(int(rows[lane]), []).append([leaf[lane] for leaf in data])
            actions = chunk_of(unpacked, first, program)
            count = min(chunk, int(length[rows].max()) - first)
            steps = program.advance(states, actions, count)
            states = steps.states
            outputs = (x[:, : len(rows)] for x in (steps.rewards, steps.terminated, steps.truncated))
            played.add(rows, first, length[rows] - first, *outputs)
            look(rows, first + count, played)
            report(done + int(np.minimum(length[rows], first + count).sum()))
        done += int(length[rows].sum())
    return played


def chunk_of(episodes: list[Any], first: int, program: Program) -> Any:
    """(steps, lanes) actions from step `first` on; zeros where an episode has ended."""

    def joined(*leaves: np.ndarray) -> np.ndarray:
        out = np.zeros((program.most_steps, program.lanes, *leaves[0].shape[1:]), leaves[0].dtype)
        for lane, leaf in enumerate(leaves):
            part = leaf[first : first + program.most_steps]
            out[: len(part), lane] = part
        return out

    return jax.tree.map(joined, *episodes)


def roots_of(submission: Submission) -> tuple[Any, np.ndarray]:
    """The roots of the episodes' keys, one for all or one for each lane, and the number that each folds in."""
    root, lane = submission.challenge.key, submission.episodes.lane
    if submission.lanes is None:
        return root, np.arange(len(lane))
    order = np.argsort(lane, kind="stable")
    first = np.searchsorted(lane[order], lane[order])
    numbers = np.empty(len(lane), np.int64)
    numbers[order] = np.arange(len(lane)) - first
    return jax.random.split(root, submission.lanes), numbers
