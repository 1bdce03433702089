"""`jaxenvs replay RUN`: play a recorded episode again, and compare it with the record."""

import re
from pathlib import Path
from typing import Annotated, Any

import jax
import typer

from jaxenvs.cli.agents import import_from_here
from jaxenvs.cli.console import ProgressBar, console, reports_errors, say, table
from jaxenvs.cli.rollout import check_output, ending, episode_texts, quick_to_draw
from jaxenvs.cli.streams import picture_size
from jaxenvs.cli.terminal import frame_text, play
from jaxenvs.core.env import RendersText
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.monitor import Frames, Replay, Replayer, Run, write_animation
from jaxenvs.monitor.pictures.animation import frame_stride
from jaxenvs.monitor.pictures.sized_frames import frames_at


@reports_errors
def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a recorded run.", show_default=False)],
    episode: Annotated[
        int, typer.Option("--episode", "-e", min=0, help="The number of the episode, counted within its writer.")
    ] = 0,
    writer: Annotated[
        str | None, typer.Option(help="The writer, if several have that episode.", show_default=False)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", help="Also draw it: a .gif, .mp4 or .png, or `-` for the terminal.", show_default=False
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="The size of the picture, pixels: WIDTHxHEIGHT, or the width.", show_default="its own"),
    ] = None,
    text: Annotated[
        bool | None,
        typer.Option(
            "--text/--pixels", help="In the terminal: as text or in colours.", show_default="text if there is any"
        ),
    ] = None,
) -> None:
    """Play a recorded episode again from its key and actions, and compare every recorded number.

    The exit code is 1 if a number differs. The pictures are drawn from the states, so any size will do.
    """
    if output not in (None, "-"):
        check_output(Path(output))
    wanted = None if size is None else read_size(size)
    manifest = Run.open(run).manifest()
    if manifest.get("x64"):
        jax.config.update("jax_enable_x64", True)
    import_from_here()
    played = Replayer(run).play(episode, writer)
    for note in played.notes:
        say(f"Note: {note}")
    if output is not None:
        show(played, output, wanted, text)
    print_comparison(played)
    if output not in (None, "-"):
        say(f"Wrote {output}")
    if played.differences:
        raise typer.Exit(1)


def read_size(text: str) -> tuple[int, int | None]:
    """Width and height from `640x480`, or the width alone from `640`.

    Raises:
        InvalidField: it is neither.
    """
    match = re.fullmatch(r"(\d{1,4})(?:[xX](\d{1,4}))?", text.strip())
    if match is None:
        raise InvalidField(
            f"--size takes a width, such as 640, or a width and a height, such as 640x480; got {text!r}."
        )
    return int(match[1]), None if match[2] is None else int(match[2])


def show(played: Replay, output: str, size: tuple[int, int | None] | None, text: bool | None) -> None:
    """Draws a replay in a file or in the terminal."""
    env, base = played.env, unwrap(played.env)
    is_text = output == "-" and isinstance(base, RendersText) and text is not False
    if text and not is_text:
        raise InvalidField("This environment has no text form; leave out --text to see it in colours.")
    if is_text:
        play(episode_texts(env, [played.episode]), base.frames_per_second)
        return
    if not env.can_render:
        raise RenderingUnavailable("This environment has no picture: its class does not define `render`.")
    pixels = None if size is None else _with_height(size, played)
    if output == "-":
        frames = frames_at(env, [played.episode], pixels)
        play((frame_text(frame, *picture_size()) for frame in frames), base.frames_per_second)
        return
    path = Path(output)
    every = frame_stride(path, base.frames_per_second, played.episode.length + 1)
    drawn = quick_to_draw(env, path) if pixels is None else env
    frames = frames_at(drawn, [played.episode], pixels, every=every)
    with ProgressBar("drawing", "frame", len(frames)) as bar:
        write_animation(path, frames, base.frames_per_second / every, full_size=pixels is not None, on_frame=bar.update)


def _with_height(size: tuple[int, int | None], played: Replay) -> tuple[int, int]:
    """The size, with the height that keeps the picture's proportions if none is given."""
    width, height = size
    if height is None:
        own_height, own_width = Frames(played.env, [played.episode]).shape[:2]
        height = max(1, round(width * own_height / own_width))
    return width, height


def print_comparison(played: Replay) -> None:
    """Prints the recorded numbers beside those of the replay."""
    recorded, out = played.recorded, console()
    differing = {difference.name: difference for difference in played.differences}
    title = f"episode {recorded.episode} of {recorded.writer} ({recorded.mode})"
    compared = table("", "recorded", "replayed", "difference", title=title)
    for name in ("episode_return", "length", "terminated", "truncated"):
        mine = getattr(recorded, name)
        theirs: Any = differing[name].replayed if name in differing else mine
        by = "" if name not in differing else "differs" if isinstance(mine, bool) else f"{theirs - mine:+.6g}"
        compared.add_row(name, _text(mine), _text(theirs), by)
    out.print(compared)
    if differing:
        out.print(f"[bold red]The replay differs[/] in {', '.join(differing)}.")
    else:
        out.print(f"[bold green]The replay is the recorded episode[/]: {ending(played.episode)}.")


def _text(value: float | bool) -> str:
    return str(value) if isinstance(value, bool | int) else f"{value:.9g}"
