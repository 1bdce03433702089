"""prepare and submit: from a run folder to a submission, and to a server."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.agents.loading import load
from jaxenvs.errors import InvalidField, InvalidSubmission
from jaxenvs.monitor.run_folder.run import Run
from jaxenvs.scoreboard.archive import check_author
from jaxenvs.scoreboard.board import board_of
from jaxenvs.scoreboard.challenge import Challenge, check_challenge, public_challenge
from jaxenvs.scoreboard.client import Client, cause
from jaxenvs.scoreboard.packing import pack
from jaxenvs.scoreboard.playing import check_env, play
from jaxenvs.scoreboard.policies import export_policy
from jaxenvs.scoreboard.submission import Author, BoardName, Episodes, Submission
from jaxenvs.scoreboard.verification import OnProgress, Rules, Verdict, verify


def prepare(
    run: Any,
    author: Author,
    *,
    board: BoardName = "control",
    challenge: Challenge | None = None,
    recorded: bool | None = None,
    writer: str | None = None,
    agent: int = 0,
    video: bytes | None = None,
    on_progress: OnProgress | None = None,
) -> Submission:
    """Makes a submission of a run folder.

    The agents of a training play the challenge. If there are none, the recorded episodes are packed. For the policy
    board, one agent's policy is exported.

    Args:
        run: a `Run`, or the path of its folder.
        author: what the author says.
        board: the board.
        challenge: the challenge to answer; None for the public one.
        recorded: whether to pack the recorded episodes; None if there is no trained agent.
        writer: the writer of the recorded episodes, if there are several.
        agent: which agent's policy is exported for the policy board.
        video: an MP4 file; None for none.
        on_progress: `on_progress(done, total)`, with numbers of episodes or steps.

    Raises:
        CheckpointError: the folder is not a run folder, or is damaged.
        InvalidField: the run is not of the environment of a board, or its keys do not follow from the challenge.
        InvalidSubmission: the name, the link or the write-up of the author would be refused.
        DependencyNotInstalled: a package that the board needs is missing.
    """
    check_author(author)
    if challenge is not None:
        check_challenge(challenge)
    folder = Run.open(getattr(run, "path", run))
    has_agent = folder.training is not None and folder.checkpoint_path.exists()
    if recorded or (recorded is None and not has_agent):
        if board == "policy":
            raise InvalidField("The policy board takes the policy of a trained agent, and this is a recorded run.")
        if recorded is None and folder.training is not None:
            raise InvalidField(
                f"{folder.path} has no trained agent yet: the training has saved no checkpoint. Submit it when the"
                " training has ended, or its recorded episodes with --recorded (in Python, `recorded=True`)."
            )
        return pack(folder, author, challenge=challenge, writer=writer, video=video, on_progress=on_progress)
    loaded = load(folder.path)
    env_id = loaded.run.settings.env_id
    if board == "control":
        answer = challenge or public_challenge(env_id)
        return play(env_id, loaded.policies, answer, author, env=loaded.env, video=video, on_progress=on_progress)
    check_env(board_of(env_id), loaded.env)
    if not 0 <= agent < len(loaded.policies):
        raise InvalidField(f"The run has {len(loaded.policies)} agents, counted from 0, so there is no agent {agent}.")
    return policy_submission(env_id, export_policy(env_id, loaded.policies[agent]), author, video=video)


def policy_submission(env_id: str, policy: bytes, author: Author, *, video: bytes | None = None) -> Submission:
    """A submission for the policy board.

    Args:
        env_id: the id of the environment.
        policy: what `export_policy` gave.
        author: what the author says.
        video: an MP4 file; None for none.
    """
    from jaxenvs.monitor.run_folder.description import describe_machine

    none = {name: np.zeros(0, dtype) for name, dtype in _NOTHING.items()}
    return Submission(
        env_id=env_id,
        environment=board_of(env_id).description,
        board="policy",
        mode="evaluation",
        challenge=public_challenge(env_id),
        lanes=None,
        machine=describe_machine(),
        author=author,
        episodes=Episodes(**none, actions=b""),
        policy=policy,
        video=video,
    )


_NOTHING = {
    "agent": np.int32,
    "lane": np.int32,
    "episode_return": np.float64,
    "length": np.int64,
    "terminated": bool,
    "truncated": bool,
    "seconds": np.float64,
}


def submit(
    run: Any,
    author: Author,
    *,
    url: str,
    api_key: str,
    board: BoardName = "control",
    on_progress: OnProgress | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Submits a run folder: asks the server for a challenge, plays it, verifies the result here, and hands it in.

        author = jaxenvs.scoreboard.Author("PPO", write_up="Trained with the preset.")
        jaxenvs.scoreboard.submit("runs/mine", author, url="https://scores.example.org", api_key="...")

    Args:
        run: a `Run`, or the path of its folder.
        author: what the author says.
        url: the address of the server.
        api_key: the person's key.
        board: the board.
        on_progress: `on_progress(done, total)`, with numbers of bytes while it is handed in.
        more: what `prepare` takes.

    Returns:
        The submission as the server has it: `name`, `url`, `state` and more.

    Raises:
        InvalidSubmission: it does not verify here, so the server would reject it.
        SubmissionRefused: the server refuses it.
    """
    client = Client(url, api_key)
    challenge = more.pop("challenge", None)
    if challenge is None and board == "control" and plays(run, recorded=more.get("recorded")):
        challenge = client.challenge(env_id_of(run))
    submission = prepare(run, author, board=board, challenge=challenge, **more)
    archive, verdict = checked(submission, rules=Rules(challenge=challenge))
    if verdict.state != "verified":
        raise InvalidSubmission(f"It was not handed in, since it does not verify here: {verdict.reason}")
    return client.submit(archive, on_progress=on_progress or (lambda done, total: None))


def plays(run: Any, *, recorded: bool | None = None) -> bool:
    """Whether `prepare` has agents play, rather than packing what was recorded."""
    folder = Run.open(getattr(run, "path", run))
    return not recorded and folder.training is not None and folder.checkpoint_path.exists()


def env_id_of(run: Any) -> str:
    """The id of a training's environment."""
    return Run.open(getattr(run, "path", run)).settings.env_id


def checked(
    submission: Submission, *, rules: Rules | None = None, on_progress: OnProgress | None = None
) -> tuple[bytes, Verdict]:
    """The archive of a submission, and the verdict on what a reader of that archive finds."""
    archive = submission.to_bytes()
    rules = rules or Rules()
    if submission.board == "policy":
        rules = dataclasses.replace(rules, challenge=None)
    return archive, verify(Submission.read(archive), rules=rules, on_progress=on_progress)


def read_entry(entry: str) -> Submission:
    """Reads a submission from its path, or from its address.

    Args:
        entry: the path of an archive, or an address that begins with https:// or http://.

    Raises:
        InvalidSubmission: there is no valid submission.
    """
    if not entry.startswith(("https://", "http://")):
        if Path(entry).is_dir():
            raise InvalidSubmission(
                f"{entry} is a folder, and no archive. For a run folder, `jaxenvs submit {entry} --dry-run` verifies,"
                " and `--output FILE` writes the archive."
            )
        return Submission.read(Path(entry))
    import urllib.error
    import urllib.request

    from jaxenvs.scoreboard.limits import MOST_ARCHIVE

    try:
        with urllib.request.urlopen(entry, timeout=60) as response:
            data = response.read(MOST_ARCHIVE + 1)
    except urllib.error.HTTPError as error:
        with error:
            text = f"{entry} cannot be read: the server answered {error.code} {error.reason}."
        raise InvalidSubmission(text) from error
    except OSError as error:
        raise InvalidSubmission(f"{entry} cannot be read: {cause(error)}.") from error
    if data.lstrip()[:1] == b"<":
        raise InvalidSubmission(
            f"{entry} is a web page, and no archive. The page of an entry shows the command with the archive's address."
        )
    return Submission.read(data)
