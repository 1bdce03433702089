"""What an examiner computes: the verdict on a submission with its scores, and pictures."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import JaxenvsError
from jaxenvs.scoreboard.challenge import Challenge
from jaxenvs.scoreboard.names import slug
from jaxenvs.scoreboard.scoring import learning_curve, score, seed_means, summarize
from jaxenvs.scoreboard.store.files import Files
from jaxenvs.scoreboard.submission import Submission
from jaxenvs.scoreboard.verification import OnProgress, Rules, Verdict, verify
from jaxenvs.scoreboard.worker.pictures import draw_episode, draw_start

_MOST_CURVES = 10
_BINS = 24
_DIGITS = 6
"""Of the numbers of curves."""


def examine(
    archive: str, challenge: dict[str, Any] | None, name: str, folder: str, most_seconds: float, on_progress: OnProgress
) -> dict[str, Any]:
    """Verifies a submission.

    Args:
        archive: the path of its archive.
        challenge: the challenge that the server handed out to its author; None for the usual one.
        name: its name, for the names of its pictures.
        folder: the folder of the scoreboard.
        most_seconds: how long it may take, s.
        on_progress: called from time to time.

    Returns:
        JSON with the `state` and the `reason`. If it is verified, also what `result_of` gives, and the columns
        `solved_after` and `mean_return`.
    """
    submission = Submission.read(archive)
    issued = None if challenge is None else Challenge.from_json(challenge)
    verdict = verify(submission, rules=Rules(challenge=issued, most_seconds=most_seconds), on_progress=on_progress)
    answer: dict[str, Any] = {"state": verdict.state, "reason": verdict.reason, "report": report_of(verdict)}
    if verdict.state == "verified":
        answer |= result_of(verdict)
        answer |= columns_of(answer)
        files = Files(Path(folder))
        assert verdict.submission is not None
        if submission.board == "policy":
            answer["played"] = files.write_archive(verdict.submission.to_bytes())
        answer["replay"] = draw_episode(verdict, files, name)
    return answer


def report_of(verdict: Verdict) -> dict[str, Any]:
    """How it was verified, as JSON."""
    return {
        "by_checkpoints": verdict.by_checkpoints,
        "seconds": round(verdict.seconds, 3),
        "command": verdict.command,
        "machine": verdict.machine,
    }


def result_of(verdict: Verdict) -> dict[str, Any]:
    """The scores of a verified submission, as JSON."""
    from jaxenvs.registration import spec

    played = verdict.submission
    assert played is not None
    agent, threshold = played.episodes.agent, spec(played.env_id).reward_threshold
    scores, curves = [], []
    for number in np.unique(agent):
        mine = agent == number
        returns, lengths, seconds = verdict.returns[mine], verdict.lengths[mine], played.episodes.seconds[mine]
        env_steps = played.env_steps[mine] if played.mode == "training" else np.cumsum(lengths)
        scores.append(dataclasses.asdict(score(returns, env_steps, seconds, threshold=threshold)))
        if len(curves) < _MOST_CURVES:
            curve = learning_curve(returns, env_steps)
            curves.append({name: _short(values) for name, values in dataclasses.asdict(curve).items()})
    seeds = seed_means(verdict.returns, agent)
    counts, edges = np.histogram(verdict.returns, _BINS)
    return {
        "episodes": len(verdict.returns),
        "env_steps": int(verdict.lengths.sum()),
        "threshold": threshold,
        "scores": scores,
        "seeds": seeds,
        "summary": dataclasses.asdict(summarize(seeds)),
        "curves": curves,
        "histogram": {"counts": counts.tolist(), "edges": _short(edges)},
        "challenge": played.challenge.to_json(),
        "returns": {
            "least": float(verdict.returns.min()),
            "median": float(np.median(verdict.returns)),
            "most": float(verdict.returns.max()),
            "mean": float(verdict.returns.mean()),
            "std": float(verdict.returns.std()),
        },
        "is_training": played.mode == "training",
    }


def columns_of(result: dict[str, Any]) -> dict[str, float | None]:
    """What the boards are ordered by: episodes to the threshold, and the mean return."""
    if not result["is_training"]:
        return {"solved_after": None, "mean_return": result["summary"]["mean"]}
    solved = [one["solved_after"] for one in result["scores"]]
    best = float(np.mean([one["best"] for one in result["scores"]]))
    return {"solved_after": None if None in solved else float(np.mean(solved)), "mean_return": best}


def draw_environment(id: str, folder: str, on_progress: OnProgress) -> dict[str, Any]:
    """Draws the picture of an environment, or notes that it has none.

    Args:
        id: the id.
        folder: the folder of the scoreboard.
        on_progress: not called.
    """
    del on_progress
    path = Files(Path(folder)).picture(f"{slug(id)}.png")
    try:
        picture = draw_start(id)
    except (JaxenvsError, ImportError, OSError):  # its extra, its data or its library of graphics is missing
        picture = b""
    path.write_bytes(picture)
    return {"drawn": bool(picture)}


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]
