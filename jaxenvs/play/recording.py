"""Recording of what is played: the key and the actions of each episode."""

import dataclasses
from collections.abc import Callable
from typing import Any

from jaxenvs.random import Key


@dataclasses.dataclass(frozen=True)
class PlayedEpisode:
    """A finished episode. The key and the actions replay it exactly.

    Attributes:
        key: the key that `reset` was given.
        actions: the actions taken, elements of the action space as NumPy arrays.
        episode_return: the sum of rewards.
        length: the number of steps.
        terminated: whether the last step terminated.
        truncated: whether the last step truncated.
    """

    key: Key
    actions: tuple[Any, ...]
    episode_return: float
    length: int
    terminated: bool
    truncated: bool


class Recorder:
    """Collects the actions of an episode, and hands each finished one on. Episodes that are left early are dropped.

    Attributes:
        count: the number of episodes handed on.
    """

    def __init__(self, keep: Callable[[PlayedEpisode], None]) -> None:
        self._keep = keep
        self._key: Key | None = None
        self._actions: list[Any] = []
        self.count = 0

    def begin(self, key: Key) -> None:
        """Begins an episode whose `reset` is given this key."""
        self._key, self._actions = key, []

    def act(self, action: Any) -> None:
        """Adds an action of the episode."""
        self._actions.append(action)

    def end(self, episode_return: float, length: int, terminated: bool, truncated: bool) -> None:
        """Hands the episode on."""
        assert self._key is not None
        self._keep(PlayedEpisode(self._key, tuple(self._actions), episode_return, length, terminated, truncated))
        self.count += 1
        self.abandon()

    def abandon(self) -> None:
        """Drops the actions of an episode that has not ended."""
        self._key, self._actions = None, []
