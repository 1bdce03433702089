"""Recording of episodes state by state, and their frames."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxenvs.core.env import Env, check_is_env
from jaxenvs.core.trees import tree_at
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.policy import Policy, as_policy

CHUNK_BYTES = 64 * 2**20
"""Frames are drawn this many bytes at a time, so memory stays bounded for episodes of any length."""


@dataclasses.dataclass(frozen=True)
class Episode:
    """One episode, or the part of it that was recorded.

    Attributes:
        states: the environment's states, from the start to the last, with a leading axis of length + 1.
        actions: the actions taken, with a leading axis of the length.
        rewards: (length,) float32, the rewards.
        terminated: whether the last step terminated.
        truncated: whether the last step truncated.
    """

    states: Any
    actions: Any
    rewards: np.ndarray
    terminated: bool
    truncated: bool

    @property
    def length(self) -> int:
        """The number of steps."""
        return len(self.rewards)

    @property
    def episode_return(self) -> float:
        """The sum of rewards."""
        return float(np.sum(self.rewards, dtype=np.float64))

    def first(self, steps: int) -> "Episode":
        """The first `steps` steps of the episode; a later end is not part of it."""
        if steps >= self.length:
            return self
        return Episode(
            states=tree_at(self.states, slice(steps + 1)),
            actions=tree_at(self.actions, slice(steps)),
            rewards=self.rewards[:steps],
            terminated=False,
            truncated=False,
        )


def record_episode(env: Env[Any, Any], policy: Policy, key: Key, max_steps: int) -> Episode:
    """Runs one episode from a fresh start and keeps every state.

    Args:
        env: the environment, without AutoReset, so that the end of the episode is visible.
        policy: `(observation, key) -> action`.
        key: a scalar random key.
        max_steps: number of steps after which to stop an episode that has not ended.
    """
    check_is_env("record_episode", env)
    if max_steps < 1:
        raise InvalidField(f"An episode needs at least 1 step, got max_steps={max_steps}.")
    return cut_episode(*_follow_policy(env, as_policy(policy), check_key(key), max_steps))


def replay_actions(env: Env[Any, Any], actions: Any, key: Key) -> Episode:
    """Runs one episode from a fresh start with given actions, until they or the episode end.

    Args:
        env: the environment, without AutoReset.
        actions: elements of the action space, with a leading axis of at least 1.
        key: a scalar random key; the start is the same as that of `record_episode` with this key.
    """
    check_is_env("replay_actions", env)
    start_key, _ = jax.random.split(check_key(key))
    return cut_episode(*follow_actions(env, actions, start_key))


@partial(jax.jit, static_argnames="max_steps")
def _follow_policy(env: Env[Any, Any], policy: Policy, key: Key, max_steps: int) -> tuple[Any, ...]:
    start_key, policy_key = jax.random.split(key)
    return _unroll(env, start_key, policy, jax.random.split(policy_key, max_steps))


@jax.jit
def follow_actions(env: Env[Any, Any], actions: Any, start_key: Key) -> tuple[Any, ...]:
    """All steps of given actions, also those after an end, as `cut_episode` takes them.

    Args:
        env: the environment, without AutoReset.
        actions: elements of the action space, with a leading axis of steps.
        start_key: the key of `reset`.

    Returns:
        States (one more than steps), actions, and (steps,) rewards, float32, and both flags, bool.
    """
    return _unroll(env, start_key, lambda _, action: action, actions)


def _unroll(env: Env[Any, Any], start_key: Key, choose: Callable[[Any, Any], Any], inputs: Any) -> tuple[Any, ...]:
    """States (one more than steps), actions, rewards and both flags of a scan over `inputs`."""
    first_state, timestep = env.reset(start_key)

    def step(carry: tuple[Any, Any], x: Any) -> tuple[tuple[Any, Any], Any]:
        state, observation = carry
        action = choose(observation, x)
        state, timestep = env.step(state, action)
        out = state, action, timestep.reward, timestep.terminated, timestep.truncated
        return (state, timestep.observation), out

    _, (states, *rest) = jax.lax.scan(step, (first_state, timestep.observation), inputs)
    states = jax.tree.map(lambda first, later: jnp.concatenate([first[None], later]), first_state, states)
    return states, *rest


def cut_episode(states: Any, actions: Any, rewards: Any, terminated: Any, truncated: Any) -> Episode:
    """The episode up to and including the first step that ended it."""
    rewards, terminated, truncated = jax.device_get((rewards, terminated, truncated))
    done = terminated | truncated
    length = int(np.argmax(done)) + 1 if done.any() else len(done)
    return Episode(
        states=tree_at(states, slice(length + 1)),
        actions=tree_at(actions, slice(length)),
        rewards=rewards[:length],
        terminated=bool(terminated[length - 1]),
        truncated=bool(truncated[length - 1]),
    )


def record_episodes(
    env: Env[Any, Any],
    policy: Policy,
    key: Key,
    *,
    max_steps: int,
    num_episodes: int | None = None,
    min_steps: int | None = None,
) -> list[Episode]:
    """Records episodes one after another.

    Args:
        env: the environment, without AutoReset.
        policy: `(observation, key) -> action`.
        key: a scalar random key; episode `i` is a function of `fold_in(key, i)`.
        max_steps: greatest number of steps of one episode.
        num_episodes: number of episodes after which to stop.
        min_steps: number of recorded steps after which to stop.

    Raises:
        InvalidField: neither limit is given, or one is below 1.
    """
    limits = [limit for limit in (num_episodes, min_steps) if limit is not None]
    if not limits or min(limits) < 1:
        raise InvalidField("Recording needs `num_episodes` or `min_steps`, of at least 1.")
    episodes: list[Episode] = []
    while (num_episodes is None or len(episodes) < num_episodes) and (
        min_steps is None or sum(episode.length for episode in episodes) < min_steps
    ):
        episodes.append(record_episode(env, policy, jax.random.fold_in(key, len(episodes)), max_steps))
    return episodes


def as_episodes(episodes: Episode | Sequence[Episode]) -> list[Episode]:
    """One or several episodes as a list; raises `InvalidField` if there are none, or they are something else."""
    recorded: list[Any] = [episodes] if isinstance(episodes, Episode) else list(episodes)
    if not recorded or not all(isinstance(episode, Episode) for episode in recorded):
        got = "none" if not recorded else ", ".join(sorted({type(episode).__name__ for episode in recorded}))
        raise InvalidField(f"Pictures are drawn of episodes, as `replay` and `record_episode` return them; got {got}.")
    return recorded


class Frames(Sequence[np.ndarray]):
    """The pictures of recorded episodes, drawn on the device when they are accessed.

    Iterating draws a chunk at a time with one compiled program; indexing draws the requested frames.
    """

    def __init__(self, env: Env[Any, Any], episodes: Episode | Sequence[Episode], *, every: int = 1) -> None:
        """Keeps every `every`-th state of each episode, and always the last.

        Raises:
            InvalidField: `env` is not an environment, or there are no episodes.
        """
        check_is_env("Frames", env)
        episodes = as_episodes(episodes)
        self._env = env
        picked = [tree_at(e.states, thinned(e.length + 1, every)) for e in episodes]
        self._states = jax.tree.map(lambda *parts: jnp.concatenate(parts), *picked)
        self._length = sum(len(thinned(e.length + 1, every)) for e in episodes)
        one = jax.eval_shape(lambda s: env.render(jax.tree.map(lambda x: x[0], s)), self._states)
        self.shape: tuple[int, ...] = one.shape
        self._chunk = max(1, min(32, CHUNK_BYTES // max(1, int(np.prod(one.shape))), self._length))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Any:
        picked = np.arange(self._length)[index]
        return list(self._draw(picked)) if isinstance(index, slice) else next(self._draw(picked[None]))

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._draw(np.arange(self._length))

    def _draw(self, index: np.ndarray) -> Iterator[np.ndarray]:
        return drawn(self._env, self._states, index, self._chunk)


def thinned(length: int, every: int) -> np.ndarray:
    """Every `every`-th of `length` indices, and always the last; raises `InvalidField` if that is below 1."""
    if every < 1:
        raise InvalidField(f"`every`, the number of steps between pictures, must be at least 1, got {every}.")
    return np.unique(np.append(np.arange(0, length, every), length - 1))


def drawn(env: Env[Any, Any], states: Any, index: np.ndarray, chunk: int) -> Iterator[np.ndarray]:
    """The pictures of some states, drawn a chunk at a time with one compiled program.

    Args:
        env: the environment.
        states: states with a leading axis.
        index: (pictures,) int64, the states that are drawn.
        chunk: how many are drawn at once.
    """
    for begin in range(0, len(index), chunk):
        picked = index[begin : begin + chunk]
        # Padded to one size, so that one program serves all chunks.
        padded = np.pad(picked, (0, chunk - len(picked)), mode="edge")
        yield from np.asarray(_render(env, tree_at(states, padded)))[: len(picked)]


@jax.jit
def _render(env: Env[Any, Any], states: Any) -> Any:
    return jax.vmap(env.render)(states)
