"""RecordedEnv: a Gymnasium environment of jaxenvs whose episodes are recorded."""

import os
from typing import Any

import gymnasium
import jax
import numpy as np
from gymnasium import wrappers

from jaxenvs.adapters._host_loop.batches import from_gymnasium_batch
from jaxenvs.adapters._host_loop.lane_recorder import LaneRecorder, Purpose
from jaxenvs.adapters.gymnasium.env import GymnasiumEnv
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.recording.episode_writer import OnError
from jaxenvs.wrappers.time_limit import TimeLimit

_TRANSPARENT = (
    gymnasium.ObservationWrapper,
    wrappers.TimeLimit,
    wrappers.OrderEnforcing,
    wrappers.PassiveEnvChecker,
    wrappers.RecordEpisodeStatistics,
    wrappers.RenderCollection,
    wrappers.HumanRendering,
    wrappers.RecordVideo,
)
"""Wrappers through which actions and rewards pass unchanged."""


class RecordedEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Passes everything on, and records the episodes; see `jaxenvs.adapters.record`.

    Attributes:
        recorder: what records them.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        path: str | os.PathLike[str] | None = None,
        *,
        mode: Purpose = "training",
        replays: bool | None = None,
        on_error: OnError = "raise",
    ) -> None:
        """Args: those of `jaxenvs.adapters.record`."""
        super().__init__(env)
        between = list(_wrappers_of(env))
        opaque = [wrapper for wrapper in between if not isinstance(wrapper, _TRANSPARENT)]
        if opaque and replays:
            raise InvalidField(
                f"record: {type(opaque[0]).__name__} may change actions or rewards, so episodes cannot be replayed."
                " Put it around the recorded environment, or pass `replays=False`."
            )
        inner: Any = env.unwrapped
        assert isinstance(inner, GymnasiumEnv)
        limits = [int(w._max_episode_steps) for w in between if isinstance(w, wrappers.TimeLimit)]
        declared = inner._declared.lane(0)
        self._inner = inner
        self.recorder = LaneRecorder(
            TimeLimit(declared.env, min(limits)) if limits else declared.env,
            1,
            path,
            lambda: (inner._key[None], np.array([inner._episodes - 1])),  # pyright: ignore[reportOptionalSubscript]  # after `reset`
            lambda: inner._declared.lane(0) is declared,
            mode=mode,
            replays=False if opaque else replays,
            on_error=on_error,
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """See `GymnasiumEnv.reset`."""
        result = self.env.reset(seed=seed, options=options)
        self.recorder.begin(np.ones(1, bool), plain=not options)
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """See `GymnasiumEnv.step`."""
        if self._inner._departed:
            self.recorder.depart([0])
        result = self.env.step(action)
        _, reward, terminated, truncated, _ = result
        actions = jax.tree.map(
            lambda leaf: np.asarray(leaf)[None], from_gymnasium_batch(self._inner._actions, action, None, "action")
        )
        self.recorder.step(actions, [reward], [terminated], [truncated], "disabled")
        return result

    def close(self) -> None:
        """Closes the environment, and writes the last episodes."""
        try:
            self.recorder.close()
        finally:
            self.env.close()


def _wrappers_of(env: gymnasium.Env[Any, Any]) -> Any:
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env
