"""RecordedEpisode: what a run folder knows about one episode. It does not use JAX."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.errors import CheckpointError, InvalidField
from jaxenvs.monitor.recording.parts import Kind, TornPart, parts_in, read_part
from jaxenvs.monitor.run_folder.manifest import environment_digest, read_manifest


@dataclasses.dataclass(frozen=True)
class RecordedEpisode:
    """One row of the episodes, with its key and actions.

    Attributes:
        writer: the name of the writer.
        episode: the number of the episode, counted within the writer.
        mode: "training" or "evaluation".
        seed: which of several agents played it.
        lane: the lane in which it was played.
        episode_return: the sum of rewards.
        length: its steps.
        terminated: whether its last step terminated.
        truncated: whether its last step truncated.
        env_steps: the steps of all lanes when it ended.
        seconds: the time since the run started, s.
        key: the words of the key that it began with, little-endian uint32.
        key_implementation: the name of that key's implementation.
        actions: the packed actions.
    """

    writer: str
    episode: int
    mode: str
    seed: int
    lane: int
    episode_return: float
    length: int
    terminated: bool
    truncated: bool
    env_steps: int
    seconds: float
    key: bytes = dataclasses.field(repr=False)
    key_implementation: str
    actions: bytes = dataclasses.field(repr=False)


def find_episode(run: Any, episode: int, writer: str | None = None) -> RecordedEpisode:
    """Looks up one episode whose actions were recorded.

    Args:
        run: a `Run`, or the path of its folder.
        episode: its number, counted within the writer.
        writer: the writer; None for the only one that has an episode of this number, or the only one of them that
            recorded training.

    Raises:
        CheckpointError: there is no such episode, or its actions were not recorded.
        InvalidField: several writers have an episode of this number, or it is not an integer.
        DependencyNotInstalled: pyarrow is missing.
    """
    if not isinstance(episode, int | np.integer) or isinstance(episode, bool):
        raise InvalidField(f"The number of an episode is an integer, got {episode!r}.")
    path = Path(getattr(run, "path", run))
    digest = environment_digest(read_manifest(path))
    rows = _rows(path, "episodes", episode, writer, digest)
    replays = _rows(path, "replays", episode, writer, digest)
    if not rows:
        raise CheckpointError(f"{path} has no episode {episode}{_of(writer)}.{_what_there_is(path, writer, digest)}")
    found = sorted(rows.keys() & replays.keys())
    if not found:
        raise CheckpointError(
            f"The actions of episode {episode}{_of(writer)} were not recorded in {path}, so it cannot be replayed."
        )
    training = [name for name in found if rows[name]["mode"] == "training"]
    if len(found) > 1 and len(training) != 1:
        raise InvalidField(
            f"Several writers of {path} have an episode {episode}: {', '.join(found)}. Name one of them as `writer`."
        )
    name = (training if len(found) > 1 else found)[0]
    return RecordedEpisode(**{**rows[name], **replays[name]})


def _rows(path: Path, kind: Kind, episode: int, writer: str | None, digest: str) -> dict[str, dict[str, Any]]:
    """The rows of that number by writer."""
    found = {}
    for part in parts_in(path / kind, writer):
        try:
            table = read_part(part.path, kind, digest, episode=episode)
        except TornPart:
            continue  # `read_episodes` reports it
        for row in table.to_pylist():
            found[row["writer"]] = row
    return found


def _of(writer: str | None) -> str:
    return "" if writer is None else f" of `{writer}`"


def _what_there_is(path: Path, writer: str | None, digest: str) -> str:
    counts: dict[str, int] = {}
    torn = ""
    for part in parts_in(path / "episodes"):
        try:
            numbers = read_part(part.path, "episodes", digest, columns=("episode",)).column("episode").to_numpy()
        except TornPart as error:
            torn = f" {error}"
            continue
        counts[part.writer] = max(counts.get(part.writer, 0), int(numbers.max(initial=-1)) + 1)
    if not counts:
        return torn or " Nothing has been recorded there."
    if writer is not None and writer not in counts:
        return f" Its writers are {', '.join(sorted(counts))}.{torn}"
    return f" There are {', '.join(f'{counts[name]} of `{name}`' for name in sorted(counts))}, counted from 0.{torn}"
