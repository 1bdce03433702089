"""Animations: write frames to a GIF, an MP4 or a contact sheet, depending on the file's suffix."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.core.packages import load_package
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import replacing
from jaxenvs.monitor.pictures.lanes import tiled
from jaxenvs.monitor.pictures.png import pillow

SUFFIXES = (".gif", ".mp4", ".png")

_GIF_FRAMES_PER_SECOND = 25
"""The highest frame rate of a GIF. Browsers slow down GIFs above 50, and 25 halves the size."""
_GIF_FRAMES = 300
_GIF_LEAST_FRAMES_PER_SECOND = 8
"""The lowest frame rate of a GIF; longer GIFs get fewer frames per second, down to this."""
_GIF_WIDTH = 480
_PALETTE_FRAMES = 16
_PALETTE_PIXELS = 30_000
"""Of each of those frames: enough for the colours, and their search takes less than the drawing."""
_SHEET_COLUMNS = 4
_SHEET_FRAMES = 12
_LAST_FRAME_SECONDS = 0.6


def check_suffix(path: Path) -> None:
    """Raises `InvalidField` if no animation with that suffix can be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidField(
            f"`{path}` ends in {path.suffix or 'no suffix'!r}; write an animation to {', '.join(SUFFIXES[:-1])}"
            f" or single frames to {SUFFIXES[-1]}."
        )


def check_speed(frames_per_second: float) -> None:
    """Raises `InvalidField` if it is not a positive number."""
    if not 0 < frames_per_second < float("inf"):
        raise InvalidField(f"`frames_per_second` must be above 0, got {frames_per_second}.")


def frame_stride(path: Path, frames_per_second: float, num_frames: int = 0) -> int:
    """The number of steps between the frames that are worth drawing for this kind of file.

    Args:
        path: the file.
        frames_per_second: number of steps per second.
        num_frames: greatest number of steps.
    """
    if path.suffix.lower() != ".gif":
        return 1
    smooth = max(1, round(frames_per_second / _GIF_FRAMES_PER_SECOND))
    coarse = max(smooth, int(frames_per_second / _GIF_LEAST_FRAMES_PER_SECOND))
    return min(max(smooth, -(-num_frames // _GIF_FRAMES)), coarse)


def write_animation(
    path: str | os.PathLike[str],
    frames: Sequence[np.ndarray],
    frames_per_second: float,
    *,
    full_size: bool = False,
    on_frame: Callable[[], object] = lambda: None,
) -> None:
    """Writes frames to a `.gif` or `.mp4`, or some of them side by side to a `.png`.

    Args:
        path: the file; an existing one is replaced.
        frames: (height, width, 3) uint8 each, all of one size; they are read one at a time, and more than once.
        frames_per_second: the speed. A GIF measures time in hundredths of a second; rounding errors do not add up.
        full_size: whether a GIF keeps the size of its frames; otherwise one wider than 480 pixels is made smaller.
        on_frame: called for each frame that is read for writing.

    Raises:
        InvalidField: there are no frames, they are not pictures, or no animation has this suffix or speed.
        DependencyNotInstalled: pillow or imageio-ffmpeg is missing.
    """
    path = Path(path)
    check_suffix(path)
    check_speed(frames_per_second)
    first = check_frames(frames, f"write to {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        {".gif": partial(_write_gif, full_size=full_size), ".mp4": _write_mp4, ".png": _write_sheet}[
            path.suffix.lower()
        ](temporary, _Watched(frames, first, on_frame), frames_per_second)


def check_frames(frames: Sequence[np.ndarray], purpose: str) -> np.ndarray:
    """The first frame.

    Raises:
        InvalidField: there are no frames, or they are not pictures.
    """
    if len(frames) == 0:
        raise InvalidField(f"There are no frames to {purpose}.")
    first = np.asarray(frames[0])
    if first.ndim != 3 or first.shape[-1] != 3 or first.dtype != np.uint8:
        raise InvalidField(f"A frame must be (height, width, 3) uint8, got {first.shape} {first.dtype}.")
    return first


class _Watched(Sequence[np.ndarray]):
    """Frames that report when one is read. The first is kept, since drawing it alone may cost as much as many."""

    def __init__(self, frames: Sequence[np.ndarray], first: np.ndarray, on_frame: Callable[[], object]) -> None:
        self._frames, self._first, self._on_frame = frames, first, on_frame

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: Any) -> Any:
        return self._first if isinstance(index, int) and index == 0 else self._frames[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self._frames:
            self._on_frame()
            yield frame


def _spread(frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """At most `count` frames, evenly spaced, including the last."""
    stride = -(-len(frames) // count)
    return list(frames[(len(frames) - 1) % stride :: stride])


def _durations(count: int, frames_per_second: float) -> list[int]:
    """Milliseconds per frame in whole hundredths of a second; the last frame stays a little longer."""
    ends = np.round(np.arange(count + 1) * 100.0 / frames_per_second).astype(int)
    durations = np.maximum(np.diff(ends), 2) * 10
    durations[-1] += int(_LAST_FRAME_SECONDS * 1000)
    return durations.tolist()


def shared_palette(frames: Sequence[np.ndarray], prepared: Callable[[np.ndarray], Any] = np.asarray) -> Any:
    """One palette for all frames, a picture of pillow: a palette per frame flickers, and costs more.

    Args:
        frames: the frames; the palette is taken from some of them throughout.
        prepared: what is done to each before.
    """
    samples = np.concatenate([_sample(np.asarray(prepared(frame))) for frame in _spread(frames, _PALETTE_FRAMES)])
    image = pillow()
    return image.fromarray(samples).quantize(colors=255, method=image.Quantize.MEDIANCUT, kmeans=1)


def _sample(picture: np.ndarray) -> np.ndarray:
    """Rows and columns of a picture, thinned out to about `_PALETTE_PIXELS` pixels."""
    step = max(1, int((picture.shape[0] * picture.shape[1] / _PALETTE_PIXELS) ** 0.5))
    return picture[::step, ::step]


def _write_gif(path: Path, frames: Sequence[np.ndarray], frames_per_second: float, *, full_size: bool) -> None:
    image = pillow()
    height, width = frames[0].shape[:2]
    scale = 1.0 if full_size else min(1.0, _GIF_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))

    def picture(frame: np.ndarray) -> Any:
        whole = image.fromarray(np.asarray(frame))
        return whole if whole.size == size else whole.resize(size, image.Resampling.BOX)

    palette = shared_palette(frames, picture)

    def quantized(frames: Iterable[np.ndarray]) -> Iterator[Any]:
        for frame in frames:
            yield picture(frame).quantize(palette=palette, dither=image.Dither.NONE)

    pictures = quantized(frames)
    next(pictures).save(
        path,
        format="GIF",
        save_all=True,
        append_images=pictures,
        duration=_durations(len(frames), frames_per_second),
        loop=0,
    )


def _write_mp4(path: Path, frames: Sequence[np.ndarray], frames_per_second: float) -> None:
    ffmpeg = load_package("imageio_ffmpeg", "MP4 needs imageio-ffmpeg", '"jaxenvs[train]"')
    height, width = frames[0].shape[:2]
    # The codec supports only even sizes; an odd edge is repeated.
    padding = (0, height % 2), (0, width % 2), (0, 0)
    command = [
        ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width + width % 2}x{height + height % 2}"),
        *("-r", str(frames_per_second), "-i", "pipe:0", "-an"),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-movflags", "+faststart", str(path)),
    ]
    # Run here rather than through imageio, which forks with a hook that JAX warns about. A separate session keeps
    # Ctrl-C in the terminal from reaching ffmpeg.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors, start_new_session=True)
        assert process.stdin is not None
        try:
            for frame in frames:
                process.stdin.write(np.pad(np.asarray(frame), padding, mode="edge").tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg failed, and its exit code says so
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        if code:
            errors.seek(0)
            raise OSError(f"ffmpeg could not write {path}: {errors.read().decode(errors='replace').strip()}")


def frame_sheet(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Up to twelve frames, evenly spaced, in reading order on white, as one picture."""
    picked = _spread(frames, _SHEET_FRAMES)
    return tiled(picked, min(_SHEET_COLUMNS, len(picked)))


def _write_sheet(path: Path, frames: Sequence[np.ndarray], frames_per_second: float) -> None:
    pillow().fromarray(frame_sheet(frames)).save(path, format="PNG", optimize=True)
