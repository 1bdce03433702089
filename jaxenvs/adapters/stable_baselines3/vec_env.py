"""StableBaselines3VecEnv: a batch of environments behind `stable_baselines3.common.vec_env.VecEnv`."""

import time
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from jaxenvs.adapters._given_env import given_env
from jaxenvs.adapters._host_loop.attributes import Method
from jaxenvs.adapters._host_loop.lanes import FieldsBySetAttr, Lanes, Output, with_reset_options
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters.gymnasium.env import check_render_mode, metadata_of
from jaxenvs.adapters.gymnasium.errors import ClosedEnvironment, InvalidSeed, ResetNeeded
from jaxenvs.adapters.gymnasium.registration import spec_as_made
from jaxenvs.adapters.stable_baselines3.infos import infos_of, step_infos
from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, action_form
from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField, JaxenvsError
from jaxenvs.random import key
from jaxenvs.registration import spec

Indices = None | int | Iterable[int]
"""Indices of environments: None for all, one, or several."""


class StepOrderError(JaxenvsError, RuntimeError):
    """`step_async` during a step, or `step_wait` without one."""


_MASKS = ("action_mask", "legal_action_mask")
"""The entries of `info` that say which actions are legal."""


class StableBaselines3VecEnv(FieldsBySetAttr, VecEnv):
    """A batch of environments behind Stable-Baselines3's interface: one device call per step, NumPy out.

        PPO("MlpPolicy", StableBaselines3VecEnv("CartPole-v1", num_envs=256)).learn(1_000_000)
        SAC("MlpPolicy", StableBaselines3VecEnv(MyEnv(gravity=1.6), num_envs=16)).learn(100_000)

    It does the same as `DummyVecEnv` over `num_envs` instances of `Monitor(GymnasiumEnv(...))`, including infos:
    the step that ends an episode returns the first observation of the next, and the `info` of that lane has
    `terminal_observation`, `TimeLimit.truncated` (truncated but not terminated) and `episode` with the return
    `r`, the length `l` and the seconds `t` since this object was made. After `seed(s)`, which takes effect at
    the next reset, lane `i` begins as `GymnasiumEnv.reset(seed=s + i)`. Each call returns fresh arrays and
    infos, which belong to the caller.

    Spaces are converted to the forms that Stable-Baselines3's policies accept:

    | the environment's space              | observations here               | actions here  |
    |--------------------------------------|---------------------------------|---------------|
    | Box                                  | Box; of shape (1,) for ()       | the same      |
    | Discrete, from `start`               | Discrete from 0                 | the same      |
    | MultiDiscrete of any shape and start | MultiDiscrete, a vector from 0  | the same      |
    | MultiBinary of any shape             | MultiBinary, a vector           | the same      |
    | Tuple of Discretes (Blackjack-v1)    | MultiDiscrete, from 0           | the same      |
    | Dict; any other Tuple                | Dict of arrays, keys as "a/b/0" | not supported |
    | Text, Sequence, Graph                | not supported                   | not supported |

    `get_attr`, `set_attr` and `env_method` access the fields, properties and public methods of the environment
    and of the jaxenvs wrappers around it; a new value of a field holds from the next step on.

    If `info` has an `action_mask` or a `legal_action_mask`, `env_method("action_masks")` returns the masks for the next
    action, as sb3-contrib's `MaskablePPO` requires.

    Attributes:
        num_envs: number of environments.
        observation_space: of one environment, in the form above.
        action_space: of one environment, in the form above.
        render_mode: "rgb_array" or None.
        spec: Gymnasium's `EnvSpec` of the id, as `gymnasium.make` returns it; None if `env` is not an id.
        reset_infos: for each environment, the `info` of the start of its episode.
        metadata: `render_modes` and `render_fps`.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        num_envs: int = 1,
        *,
        seed: int | None = None,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **fields: Any,
    ) -> None:
        """Makes the batch; nothing is compiled yet.

        Args:
            env: an id, which is made with its time limit; or an environment, which is used unchanged.
            num_envs: number of environments.
            seed: argument of `seed` for the first reset; None for a random one.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            render_mode: "rgb_array" for `render` and `get_images`; `render("human")` then shows a
                window.
            **fields: values for fields of the environment; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `num_envs` or the render mode is invalid, or fields or a limit are given with an environment.
            InvalidSeed: see `seed`.
            InvalidSpace: Stable-Baselines3 has no equivalent of a space.
            WrapperOrderError: the environment resets itself, or keeps statistics across episodes.
        """
        name = type(self).__name__
        if render_mode not in (None, "rgb_array"):
            advice = ' `render("human")` shows a window then.' if render_mode == "human" else ""
            raise InvalidField(f'{name}: `render_mode` must be "rgb_array" or None, got {render_mode!r}.{advice}')
        known = spec(env) if isinstance(env, str) else None
        made = given_env(name, known or env, fields, max_episode_steps)
        check_render_mode(made, render_mode)
        self._env = made
        self.spec = spec_as_made(known, fields, max_episode_steps, render_mode) if known else None
        self._lanes = Lanes(made, num_envs, name)
        self._observations = ObservationForm.of(made.observation_space)
        self._actions = action_form(made.action_space)
        self.render_mode = render_mode
        super().__init__(self._lanes.num_envs, self._observations.space, self._actions.space)
        self.metadata = {
            "render_modes": ["human", "rgb_array"] if render_mode else [],
            "render_fps": metadata_of(made)["render_fps"],
        }
        self._made_at = time.time()
        self._info: dict[str, np.ndarray] = {}
        self._returns = np.zeros(self.num_envs)  # of the running episodes, in float64 as in Monitor
        self._pending: Output | None = None
        self._closed = False
        if seed is not None:
            self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds the next reset: environment `i` gets `seed + i`.

        Args:
            seed: a non-negative integer; None draws one from NumPy's global generator.

        Returns:
            The seed of each environment.

        Raises:
            InvalidSeed: `seed` is anything else.
        """
        if seed is not None and (not is_integer(seed) or seed < 0):
            raise InvalidSeed(f"A seed must be a non-negative integer or None, got {seed!r}.")
        return super().seed(seed if seed is None else int(seed))

    def set_options(self, options: list[dict[str, Any]] | dict[str, Any] | None = None) -> None:
        """Sets the task's reset options (`Env.reset_options`) for the episodes that the next `reset` begins.

        Args:
            options: one dict for all environments, or a list with one for each.

        Raises:
            InvalidField: a name resembles that of an option, the option cannot take the value, or the number of
                dicts is wrong.
        """
        each = options if isinstance(options, list | tuple) else [options or {}]
        if isinstance(options, list | tuple) and len(each) != self.num_envs:
            raise InvalidField(f"`options` must be one dict, or {self.num_envs}, one per environment; got {len(each)}.")
        for one in each:
            if not isinstance(one, dict):
                raise InvalidField(f"Reset options must be a dict, got {one!r} of type {type(one).__name__}.")
            with_reset_options(self._lanes.env, one)  # raises if it is invalid
        super().set_options(list(each) if isinstance(options, list | tuple) else options)

    def reset(self) -> Any:
        """Begins an episode in every environment, with the seeds and options set for it.

        Returns:
            The observations; `reset_infos` has the infos.

        Raises:
            ClosedEnvironment: `close` has been called.
        """
        self._check_open()
        self._pending = None
        output = self._begin()
        self._returns = np.zeros(self.num_envs)
        self._reset_seeds()
        self._reset_options()
        observation, self._info = to_host((output.observation, output.info))
        self.reset_infos = infos_of(self._info, self.num_envs)
        return self._observations.encode(observation)

    def step_async(self, actions: np.ndarray) -> None:
        """Starts a step in every environment; `step_wait` returns its outcome.

        Args:
            actions: (num_envs, ...), elements of `action_space`.

        Raises:
            InvalidAction: the number, shape or dtype is wrong, a float is NaN or an integer is out of range; also
                an `AssertionError`. No environment has moved.
            ResetNeeded: `reset` has not been called.
            StepOrderError: a step is already running.
            ClosedEnvironment: `close` has been called.
        """
        self._check_began("step")
        if self._pending is not None:
            raise StepOrderError("A step is already running. Call `step_wait` first.")
        self._pending = self._lanes.step(self._actions.decode(actions, self.num_envs), "same_step")

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """The outcome of the step that `step_async` started.

        Returns:
            Observations, rewards (num_envs,) float32, dones (num_envs,) bool, and a list of infos.

        Raises:
            StepOrderError: no step is running.
            ClosedEnvironment: `close` has been called.
        """
        self._check_open()
        if self._pending is None:
            raise StepOrderError("No step is running. Call `step_async` first, or `step` for both.")
        pending, self._pending = self._pending, None
        output: Any = to_host(pending)
        self._info = output.info
        dones = output.terminated | output.truncated
        self._returns += output.reward
        seconds = round(time.time() - self._made_at, 6)
        infos, reset_infos = step_infos(output, dones, self._returns, self._observations, seconds)
        self._returns[dones] = 0.0
        for lane, info in reset_infos.items():
            self.reset_infos[lane] = info
        return self._observations.encode(output.observation), np.array(output.reward), dones, infos

    def close(self) -> None:
        """Ends a recording, and makes later calls raise an error; the arrays are freed with the object."""
        self._closed, self._pending = True, None
        self._lanes.end_recording()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """A picture of each environment, (height, width, 3) uint8; a warning and Nones without a render mode.

        Raises:
            ResetNeeded: `reset` has not been called.
            ClosedEnvironment: `close` has been called.
        """
        self._check_began("render")
        if self.render_mode is None:
            warnings.warn(f'Make the {type(self).__name__} with render_mode="rgb_array" to see images.', stacklevel=2)
            return [None] * self.num_envs
        return list(np.array(to_host(self._lanes.render())))

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """A field, property or method of some environments, such as "gravity"; or the methods "action_masks".

        "unwrapped" is the environment itself, whose fields can be read, and "state" its state.

        Raises:
            AttributeError: there is no such attribute; the message lists the fields.
            IndexError, InvalidField: an index is invalid.
        """
        lanes = self._chosen(indices)
        if attr_name in ("observation_space", "action_space", "render_mode", "metadata", "spec"):
            return [getattr(self, attr_name)] * len(lanes)
        if attr_name == "np_random_seed":
            return [self._lanes.seeds[lane] if self._lanes.seeds else None for lane in lanes]
        if attr_name == "action_masks":
            self._check_masks()
            return [partial(self._action_mask, lane) for lane in lanes]
        return self._lanes.get_attribute(attr_name, lanes)

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Sets a field of some environments; a field that is part of the program can only be set for all of them.

        Raises:
            AttributeError: there is no such field.
            InvalidField: the field cannot take the value.
            IndexError, InvalidField: an index is invalid.
        """
        lanes = self._chosen(indices)
        self._lanes.set_attribute(attr_name, [value] * len(lanes), lanes)

    def env_method(self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any) -> Any:
        """Calls a public method of some environments, such as "compute_reward", with unchanged arguments.

        "render" and "action_masks", which take no arguments, refer to the current states; "get_wrapper_attr",
        "has_wrapper_attr" and "set_wrapper_attr" work as in Gymnasium.

        Returns:
            For each environment, the result of the method, with NumPy arrays in place of JAX arrays; a picture; or
            a mask for the next action, (entries,) bool.

        Raises:
            AttributeError: there is no such method, or no `action_mask` in the environment's `info`.
            InvalidField: the method does not take the arguments.
            ResetNeeded: "render" or "action_masks" is called before the first reset.
            IndexError, InvalidField: an index is invalid.
        """
        lanes = self._chosen(indices)
        if method_name in ("action_masks", "render"):
            if method_args or method_kwargs:
                raise InvalidField(f"`{method_name}` takes no arguments.")
            if method_name == "action_masks":
                self._check_masks()
                return [self._action_mask(lane) for lane in lanes]
            images = self.get_images()
            return [images[lane] for lane in lanes]
        if method_name == "set_wrapper_attr":
            return self._set_wrapper_attr(lanes, *method_args, **method_kwargs)
        if method_name == "has_wrapper_attr":
            return [self.has_attr(*method_args, **method_kwargs) for _ in lanes]
        if method_name == "get_wrapper_attr":
            return [self.get_attr(*method_args, **method_kwargs, indices=lane)[0] for lane in lanes]
        known = method_name not in ("reset", "step") and self.has_attr(method_name)
        found = self._lanes.get_attribute(method_name, lanes) if known else []
        methods = [method for method in found if isinstance(method, Method)]
        if len(methods) < len(lanes):
            raise AttributeError(
                f"There is no method `{method_name}` to call: the environments are pure functions on the device."
                " Call `reset` and `step` on the batch; use `get_attr` and `set_attr` for a field."
            )
        return [method(*method_args, **method_kwargs) for method in methods]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Indices = None) -> list[bool]:
        """Whether the environments are in a jaxenvs wrapper of this class.

        `Monitor` counts as one, since the infos have its episode statistics; other Gymnasium wrappers do not.

        Raises:
            InvalidField: `wrapper_class` is not a class.
            IndexError, InvalidField: an index is invalid.
        """
        if not isinstance(wrapper_class, type):
            raise InvalidField(f"`wrapper_class` must be a class, got {wrapper_class!r}.")
        wrapped = wrapper_class is Monitor or any(isinstance(w, wrapper_class) for w in wrappers_of(self._env))
        return [wrapped for _ in self._chosen(indices)]

    def _set_wrapper_attr(self, lanes: Sequence[int], name: str, value: Any, *, force: bool = True) -> list[bool]:
        is_set = force or self.has_attr(name)
        if is_set:
            self.set_attr(name, value, lanes)
        return [is_set for _ in lanes]

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedEnvironment(f"This {type(self).__name__} is closed. Make a new one.")

    def _check_began(self, call: str) -> None:
        self._check_open()
        if not self._lanes.began:
            raise ResetNeeded(f"Cannot call env.{call}() before calling env.reset()")

    def _chosen(self, indices: Indices) -> Sequence[int]:
        """The lanes that `indices` refers to; -1 is the last, as in a list."""
        if indices is None:
            return range(self.num_envs)
        chosen = list(indices) if isinstance(indices, Iterable) else [indices]
        for index in chosen:
            if not is_integer(index):
                raise InvalidField(f"`indices` must be None, an integer or integers, got {indices!r}.")
            if not -self.num_envs <= index < self.num_envs:
                raise IndexError(f"There is no environment {index}: there are {self.num_envs}, from 0 on.")
        return [int(index) % self.num_envs for index in chosen]

    def _begin(self) -> Output:
        """Begins all episodes; lanes with the same options are reset together."""
        groups: list[tuple[dict[str, Any], np.ndarray]] = []
        for lane, options in enumerate(self._options):
            mask = next((mask for others, mask in groups if others == options), None)
            if mask is None:
                groups.append((options, mask := np.zeros(self.num_envs, bool)))
            mask[lane] = True
        (options, mask), *others = groups
        output = self._lanes.reset(self._seeds, options, mask if others and self._lanes.began else None)
        for options, mask in others:
            seeds = [seed if chosen else None for seed, chosen in zip(self._seeds, mask, strict=True)]
            output = self._lanes.reset(seeds, options, mask)
        return output

    @cached_property
    def _mask_name(self) -> str | None:
        """The entry of `info` with the mask of legal actions, if there is one."""
        _, timestep = jax.eval_shape(self._env.reset, key(0))
        return next((name for name in _MASKS if name in timestep.info), None)

    def _check_masks(self) -> str:
        """The entry of `info` with the mask.

        Raises:
            AttributeError: there is none.
        """
        if self._mask_name is None:
            name = type(unwrap(self._env)).__name__
            raise AttributeError(f"{name} has no `action_masks`: its info has no `action_mask`.")
        return self._mask_name

    def _action_mask(self, lane: int) -> np.ndarray:
        self._check_began("action_masks")
        return np.array(self._info[self._check_masks()][lane], bool).ravel()
