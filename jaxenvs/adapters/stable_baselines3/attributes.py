"""Attributes and methods of the environments of a batch, as Stable-Baselines3 reads, sets and calls them."""

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from jaxenvs.adapters._host_loop.attributes import Method
from jaxenvs.adapters._host_loop.lanes import Lanes
from jaxenvs.adapters._host_loop.transfer import to_host
from jaxenvs.adapters.gymnasium.errors import ClosedEnvironment, ResetNeeded
from jaxenvs.adapters.stable_baselines3.infos import infos_of
from jaxenvs.adapters.stable_baselines3.spaces import ObservationForm, rows
from jaxenvs.core.checks import is_integer
from jaxenvs.core.env import Env
from jaxenvs.core.trees import tree_at
from jaxenvs.core.wrapper import unwrap, wrappers_of
from jaxenvs.errors import InvalidField
from jaxenvs.random import key

Indices = None | int | Iterable[int]
"""Indices of environments: None for all, one, or several."""

_MASKS = ("action_mask", "legal_action_mask")
"""The entries of `info` that say which actions are legal."""


class Attributes(VecEnv):
    """Mix-in for `StableBaselines3VecEnv`: `get_attr`, `set_attr`, `env_method` and `env_is_wrapped`."""

    num_envs: int
    _env: Env[Any, Any]
    _lanes: Lanes
    _closed: bool
    _info: dict[str, np.ndarray]
    _observations: ObservationForm
    _returns: np.ndarray

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """A field, property or method of some environments, such as "gravity"; or the methods "action_masks".

        "unwrapped" is the environment itself, whose fields can be read, and "state" its state. "np_random" is a
        generator of NumPy with the environment's seed, which the environment does not use.

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

        If there is no such field, the value is stored for each of the environments, where `get_attr` finds it.

        Raises:
            AttributeError: the name resembles that of a field, or the environment computes the attribute.
            InvalidField: the field cannot take the value.
            IndexError, InvalidField: an index is invalid.
        """
        lanes = self._chosen(indices)
        self._lanes.set_attribute(attr_name, [value] * len(lanes), lanes)

    def env_method(self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any) -> Any:
        """Calls a public method of some environments, such as "compute_reward", with unchanged arguments.

        "render" and "action_masks", which take no arguments, refer to the current states; "get_wrapper_attr",
        "has_wrapper_attr" and "set_wrapper_attr" work as in Gymnasium. "reset" begins an episode in these environments
        alone, with `seed` and `options`, and returns observation and info of each.

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
        if method_name == "reset":
            return self._reset_some(lanes, *method_args, **method_kwargs)
        if method_name == "set_wrapper_attr":
            return self._set_wrapper_attr(lanes, *method_args, **method_kwargs)
        if method_name == "has_wrapper_attr":
            return [self.has_attr(*method_args, **method_kwargs) for _ in lanes]
        if method_name == "get_wrapper_attr":
            return [self.get_attr(*method_args, **method_kwargs, indices=lane)[0] for lane in lanes]
        known = method_name not in ("step", "close") and self.has_attr(method_name)
        found = self._lanes.get_attribute(method_name, lanes) if known else []
        methods = [method for method in found if isinstance(method, Method)]
        if len(methods) < len(lanes):
            raise AttributeError(
                f"There is no method `{method_name}` to call: the environments are pure functions on the device."
                " Call `step` and `close` on the batch; use `get_attr` and `set_attr` for a field."
            )
        return [method(*method_args, **method_kwargs) for method in methods]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Indices = None) -> list[bool]:
        """Whether the environments are in a jaxenvs wrapper of this class, or of the name of this Gymnasium wrapper.

        `Monitor` counts as one, since the infos have its episode statistics.

        Raises:
            InvalidField: `wrapper_class` is not a class.
            IndexError, InvalidField: an index is invalid.
        """
        if not isinstance(wrapper_class, type):
            raise InvalidField(f"`wrapper_class` must be a class, got {wrapper_class!r}.")
        around, name = wrappers_of(self._env), wrapper_class.__name__
        wrapped = wrapper_class is Monitor or any(isinstance(wrapper, wrapper_class) for wrapper in around)
        if wrapper_class.__module__.startswith("gymnasium.wrappers."):
            wrapped = any(type(wrapper).__name__ == name for wrapper in around)
        return [wrapped for _ in self._chosen(indices)]

    def _reset_some(
        self, lanes: Sequence[int], *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> list[tuple[Any, dict[str, Any]]]:
        """Begins an episode in some environments."""
        self._check_open()
        mask = np.isin(np.arange(self.num_envs), lanes)
        seeds = [seed if chosen else None for chosen in mask.tolist()]
        output = self._lanes.reset(seeds, options, mask)
        self._returns[mask] = 0.0
        observation, self._info = to_host((output.observation, output.info))
        infos = infos_of(self._info, self.num_envs)
        for lane in lanes:
            self.reset_infos[lane] = infos[lane]
        seen = rows(self._observations.encode(tree_at(observation, np.asarray(lanes))))
        return [(one, dict(infos[lane])) for one, lane in zip(seen, lanes, strict=True)]

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
