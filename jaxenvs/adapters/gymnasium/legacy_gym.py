"""LegacyGym: environments for scripts written for OpenAI Gym before version 0.26."""

from types import TracebackType
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium.envs.registration import load_env_creator

from jaxenvs.adapters._host_loop.window import Window
from jaxenvs.adapters.gymnasium.env import GymnasiumEnv
from jaxenvs.adapters.gymnasium.errors import ResetNeeded
from jaxenvs.adapters.gymnasium.registration import adapter_of
from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidField
from jaxenvs.registration import make
from jaxenvs.registration import spec as find_spec
from jaxenvs.wrappers.time_limit import TimeLimit

_REWARD_RANGE = (-float("inf"), float("inf"))


class LegacyGym:
    """An environment with the interface of Gym 0.21, and what scripts of Gym before and up to 0.25 expect in addition.

        env = LegacyGym("CartPole-v1")       # an id, a jaxenvs.Env or a gymnasium.Env
        env.seed(0)
        observation = env.reset()
        observation, reward, done, info = env.step(env.action_space.sample())
        env.render()

    `done` is `terminated or truncated`. As in Gym 0.21, `info["TimeLimit.truncated"]` exists in a step
    that reached the time limit: True if only the limit ended the episode, False if the task ended in the same
    step. The action and observation spaces are Gymnasium's.

    The render mode is an argument of `render`. An id or a jaxenvs.Env has all its modes at any time; a
    gymnasium.Env has the one that it was made with, and also "human" if that is "rgb_array".

    The time limit is `env._max_episode_steps`, and setting it changes it, also in an episode.

    Other attributes are those of the inner environment: `env.gravity` reads through all wrappers, as in Gym 0.21,
    and setting an attribute that exists there sets it there. See `GymnasiumEnv` for fields.

    Attributes:
        env: the inner gymnasium.Env.
        action_space: its action space.
        observation_space: its observation space.
        spec: the id's `jaxenvs.EnvSpec`, or the spec of the gymnasium.Env; None if there is none.
        reward_range: (-inf, inf), Gym's default.
    """

    reward_range: tuple[float, float] = _REWARD_RANGE

    def __init__(self, env: str | Env[Any, Any] | gymnasium.Env[Any, Any]) -> None:
        """Args: an id, which is made with its time limit; or an environment, which is used unchanged.

        Raises:
            UnregisteredEnv: see `jaxenvs.make`.
            InvalidField: `env` is none of the three.
            WrapperOrderError: the environment resets itself.
        """
        spec, adapter = None, GymnasiumEnv
        if isinstance(env, str):
            spec = find_spec(env)
            adapter: Any = load_env_creator(adapter_of(spec))
            env = make(spec)
        if isinstance(env, Env):
            env = _in_gymnasium(env, adapter)
        elif not isinstance(env, gymnasium.Env):
            raise InvalidField(
                f"LegacyGym takes an id, a jaxenvs.Env or a gymnasium.Env, got {env!r} of type {type(env).__name__}."
            )
        self.env: gymnasium.Env[Any, Any] = env
        self.spec: Any = spec or env.spec
        self.action_space = env.action_space
        self.observation_space = env.observation_space
        self._owner = self  # of the seed and the window, which `unwrapped` shares
        self._seed: int | None = None
        self._window: Window | None = None
        self._was_reset = False

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the environment, with Gym's names "render.modes" and "video.frames_per_second" added."""
        modes, fps = list(self._modes), self.env.metadata.get("render_fps", 30)
        return {**self.env.metadata, "render_modes": modes, "render.modes": modes, "video.frames_per_second": fps}

    @property
    def unwrapped(self) -> "LegacyGym":
        """The environment without its time limit and other Gymnasium wrappers, in the same state."""
        bare = self.env.unwrapped
        if bare is self.env:
            return self
        inner = LegacyGym(bare)
        inner.spec, inner._owner = self.spec, self
        return inner

    @property
    def _max_episode_steps(self) -> int:
        """The steps after which an episode is truncated, which scripts read and set on Gym's TimeLimit."""
        return self._time_limit("_max_episode_steps")._max_episode_steps

    @_max_episode_steps.setter
    def _max_episode_steps(self, steps: int) -> None:
        if not is_integer(steps) or steps < 1:
            raise InvalidField(f"`_max_episode_steps` must be an integer of at least 1, got {steps!r}.")
        self._time_limit("_max_episode_steps")._max_episode_steps = int(steps)

    @property
    def _elapsed_steps(self) -> int | None:
        """The steps of this episode; None before the first."""
        return self._time_limit("_elapsed_steps")._elapsed_steps

    def seed(self, seed: int | None = None) -> list[int]:
        """Sets the seed of the episodes from the next `reset` on.

        Args:
            seed: a non-negative integer; None to draw one.

        Returns:
            A list with the seed.

        Raises:
            InvalidField: `seed` is not such an integer.
        """
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        if not is_integer(seed) or seed < 0:
            raise InvalidField(f"Seed must be a non-negative integer or omitted, got {seed!r}.")
        self._owner._seed = int(seed)
        return [int(seed)]

    def reset(
        self, *, seed: int | None = None, return_info: bool = False, options: dict[str, Any] | None = None
    ) -> Any:
        """Begins an episode, and returns only its first observation.

        The arguments are those of Gym 0.22 to 0.25.

        Args:
            seed: the seed of this episode and those after it, as by `seed` before.
            return_info: whether to return the observation and `info`.
            options: the task's reset options.

        Raises:
            InvalidField: `seed` is not a non-negative integer; or see `GymnasiumEnv.reset`.
        """
        if seed is not None:
            self.seed(seed)
        observation, info = self.env.reset(seed=self._owner._seed, options=options)
        self._owner._seed, self._was_reset = None, True
        return (observation, info) if return_info else observation

    def step(self, action: Any) -> tuple[Any, float, bool, dict[str, Any]]:
        """Applies one action.

        Returns:
            The observation, reward, `done` and `info`.

        Raises:
            ResetNeeded: `reset` has not been called.
            InvalidAction: the action is invalid, in our environments; also an `AssertionError`. Nothing has changed.
        """
        self._check_began("step")
        observation, reward, terminated, truncated, info = self.env.step(action)
        if truncated:
            info = {**info, "TimeLimit.truncated": not terminated}
        return observation, float(reward), bool(terminated or truncated), info

    def render(self, mode: str = "human", close: bool = False) -> Any:
        """Shows the state.

        Args:
            mode: "human" shows it in a window, which opens at the first call; "rgb_array" returns
                (height, width, 3) uint8; "ansi" returns a text, if the environment has that mode.
            close: whether to close the window instead, as in Gym before 0.10.

        Raises:
            ResetNeeded: `reset` has not been called.
            InvalidField: the environment has no such mode; the message lists its modes.
            DependencyNotInstalled: "human" needs pygame, which is missing.
        """
        if close:
            self._close_window()
            return None
        if mode not in self._modes:
            raise InvalidField(self._no_mode(mode))
        self._check_began("render")
        if mode != "human":
            return self._rendered(mode)
        if self.env.render_mode == "human":
            return self.env.render()
        owner = self._owner
        if owner._window is None:
            title = self.spec.id if self.spec else type(self.env.unwrapped).__name__
            owner._window = Window(title, self.metadata["video.frames_per_second"])
        owner._window.show(self._rendered("rgb_array"))
        return None

    def close(self) -> None:
        """Closes the window, if there is one, and the environment."""
        self._close_window()
        self.env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return f"<LegacyGym<{self.spec.id}>>" if self.spec else f"<LegacyGym<{type(self.env.unwrapped).__name__}>>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "env" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        bare = self.env.unwrapped
        return self.env.get_wrapper_attr(name) if self.env.has_wrapper_attr(name) else getattr(bare, name)

    def __setattr__(self, name: str, value: Any) -> None:
        is_own = name.startswith("_") or name in self.__dict__ or hasattr(type(self), name)
        if is_own or "_window" not in self.__dict__ or not self.env.set_wrapper_attr(name, value, force=False):
            object.__setattr__(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_window": None}  # a copy opens its own window

    def _time_limit(self, name: str) -> Any:
        """Gymnasium's TimeLimit among the wrappers; an AttributeError for `name` if there is none."""
        env: Any = self.env
        while isinstance(env, gymnasium.Wrapper):
            if isinstance(env, gymnasium.wrappers.TimeLimit):
                return env
            env = env.env
        raise AttributeError(f"{self} has no time limit, so it has no attribute {name!r}.")

    @property
    def _modes(self) -> tuple[str, ...]:
        """The modes that `render` takes."""
        if isinstance(self.env.unwrapped, GymnasiumEnv):
            return tuple(self.env.unwrapped.metadata["render_modes"])
        made_with = self.env.render_mode
        if made_with is None:
            return ()
        return ("human", "rgb_array") if made_with == "rgb_array" else (made_with,)

    def _rendered(self, mode: str) -> Any:
        bare = self.env.unwrapped
        if not isinstance(bare, GymnasiumEnv):
            return self.env.render()
        # `render` reads the mode at each call; the mode given to the constructor matters only for "human".
        before, bare.render_mode = bare.render_mode, mode
        try:
            return bare.render()
        finally:
            bare.render_mode = before

    def _no_mode(self, mode: str) -> str:
        listed = ", ".join(f'"{mode}"' for mode in self._modes) or "none"
        message = f"This environment has no render mode {mode!r}. It has: {listed}."
        if not isinstance(self.env.unwrapped, GymnasiumEnv):
            message += f' Make it with that mode: `gymnasium.make(id, render_mode="{mode}")`.'
        return message

    def _check_began(self, call: str) -> None:
        if not (self._was_reset or self._owner._was_reset):
            raise ResetNeeded(f"Cannot call env.{call}() before calling env.reset()")

    def _close_window(self) -> None:
        if self._owner._window is not None:
            self._owner._window.close()
            self._owner._window = None


def _in_gymnasium(env: Env[Any, Any], adapter: type[GymnasiumEnv]) -> gymnasium.Env[Any, Any]:
    """The environment in an adapter, with an outermost time limit as Gymnasium's TimeLimit."""
    if isinstance(env, TimeLimit):
        return gymnasium.wrappers.TimeLimit(adapter(env.env), env.max_episode_steps)
    return adapter(env)
