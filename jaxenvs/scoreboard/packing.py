"""pack: a submission of the episodes that a run folder has recorded."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import DependencyNotInstalled, InvalidField
from jaxenvs.monitor.recording.episode_table import read_episodes
from jaxenvs.monitor.recording.parts import parts_in, read_part
from jaxenvs.monitor.recording.replayer import Replayer
from jaxenvs.monitor.run_folder.manifest import environment_digest, environment_id, read_manifest
from jaxenvs.monitor.run_folder.rebuilt_env import rebuild_env
from jaxenvs.scoreboard.archive import check_author
from jaxenvs.scoreboard.board import Board, board_of
from jaxenvs.scoreboard.challenge import Challenge, check_challenge, public_challenge
from jaxenvs.scoreboard.claims import agrees
from jaxenvs.scoreboard.limits import MEMBERS
from jaxenvs.scoreboard.playback import play_back
from jaxenvs.scoreboard.playing import check_env
from jaxenvs.scoreboard.program import Program, fused_program_of, program_of
from jaxenvs.scoreboard.segments import counts_of, joined
from jaxenvs.scoreboard.submission import Author, Checkpoints, Episodes, Submission
from jaxenvs.wrappers import AutoReset, EpisodeStatistics, ObservationWrapper, RewardWrapper

_HARMLESS = AutoReset, EpisodeStatistics, ObservationWrapper, RewardWrapper
"""Wrappers that change neither what an action does nor when an episode ends."""

_MACHINE = "backend", "device", "x64", "versions", "platform"
_START_AGAIN = (
    "Record it from the key of a challenge: `key = jaxenvs.scoreboard.public_challenge(env_id).key`, then"
    " `jax.vmap(env.reset)(jax.random.split(key, lanes))`. Or submit a trained agent, which plays the challenge."
)


def pack(
    run: Any,
    author: Author,
    *,
    challenge: Challenge | None = None,
    writer: str | None = None,
    video: bytes | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Packs the recorded episodes of a training, or of another loop, in AutoReset.

    The lanes must have begun with `jax.random.split(key, lanes)` of the key of a challenge. Lanes that the recorder has
    not seen the end of an episode in count as well.

    Args:
        run: a `Run`, or the path of its folder, with replays.
        author: what the author says.
        challenge: the challenge; None for the public one.
        writer: the writer, if the folder has several.
        video: an MP4 file; None for none.
        on_progress: `on_progress(done, total)`, with numbers of steps.

    Returns:
        A submission for the control board.

    Raises:
        CheckpointError: the folder is not a run folder, is damaged, or its environment cannot be rebuilt.
        InvalidField: the environment is not that of a board, the keys do not follow from a challenge, or the actions of
            an episode are missing.
        InvalidSubmission: the name, the link or the write-up of the author would be refused.
        DependencyNotInstalled: pyarrow is missing.
    """
    check_author(author)
    if challenge is not None:
        check_challenge(challenge)
    path = Path(getattr(run, "path", run))
    manifest = read_manifest(path)
    env = rebuild_env(manifest).env
    env_id = environment_id(manifest)
    if env_id is None:
        raise InvalidField(f"{path} does not name the id of its environment, and boards are of ids.")
    board, program = board_of(env_id), program_of(env_id)
    check_env(board, _bare(env))
    challenge = challenge or public_challenge(env_id)
    rows = _rows(path, manifest, writer)
    lanes = _lanes(rows)
    rows = _in_order(rows, lanes)
    _check_keys(path, rows, challenge, lanes)
    submission = Submission(
        env_id=env_id,
        environment=board.description,
        board="control",
        mode="training",
        challenge=challenge,
        lanes=lanes,
        machine={name: manifest[name] for name in _MACHINE if name in manifest},
        author=author,
        episodes=Episodes(
            agent=np.zeros(len(rows["lane"]), np.int32),
            lane=rows["lane"],
            episode_return=rows["episode_return"],
            length=rows["length"],
            terminated=rows["terminated"],
            truncated=rows["truncated"],
            seconds=rows["seconds"],
            actions=b"".join(rows["actions"]),
        ),
        video=video,
    )
    has_rewards = not any(isinstance(wrapper, RewardWrapper) for wrapper in wrappers_of(env))
    return _with_states(submission, board, program, path, rows, on_progress, has_rewards=has_rewards)


def _bare(env: Env[Any, Any]) -> Env[Any, Any]:
    """The environment without the wrappers that change neither actions nor ends."""
    bare = unwrap(env)
    for wrapper in reversed(wrappers_of(env)):
        if not isinstance(wrapper, _HARMLESS):
            bare = wrapper.replace(env=bare)
    return bare


def _rows(path: Path, manifest: dict[str, Any], writer: str | None) -> dict[str, Any]:
    """The episodes with their keys and actions, of one writer."""
    table = read_episodes(path, strict=True)
    names = sorted({part.writer for part in parts_in(path / "replays")})
    if writer is None and len(names) > 1:
        raise InvalidField(f"{path} has actions of several writers: {', '.join(names)}. Name one of them as `writer`.")
    if not names or writer not in (None, *names):
        raise InvalidField(
            f"{path} has no recorded actions{'' if writer is None else f' of `{writer}`'}. {_START_AGAIN}"
        )
    name = writer or names[0]
    mine = table["writer"] == name
    rows: dict[str, Any] = {column: values[mine] for column, values in table.items()}
    digest = environment_digest(manifest)
    replays: dict[int, tuple[bytes, str, bytes]] = {}
    for part in parts_in(path / "replays", name):
        found = read_part(part.path, "replays", digest).to_pydict()
        replays |= zip(found["episode"], zip(found["key"], found["key_implementation"], found["actions"]))
    if missing := [number for number in rows["episode"].tolist() if number not in replays]:
        raise InvalidField(
            f"The actions of episode {missing[0]} were not recorded, and a submission needs all of them."
        )
    ordered = [replays[number] for number in rows["episode"].tolist()]
    if not ordered:
        raise InvalidField(f"{path} has no episodes that ended.")
    if rows["seed"].any():
        raise InvalidField("A training of several seeds at once is several submissions; record each in its own folder.")
    rows["key"], rows["key_implementation"], rows["actions"] = (list(column) for column in zip(*ordered))
    return rows


def _lanes(rows: dict[str, Any]) -> int:
    """The number of lanes: all steps when the first episode of a lane ended, for each of its own."""
    first = int(np.argmin(rows["env_steps"]))
    lanes, rest = divmod(int(rows["env_steps"][first]), int(rows["length"][first]))
    if rest or lanes <= int(rows["lane"].max()):
        raise InvalidField("Its first episodes are missing, or the loop did not begin with a reset of all lanes.")
    return lanes


def _in_order(rows: dict[str, Any], lanes: int) -> dict[str, Any]:
    """The rows in the order in which the episodes ended, as `Submission.env_steps` derives it."""
    order = np.lexsort((rows["lane"], rows["env_steps"]))
    sorted_rows = {
        name: [values[i] for i in order] if isinstance(values, list) else values[order] for name, values in rows.items()
    }
    steps = _steps(sorted_rows, lanes)
    if (steps != sorted_rows["env_steps"]).any():
        at = int(np.argmax(steps != sorted_rows["env_steps"]))
        raise InvalidField(
            f"Lane {sorted_rows['lane'][at]} has gaps: episode {sorted_rows['episode'][at]} ended after"
            f" {sorted_rows['env_steps'][at]:,} steps, and the recorded episodes make {steps[at]:,}."
        )
    return sorted_rows


def _steps(rows: dict[str, Any], lanes: int) -> np.ndarray:
    total = np.zeros(lanes, np.int64)
    steps = np.empty(len(rows["lane"]), np.int64)
    for index, (lane, length) in enumerate(zip(rows["lane"].tolist(), rows["length"].tolist())):
        total[lane] += length
        steps[index] = total[lane] * lanes
    return steps


def _check_keys(path: Path, rows: dict[str, Any], challenge: Challenge, lanes: int) -> None:
    """Raises `InvalidField` if an episode did not begin with the key that the rule gives."""
    counts = np.zeros(lanes, np.int64)
    numbers = np.empty(len(rows["lane"]), np.int32)
    for index, lane in enumerate(rows["lane"].tolist()):
        numbers[index] = counts[lane]
        counts[lane] += 1
    roots = jax.random.split(challenge.key, lanes)
    words = np.asarray(jax.random.key_data(jax.vmap(jax.random.fold_in)(roots[rows["lane"]], numbers)))
    recorded = [np.frombuffer(key, "<u4") for key in rows["key"]]
    for index, key in enumerate(recorded):
        if not np.array_equal(key, words[index]):
            raise InvalidField(
                f"Episode {rows['episode'][index]} of {path} did not begin with the key that follows from the challenge"
                f" `{challenge.name}`. {_START_AGAIN}"
            )


class _Found(NamedTuple):
    """What a program finds.

    Attributes:
        submission: the submission, with the returns of the program if those of the board were not recorded.
        saved: the leaves of the states for the checkpoints of each episode; None for an environment without floats, or
            if they are too many.
        wrong: the episodes that come out differently.
    """

    submission: Submission
    saved: dict[int, list[list[np.ndarray]]] | None
    wrong: np.ndarray


def _played(
    submission: Submission,
    board: Board,
    program: Program,
    on_progress: Callable[[int, int], None] | None,
    *,
    has_rewards: bool,
) -> _Found:
    length = submission.episodes.length
    total = int(length.sum())
    saved: dict[int, list[list[np.ndarray]]] | None = {} if program.has_floats else None
    if (
        saved is not None
        and int(counts_of(length, program.every).sum()) * program.state_size > MEMBERS["checkpoints.bin"] // 2
    ):
        saved = None
    played = play_back(
        submission, board, program, lambda done: on_progress(done, total) if on_progress else None, saved=saved
    )
    if not has_rewards:
        episodes = dataclasses.replace(submission.episodes, episode_return=played.returns)
        submission = dataclasses.replace(submission, episodes=episodes)
    return _Found(submission, saved, np.flatnonzero(~agrees(submission.episodes, board, played)))


def _kernel(env_id: str) -> Program | None:
    """The program with kernels, if they can be made here."""
    try:
        return fused_program_of(env_id)
    except DependencyNotInstalled:
        return None


def _with_states(
    submission: Submission,
    board: Board,
    program: Program,
    path: Path,
    rows: dict[str, Any],
    on_progress: Callable[[int, int], None] | None,
    *,
    has_rewards: bool,
) -> Submission:
    """The submission with the returns of the board, and with states if floats are rounded otherwise in its program."""
    length = submission.episodes.length
    found = _played(submission, board, program, on_progress, has_rewards=has_rewards)
    if len(found.wrong) and program.has_floats and not program.is_host and (kernel := _kernel(submission.env_id)):
        machine = {**submission.machine, "fused": True}
        fused = dataclasses.replace(submission, machine=machine)
        fused_found = _played(fused, board, kernel, on_progress, has_rewards=has_rewards)
        if len(fused_found.wrong) < len(found.wrong):
            found = fused_found
    submission, saved, wrong = found
    if saved is None:
        return submission
    replayer = Replayer(path) if len(wrong) else None
    for index in wrong.tolist():
        assert replayer is not None
        states = replayer.play(int(rows["episode"][index]), str(rows["writer"][index])).episode.states
        picked = np.arange(program.every, int(length[index]), program.every)
        data = [leaf[picked] for leaf in program.data(_padded(states, int(length[index]) + 1))]
        saved[index] = [[leaf[i] for leaf in data] for i in range(len(picked))]
    states = [state for index in range(len(length)) for state in saved.get(index, ())]
    if not states:
        return submission
    checkpoints = Checkpoints(program.every, joined([np.stack(leaf) for leaf in zip(*states)]))
    return dataclasses.replace(submission, checkpoints=checkpoints)


def _padded(states: Any, count: int) -> Any:
    """States of an episode that ended early in a replay, repeated up to so many, so that the difference shows later."""
    return jax.tree.map(lambda leaf: leaf[np.minimum(np.arange(count), len(leaf) - 1)], states)
