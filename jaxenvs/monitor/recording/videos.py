"""VideoRecorder: videos of some of the recorded episodes, made from their replays."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.monitor.atomic import write_json
from jaxenvs.monitor.pictures.animation import frame_stride, write_animation
from jaxenvs.monitor.pictures.sized_frames import frames_at
from jaxenvs.monitor.recording.parts import TornPart, parts_in, read_part
from jaxenvs.monitor.recording.replayer import Replayer
from jaxenvs.monitor.run_folder.manifest import environment_digest, environment_id, now, read_manifest

_OFTEN = 1000
"""The number of episodes after which Gym's schedule is regular."""


def video_schedule(episode: int) -> bool:
    """Whether OpenAI Gym's monitor made a video: of perfect cubes below 1,000, then of each thousandth episode."""
    return round(episode ** (1 / 3)) ** 3 == episode if episode < _OFTEN else episode % _OFTEN == 0


class VideoRecorder:
    """Makes the videos of a run, beside the loop: from the replays that were flushed.

        videos = jaxenvs.monitor.VideoRecorder(run)
        writer.flush()
        videos.update()

    `videos/WRITER-EPISODE.mp4` is a video, and the JSON file of the same name says what it shows: the record of the
    episode, the environment's id, the frame rate, and whether the replay was the same as the recorded episode.
    """

    def __init__(
        self,
        run: Any,
        *,
        schedule: Callable[[int], bool] = video_schedule,
        env: Env[Any, Any] | None = None,
        suffix: Literal[".mp4", ".gif"] = ".mp4",
        size: tuple[int, int] | None = None,
    ) -> None:
        """Rebuilds the environment of the run.

        Args:
            run: a `Run`, or the path of its folder.
            schedule: `episode -> bool`, whether to make a video of a writer's episode of this number.
            env: the environment that was recorded, if it cannot be rebuilt from `run.json`.
            suffix: the kind of file.
            size: width and height, pixels; None for the environment's own.

        Raises:
            CheckpointError: the folder is not a run folder, or the environment cannot be rebuilt.
            RenderingUnavailable: the environment has no picture.
            InvalidField: there is no such kind of file.
        """
        if suffix not in (".mp4", ".gif"):
            raise InvalidField(f"VideoRecorder: `suffix` must be '.mp4' or '.gif', got {suffix!r}.")
        self._replayer = Replayer(run, env=env)
        self.path = self._replayer.path
        if not self._replayer.env.can_render:
            raise RenderingUnavailable(f"The environment of {self.path} does not define `render`, so it has no videos.")
        manifest = read_manifest(self.path)
        self._digest = environment_digest(manifest)
        self._env_id = environment_id(manifest)
        self._schedule, self._suffix, self._size = schedule, suffix, size
        self._seen: set[Path] = set()

    def update(self) -> list[Path]:
        """Makes the videos that the schedule wants, of episodes that were flushed since the last call.

        Returns:
            The new videos. Those that are there already, of this process or another, are not made again.

        Raises:
            DependencyNotInstalled: pillow or imageio-ffmpeg is missing.
            OSError: a video cannot be written.
        """
        made = []
        for part in parts_in(self.path / "replays"):
            if part.path in self._seen:
                continue
            try:
                table = read_part(part.path, "replays", self._digest, columns=("writer", "episode"))
            except FileNotFoundError:  # removed by a run that resumes
                continue
            except TornPart as error:
                warnings.warn(f"{error} It gives no videos.", stacklevel=2)
                table = None
            for row in table.to_pylist() if table is not None else ():
                path = self.path / "videos" / f"{row['writer']}-{row['episode']:06d}{self._suffix}"
                if self._schedule(row["episode"]) and not path.with_suffix(".json").exists():
                    self._make(path, row["episode"], row["writer"])
                    made.append(path)
            self._seen.add(part.path)
        return made

    def _make(self, path: Path, episode: int, writer: str) -> None:
        played = self._replayer.play(episode, writer)
        speed = unwrap(played.env).frames_per_second
        every = frame_stride(path, speed, played.episode.length + 1)
        frames = frames_at(played.env, [played.episode], self._size, every=every)
        write_animation(path, frames, speed / every, full_size=self._size is not None)
        recorded = played.recorded
        height, width = frames[0].shape[:2]
        write_json(
            path.with_suffix(".json"),
            {
                "video": path.name,
                "env_id": self._env_id,
                "writer": writer,
                "episode": episode,
                "mode": recorded.mode,
                "seed": recorded.seed,
                "lane": recorded.lane,
                "episode_return": _jsonable(recorded.episode_return),
                "length": recorded.length,
                "terminated": recorded.terminated,
                "truncated": recorded.truncated,
                "env_steps": recorded.env_steps,
                "seconds": _jsonable(recorded.seconds),
                "width": width,
                "height": height,
                "frames": len(frames),
                "frames_per_second": speed / every,
                "differences": [str(difference) for difference in played.differences],
                "notes": list(played.notes),
                "made": now(),
            },
        )


def _jsonable(value: float) -> float | str:
    """JSON has no numbers for NaN and infinity."""
    return value if abs(value) < float("inf") else repr(value)
