"""Session: one player's game. Its methods run in the worker's thread."""

import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap
from jaxenvs.errors import InvalidAction
from jaxenvs.play.action_names import Actions, Idle, actions_of, bindings_of
from jaxenvs.play.boards import board_of, choices_of
from jaxenvs.play.controls import describe, read
from jaxenvs.play.games import advance, begin, draw, summary
from jaxenvs.play.pictures import best_format, encode
from jaxenvs.play.readings import reading
from jaxenvs.play.recording import Recorder
from jaxenvs.random import key as make_key
from jaxenvs.spaces import Discrete

MOST_SEED = 2**32 - 1
"""The greatest seed."""

_ACTION_KEY = 2**31
"""The number folded into an episode's key for actions that are drawn at random."""


class Session:
    """One player's game of one environment: its state, and the figures of the episode.

    Episode n of a seed begins with the key `fold_in(key(seed), n)`, as AutoReset's does.

    Attributes:
        name: the environment's name on the page.
        idle: what happens while no key is down.
        done: whether the episode has ended.
        steps: the number of steps of the episode.
    """

    def __init__(self, name: str, env: Env[Any, Any], seed: int, recorder: Recorder | None = None) -> None:
        self.name = name
        self._start = self._env = env
        self._actions: Actions = actions_of(env)
        self.idle: Idle = self._actions.idle
        self._recorder = recorder
        self._space = env.action_space
        self._board = board_of(env)
        self._controls = describe(self._space, self._actions)
        self._draws_actions = '"random"' in json.dumps(self._controls)
        self._can_render = env.can_render
        self._format: Any = None
        self._problem: str | None = None
        self._last: dict[str, Any] | None = None
        self._seed, self._episode = seed, 0
        self.done, self.steps = False, 0
        self._begin()

    @property
    def is_turn_based(self) -> bool:
        """Whether the game waits for a key at each step."""
        return self.idle == "wait"

    def introduction(self) -> dict[str, Any]:
        """What the page must know to play: controls, keys and speed."""
        return {
            "type": "env",
            "id": self.name,
            "summary": summary(self._start),
            "controls": self._controls,
            "board": self._board.introduction() if self._board else None,
            "choices": choices_of(self._start),
            "bindings": [] if self._board else bindings_of(self._space, self._actions),
            "idle": self.idle,
            "idle_default": self._actions.idle,
            "frames_per_second": self._actions.frames_per_second or unwrap(self._env).frames_per_second,
            "can_render": self._can_render,
        }

    def compile(self) -> None:
        """Compiles the step and the picture, so that the first key press is not delayed."""
        action = self._space.sample(jax.random.fold_in(self._key, _ACTION_KEY))
        jax.block_until_ready(advance(self._env, self._state, jax.device_get(action)))
        self._picture()

    def reset(self, seed: int | None = None) -> None:
        """Begins the next episode of the seed, or the first of another one."""
        if seed is None:
            self._episode += 1
            if type(unwrap(self._env)).changes_between_episodes and self._recorder is None:
                self._env = self._env.after_episode(self._state)
        else:
            self._seed, self._episode, self._env = seed, 0, self._start
        self._begin()

    def step(self, value: Any) -> None:
        """Takes an action, as the page sent it; after the end of the episode, it does nothing.

        Raises:
            InvalidAction: it is not an action, or not a legal move on a board.
        """
        if self.done:
            return
        key = jax.random.fold_in(self._key, _ACTION_KEY + self.steps) if self._draws_actions else self._key
        action = read(self._space, value, key)
        if self._board is not None:
            self._board.check(int(action), jax.device_get(self._timestep.info))
        self._state, self._timestep = advance(self._env, self._state, action)
        timestep = self._timestep
        reward, terminated, truncated = jax.device_get((timestep.reward, timestep.terminated, timestep.truncated))
        self.steps += 1
        self._reward, self._action, self._value = float(reward), action, value
        self._return += self._reward
        self._terminated, self._truncated = bool(terminated), bool(truncated)
        self.done = self._terminated or self._truncated
        if self._recorder is not None:
            self._recorder.act(action)
        if self.done:
            self._last = {"return": _json(self._return), "length": self.steps, "terminated": self._terminated}
            if self._recorder is not None:
                self._recorder.end(self._return, self.steps, self._terminated, self._truncated)

    def idle_action(self) -> Any:
        """The action, as a JSON value, that is taken while no key is down; None to wait."""
        if self.idle == "repeat":
            return self._controls.get("rest") if self._value is None else self._value
        if self.idle == "in turn" and isinstance(self._space, Discrete):
            return self._space.start + self.steps % self._space.n
        return self.idle if isinstance(self.idle, int) else None

    def set_idle(self, idle: Any) -> None:
        """Changes what happens while no key is down.

        Raises:
            InvalidAction: it is neither `"wait"` nor `"repeat"` nor the environment's own choice.
        """
        if idle not in ("wait", "repeat", self._actions.idle):
            raise InvalidAction(f"While no key is down, the game can wait or repeat the last action, not {idle!r}.")
        self.idle = idle

    def view(self) -> tuple[dict[str, Any], bytes]:
        """The figures of the episode as a JSON object, and the encoded picture, empty if there is none."""
        picture = self._picture()
        timestep = jax.device_get(self._timestep)
        return {
            "seed": self._seed,
            "episode": self._episode,
            "step": self.steps,
            "return": _json(self._return),
            "reward": _json(self._reward),
            "terminated": self._terminated,
            "truncated": self._truncated,
            "action": reading(self._action) if self._action is not None else None,
            "observation": reading(timestep.observation),
            "info": reading(timestep.info),
            "legal": self._board.legal(timestep.info) if self._board else None,
            "caption": self._board.caption(self._state) if self._board else None,
            "last": self._last,
            "recorded": self._recorder.count if self._recorder is not None else None,
            "problem": self._problem,
            "mime": f"image/{self._format.lower()}" if picture else None,
        }, picture

    def close(self) -> None:
        """Ends the recording."""
        if self._recorder is not None:
            self._recorder.abandon()

    def _begin(self) -> None:
        self._key = jax.random.fold_in(make_key(self._seed), self._episode)
        self._state, self._timestep = begin(self._env, self._key)
        self.steps, self._return, self._reward = 0, 0.0, 0.0
        self.done = self._terminated = self._truncated = False
        self._action: Any = None
        self._value: Any = None
        if self._recorder is not None:
            self._recorder.begin(self._key)

    def _picture(self) -> bytes:
        if not self._can_render:
            return b""
        try:
            frame = np.asarray(draw(self._env, self._state))
        except Exception as error:  # noqa: BLE001  # such as a graphics library that is missing
            self._can_render, self._problem = False, f"No picture: {str(error).strip().splitlines()[0]}"
            return b""
        if self._format is None:
            self._format = best_format(frame)
        return encode(frame, self._format)


Opener = Callable[[str, int, dict[str, Any]], Session]
"""Makes the session of an environment's name, a seed, and values of fields that the player chose."""


def _json(value: float) -> float | str:
    """JSON has neither NaN nor infinity."""
    return value if np.isfinite(value) else str(value)
