"""What a submission claims of its episodes, compared with what they were."""

import dataclasses
from typing import NoReturn

import numpy as np

from jaxenvs.scoreboard.board import Board
from jaxenvs.scoreboard.playback import Played
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Episodes, Submission

_EXACT = 2**24
"""Sums of integers up to this are exact in float32."""


def at(episodes: Episodes, index: np.ndarray) -> Episodes:
    """The columns of some episodes, without their actions."""
    columns = {field.name: getattr(episodes, field.name) for field in dataclasses.fields(episodes)}
    return Episodes(
        **{**{name: values[index] for name, values in columns.items() if name != "actions"}, "actions": b""}
    )


def agrees(episodes: Episodes, board: Board, played: Played) -> np.ndarray:
    """(n,) bool: whether each claim is what was played."""
    same_end = (played.end == episodes.length) & (played.terminated == episodes.terminated)
    same_end &= played.truncated == episodes.truncated
    if board.is_cut:
        same_end |= (played.end == 0) & ~(episodes.terminated | episodes.truncated)
    return same_end & are_returns(episodes.episode_return, played)


def are_returns(claimed: np.ndarray, played: Played) -> np.ndarray:
    """Whether claimed returns are the sums of the rewards: exactly for integers, else up to the rounding of float32."""
    rounding = played.magnitude * (played.steps * 2.0**-24 + 1e-6)
    return np.abs(claimed - played.returns) <= np.where(
        played.are_integers & (played.magnitude < _EXACT), 0.0, rounding
    )


def reject_episode(submission: Submission, played: Played, row: int, at: int) -> NoReturn:
    """Raises `Rejected` with what an episode was instead of what it claims.

    Args:
        submission: the submission.
        played: what some episodes were.
        row: which of them.
        at: which episode of the submission that is.
    """
    episodes = submission.episodes
    claimed = f"return {episodes.episode_return[at]:.9g} in {episodes.length[at]:,} steps"
    name = f"Episode {at}"
    if submission.lanes is not None:
        name += f" (lane {episodes.lane[at]})"
    end = int(played.end[row])
    if not end:
        raise Rejected(
            f"{name} claims {claimed}, but its actions do not end it: after {episodes.length[at]:,} steps the return is"
            f" {played.returns[row]:.9g} and the episode goes on."
        )
    if end != episodes.length[at]:
        raise Rejected(f"{name} claims {claimed}, but with its key and actions it ends after {end:,} steps.")
    raise Rejected(
        f"{name} claims {claimed}, {_flags(episodes.terminated[at], episodes.truncated[at])}; with its key and actions"
        f" the return is {played.returns[row]:.9g}, {_flags(played.terminated[row], played.truncated[row])}."
    )


def _flags(terminated: bool, truncated: bool) -> str:
    names = [name for name, is_set in (("terminated", terminated), ("truncated", truncated)) if is_set]
    return " and ".join(names) or "not ended"
