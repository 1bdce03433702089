"""verify: play a submission again, and say what it really did."""

import dataclasses
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from jaxenvs.errors import InvalidField
from jaxenvs.scoreboard.challenge import EPISODES, Challenge
from jaxenvs.scoreboard.submission import Submission

State: TypeAlias = Literal["verified", "rejected", "error"]
"""`verified`: it did what it claims. `rejected`: it did not, or breaks a rule. `error`: this machine could not tell."""

OnProgress: TypeAlias = Callable[[int, int], None]
"""`on_progress(done, total)`: how many steps have been played again."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a board accepts.

    Attributes:
        challenge: the challenge that must be answered; None for the public one of `seed`. A policy plays it, or if it
            is None a new one, which nobody knew before.
        seed: the seed of the public challenge.
        episodes: how many episodes each agent of an evaluation has, and a training has at least.
        most_steps: how many steps a submission has at most.
        most_seconds: how long a verification may take before it is an error, s; None for no limit.
        policy_seconds: how long the process of a policy may take, s.
        policy_memory: how many bytes a policy may take.
    """

    challenge: Challenge | None = None
    seed: int = 0
    episodes: int = EPISODES
    most_steps: int = 100_000_000
    most_seconds: float | None = None
    policy_seconds: float = 600.0
    policy_memory: int = 2 * 2**30


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of a verification.

    Attributes:
        state: `verified`, `rejected` or `error`.
        reason: why, in a sentence or two for the author.
        returns: (n,) float64, the computed returns; empty unless verified.
        lengths: (n,) int64, the steps; empty unless verified.
        submission: the episodes that were verified: the submission itself, or for the policy board what its policy
            played on `verdict.submission.challenge`.
        by_checkpoints: how many episodes were verified in segments between checkpoints, since floats are rounded
            otherwise here.
        seconds: how long it took, s.
        command: the command that verifies it again; `ENTRY` stands for the path or address of the archive.
        machine: where it was verified: versions, backend, device and platform.
    """

    state: State
    reason: str
    returns: np.ndarray
    lengths: np.ndarray
    submission: Submission | None
    by_checkpoints: int
    seconds: float
    command: str
    machine: dict[str, object]


def verify(
    submission: Submission,
    *,
    rules: Rules | None = None,
    on_progress: OnProgress | None = None,
) -> Verdict:
    """Plays every episode of a submission again, and computes its returns.

    Args:
        submission: the submission.
        rules: what the board accepts; None for the rules of a board without a server.
        on_progress: called from time to time.

    Returns:
        The verdict. It never raises because of what is in the submission.

    Raises:
        InvalidField: an argument is of another type.
    """
    from jaxenvs.scoreboard.judging import judge

    rules = Rules() if rules is None else rules
    if not isinstance(submission, Submission):
        raise InvalidField(
            f"`verify` takes a submission, got {type(submission).__name__}. Read an archive first:"
            " `jaxenvs.scoreboard.Submission.read(path)`, or `read_entry(address)`."
        )
    if not isinstance(rules, Rules):
        raise InvalidField(f"`rules` is `jaxenvs.scoreboard.Rules(...)`, got {rules!r}.")
    return judge(submission, rules, on_progress)
