"""GymnasiumGame: a game behind `gymnasium.Env`, for wrappers that were written for ale-py's environments."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from jax import Array

import jaxenvs
from jaxenvs_ale_bridge.env import AleEnv, AleState
from jaxenvs_ale_bridge.layout import SCREEN_WIDTH

_LUMINANCE = np.array([0.2989, 0.5870, 0.1140])
"""The weights of red, green and blue, as in the ALE."""


class GymnasiumGame(jaxenvs.adapters.GymnasiumEnv):
    """The result of `gymnasium.make` for a game: a `GymnasiumEnv` with the interface of ale-py's `AtariEnv`.

        env = gymnasium.make("jaxenvs/ALE-Breakout-v5", frameskip=1, repeat_action_probability=0.0)
        env = gymnasium.wrappers.AtariPreprocessing(env)     # or stable_baselines3's AtariWrapper

    Those wrappers step once per frame and draw it twice. `make_atari` computes the same observations several times as
    fast, for `GymnasiumEnv` and `GymnasiumVectorEnv` as well.
    """

    def get_action_meanings(self) -> list[str]:
        """The meaning of each discrete action, such as `"UPFIRE"`."""
        return list(self._game.action_meanings)

    @property
    def ale(self) -> "EmulatorView":
        """The current emulator, for reading.

        Raises:
            AttributeError: before the first reset.
        """
        if self.state is None:
            raise AttributeError("There is no `env.unwrapped.ale` before the first env.reset().")
        state = jaxenvs.unwrap_state(self.env, self.state)
        return EmulatorView(state, partial(self._programs.draw, self.env, self.state))

    @property
    def _frameskip(self) -> int | tuple[int, int]:
        return self._game.frameskip

    @property
    def _game(self) -> AleEnv:
        game: Any = jaxenvs.unwrap(self.env)
        return game


class EmulatorView:
    """The readable part of an `ale_py.ALEInterface`, from a state; each call that draws uses the emulator's process."""

    def __init__(self, state: AleState, draw: Callable[[], Array]) -> None:
        """Args: the game's state, and what draws its screen, (height, 160, 3) uint8."""
        self._state, self._draw = state, draw

    def lives(self) -> int:
        """Lives left."""
        return int(self._state.lives)

    def getEpisodeFrameNumber(self) -> int:
        """Frames since the episode began."""
        return int(self._state.episode_frame_number)

    def getFrameNumber(self) -> int:
        """Frames since the console was switched on."""
        return int(self._state.frame_number)

    def getScreenDims(self) -> tuple[int, int]:
        """Rows and columns of the screen."""
        return self.getScreenRGB().shape[0], SCREEN_WIDTH

    def getScreenRGB(self, out: np.ndarray | None = None) -> np.ndarray:
        """(height, 160, 3) uint8: the screen, written into `out` if that is given."""
        return _into(out, np.asarray(self._draw()))

    def getScreenGrayscale(self, out: np.ndarray | None = None) -> np.ndarray:
        """(height, 160) uint8: the luminance of the screen, written into `out` if that is given."""
        luminance = np.floor(np.asarray(self._draw()) @ _LUMINANCE + 0.5)
        return _into(out, luminance.astype(np.uint8))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"`ale.{name}` is missing: a game of jaxenvs has no emulator of its own, only states. There are lives,"
            " getEpisodeFrameNumber, getFrameNumber, getScreenDims, getScreenRGB and getScreenGrayscale; fields of"
            " `AleEnv` set the rest, such as obs_type, mode and difficulty. `jaxenvs_ale_bridge.make_atari` does the"
            " usual preprocessing."
        )


def _into(out: np.ndarray | None, picture: np.ndarray) -> np.ndarray:
    if out is None:
        return picture.copy()
    out[...] = picture
    return out
