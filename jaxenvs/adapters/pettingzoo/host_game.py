"""HostGame: a game between two players that is stepped from the host. Both adapters for PettingZoo are built of it."""

import secrets
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.attributes import on_device
from jaxenvs.adapters._host_loop.batches import check_values, from_gymnasium_batch
from jaxenvs.adapters._host_loop.processes import check_process
from jaxenvs.adapters._host_loop.shared_programs import Shared
from jaxenvs.adapters._host_loop.single_programs import single_programs
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters._host_loop.window import Window
from jaxenvs.adapters.gymnasium.env import check_render_mode, metadata_of, text_of
from jaxenvs.adapters.gymnasium.errors import ClosedEnvironment, InvalidAction, InvalidSeed, ResetNeeded
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import unwrap, unwrap_state, wrappers_of
from jaxenvs.errors import InvalidAction as AnyInvalidAction
from jaxenvs.errors import InvalidField
from jaxenvs.games import Game
from jaxenvs.random import Key, key
from jaxenvs.wrappers.auto_reset import AutoReset
from jaxenvs.wrappers.time_limit import TimeLimit

AGENTS = ("player_0", "player_1")
"""PettingZoo's names of the players; the first one begins."""


class Seen(NamedTuple):
    """What both players know after a reset or a step, as NumPy arrays.

    Attributes:
        player: () int32, whose turn it is.
        legal: (num_actions,) bool, what that player may do.
        views: (2, rows, columns, channels) bool, the board as each player sees it.
        rewards: (2,) float32, the reward of each player.
        terminated: () bool, whether the game is over.
        truncated: () bool, whether a time limit has been reached.
    """

    player: Any
    legal: Any
    views: Any
    rewards: Any
    terminated: Any
    truncated: Any


class HostGame:
    """A game between two players, with internal state; what both adapters do in the same way.

    Attributes:
        env: the environment, with its leaves on the device.
        metadata: PettingZoo's `metadata`.
        render_mode: "human", "rgb_array", "ansi" or None.
        observation_spaces: the space of each player's dicts of `observation` and `action_mask`.
        action_spaces: the space of each player's actions.
        seen: what the players know; None before the first reset.
    """

    def __init__(
        self,
        adapter: str,
        env: str | Env[Any, Any],
        render_mode: str | None,
        max_episode_steps: int | None,
        fields: dict[str, Any],
    ) -> None:
        """Args: the adapter's name, for messages, and its arguments."""
        made = given_env(adapter, env, fields, max_episode_steps)
        _check_is_game(adapter, made)
        self._auto: AutoReset[Any] = on_device(AutoReset(made))
        self._programs = _SHARED.of(self._auto)
        self._actions: Any = made.action_space
        self.env: Env[Any, Any] = self._auto.env
        title = type(unwrap(made)).__name__
        name = env if isinstance(env, str) else title
        self.metadata: dict[str, Any] = {
            "name": name.replace("/", "_").replace("-", "_"),
            "is_parallelizable": False,
            **metadata_of(made),
        }
        self.render_mode = check_render_mode(made, render_mode)
        self.observation_spaces: dict[str, gymnasium.Space[Any]] = {agent: _observation_space(made) for agent in AGENTS}
        self.action_spaces = {agent: made.action_space.to_gymnasium() for agent in AGENTS}
        self.seen: Seen | None = None
        self._key: Key | None = None
        self._episodes = 0  # number of episodes that the key has begun
        self._state: Any = None
        self._closed = False
        self._title = title
        self._window = self._new_window()

    def reset(self, seed: int | None) -> Seen:
        """Begins a game; without a seed, the next one in the sequence of the last seed."""
        check_process()
        if seed is not None:
            if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
                raise InvalidSeed(f"A seed must be a non-negative integer, got {seed!r} of type {type(seed).__name__}.")
            self._key, self._episodes = key(int(seed) % 2**64), 0
        elif self._key is None:
            self._key = key(secrets.randbits(63))
        self._state, seen = self._programs.begin(self._auto, self._key, self._episodes)
        self._episodes, self._closed = self._episodes + 1, False
        return self._show(seen)

    def step(self, action: Any) -> Seen:
        """Plays the action of the player whose turn it is.

        Raises:
            InvalidAction: the action is not in the action space. Nothing has changed.
        """
        self._check_usable("step")
        try:
            element = from_gymnasium_batch(self._actions, action, None, "action")
            check_values(self._actions, element[None], np.ones(1, bool))
        except AnyInvalidAction as error:
            raise InvalidAction(f"{action!r} ({type(action)}) invalid: {error}") from error
        self._state, seen = self._programs.advance(self.env, self._state, element)
        return self._show(seen)

    def observation(self, agent: str, *, may_act: bool) -> dict[str, np.ndarray]:
        """What a player sees: fresh arrays, with a mask of zeros unless the player may act."""
        if self.seen is None:
            raise ResetNeeded("Cannot call env.observe() before calling env.reset()")
        mask = self.seen.legal.astype(np.int8) if may_act else np.zeros(self.seen.legal.shape, np.int8)
        return {"observation": np.array(self.seen.views[AGENTS.index(agent)]), "action_mask": mask}

    def render(self) -> Any:
        """The picture or the text of the position, by the render mode; None for "human" and None."""
        self._check_usable("render")
        if self.render_mode is None:
            gymnasium.logger.warn(
                "You are calling render method without specifying any render mode. Specify it when you make the"
                ' environment: render_mode="rgb_array".'
            )
        if self.render_mode == "ansi":
            return text_of(*jax.device_get((self.env, self._state)))
        return self._picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Closes the window, if there is one. A `reset` opens the environment again."""
        if self._window is not None:
            self._window.close()
        self._closed = True

    def _show(self, seen: Seen) -> Seen:
        self.seen = seen = to_host(seen)
        if self._window is not None:
            self._window.show(self._picture())
        return seen

    def _picture(self) -> np.ndarray:
        return np.array(single_programs(self._auto).draw(self.env, self._state))

    def _new_window(self) -> Window | None:
        return Window(self._title, self.metadata["render_fps"]) if self.render_mode == "human" else None

    def _check_usable(self, call: str) -> None:
        check_process()
        if self._closed:
            raise ClosedEnvironment(f"Cannot call env.{call}() after env.close(). Call env.reset() to go on.")
        if self._state is None:
            raise ResetNeeded(f"Cannot call env.{call}() before calling env.reset()")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_window", "_programs")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._programs = _SHARED.of(self._auto)
        self._window = self._new_window()


def _begin(auto: AutoReset[Any], game_key: Key, episode: Array | int) -> tuple[Any, Seen]:
    state, timestep = auto.begin_episode(game_key, jnp.asarray(episode, jnp.int32))
    return state.inner, _seen(auto.env, state.inner, timestep)


def _advance(env: Env[Any, Any], state: Any, action: Any) -> tuple[Any, Seen]:
    state, timestep = env.step(state, action)
    return state, _seen(env, state, timestep)


def _seen(env: Env[Any, Any], state: Any, timestep: TimeStep[Any]) -> Seen:
    base: Any = unwrap(env)
    game: Game[Any] = base.game
    position = unwrap_state(env, state).position
    return Seen(
        player=timestep.info["current_player"],
        legal=timestep.info["legal_action_mask"],
        views=jnp.stack([game.observe(position, jnp.asarray(player, jnp.int32)) for player in (0, 1)]),
        rewards=timestep.info["rewards"],
        terminated=timestep.terminated,
        truncated=timestep.truncated,
    )


class _Programs:
    """The programs that all games of the same structure share."""

    def __init__(self) -> None:
        # `partial` makes separate functions, so that JAX drops their programs with them.
        self.begin = jax.jit(partial(_begin))
        self.advance = jax.jit(partial(_advance))


_SHARED = Shared(_Programs)


def _check_is_game(adapter: str, env: Env[Any, Any]) -> None:
    base: Any = unwrap(env)
    name = type(base).__name__
    info = jax.eval_shape(env.reset, jax.eval_shape(lambda: key(0)))[1].info
    if not isinstance(getattr(base, "game", None), Game) or "current_player" not in info:
        takes = f'{adapter} takes a game between two players, such as "two_player/TicTacToe-v0", and {name}'
        if base.num_players > 1:
            raise InvalidField(
                f"{takes} is not played by the rules of a `jaxenvs.games.Game`, its field `game`. Write the rules as"
                " one, or use `GymnasiumEnv`, which shows it as one environment in which the players act in turn."
            )
        raise InvalidField(f"{takes} has one agent. Use `GymnasiumEnv` for it.")
    for wrapper in wrappers_of(env):
        if not isinstance(wrapper, TimeLimit):
            raise InvalidField(
                f"{adapter} shows each player the board as the game defines it, so {type(wrapper).__name__} around"
                f" {name} would have no effect. Pass the environment without it; only TimeLimit may be around it."
            )


def _observation_space(env: Env[Any, Any]) -> gymnasium.spaces.Dict:
    actions: Any = env.action_space
    mask = gymnasium.spaces.Box(0, 1, (actions.n,), np.int8)
    return gymnasium.spaces.Dict({"observation": env.observation_space.to_gymnasium(), "action_mask": mask})
