"""Animations in notebooks: pictures with a slider in one piece of HTML that needs nothing else."""

import base64
import hashlib
import html
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.atomic import write_bytes
from jaxenvs.monitor.pictures.animation import check_frames, check_speed, frame_stride, shared_palette
from jaxenvs.monitor.pictures.episodes import Episode, Frames, as_episodes
from jaxenvs.monitor.pictures.overlay import OverlaidFrames
from jaxenvs.monitor.pictures.png import pillow

_MOST_BYTES = 8_000_000
_JPEG_QUALITY = 85
_PROBED = 3
"""Frames that decide how all are stored."""

_TEMPLATE = """\
<div id="jaxenvs-@ID@" style="display:inline-block;max-width:100%">
<img src="@FIRST@" alt="@ALT@" width="@WIDTH@" style="max-width:100%;display:block">
<div style="display:none;align-items:center;gap:8px;padding:4px 0;font:13px sans-serif">
<button type="button" style="min-width:4.5em;padding:4px 8px">Pause</button>
<input type="range" min="0" max="@LAST@" value="0" aria-label="frame" style="flex:1;min-width:60px">
<span style="min-width:6em;text-align:right"></span>
</div>
</div>
<script>
(() => {
  const frames = @FRAMES@, pause = @PAUSE@;
  for (const root of document.querySelectorAll("#jaxenvs-@ID@:not([data-ready])")) {
    root.dataset.ready = "1";
    const picture = root.querySelector("img"), bar = root.querySelector("div");
    const button = root.querySelector("button"), slider = root.querySelector("input");
    const label = root.querySelector("span");
    let index = 0, timer = null;
    const show = (next) => {
      index = next;
      picture.src = frames[index];
      slider.value = index;
      label.textContent = (index + 1) + " / " + frames.length;
    };
    const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
    const play = () => {
      stop();
      button.textContent = "Pause";
      timer = setInterval(() => root.isConnected ? show((index + 1) % frames.length) : stop(), pause);
    };
    button.addEventListener("click", () => timer === null ? play() : stop());
    slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
    bar.style.display = "flex";
    show(0);
    matchMedia("(prefers-reduced-motion: reduce)").matches ? stop() : play();
  }
})();
</script>
"""


class HtmlAnimation:
    """An animation that a notebook shows, with a button to pause and a slider.

    It is one piece of HTML with the pictures in it. So it works in Colab, Jupyter and VS Code, without a network, and
    after the notebook was saved. Where scripts do not run, as on GitHub, the first picture is seen.
    """

    def __init__(
        self,
        frames: Sequence[np.ndarray],
        frames_per_second: float,
        *,
        max_bytes: int = _MOST_BYTES,
        alt: str = "an animation",
    ) -> None:
        """Encodes all pictures, each as PNG or JPEG, whichever is smaller.

        Args:
            frames: (height, width, 3) uint8 each, all of one size.
            frames_per_second: the speed.
            max_bytes: the largest size of the HTML, since it becomes part of the notebook.
            alt: a description of the pictures for those who do not see them.

        Raises:
            InvalidField: there are no frames, they are not pictures, they take more than `max_bytes`, or the speed is
                not positive.
            DependencyNotInstalled: pillow is missing.
        """
        check_speed(frames_per_second)
        first = check_frames(frames, "show")
        encoder = _encoder(frames)
        addresses, size = [], 0
        for frame in frames:
            addresses.append(encoder(np.asarray(frame)))
            size += len(addresses[-1])
            if size > max_bytes:
                whole = size * len(frames) / len(addresses)
                raise InvalidField(
                    f"An animation of {len(frames):,} frames of {first.shape[1]} x {first.shape[0]} pixels would take"
                    f" about {whole / 1e6:.1f} MB in the notebook, more than the {max_bytes / 1e6:.1f} MB of"
                    f" `max_bytes`. Show fewer: `frames[::{int(whole / max_bytes) + 1}]`, or write an .mp4 with"
                    " `write_animation`."
                )
        frames_json = json.dumps(addresses)
        values = {
            "ID": hashlib.sha256(frames_json.encode()).hexdigest()[:12],
            "FIRST": addresses[0],
            "ALT": html.escape(alt),
            "WIDTH": str(first.shape[1]),
            "LAST": str(len(addresses) - 1),
            "PAUSE": f"{1000 / frames_per_second:.1f}",
            "FRAMES": frames_json,
        }
        self._html = _TEMPLATE
        for name, value in values.items():
            self._html = self._html.replace(f"@{name}@", value)

    def _repr_html_(self) -> str:
        return self._html

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page that a browser opens."""
        page = (
            f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>jaxenvs</title>\n{self._html}</html>\n'
        )
        write_bytes(Path(path), page.encode())


def show_episodes(
    env: Env[Any, Any],
    episodes: Episode | Sequence[Episode],
    *,
    overlay: bool = False,
    action_names: Sequence[str] | None = None,
    max_bytes: int = _MOST_BYTES,
) -> HtmlAnimation:
    """Shows recorded episodes in a notebook, as the last line of a cell.

    It has at most about 300 frames: of long episodes, it shows every second step, every third and so on, at the speed
    of the environment.

    Args:
        env: the environment.
        episodes: what `record_episode` or `record_episodes` returned.
        overlay: whether step, action, reward and return are written under the pictures.
        action_names: names of discrete actions for that.
        max_bytes: see `HtmlAnimation`.

    Raises:
        InvalidField: `env` is not an environment, there are no episodes, or the pictures take more than `max_bytes`.
    """
    check_is_env("show_episodes", env)
    recorded = as_episodes(episodes)
    speed = unwrap(env).frames_per_second
    every = frame_stride(Path("notebook.gif"), speed, sum(episode.length + 1 for episode in recorded))
    frames = (
        OverlaidFrames(env, recorded, every=every, action_names=action_names)
        if overlay
        else Frames(env, recorded, every=every)
    )
    returns = ", ".join(f"{episode.episode_return:g}" for episode in recorded)
    alt = f"{len(recorded)} episode{'s' if len(recorded) > 1 else ''} of {type(unwrap(env)).__name__}, return {returns}"
    return HtmlAnimation(frames, speed / every, max_bytes=max_bytes, alt=alt)


def _encoder(frames: Sequence[np.ndarray]) -> Any:
    """A function from a picture to its address with the data in it, in the format that suits these frames."""
    image = pillow()
    palette = shared_palette(frames)

    def png(frame: np.ndarray) -> bytes:
        file = io.BytesIO()
        quantized = image.fromarray(np.ascontiguousarray(frame)).quantize(palette=palette, dither=image.Dither.NONE)
        quantized.save(file, format="PNG", optimize=True)
        return file.getvalue()

    def jpeg(frame: np.ndarray) -> bytes:
        file = io.BytesIO()
        image.fromarray(np.ascontiguousarray(frame)).save(file, format="JPEG", quality=_JPEG_QUALITY)
        return file.getvalue()

    probes = [np.asarray(frames[i]) for i in np.linspace(0, len(frames) - 1, min(_PROBED, len(frames))).astype(int)]
    is_drawing = sum(len(png(probe)) for probe in probes) <= sum(len(jpeg(probe)) for probe in probes)
    encode, kind = (png, "png") if is_drawing else (jpeg, "jpeg")
    return lambda frame: f"data:image/{kind};base64,{base64.b64encode(encode(frame)).decode()}"
