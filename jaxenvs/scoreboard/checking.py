"""check_episodes: whether the episodes of a submission are what it says, as cheaply as that can be known.

With checkpoints, all segments are played side by side: that takes few steps of the program, each of which has all its
lanes full, and the first false one ends it. If every segment leads to the very bits of the next checkpoint, the episode
is the one that its actions give from the start. Without checkpoints, an episode is played from its start to its end.
"""

from collections.abc import Callable

import numpy as np

from jaxenvs.monitor.run_folder.description import describe_machine
from jaxenvs.scoreboard.board import Board
from jaxenvs.scoreboard.claims import agrees, at, reject_episode
from jaxenvs.scoreboard.playback import Played, play_back
from jaxenvs.scoreboard.program import Program
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.segments import Segments, split, verify_segments
from jaxenvs.scoreboard.submission import Submission


def check_episodes(
    submission: Submission, board: Board, program: Program, report: Callable[[int], None]
) -> tuple[np.ndarray, int]:
    """Plays the episodes of a submission again.

    Args:
        submission: the submission.
        board: its board.
        program: the program of the board.
        report: called with the number of steps that have been played.

    Returns:
        (n,) float64, the returns; and how many episodes were verified in segments that are rounded otherwise here.

    Raises:
        Rejected: an episode is not what it is said to be.
    """
    if submission.checkpoints is None:
        return _played(submission, board, program, report), 0
    if _is_of_this_version(submission):
        return _in_segments(submission, board, program, report)
    # A state of another version may have other parts, so it counts only if the episode comes out differently.
    played = play_back(submission, board, program, report)
    wrong = np.flatnonzero(~agrees(submission.episodes, board, played))
    returns = played.returns.copy()
    if len(wrong):
        returns[wrong] = verify_segments(submission, board, program, wrong, report)
    return returns, len(wrong)


def _played(submission: Submission, board: Board, program: Program, report: Callable[[int], None]) -> np.ndarray:
    """The returns, without checkpoints. The first false episode ends it."""
    episodes = submission.episodes

    def look(rows: np.ndarray, done: int, played: Played) -> None:
        rows = rows[(played.end[rows] > 0) | (episodes.length[rows] <= done)]
        wrong = rows[~agrees(at(episodes, rows), board, played.at(rows))]
        if len(wrong):
            reject_episode(submission, played, int(wrong.min()), int(wrong.min()))

    return play_back(submission, board, program, report, look=look).returns


def _in_segments(
    submission: Submission, board: Board, program: Program, report: Callable[[int], None]
) -> tuple[np.ndarray, int]:
    """The returns, with checkpoints of this version, and how many episodes are rounded otherwise."""
    assert submission.checkpoints is not None
    episodes = submission.episodes
    saved = split(submission.checkpoints, episodes.length, program)
    segments = Segments(submission, board, program, np.arange(len(episodes)), saved)
    segments.play(report)
    are_rounded = segments.are_rounded_otherwise()
    left = np.flatnonzero(~segments.are_right())
    for place, row in enumerate(left.tolist()):
        try:
            segments.explain(row, report)
        except Rejected:
            if not are_rounded[row]:
                raise  # from its start, it would be the same
            # Roundings that add up do not matter to every return, such as one that counts steps.
            rest = left[place:]
            played = play_back(submission, board, program, report, episodes=rest).at(rest)
            are_right = agrees(at(episodes, rest), board, played)
            if not are_right[0]:
                raise
            for other in rest[~are_right].tolist():
                segments.explain(other, report)
            returns = segments.played().returns
            returns[rest[are_right]], are_rounded[rest[are_right]] = played.returns[are_right], False
            return returns, int(are_rounded.sum())
    return segments.played().returns, int(are_rounded.sum())


def _is_of_this_version(submission: Submission) -> bool:
    versions = submission.machine.get("versions")
    return isinstance(versions, dict) and versions.get("jaxenvs") == describe_machine()["versions"]["jaxenvs"]
