"""judge: the work behind `verify`."""

import dataclasses
import time
from typing import Any

import numpy as np

from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import DependencyNotInstalled, InvalidField, JaxenvsError
from jaxenvs.monitor.run_folder.description import describe_machine
from jaxenvs.scoreboard.board import Board, board_of, difference
from jaxenvs.scoreboard.challenge import public_challenge, secret_challenge
from jaxenvs.scoreboard.checking import check_episodes
from jaxenvs.scoreboard.policy_board import NoAnswer, play_policy
from jaxenvs.scoreboard.program import fused_program_of, program_of
from jaxenvs.scoreboard.rejected import Rejected
from jaxenvs.scoreboard.submission import Submission
from jaxenvs.scoreboard.verification import OnProgress, Rules, State, Verdict


class TookTooLong(Exception):
    """A verification that was given up."""


def judge(submission: Submission, rules: Rules, on_progress: OnProgress | None) -> Verdict:
    """Verifies a submission; see `verify`."""
    began = time.perf_counter()
    deadline = None if rules.most_seconds is None else began + rules.most_seconds

    def verdict(state: State, reason: str, **more: Any) -> Verdict:
        empty = {"returns": np.zeros(0), "lengths": np.zeros(0, np.int64), "submission": None, "by_checkpoints": 0}
        return Verdict(
            **{**empty, **more},
            state=state,
            reason=reason,
            seconds=time.perf_counter() - began,
            command=_command(rules),
            machine=describe_machine(),
        )

    try:
        if submission.board == "policy":
            submission, rules = _policy_played(submission, rules)
        returns, by_checkpoints = _checked(submission, rules, on_progress, deadline)
    except Rejected as error:
        return verdict("rejected", str(error))
    except TookTooLong:
        return verdict("error", f"It was given up after {rules.most_seconds:.0f} s.")
    except (DependencyNotInstalled, NoAnswer) as error:
        return verdict("error", str(error))
    except Exception as error:  # noqa: BLE001  # whatever a strange submission makes an environment raise
        return verdict("error", f"The verification failed: {type(error).__name__}: {error}")
    count, what = len(returns), "episode" if len(returns) == 1 else "episodes"
    again = f"{count:,} {what} played again, {int(submission.episodes.length.sum()):,} steps"
    how = f"; {by_checkpoints:,} of them in segments between checkpoints" if by_checkpoints else ""
    return verdict(
        "verified",
        f"{again}{how}.",
        returns=returns,
        lengths=submission.episodes.length,
        submission=submission,
        by_checkpoints=by_checkpoints,
    )


def _checked(
    submission: Submission, rules: Rules, on_progress: OnProgress | None, deadline: float | None
) -> tuple[np.ndarray, int]:
    board = _board(submission)
    check_rules(submission, board, rules)
    program = (fused_program_of if submission.is_fused else program_of)(submission.env_id)
    total = int(submission.episodes.length.sum())

    def report(done: int) -> None:
        if deadline is not None and time.perf_counter() > deadline:
            raise TookTooLong
        if on_progress is not None:
            on_progress(min(done, total), total)

    report(0)
    returns, by_checkpoints = check_episodes(submission, board, program, report)
    report(total)
    return returns, by_checkpoints


def _policy_played(submission: Submission, rules: Rules) -> tuple[Submission, Rules]:
    """What the policy of a submission plays, and the rules for that."""
    check_environment(submission, _board(submission))
    challenge = rules.challenge or secret_challenge(episodes=rules.episodes)
    seconds = min(rules.policy_seconds, rules.most_seconds or rules.policy_seconds)
    played = play_policy(submission, challenge, seconds=seconds, memory=rules.policy_memory)
    return played, dataclasses.replace(rules, challenge=challenge)


def _board(submission: Submission) -> Board:
    try:
        return board_of(submission.env_id)
    except DependencyNotInstalled:
        raise
    except InvalidField as error:
        raise Rejected(f"There is no board for {submission.env_id}: {error}") from error
    except JaxenvsError as error:
        raise Rejected(f"There is no environment {submission.env_id!r} here: {error}") from error


def check_environment(submission: Submission, board: Board) -> None:
    """Raises `Rejected` if a submission describes another environment than that of the board."""
    if text := difference(board, submission.environment):
        raise Rejected(f"{text} A board compares results of one environment only.")


def check_rules(submission: Submission, board: Board, rules: Rules) -> None:
    """Checks everything that needs no simulation.

    Raises:
        Rejected: the environment, the challenge, the number of episodes or the order breaks a rule.
    """
    check_environment(submission, board)
    challenge, episodes = submission.challenge, submission.episodes
    wanted = rules.challenge or public_challenge(submission.env_id, rules.seed, episodes=rules.episodes)
    if (challenge.name, challenge.words) != (wanted.name, wanted.words):
        raise Rejected(
            f"Its keys come from the challenge `{challenge.name}` {list(challenge.words)}, and not from the one that"
            f" this board set: `{wanted.name}` {list(wanted.words)}."
        )
    if challenge.episodes != wanted.episodes:
        raise Rejected(f"Its challenge names {challenge.episodes} episodes, and this board set {wanted.episodes}.")
    if submission.mode == "evaluation":
        agents = int(episodes.agent.max()) + 1
        if len(episodes) != agents * wanted.episodes:
            raise Rejected(
                f"It has {len(episodes)} episodes of {agents} agents. An evaluation has exactly {wanted.episodes} of"
                " each, none dropped and none added."
            )
    elif len(episodes) < wanted.episodes:
        raise Rejected(f"It has {len(episodes)} episodes, and a training needs at least {wanted.episodes}.")
    agents = int(episodes.agent.max()) + 1
    if len(episodes) % agents or (episodes.agent != np.repeat(np.arange(agents), len(episodes) // agents)).any():
        raise Rejected("The episodes of its agents are not in equal blocks, the first agent's first.")
    _check_lanes(submission, board)
    length = episodes.length
    if (total := int(length.sum())) > rules.most_steps:
        raise Rejected(f"It has {total:,} steps, and this board verifies at most {rules.most_steps:,}.")
    if (too_long := np.flatnonzero(length > board.longest)).size:
        at = int(too_long[0])
        raise Rejected(
            f"Episode {at} has {length[at]:,} steps, and no episode of {submission.env_id} has more than"
            f" {board.longest:,}."
        )
    unended = ~(episodes.terminated | episodes.truncated) & ~(board.is_cut & (length == board.longest))
    if unended.any():
        raise Rejected(f"Episode {int(np.flatnonzero(unended)[0])} did not end.")


def _check_lanes(submission: Submission, board: Board) -> None:
    """Checks that no lane of a training lacks episodes that the others had the time for."""
    if submission.lanes is None:
        return
    if type(unwrap(board.env)).changes_between_episodes:
        raise Rejected("Each episode depends on those before, so only an evaluation can be verified.")
    played = np.zeros(submission.lanes, np.int64)
    np.add.at(played, submission.episodes.lane, submission.episodes.length)
    steps = submission.env_steps
    if (np.diff(steps) < 0).any():
        at = int(np.flatnonzero(np.diff(steps) < 0)[0]) + 1
        raise Rejected(f"Episode {at} ended before the one that stands before it.")
    missing = played.max() - played
    if (missing >= board.longest).any():
        at = int(np.argmax(missing))
        raise Rejected(
            f"Lane {at} lacks episodes: its last one ended {missing[at]:,} steps before that of another lane, and no"
            f" episode of {submission.env_id} is so long."
        )
    if not played.all():  # else lanes could be chosen by how their first episodes went
        raise Rejected(
            f"Lane {int(np.argmin(played))} has no episode. A training counts from when each of its"
            f" {submission.lanes:,} lanes has ended one; let it run longer, or with fewer lanes."
        )


def _command(rules: Rules) -> str:
    if rules.challenge is not None:
        return f"jaxenvs verify ENTRY --challenge {rules.challenge}"
    return "jaxenvs verify ENTRY" + ("" if rules.seed == 0 else f" --seed {rules.seed}")
