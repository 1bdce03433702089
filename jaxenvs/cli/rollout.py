"""`jaxenvs rollout ID`: watch an agent, in a file or in the terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import typer
from tqdm import tqdm

from jaxenvs.cli.agents import (
    ANIMATION_KEY,
    build_env,
    build_run_env,
    changed,
    key_for,
    load_agents,
    look_up,
)
from jaxenvs.cli.console import reports_errors, say
from jaxenvs.cli.space_text import read_action
from jaxenvs.cli.terminal import frame_text, play, terminal_size
from jaxenvs.cli.values import read_assignments
from jaxenvs.core.env import Env, RendersText
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.wrapper import unwrap, unwrap_state, wrappers_of
from jaxenvs.monitor import Episode, Frames, record_episodes, replay_actions, write_animation
from jaxenvs.monitor.animation import check_suffix, frame_stride
from jaxenvs.monitor.episodes import tree_index
from jaxenvs.registry.make import load
from jaxenvs.rollout.policy import RandomPolicy
from jaxenvs.wrappers import TimeLimit

_MAX_EPISODE_STEPS = 1000
"""Where an episode without a time limit is cut."""


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
        int | None, typer.Option(min=1, help="Record so many steps, of as many episodes as they take.")
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(min=1, help="Record so many episodes at most; 1 if neither is given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What start states and actions are drawn from.")] = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", help="A .gif, .mp4 or .png (a contact sheet); `-` for the terminal.")
    ] = "-",
    text: Annotated[
        bool | None,
        typer.Option(
            "--text/--pixels", help="In the terminal: as text or in colours.", show_default="text if there is any"
        ),
    ] = None,
    field: Annotated[list[str] | None, typer.Option("--field", "-F", help="Set a field: name=value.")] = None,
    max_episode_steps: Annotated[int | None, typer.Option(help="Replace the time limit; -1 for none.")] = None,
) -> None:
    """Record an agent and show it: as a GIF or MP4, as pictures side by side, or in the terminal."""
    if output != "-":
        check_suffix(Path(output))
    entry = look_up(id)
    fields = read_assignments(entry.id, load(entry), field or [])
    if policy == "random" or action:
        env = build_env(entry.id, fields, max_episode_steps)
        agent: Any = RandomPolicy(env.action_space)
    else:
        run, trained_env, agents, _ = load_agents(Path(policy))
        agent = agents[0]
        if run.settings.env_id != entry.id:
            raise InvalidField(f"The run in {policy} was trained on {run.settings.env_id}, not on {entry.id}.")
        is_changed = bool(fields) or max_episode_steps is not None
        env = build_run_env(changed(run.settings, fields, max_episode_steps)) if is_changed else trained_env
    base = unwrap(env)
    if text and not isinstance(base, RendersText):
        raise InvalidField(f"{entry.id} has no text form; leave out --text to see it in colours.")

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
        size = terminal_size()
        as_text = isinstance(base, RendersText) and text is not False
        play(
            _texts(env, recorded) if as_text else (frame_text(f, *size) for f in Frames(env, recorded)),
            base.frames_per_second,
        )
    else:
        save_animation(Path(output), env, recorded)
    for number, episode in enumerate(recorded, 1):
        say(f"episode {number}: return {episode.episode_return:g}, {episode.length} steps, {_ending(episode)}")
    if output != "-":
        say(f"Wrote {output}")


def longest_episode(env: Env[Any, Any]) -> int:
    """The steps after which a recording of an episode is cut, if nothing ends it before."""
    limits = [layer.max_episode_steps for layer in wrappers_of(env) if isinstance(layer, TimeLimit)]
    return min([*limits, _MAX_EPISODE_STEPS])


def save_animation(path: Path, env: Env[Any, Any], recorded: list[Episode]) -> None:
    """Writes recorded episodes to a file, with a progress bar where that takes a while."""
    speed = unwrap(env).frames_per_second
    stride = frame_stride(path, speed)
    frames = Frames(env, recorded, every=stride)
    with tqdm(total=None, desc=f"drawing {len(frames)} frames", bar_format="{desc} {elapsed}", leave=False, delay=1.0):
        write_animation(path, frames, speed / stride)


def _texts(env: Env[Any, Any], recorded: list[Episode]) -> Iterator[str]:
    base = unwrap(env)
    assert isinstance(base, RendersText)
    for episode in recorded:
        states = unwrap_state(env, episode.states)
        for i in range(episode.length + 1):
            yield base.render_text(tree_index(states, i))


def _ending(episode: Episode) -> str:
    if episode.terminated:
        return "terminated"
    return "truncated by the time limit" if episode.truncated else "cut here"
