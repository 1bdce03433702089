"""GymnasiumEnv: an environment behind `gymnasium.Env`."""

import dataclasses
from typing import Any, TypeAlias

import gymnasium
import jax
import numpy as np

from jaxenvs import errors
from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._gymnasium_state import (
    read,
    reader_of,
    set_state,
    state_from,
    takes_positions,
    with_base_state,
    writer_of,
)
from jaxenvs.adapters._host_loop.attributes import Declared
from jaxenvs.adapters._host_loop.batches import check_values, from_gymnasium_batch, to_info_value
from jaxenvs.adapters._host_loop.lane_attributes import same_form
from jaxenvs.adapters._host_loop.lanes import with_reset_options
from jaxenvs.adapters._host_loop.processes import check_process, is_async_worker, is_forked
from jaxenvs.adapters._host_loop.single_programs import SinglePrograms, single_programs, to_go_on_from
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters._host_loop.window import Window
from jaxenvs.adapters.gymnasium.errors import ClosedEnvironment, InvalidAction, ResetNeeded
from jaxenvs.adapters.gymnasium.mujoco_model import WritableModel
from jaxenvs.adapters.gymnasium.wrappers_around import refuse_fields_on_wrappers
from jaxenvs.core.env import Env, RendersText
from jaxenvs.core.wrapper import unwrap, unwrap_state
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, key
from jaxenvs.wrappers.auto_reset import AutoReset


class GymnasiumEnv(gymnasium.Env[Any, Any]):
    """An environment behind Gymnasium's interface, with NumPy arrays, Python numbers and internal state.

        gymnasium.make("jaxenvs/CartPole-v1", render_mode="rgb_array")   # in Gymnasium's TimeLimit
        gymnasium.make("jaxenvs/MinAtar-Breakout-v1")                    # `spec(id).gymnasium_id` of every id
        GymnasiumEnv(MyEnv(gravity=1.6))                                 # as it is

    The randomness of an episode comes from a key, and the key from the seed: the first `reset(seed=s)` begins
    the same episode as `AutoReset(env).reset(jaxenvs.random.key(s))`, and each later `reset()` the next episode
    that AutoReset would begin. `np_random` is seeded as Gymnasium prescribes, and only used to draw a seed if
    none is given.

    An action that is not an element of a discrete space raises an error and changes nothing. A float outside
    the bounds of a Box is passed to the environment, which clips it or defines its meaning, as Gymnasium's own
    environments do. All instances of a task share compiled programs.

    The fields, public properties and methods of the environment, and of jaxenvs wrappers around it, are
    attributes:

        env.unwrapped.gravity                            # 9.8, as declared or set
        env.unwrapped.gravity = 1.6                      # holds from the next step on
        env.set_wrapper_attr("gravity", 1.6)             # the same, through Gymnasium's wrappers
        env.get_wrapper_attr("compute_reward")(achieved, desired, info)

    Only values change, so nothing is recompiled, except for static fields, such as `is_slippery`. Setting a
    field that changes the form of the state ends the episode. Gymnasium's names for the fields of classic
    control (`masscart`, `g`) work as well. Any other attribute is stored as on any Python object, unless its
    name resembles that of a field, or the environment computes it.

    As with Gymnasium's own environments, `env.gravity = 1.6` on a wrapper has no effect here, nor has the
    `set_attr` of Stable-Baselines3's DummyVecEnv, which does the same. The next `reset` raises an error. Use
    `env_method("set_wrapper_attr", "gravity", 1.6)` there.

    Attributes:
        metadata: `render_modes` and `render_fps` of this environment.
        render_mode: "rgb_array", "ansi", "human" or None. `gymnasium.make` adds "rgb_array_list".
    """

    # `gymnasium.make` reads this before it makes an environment; each instance then has its own.
    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array", "ansi"], "render_fps": 30}  # noqa: RUF012  # as Gymnasium declares it

    def __init__(self, env: str | Env[Any, Any], *, render_mode: str | None = None, **fields: Any) -> None:
        """Makes the environment; nothing is compiled yet.

        Args:
            env: an id, which is made without its time limit, since Gymnasium adds one itself; or an
                environment, which is used unchanged.
            render_mode: what `render` returns. "human" opens a window at the first reset.
            **fields: values for fields of the environment, such as `gravity=1.6`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: the render mode is unknown, or fields are given with an environment.
            WrapperOrderError: the environment resets itself.
            DependencyNotInstalled: "human" needs pygame, which is missing.
        """
        if is_forked() and is_async_worker() and _last_made is not None:
            self._stand_in(_last_made, render_mode)
            return
        made = given_env(type(self).__name__, env, fields, max_episode_steps=-1 if isinstance(env, str) else None)
        self._declared = Declared(AutoReset(made), 1)
        self._fields = frozenset(self._declared.names())
        self._programs: SinglePrograms = single_programs(self._declared.common)
        self._space = made.observation_space
        self._actions = made.action_space
        self.observation_space = self._space.to_gymnasium()
        self.action_space = self._actions.to_gymnasium()
        self.metadata = metadata_of(made)
        _remember(self.observation_space, self.action_space, self.metadata)
        self.render_mode = check_render_mode(made, render_mode)
        self._key: Key | None = None
        self._episodes = 0  # number of episodes that the key has begun
        self._state: Any = None
        self._closed = False
        self._departed = False  # whether the state was set since the last reset
        self._model: WritableModel | None = None
        self._title = type(unwrap(made)).__name__
        self._window = Window(self._title, self.metadata["render_fps"]) if render_mode == "human" else None

    @property
    def _auto(self) -> AutoReset[Any]:
        return self._declared.device

    @property
    def env(self) -> Env[Any, Any]:
        """The environment, which has no internal state, with its leaves on the device."""
        return self._auto.env

    @property
    def state(self) -> Any:
        """The state of `env`, a pytree; None before the first reset. Set it to continue from another state.

        `env.unwrapped.state = env.unwrapped.state.replace(theta=0.1)` changes a part of it. In classic control it can
        be read and set like Gymnasium's array as well.
        """
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        if self._state is None:
            raise ResetNeeded("Cannot set `state` before calling env.reset()")
        state = state_from(self._state, state)
        if jax.tree.structure(state) != jax.tree.structure(self._state):
            change = ""
            if dataclasses.is_dataclass(self._state):
                change = f" To change a part: `state.replace({dataclasses.fields(self._state)[0].name}=value)`."
            raise InvalidField(
                f"`state` must be a state of this environment, a {type(self._state).__name__}, got"
                f" {type(state).__name__}.{change}"
            )
        self._put(state)

    def _put(self, state: Any) -> None:
        """Goes on from a state to which the key of the episode and its actions do not lead."""
        self._state, self._departed = state, True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode.

        Args:
            seed: seed of this episode and those after it; None to continue the current sequence.
            options: Gymnasium's reset options of the task (`Env.reset_options`), for this episode only. Others
                are ignored, as in Gymnasium's environments.

        Returns:
            The observation and `info`.

        Raises:
            InvalidField: a name resembles that of an option, or the option cannot take the value; or a field was
                set on a wrapper around this environment, where it has no effect.
        """
        check_process()
        self._adopt_model()
        refuse_fields_on_wrappers(self, self._fields)
        auto = with_reset_options(self._auto, options)
        super().reset(seed=seed)
        ended = to_go_on_from(auto, self._state)
        if seed is not None:
            self._key, self._episodes, ended = key(int(seed) % 2**64), 0, None
        elif self._key is None:
            self._key = key(int(self.np_random.integers(2**63)))
        state, seen = self._programs.begin_episode(auto, self._key, self._episodes, ended)
        self._episodes, self._state, self._closed, self._departed = self._episodes + 1, state.inner, False, False
        observation, info = to_host(seen)
        self._show()
        return self._space.element_to_gymnasium(observation), _info(info)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Applies one action.

        Returns:
            The observation, reward, `terminated`, `truncated` and `info`.

        Raises:
            InvalidAction: the action is invalid; also an `AssertionError`, as in Gymnasium. Nothing has changed.
            ResetNeeded: `reset` has not been called.
            ClosedEnvironment: `close` has been called.
        """
        self._check_usable("step")
        self._adopt_model()
        self._state, timestep = self._programs.advance(self._auto.env, self._state, self._checked(action))
        timestep = to_host(timestep)
        self._show()
        return (
            self._space.element_to_gymnasium(timestep.observation),
            float(timestep.reward),
            bool(timestep.terminated),
            bool(timestep.truncated),
            _info(timestep.info),
        )

    def render(self) -> Any:
        """The picture of the state: (height, width, 3) uint8, text for "ansi", or None for "human" and None.

        Raises:
            ResetNeeded: `reset` has not been called.
        """
        self._check_usable("render")
        if self.render_mode is None:
            gymnasium.logger.warn(
                "You are calling render method without specifying any render mode. You can specify the render_mode at"
                f' initialization, e.g. gym.make("{self.spec.id if self.spec else self._title}",'
                ' render_mode="rgb_array")'
            )
            return None
        if self.render_mode == "ansi":
            return text_of(*jax.device_get((self._auto.env, self._state)))
        return np.array(self._programs.draw(self._auto.env, self._state)) if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Closes the window, if there is one. A `reset` opens the environment again."""
        if self._window is not None:
            self._window.close()
        self._closed = True

    def _show(self) -> None:
        if self._window is not None:
            self._window.show(np.asarray(self._programs.draw(self._auto.env, self._state)))

    def _check_usable(self, call: str) -> None:
        check_process()
        if self._closed:
            raise ClosedEnvironment(f"Cannot call env.{call}() after env.close(). Call env.reset() to go on.")
        if self._state is None:
            raise ResetNeeded(f"Cannot call env.{call}() before calling env.reset()")

    def _checked(self, action: Any) -> Any:
        try:
            element = from_gymnasium_batch(self._actions, action, None, "action")
            check_values(self._actions, jax.tree.map(lambda leaf: leaf[None], element), np.ones(1, bool))
        except errors.InvalidAction as error:
            raise InvalidAction(f"{action!r} ({type(action)}) invalid: {error}") from error
        return element

    def set_wrapper_attr(self, name: str, value: Any, *, force: bool = True) -> bool:
        """Sets an attribute, as `env.unwrapped.name = value` does.

        Args:
            name: name of a field or of another attribute.
            value: its new value.
            force: whether to create the attribute if it does not exist.

        Returns:
            Whether it was set; False only if it does not exist and `force` is False.

        Raises:
            AttributeError: the name resembles that of a field, or the environment computes the attribute.
            InvalidField: the field cannot take the value.
        """
        if not force and not hasattr(self, name):
            self._check_storable(name)
            return False
        setattr(self, name, value)
        return True

    def __getattr__(self, name: str) -> Any:
        # Python calls this for names it does not find elsewhere; while copying, also before any attribute is set.
        if name == "_get_obs" and self.__dict__.get("_state") is not None and self.env.can_observe:
            return self._observe  # which scripts for Gymnasium's robots call after `set_state`
        if name.startswith("_") or "_declared" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if hasattr(type(self), name):
            return object.__getattribute__(self, name)  # a property raised an AttributeError: show that one
        declared = self._declared.lane(0).env
        if name == "model" and reader_of(unwrap(declared), name):
            self._model = self._model or WritableModel()
            return self._model.get(unwrap(declared))
        if reader_of(unwrap(declared), name):
            return read(declared, name, self._state)
        if name == "set_state" and takes_positions(unwrap(declared)):
            return self._set_positions
        return self._declared.get(name, (0,))[0]

    def _adopt_model(self) -> None:
        """Takes over what was written to MuJoCo's model."""
        if self._model is not None:
            self._model.adopt(unwrap(self._declared.lane(0).env), self._set_parameters)

    def _set_parameters(self, parameters: Any) -> Any:
        self._takes("parameters", parameters)
        base: Any = unwrap(self._declared.lane(0).env)
        return base.parameters

    def _observe(self) -> Any:
        """The observation of the current state."""
        return self._space.element_to_gymnasium(to_host(self.env.observe(self._state)))

    def _set_positions(self, qpos: Any, qvel: Any) -> None:
        """Sets the positions and velocities of a robot of MuJoCo; the time stays."""
        self._check_usable("set_state")
        self._put(with_base_state(self.env, self._state, lambda base, state: set_state(base, state, qpos, qvel)))

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or "_window" not in self.__dict__:  # until the end of `__init__`
            object.__setattr__(self, name, value)
        elif name in ("observation_space", "action_space"):
            raise AttributeError(f"`{name}` cannot be set: the environment computes it. Use a wrapper to replace it.")
        elif name in self.__dict__ or hasattr(type(self), name) or not self._takes(name, value):
            object.__setattr__(self, name, value)

    def _takes(self, name: str, value: Any) -> bool:
        """Sets a field, and returns whether `name` is one."""
        if not self._declared.has_field(name):
            return self._takes_as_gymnasium(name, value)
        if self._declared.set(name, [value], (0,)):
            self._programs = single_programs(self._declared.common)
            if self._state is not None:
                auto = self._auto
                fresh = jax.eval_shape(lambda: self._programs.begin_episode(auto, self._key, 0)[0].inner)
                if not same_form(fresh, self._state):
                    self._state = None
        return True

    def _takes_as_gymnasium(self, name: str, value: Any) -> bool:
        """Sets an attribute of Gymnasium's twin that belongs to the state, and returns whether `name` is one."""
        base = unwrap(self._declared.lane(0).env)
        if writer := writer_of(base, name):
            if self._state is None:
                raise ResetNeeded(f"Cannot set `{name}` before calling env.reset()")
            self._put(with_base_state(self.env, self._state, lambda base, state: writer(base, state, value)))
            return True
        if self._declared.is_computed_as(name, value):
            return True
        self._check_storable(name)
        return False

    def _check_storable(self, name: str) -> None:
        if "_declared" in self.__dict__:
            self._declared.check_storable(name)

    def _stand_in(self, made: "_Made", render_mode: str | None) -> None:
        """Makes a stand-in that has spaces and raises `ForkedProcess` when it is reset; see `is_async_worker`."""
        self.observation_space, self.action_space, self.metadata = made
        self.render_mode = render_mode
        self._closed, self._window = False, None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_window", "_programs", "_model")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _window=None, _model=None)
        self._programs = single_programs(self._declared.common)
        if self.render_mode == "human":
            self._window = Window(self._title, self.metadata["render_fps"])


_Made: TypeAlias = tuple[gymnasium.Space[Any], gymnasium.Space[Any], dict[str, Any]]

_last_made: _Made | None = None
"""The attributes of the last environment made by this process, or by the process that it was forked from."""


def _remember(*made: Any) -> None:
    global _last_made
    _last_made = made


def metadata_of(env: Env[Any, Any]) -> dict[str, Any]:
    """Gymnasium's `metadata` of an environment: its render modes and its frame rate."""
    text = ["ansi"] if isinstance(unwrap(env), RendersText) else []
    pictures = ["human", "rgb_array"] if env.can_render else []
    return {"render_modes": [*pictures, *text], "render_fps": type(unwrap(env)).frames_per_second}


def text_of(env: Env[Any, Any], state: Any) -> str:
    """The state as text, for an environment with the render mode "ansi"."""
    base: Any = unwrap(env)
    return base.render_text(unwrap_state(env, state))


def check_render_mode(env: Env[Any, Any], render_mode: str | None) -> str | None:
    """Returns the mode, or raises `InvalidField` if the environment does not have it."""
    modes = metadata_of(env)["render_modes"]
    if render_mode is not None and render_mode not in modes:
        listed = ", ".join(f'"{mode}"' for mode in modes) + " and " * bool(modes) + "None"
        advice = " `gymnasium.make` collects frames in a list." if str(render_mode).endswith("_list") else ""
        raise InvalidField(f"{type(unwrap(env)).__name__} has no render mode {render_mode!r}. It has {listed}.{advice}")
    return render_mode


def _info(info: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: to_info_value(np.asarray(value)) for name, value in info.items()}
