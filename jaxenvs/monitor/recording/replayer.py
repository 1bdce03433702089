"""replay: play a recorded episode again, from its key and its actions, and compare it with what was recorded."""

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.trees import tree_at
from jaxenvs.monitor.pictures.episodes import Episode, cut_episode
from jaxenvs.monitor.recording.action_packing import ActionPacking
from jaxenvs.monitor.recording.recorded_episode import RecordedEpisode, find_episode
from jaxenvs.monitor.run_folder.description import describe_machine
from jaxenvs.monitor.run_folder.key_words import key_from_words
from jaxenvs.monitor.run_folder.manifest import read_manifest
from jaxenvs.monitor.run_folder.rebuilt_env import Rebuilt, rebuild_env, without_auto_reset
from jaxenvs.random import Key

_LANES = 8
"""The lanes of a batched program: as many as a processor computes at once."""


class Difference(NamedTuple):
    """A number that is not the recorded one.

    Attributes:
        name: the column.
        recorded: the recorded number.
        replayed: the number of the replay.
    """

    name: str
    recorded: float
    replayed: float

    def __str__(self) -> str:
        if isinstance(self.recorded, bool):
            return f"{self.name}: recorded {self.recorded}, replayed {self.replayed}"
        by = self.replayed - self.recorded
        return f"{self.name}: recorded {self.recorded:.9g}, replayed {self.replayed:.9g}, a difference of {by:.3g}"


@dataclasses.dataclass(frozen=True)
class Replay:
    """An episode that was played again.

    Attributes:
        recorded: the recorded episode.
        env: the environment that it was played in.
        episode: the replay, with every state.
        differences: the numbers that differ from the recorded ones; empty if it is the same episode.
        notes: sentences on what could not be as it was.
    """

    recorded: RecordedEpisode
    env: Env[Any, Any]
    episode: Episode
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def replay(run: Any, episode: int, *, writer: str | None = None, env: Env[Any, Any] | None = None) -> Episode:
    """Plays a recorded episode again.

    Args:
        run: a `Run`, or the path of its folder.
        episode: the number of the episode, counted within its writer.
        writer: the writer, if several have an episode of this number.
        env: the environment that was recorded, if it cannot be rebuilt from `run.json`.

    Returns:
        The episode, with every state, for `Frames` and `write_animation`. If a number differs from the recorded one, a
        warning says by how much.

    Raises:
        CheckpointError: there is no such episode, its actions were not recorded, or the environment cannot be rebuilt.
        InvalidField: several writers have an episode of this number.
        DependencyNotInstalled: pyarrow is missing.
    """
    played = Replayer(run, env=env).play(episode, writer)
    if played.differences:
        text = "; ".join(map(str, played.differences))
        warnings.warn(
            " ".join([f"Episode {episode} differs from the recorded one: {text}.", *played.notes]), stacklevel=2
        )
    return played.episode


class Replayer:
    """Plays episodes of a run again; episodes of similar lengths share compiled programs."""

    def __init__(self, run: Any, *, env: Env[Any, Any] | None = None) -> None:
        """Rebuilds the environment.

        Args:
            run: a `Run`, or the path of its folder.
            env: the environment that was recorded, if it cannot be rebuilt from `run.json`.

        Raises:
            CheckpointError: the folder is not a run folder, or the environment cannot be rebuilt.
            InvalidField: `env` is not an environment, or its actions cannot be packed, so they were not recorded.
        """
        self.path = Path(getattr(run, "path", run))
        manifest = read_manifest(self.path)
        if env is not None:
            check_is_env("replay", env)
        rebuilt = rebuild_env(manifest) if env is None else Rebuilt(env)
        bare = without_auto_reset(rebuilt.env)
        self.env = bare.env
        self._has_rewards = rebuilt.has_rewards and bare.has_rewards
        self._notes = (*rebuilt.notes, *bare.notes)
        self._other_machine = _other_machine(manifest)
        self._packing = ActionPacking(self.env.action_space)
        self._programs = _programs(self.env)

    def play(self, episode: int, writer: str | None = None) -> Replay:
        """Plays an episode.

        Args:
            episode: its number, counted within the writer.
            writer: the writer, if several have an episode of this number.

        Raises:
            CheckpointError: there is no such episode, or its actions were not recorded or do not fit.
            InvalidField: several writers have an episode of this number.
        """
        recorded = find_episode(self.path, episode, writer)
        key = key_from_words(np.frombuffer(recorded.key, "<u4"), recorded.key_implementation)
        actions = self._packing.unpack(recorded.actions, recorded.length)
        padding = (1 << (recorded.length - 1).bit_length()) - recorded.length
        padded = jax.tree.map(
            lambda leaf: np.pad(leaf, [(0, padding)] + [(0, 0)] * (leaf.ndim - 1), mode="edge"), actions
        )
        tried = []
        for program in self._programs:
            played = _cut(actions, recorded.length, *program(key, padded))
            tried.append((played, tuple(self._differences(recorded, played))))
            if not tried[-1][1]:
                break
        played, differences = min(tried, key=lambda one: len(one[1]))
        notes = (*self._notes, *(self._other_machine if differences else ()))
        return Replay(recorded, self.env, played, differences, notes)

    def _differences(self, recorded: RecordedEpisode, played: Episode) -> Iterator[Difference]:
        if self._has_rewards and not is_return(recorded.episode_return, played.rewards):
            yield Difference("episode_return", recorded.episode_return, played.episode_return)
        for name in ("length", "terminated", "truncated"):
            if getattr(recorded, name) != getattr(played, name):
                yield Difference(name, getattr(recorded, name), getattr(played, name))


def is_return(value: float, rewards: np.ndarray) -> bool:
    """Whether a value is the sum of rewards, added one by one in float32 or float64, or by NumPy in float64."""
    one_by_one = (np.cumsum(rewards, dtype=dtype)[-1] for dtype in (np.float32, np.float64))
    sums = *one_by_one, np.sum(rewards, dtype=np.float64)
    return any(value == total or (np.isnan(value) and np.isnan(total)) for total in sums)


def _cut(actions: Any, length: int, states: Any, *outputs: Any) -> Episode:
    """The episode up to its end, or up to `length` steps if it has not ended by then."""
    return cut_episode(states, actions, *(np.asarray(x)[:length] for x in outputs))


def _programs(env: Env[Any, Any]) -> tuple[Callable[[Key, Any], Any], ...]:
    """Programs that play an episode; the first that gives the recorded numbers is right.

    The last bits of floats depend on how the recorded loop was compiled: numbers of the environment that are constants
    of a program are combined beforehand, those that are its arguments are not; and vectors of lanes are rounded
    otherwise than single numbers. In a chaotic system these bits decide everything. So there is a program for each
    case.
    """
    programs = []
    for lanes in (_LANES, 1):
        given = jax.jit(partial(_played, lanes=lanes))
        programs += [jax.jit(partial(_played, env, lanes=lanes)), partial(given, env)]
    return tuple(programs)


def _played(env: Env[Any, Any], key: Key, actions: Any, *, lanes: int) -> tuple[Any, ...]:
    """States (one more than steps), rewards and both flags of one episode, in a program for so many equal lanes."""
    if lanes == 1:
        reset, step = env.reset, env.step
    else:
        reset, step = jax.vmap(env.reset), jax.vmap(env.step)
        key = jnp.repeat(key[None], lanes, axis=0)

    def of_one(tree: Any) -> Any:
        return tree if lanes == 1 else tree_at(tree, 0)

    def advance(state: Any, action: Any) -> tuple[Any, Any]:
        if lanes > 1:
            action = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], lanes, axis=0), action)
        state, timestep = step(state, action)
        return state, of_one((state, timestep.reward, timestep.terminated, timestep.truncated))

    first, _ = reset(key)
    _, (states, *rest) = jax.lax.scan(advance, first, actions)
    states = jax.tree.map(lambda one, later: jnp.concatenate([one[None], later]), of_one(first), states)
    return states, *rest


def _other_machine(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence on what is different here from where a run was recorded, if anything is."""
    here = describe_machine()
    pairs = [(name, manifest.get(name), here[name]) for name in ("backend", "device", "x64", "platform")]
    versions = manifest.get("versions", {})
    pairs += [(name, versions.get(name), here["versions"][name]) for name in ("jaxenvs", "jax", "jaxlib")]
    other = [f"{name} {then} (here {now})" for name, then, now in pairs if then is not None and then != now]
    return (f"It was recorded with {', '.join(other)}, so floats may be rounded otherwise.",) if other else ()
