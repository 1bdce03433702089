"""The file of a submission: a ZIP archive of JSON and plain columns. Nothing in it is executed or unpickled.

No path in it is used, sizes are checked before unpacking, and no pydantic is needed, which `train` does not bring.
"""

import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from jaxenvs.errors import InvalidField, InvalidSubmission
from jaxenvs.scoreboard.challenge import Challenge
from jaxenvs.scoreboard.limits import (
    MEMBERS,
    MIB,
    MOST_AGENTS,
    MOST_ARCHIVE,
    MOST_EPISODES,
    MOST_EVERY,
    MOST_LANES,
    MOST_LENGTH,
    MOST_LINK,
    MOST_MACHINE,
    MOST_NAME,
    MOST_SECONDS,
    MOST_WRITE_UP,
)
from jaxenvs.scoreboard.submission import BOARDS, KINDS, MODES, Author, Checkpoints, Episodes, Submission
from jaxenvs.scoreboard.texts import all_shown, is_shown, is_small, problem_of_name

FORMAT = "jaxenvs submission"
FORMAT_VERSION = 1

COLUMNS: dict[str, str] = {
    "agent": "<i4",
    "lane": "<i4",
    "episode_return": "<f8",
    "length": "<i8",
    "terminated": "u1",
    "truncated": "u1",
    "seconds": "<f8",
}
"""The columns in `episodes.bin`, one after the other, with their types."""

_ROW = sum(np.dtype(dtype).itemsize for dtype in COLUMNS.values())
_END = struct.Struct("<4s4H2LH")  # the end of a ZIP archive without a comment
_LOCATOR = 20  # the bytes of what comes before it in a ZIP64 archive
_MOST_DIRECTORY = 4096
_EPOCH = 1980, 1, 1, 0, 0, 0


def encode(submission: Submission) -> bytes:
    """The archive of a submission. The same submission gives the same bytes."""
    files = {"submission.json": _header(submission)}
    episodes = submission.episodes
    files["episodes.bin"] = b"".join(
        np.ascontiguousarray(getattr(episodes, name), dtype=dtype).tobytes() for name, dtype in COLUMNS.items()
    )
    files["actions.bin"] = episodes.actions
    if submission.checkpoints is not None:
        files["checkpoints.bin"] = submission.checkpoints.states
    if submission.policy is not None:
        files["policy.bin"] = submission.policy
    if submission.video is not None:
        files["video.mp4"] = submission.video
    for name, data in files.items():
        if len(data) > MEMBERS[name]:
            raise InvalidSubmission(f"{name} would have {len(data) / MIB:.0f} MiB, at most {_mib(name)} are allowed.")
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_STORED if name == "video.mp4" else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    data = sink.getvalue()
    if len(data) > MOST_ARCHIVE:
        raise InvalidSubmission(f"The archive would have {len(data) / MIB:.0f} MiB, at most 64 are allowed.")
    return data


def _header(submission: Submission) -> bytes:
    author, checkpoints = submission.author, submission.checkpoints
    values = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "env_id": submission.env_id,
        "environment": submission.environment,
        "board": submission.board,
        "mode": submission.mode,
        "challenge": submission.challenge.to_json(),
        "lanes": submission.lanes,
        "machine": submission.machine,
        "episodes": len(submission.episodes),
        "checkpoint_every": None if checkpoints is None else checkpoints.every,
        "algorithm": author.algorithm,
        "kind": author.kind,
        "write_up": author.write_up,
        "code": author.code,
    }
    return json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True).encode()


def check_author(author: Author) -> None:
    """Raises `InvalidSubmission` if what an author says would be refused, and `InvalidField` if it is not an author."""
    if not isinstance(author, Author):
        raise InvalidField(f"`author` is `jaxenvs.scoreboard.Author(algorithm, ...)`, got {author!r}.")
    _author(vars(author))


def archive_bytes(path: Path) -> bytes:
    """The bytes of a file that may be an archive.

    Raises:
        InvalidSubmission: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_ARCHIVE + 1)
    except OSError as error:
        raise InvalidSubmission(f"{path} cannot be read: {error.strerror}.") from error
    return data


def decode(data: bytes) -> Submission:
    """The submission in an archive.

    Raises:
        InvalidSubmission: it is not a submission, or exceeds a limit.
    """
    files = _files(data)
    header = _parsed(files["submission.json"])
    count = _integer(header, "episodes", 0, MOST_EPISODES)
    episodes = _episodes(files, count)
    every = header["checkpoint_every"]
    if (every is None) != ("checkpoints.bin" not in files):
        _refuse("`checkpoint_every` must be given if, and only if, the archive has checkpoints.bin.")
    checkpoints = None
    if every is not None:
        checkpoints = Checkpoints(_integer(header, "checkpoint_every", 1, MOST_EVERY), files["checkpoints.bin"])
    board = _choice(header, "board", BOARDS)
    policy = files.get("policy.bin")
    if (board == "policy") != (policy is not None):
        _refuse("A submission for the policy board, and no other, has policy.bin.")
    if board == "policy" and count:
        _refuse("A submission for the policy board has no episodes, since the verifier plays them.")
    if board == "control" and not count:
        _refuse("It has no episodes.")
    video = files.get("video.mp4")
    if video is not None and video[4:8] != b"ftyp":
        _refuse("video.mp4 is not an MP4 file.")
    lanes = None if header["lanes"] is None else _integer(header, "lanes", 1, MOST_LANES)
    mode = _choice(header, "mode", MODES)
    if mode == "training" and board == "policy":
        _refuse("A policy is evaluated, so the mode must be `evaluation`.")
    if lanes is not None and mode != "training":
        _refuse("Only a training has lanes.")
    _check_order(episodes, lanes)
    env_id = _text(header, "env_id", 1, MOST_NAME)
    if ":" in env_id:  # `make("module:id")` imports the module
        _refuse("`env_id` must be an id without a module.")
    return Submission(
        env_id=env_id,
        environment=_mapping(header, "environment"),
        board=board,
        mode=mode,
        challenge=_challenge(header["challenge"]),
        lanes=lanes,
        machine=_machine(header),
        author=_author(header),
        episodes=episodes,
        checkpoints=checkpoints,
        policy=policy,
        video=video,
    )


def _refuse(reason: str) -> NoReturn:
    raise InvalidSubmission(f"This is not a valid submission. {reason}")


def _mib(name: str) -> str:
    return f"{MEMBERS[name] // MIB} MiB"


def _files(data: bytes) -> dict[str, bytes]:
    """The files of an archive, each with at most the bytes that it may have."""
    if len(data) > MOST_ARCHIVE:
        _refuse(f"It has more than {MOST_ARCHIVE // MIB} MiB.")
    _check_end(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            files = {}
            for entry in entries:
                with archive.open(entry) as file:
                    files[entry.filename] = file.read(entry.file_size)
                    if len(files[entry.filename]) != entry.file_size or file.read(1):
                        _refuse(f"{entry.filename} has another size than the archive says.")
    except InvalidSubmission:
        raise
    # What `zipfile` raises for damaged archives is not documented, so the list is of all that it can.
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        LookupError,
    ) as e:
        raise InvalidSubmission(f"This is not a valid submission. The archive is damaged: {e}.") from e
    return files


def _check_end(data: bytes) -> None:
    """Refuses archives with large directories before they are read."""
    if len(data) < _END.size or data[:2] != b"PK":
        _refuse("It is not a ZIP archive that `jaxenvs submit` made.")
    signature, disk, first_disk, here, entries, size, begin, comment = _END.unpack(data[-_END.size :])
    is_zip64 = data[-_END.size - _LOCATOR :][:4] == b"PK\x06\x07"
    if signature != b"PK\x05\x06" or disk or first_disk or comment or is_zip64:
        _refuse("It is not a ZIP archive that `jaxenvs submit` made.")
    if here != entries or entries > len(MEMBERS) or size > _MOST_DIRECTORY or begin + size + _END.size != len(data):
        _refuse(f"The archive has {entries} files; a submission has at most {len(MEMBERS)}.")


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """Refuses names, kinds and sizes before anything is unpacked."""
    names = [entry.filename for entry in entries]
    for entry in entries:
        name = entry.filename
        if name not in MEMBERS or entry.orig_filename != name:
            _refuse(f"The archive has a file that does not belong to a submission: {name[:MOST_NAME]!r}.")
        if entry.file_size > MEMBERS[name]:
            _refuse(f"{name} would unpack to {entry.file_size / MIB:.0f} MiB, more than {_mib(name)}.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 0x1:
            _refuse(f"{name} is encrypted, or packed in a way that submissions do not use.")
    if len(set(names)) != len(names):
        _refuse("The archive has a file twice.")
    if missing := {"submission.json", "episodes.bin", "actions.bin"} - set(names):
        _refuse(f"The archive lacks {', '.join(sorted(missing))}.")


_HEADER = {
    "format",
    "format_version",
    "env_id",
    "environment",
    "board",
    "mode",
    "challenge",
    "lanes",
    "machine",
    "episodes",
    "checkpoint_every",
    "algorithm",
    "kind",
    "write_up",
    "code",
}


def _parsed(data: bytes) -> dict[str, Any]:
    """The header, with exactly its entries."""
    try:
        header = json.loads(data.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidSubmission(f"This is not a valid submission. submission.json is not JSON: {error}.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        _refuse("submission.json was not written by jaxenvs.")
    if header.get("format_version") != FORMAT_VERSION:
        _refuse(f"It has format version {header.get('format_version')!r}, this jaxenvs reads {FORMAT_VERSION}.")
    if header.keys() != _HEADER:
        _refuse(f"submission.json has missing or unknown entries: {sorted(header.keys() ^ _HEADER)[:5]}.")
    return header


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has an entry twice")
    return found


def _integer(header: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = header[name]
    if type(value) is not int or not least <= value <= most:
        _refuse(f"`{name}` must be an integer from {least} to {most}.")
    return value


def _choice(header: Mapping[str, Any], name: str, choices: tuple[Any, ...]) -> Any:
    value = header[name]
    if not isinstance(value, str) or value not in choices:
        _refuse(f"`{name}` must be one of {', '.join(choices)}.")
    return value


def _text(header: Mapping[str, Any], name: str, least: int, most: int, allowed: str = "") -> str:
    value = header[name]
    if not isinstance(value, str) or not least <= len(value) <= most:
        _refuse(f"`{name}` must be a text of {least} to {most} characters.")
    if not is_shown(value, allowed):
        _refuse(f"`{name}` has characters that cannot be shown.")
    return value


def _mapping(header: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = header[name]
    if not isinstance(value, dict):
        _refuse(f"`{name}` must be an object.")
    if not is_small(value):
        _refuse(f"`{name}` is too large.")
    return value


def _machine(header: Mapping[str, Any]) -> Mapping[str, Any]:
    value = _mapping(header, "machine")
    if len(json.dumps(value)) > MOST_MACHINE or not all_shown(value):
        _refuse(f"`machine` has more than {MOST_MACHINE:,} characters, or some that cannot be shown.")
    return value


def _challenge(value: Any) -> Challenge:
    try:
        challenge = Challenge.from_json(value)
    except InvalidField as error:
        raise InvalidSubmission(f"This is not a valid submission. {error}") from error
    if challenge.episodes > MOST_EPISODES:
        _refuse(f"A challenge has at most {MOST_EPISODES} episodes.")
    return challenge


def _author(header: Mapping[str, Any]) -> Author:
    code = header["code"]
    if code is not None:
        code = _text(header, "code", 1, MOST_LINK)
        if not re.fullmatch(r"https?://[^\s<>\"'\\]+", code):
            _refuse("`code` must be a link that begins with http:// or https://.")
    algorithm = _text(header, "algorithm", 1, MOST_NAME)
    if problem := problem_of_name(algorithm):
        _refuse(f"`algorithm` {problem}.")
    write_up = _text(header, "write_up", 0, MOST_WRITE_UP, allowed="\n\r\t\u200d\ufe0f")
    return Author(algorithm, _choice(header, "kind", KINDS), write_up, code)


def _episodes(files: Mapping[str, bytes], count: int) -> Episodes:
    data = files["episodes.bin"]
    if len(data) != count * _ROW:
        _refuse(f"episodes.bin must have {count * _ROW} bytes for {count} episodes, it has {len(data)}.")
    columns, begin = {}, 0
    for name, dtype in COLUMNS.items():
        columns[name] = np.frombuffer(data, dtype, count, begin).astype(np.dtype(dtype).newbyteorder("="))
        begin += columns[name].nbytes
    for name in ("episode_return", "seconds"):
        if not np.isfinite(columns[name]).all():
            _refuse(f"`{name}` is NaN or infinite in an episode.")
    for name in ("terminated", "truncated"):
        if (columns[name] > 1).any():
            _refuse(f"`{name}` must be 0 or 1.")
        columns[name] = columns[name].astype(bool)
    length, agent = columns["length"], columns["agent"]
    if count and not (length.min() >= 1 and length.max() <= MOST_LENGTH):
        _refuse(f"Every episode has between 1 and {MOST_LENGTH} steps.")
    if count and not (agent.min() >= 0 and agent.max() < MOST_AGENTS):
        _refuse(f"`agent` must be from 0 to {MOST_AGENTS - 1}.")
    if count and not 0 <= columns["seconds"].min() <= columns["seconds"].max() <= MOST_SECONDS:
        _refuse(f"`seconds` is negative, or more than {MOST_SECONDS:.0e}, in an episode.")
    if math.fsum(length.tolist()) > 8 * MEMBERS["actions.bin"]:
        _refuse("The episodes have more steps than any actions that an archive can hold.")
    return Episodes(**columns, actions=files["actions.bin"])


def _check_order(episodes: Episodes, lanes: int | None) -> None:
    """Refuses agents and lanes that the key rule does not allow."""
    agent, lane = episodes.agent, episodes.lane
    if lanes is None:
        if lane.any():
            _refuse("`lane` must be 0 unless the submission says how many lanes there are.")
        return
    if agent.any():
        _refuse("A training is of one agent; hand in one submission for each.")
    if not (lane.min() >= 0 and lane.max() < lanes):
        _refuse(f"`lane` must be from 0 to {lanes - 1}.")
