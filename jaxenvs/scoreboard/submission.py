"""Submission: what a person hands in, as values."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from jaxenvs.scoreboard.challenge import Challenge

Kind: TypeAlias = Literal["learned", "planned", "hand-written"]
"""How the actions were found. The kinds are ranked apart."""

BoardName: TypeAlias = Literal["control", "policy"]
"""`control`: actions that were handed in, with known keys. `policy`: a policy that the verifier plays on new keys."""

Mode: TypeAlias = Literal["evaluation", "training"]
"""`evaluation`: the episodes of a challenge, by agents that no longer learn. `training`: all episodes of a training."""

KINDS: tuple[Kind, ...] = get_args(Kind)
BOARDS: tuple[BoardName, ...] = get_args(BoardName)
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclasses.dataclass(frozen=True)
class Author:
    """What the author says. Nothing of it is verified, and none of it is safe as HTML.

    Attributes:
        algorithm: the name of the algorithm.
        kind: how the actions were found.
        write_up: text in Markdown.
        code: a link to the code, http or https; None for none.
    """

    algorithm: str
    kind: Kind = "learned"
    write_up: str = ""
    code: str | None = None


@dataclasses.dataclass(frozen=True)
class Episodes:
    """The episodes of a submission, in the order in which they ended.

    Attributes:
        agent: (n,) int32, which of several agents, such as those of several seeds, played it; equal blocks from 0 on.
        lane: (n,) int32, the lane in which a training played it; 0 in evaluations.
        episode_return: (n,) float64, the claimed sum of rewards.
        length: (n,) int64, the claimed steps.
        terminated: (n,) bool, whether the last step is claimed to have terminated.
        truncated: (n,) bool, whether the last step is claimed to have truncated.
        seconds: (n,) float64, the claimed time since the start of the run, s.
        actions: the packed actions of all episodes, one after the other, each from a whole byte on; see
            `jaxenvs.monitor.ActionPacking`.
    """

    agent: np.ndarray
    lane: np.ndarray
    episode_return: np.ndarray
    length: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    seconds: np.ndarray
    actions: bytes = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.length)


@dataclasses.dataclass(frozen=True)
class Checkpoints:
    """States of float environments, since the last bits of floats depend on the machine and chaos makes them grow.

    Attributes:
        every: the steps between two states of an episode; the first is that after `every` steps.
        states: the states, one after the other: for each episode, those after `every`, 2 * `every`, ... steps, as long
            as that is less than its length.
    """

    every: int
    states: bytes = dataclasses.field(repr=False)


def played_digest(submission: "Submission") -> str:
    """SHA-256 of what plays: the policy, or the keys, the lengths and the actions; without what the author says."""
    episodes, challenge = submission.episodes, submission.challenge
    keys = f"{submission.env_id} {challenge.words} {submission.lanes}\n".encode()
    parts = keys, episodes.lane.tobytes(), episodes.length.tobytes(), episodes.actions
    data = b"".join(parts) if submission.policy is None else submission.policy
    return hashlib.sha256(data).hexdigest()


@dataclasses.dataclass(frozen=True)
class Submission:
    """Everything that a person hands in.

    `read` makes one of an archive, and `to_bytes` makes an archive of it.

    Attributes:
        env_id: the id of the environment.
        environment: the description of the environment with its fields and wrappers, as `run.json` has it.
        board: the board that it is for.
        mode: what the episodes are.
        challenge: the challenge that they answer, with the root of their keys.
        lanes: None if episode `i` begins with `fold_in(root, i)`. A number of lanes for a training in `AutoReset`: the
            lanes' keys are `split(root, lanes)`, and episode `n` of a lane begins with `fold_in(lane_key, n)`.
        machine: versions of jaxenvs, jax and jaxlib, backend, device, platform and x64, as `run.json` has them; and
            `fused`, True if the episodes were played by a kernel.
        author: what the author says.
        episodes: the episodes; none of them for the policy board.
        checkpoints: states of the episodes; None for none.
        policy: a policy as `jax.export` serialises it; None for the control board.
        video: an MP4 file; None for none.
        digest: SHA-256 of the archive, 64 hexadecimal digits; empty if it was not read from one.
    """

    env_id: str
    environment: Mapping[str, Any]
    board: BoardName
    mode: Mode
    challenge: Challenge
    lanes: int | None
    machine: Mapping[str, Any]
    author: Author
    episodes: Episodes
    checkpoints: Checkpoints | None = None
    policy: bytes | None = dataclasses.field(default=None, repr=False)
    video: bytes | None = dataclasses.field(default=None, repr=False)
    digest: str = ""

    @staticmethod
    def read(source: bytes | str | os.PathLike[str]) -> "Submission":
        """Reads an archive, from its bytes or its path. It may come from anybody: nothing in it is executed.

        Raises:
            InvalidSubmission: it is not a submission, or exceeds a limit. The message says why.
        """
        from jaxenvs.scoreboard.archive import archive_bytes, decode

        data = source if isinstance(source, bytes) else archive_bytes(Path(source))
        return dataclasses.replace(decode(data), digest=hashlib.sha256(data).hexdigest())

    def to_bytes(self) -> bytes:
        """The archive. The same submission gives the same bytes."""
        from jaxenvs.scoreboard.archive import encode

        return encode(self)

    @property
    def is_fused(self) -> bool:
        """Whether the episodes were played by a kernel, as `jaxenvs.fuse` makes it."""
        return self.machine.get("fused") is True

    @property
    def env_steps(self) -> np.ndarray:
        """(n,) int64, the steps of all lanes when each episode ended, which follow from the lengths."""
        length, lane = self.episodes.length, self.episodes.lane
        if self.lanes is None:
            return np.cumsum(length)
        order = np.argsort(lane, kind="stable")
        total, of_lane = np.cumsum(length[order]), lane[order]
        first = np.searchsorted(of_lane, of_lane)
        steps = np.empty(len(length), np.int64)
        steps[order] = total - (total - length[order])[first]
        return steps * self.lanes
