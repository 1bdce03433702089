"""`jaxenvs rollout ID`: watch an agent, in a file or in the terminal."""

import dataclasses
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import typer

from jaxenvs.cli.agents import (
    ANIMATION_KEY,
    build_env,
    build_run_env,
    changed,
    key_for,
    load_agent,
    look_up,
)
from jaxenvs.cli.console import ProgressBar, reports_errors, say
from jaxenvs.cli.space_text import read_action
from jaxenvs.cli.streams import picture_size
from jaxenvs.cli.terminal import frame_text, play
from jaxenvs.cli.values import read_assignments
from jaxenvs.core.env import Env, RendersText
from jaxenvs.core.modes import evaluation
from jaxenvs.core.trees import tree_at
from jaxenvs.core.wrapper import rewrap, unwrap, unwrap_state, wrappers_of
from jaxenvs.errors import InvalidField, RenderingUnavailable
from jaxenvs.monitor import Episode, Frames, OverlaidFrames, record_episodes, replay_actions, write_animation
from jaxenvs.monitor.pictures.animation import check_suffix, frame_stride
from jaxenvs.play.action_names import actions_of, names_of
from jaxenvs.registration.make import load
from jaxenvs.rollouts.policy import RandomPolicy
from jaxenvs.spaces import Discrete
from jaxenvs.wrappers import TimeLimit

_MAX_EPISODE_STEPS = 1000
"""The number of steps after which an episode without a time limit is cut."""

_LARGE_GIF_BYTES = 2_000_000

_SHADOW_SIZE, _GIF_ROBOT_PIXELS = 1024, 256
"""The size of robots' shadow maps in animations: slightly coarser shadows take a third of the time."""


@reports_errors
def rollout(
    id: Annotated[str, typer.Argument(help="An id, as `jaxenvs list` shows it.", show_default=False)],
    policy: Annotated[
        str, typer.Option("--policy", "-p", help="`random`, or the folder of a training run.")
    ] = "random",
    action: Annotated[
        list[str] | None,
        typer.Option("--action", "-a", help="Play these actions instead, as JSON; may be given more than once."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Record this many steps, over as many episodes as needed.")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="Record at most this many episodes; 1 if neither is given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of start states and actions.")] = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", help="A .gif, .mp4 or .png (a contact sheet); `-` for the terminal.")
    ] = "-",
    text: Annotated[
        bool | None,
        typer.Option(
            "--text/--pixels", help="In the terminal: as text or in colours.", show_default="text if there is any"
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write step, action, reward and return under each picture.")
    ] = False,
    field: Annotated[list[str] | None, typer.Option("--field", "-F", help="Set a field: name=value.")] = None,
    max_episode_steps: Annotated[int | None, typer.Option(help="Replace the time limit; -1 for none.")] = None,
) -> None:
    """Record an agent and show it as a GIF or MP4, as pictures side by side, or in the terminal."""
    if output != "-":
        check_output(Path(output))
    elif overlay:
        raise InvalidField("--overlay writes on pictures, which are too coarse in a terminal; name a file: --output.")
    entry = look_up(id)
    fields = read_assignments(entry.id, load(entry), field or [])
    if policy == "random" or action:
        env = build_env(entry.id, fields, max_episode_steps)
        agent: Any = RandomPolicy(env.action_space)
    else:
        trained = load_agent(Path(policy))
        settings, agent = trained.run.settings, trained.policy
        if settings.env_id != entry.id:
            raise InvalidField(f"The run in {policy} was trained on {settings.env_id}, not on {entry.id}.")
        is_changed = bool(fields) or max_episode_steps is not None
        env = trained.env
        if is_changed:
            env = evaluation(build_run_env(changed(settings, fields, max_episode_steps)))
    base = unwrap(env)
    if text and not isinstance(base, RendersText):
        raise InvalidField(f"{entry.id} has no text form; leave out --text to see it in colours.")
    if not env.can_render and not (output == "-" and isinstance(base, RendersText) and text is not False):
        raise RenderingUnavailable(f"{entry.id} has no picture: its class does not define `render`.")

    key = key_for(seed, ANIMATION_KEY)
    if action:
        if steps or episodes or policy != "random":
            raise InvalidField("--action plays one episode as given; leave out --policy, --steps and --episodes.")
        actions = [read_action(env.action_space, each) for each in action]
        recorded = [
            replay_actions(env, jax.tree.map(lambda *parts: jnp.stack(parts), *actions), jax.random.fold_in(key, 0))
        ]
    else:
        longest = longest_episode(env)
        count = episodes or (None if steps else 1)
        recorded = record_episodes(env, agent, key, max_steps=longest, num_episodes=count, min_steps=steps)
        if steps:
            recorded[-1] = recorded[-1].first(steps - sum(episode.length for episode in recorded[:-1]))

    if output == "-":
        size = picture_size()
        as_text = isinstance(base, RendersText) and text is not False
        play(
            episode_texts(env, recorded) if as_text else (frame_text(f, *size) for f in Frames(env, recorded)),
            base.frames_per_second,
        )
    else:
        save_animation(Path(output), env, recorded, overlay=overlay)
    for number, episode in enumerate(recorded, 1):
        say(f"episode {number}: return {episode.episode_return:g}, {episode.length} steps, {ending(episode)}")
    if output != "-":
        say(f"Wrote {output}")
        if Path(output).suffix.lower() == ".gif" and Path(output).stat().st_size > _LARGE_GIF_BYTES:
            say("An .mp4 of this would be smaller and show every step.")


def longest_episode(env: Env[Any, Any]) -> int:
    """The number of steps after which a recording of an episode is cut, if it has not ended before."""
    limits = [layer.max_episode_steps for layer in wrappers_of(env) if isinstance(layer, TimeLimit)]
    return min([*limits, _MAX_EPISODE_STEPS])


def check_output(path: Path) -> None:
    """Refuses a file that cannot be written before the work is done: an unknown suffix, or no folder.

    Raises:
        InvalidField: no animation has this suffix.
        OSError: the folder cannot be made, or is not writable.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def save_animation(path: Path, env: Env[Any, Any], recorded: list[Episode], *, overlay: bool = False) -> None:
    """Writes recorded episodes to a file, with a progress bar if that takes a while.

    Args:
        path: a .gif, .mp4 or .png.
        env: the environment.
        recorded: the episodes.
        overlay: whether step, action, reward and return are written under each picture.
    """
    speed = unwrap(env).frames_per_second
    stride = frame_stride(path, speed, sum(episode.length + 1 for episode in recorded))
    drawn, space = quick_to_draw(env, path), env.action_space
    if overlay:
        names = names_of(space, actions_of(env)) if isinstance(space, Discrete) else None
        frames = OverlaidFrames(drawn, recorded, every=stride, action_names=names)
    else:
        frames = Frames(drawn, recorded, every=stride)
    with ProgressBar("drawing", "frame", len(frames)) as bar:
        write_animation(path, frames, speed / stride, on_frame=bar.update)


def quick_to_draw(env: Env[Any, Any], path: Path) -> Env[Any, Any]:
    """The environment as drawn for an animation: robots are smaller, with coarser shadows, unless fields say otherwise.

    On a CPU, a robot's picture takes a tenth of a second or more, most of it for the shadows.
    """
    base: Any = unwrap(env)
    defaults = {field.name: field.default for field in dataclasses.fields(base)}
    if "shadow_size" not in defaults or path.suffix.lower() == ".png":
        return env
    wishes = {}
    if base.shadow_size is None:
        wishes["shadow_size"] = _SHADOW_SIZE
    if path.suffix.lower() == ".gif" and (base.width, base.height) == (defaults["width"], defaults["height"]):
        wishes["width"] = wishes["height"] = _GIF_ROBOT_PIXELS
    return rewrap(env, base.replace(**wishes))


def episode_texts(env: Env[Any, Any], recorded: list[Episode]) -> Iterator[str]:
    """The states of recorded episodes as text."""
    base = unwrap(env)
    assert isinstance(base, RendersText)
    for episode in recorded:
        states = unwrap_state(env, episode.states)
        for i in range(episode.length + 1):
            yield base.render_text(tree_at(states, i))


def ending(episode: Episode) -> str:
    """How an episode ended, in words."""
    if episode.terminated:
        return "terminated"
    return "truncated by the time limit" if episode.truncated else "cut here"
