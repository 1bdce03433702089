"""Lanes: a batch of environments on the device, stepped from the host one call at a time.

The vector adapters share it. Everything that an environment does runs in jitted functions that take the
environment as an argument, so adapters of the same task share their programs.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.adapters._host_loop.attributes import Declared, plain
from jaxenvs.adapters._host_loop.lane_attributes import LaneAttributes
from jaxenvs.adapters._host_loop.lane_programs import Mode as Mode
from jaxenvs.adapters._host_loop.lane_programs import Output as Output
from jaxenvs.adapters._host_loop.lane_programs import choose, lane_programs
from jaxenvs.adapters._host_loop.processes import check_process
from jaxenvs.core.checks import check_integer, is_integer
from jaxenvs.core.env import Env
from jaxenvs.core.wrapper import rewrap, unwrap
from jaxenvs.errors import InvalidField, did_you_mean
from jaxenvs.random import Key, keys
from jaxenvs.wrappers.auto_reset import AutoReset

if TYPE_CHECKING:
    from jaxenvs.adapters._host_loop.lane_recorder import LaneRecorder


def lane_seeds(seed: Any, num_envs: int) -> Sequence[int | None]:
    """The seed of each lane: `seed + i` for an integer, or the given seeds.

    Raises:
        InvalidField: `seed` is not a non-negative integer, None or `num_envs` of them.
    """
    if seed is None:
        return [None] * num_envs
    if is_integer(seed):
        seed = [int(seed) + lane for lane in range(num_envs)]
    seeds = list(seed) if isinstance(seed, list | tuple | np.ndarray) else [seed]
    for one in seeds:
        if one is not None and (not is_integer(one) or one < 0):
            raise InvalidField(f"A seed must be a non-negative integer or None, got {one!r}.")
    if len(seeds) != num_envs:
        raise InvalidField(
            f"If seeds are passed as a list the length must match num_envs={num_envs} but got length={len(seeds)}."
        )
    return seeds


def lane_values(values: Any, num_envs: int) -> list[Any]:
    """The value of an attribute for each lane: the items of a list or tuple, or else the same value for all.

    Raises:
        ValueError: the number of values is wrong.
    """
    each = list(values) if isinstance(values, list | tuple) else [values] * num_envs
    if len(each) != num_envs:
        raise ValueError(
            "Values must be a list or tuple with length equal to the number of environments."
            f" Got `{len(each)}` values for {num_envs} environments."
        )
    return each


class Lanes(LaneAttributes):
    """A batch of environments on the device, stepped from the host.

    Attributes:
        env: the environment; leaves that `set_attribute` set for single lanes have a leading axis.
        num_envs: number of lanes.
        recorder: what records the episodes, a `LaneRecorder`; None if they are not recorded.
    """

    def __init__(self, env: Env[Any, Any], num_envs: int, adapter: str) -> None:
        """Args: the environment from `given_env`, the number of lanes, and the name of the adapter for messages.

        Raises:
            InvalidField: `num_envs` is not a positive integer.
        """
        check_integer(adapter, "num_envs", num_envs)
        self.num_envs = int(num_envs)
        self._declared = Declared(AutoReset(env), self.num_envs)
        self._programs = lane_programs(self._declared.common)
        self._state: Any = None  # a LanesState after the first reset
        self._seen: Any = None
        self.seeds: tuple[int, ...] = ()  # the seed of each lane's randomness
        self.recorder: LaneRecorder | None = None
        self._stored, self._generators = {}, {}

    def __getstate__(self) -> dict[str, Any]:
        # A copy is another environment, which nobody has asked to record.
        return {**{name: value for name, value in self.__dict__.items() if name != "_programs"}, "recorder": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._programs = lane_programs(self._declared.common)

    @property
    def env(self) -> Env[Any, Any]:
        """The environment that the lanes share; leaves that differ by lane have a leading axis."""
        return self._declared.device.env

    @property
    def began(self) -> bool:
        """Whether the first reset has been called."""
        return self._state is not None

    def reset(
        self,
        seeds: Sequence[int | None],
        options: dict[str, Any] | None = None,
        mask: np.ndarray | None = None,
    ) -> Output:
        """Begins an episode in every lane, or in some of them.

        Args:
            seeds: for each lane a seed for `jaxenvs.random.key`, or None to continue with its own key.
            options: values for `Env.reset_options`, for these episodes only.
            mask: (num_envs,) bool, the lanes to reset; None for all.

        Returns:
            The output of all lanes; for those that were not reset, their last output.
        """
        check_process()
        auto, axes = with_reset_options(self._declared.device, options), self._declared.axes
        mask = np.ones(self.num_envs, bool) if mask is None else mask
        everywhere = bool(mask.all())
        if self._state is None:
            if not everywhere:
                raise InvalidField("The first reset must begin all environments: leave out `reset_mask` once.")
            entropy = np.random.SeedSequence().generate_state(self.num_envs, np.uint64).tolist()
            seeds = [fresh if seed is None else seed for seed, fresh in zip(seeds, entropy, strict=True)]
        lane_keys, episodes = self._sequences(seeds)
        ended = None
        if self._state is not None and type(unwrap(auto)).changes_between_episodes:
            ended = self._state.env.inner, jnp.asarray([seed is None for seed in seeds])
        if everywhere:
            self._state, output = self._programs.start(auto, axes, lane_keys, episodes, ended)
        else:
            where = jnp.asarray(mask)
            self._state, output = self._programs.restart(
                auto, axes, self._state, self._seen, where, lane_keys, episodes, ended
            )
        self._seen = (output.observation, output.info)
        before = self.seeds or (0,) * self.num_envs
        self.seeds = tuple(
            int(new) if new is not None and is_reset else old
            for old, new, is_reset in zip(before, seeds, mask.tolist(), strict=True)
        )
        if self.recorder is not None:
            self.recorder.begin(mask, plain=not options)
        return output

    def end_recording(self) -> None:
        """Writes the last episodes, if they are recorded."""
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None

    def declared_env(self) -> Env[Any, Any]:
        """The environment of a lane, with its fields as declared."""
        return self._declared.lane(0).env

    def is_as_declared(self) -> bool:
        """Whether no field of any lane has been set."""
        return self._declared.is_as_declared

    def sequences(self) -> tuple[Key, Array]:
        """(num_envs,) keys from which the lanes' episodes begin, and (num_envs,) int32 numbers of the current ones."""
        return self._state.env.key, self._state.env.episodes - 1

    def _sequences(self, seeds: Sequence[int | None]) -> tuple[Key, Array]:
        """(num_envs,) keys and numbers of the next episodes: a new sequence if a lane has a seed, else its own."""
        seeded = np.array([seed is not None for seed in seeds])
        if not seeded.any():
            return self._state.env.key, self._state.env.episodes
        fresh = keys([0 if seed is None else int(seed) % 2**64 for seed in seeds])
        first = jnp.zeros(self.num_envs, jnp.int32)
        if seeded.all():
            return fresh, first
        own = self._state.env
        return choose(jnp.asarray(seeded), (fresh, first), (own.key, own.episodes))

    def step(self, actions: Any, mode: Mode) -> Output:
        """Steps every lane.

        The call may return before the step is computed; until then the memory of the actions is still read.

        Args:
            actions: (num_envs, ...) NumPy or JAX arrays of the action space's dtypes.
            mode: when the next episode begins.
        """
        check_process()
        self._state, output = self._programs.step(
            self._declared.device, self._declared.axes, self._state, actions, mode
        )
        self._seen = (output.observation, output.info)
        if self.recorder is not None:
            self.recorder.step(actions, output.reward, output.terminated, output.truncated, mode)
        return output

    def render(self) -> Array:
        """(num_envs, height, width, 3) uint8: a picture of each lane."""
        return self._programs.render(self.env, self._declared.axes, self._state.env.inner)


class FieldsBySetAttr:
    """Mix-in for adapters whose attribute `_lanes` is a `Lanes`: setting a field as an attribute of the adapter raises.

    It would have no effect, since the fields belong to the environments.
    """

    @property
    def envs(self) -> NoReturn:
        """Raises an AttributeError that says what there is in place of a list of environments."""
        raise AttributeError(
            "There is no list `envs`, since the environments are one batch on the device. `get_attr` and `set_attr`"
            ' reach each of them: `get_attr("gravity")`, `get_attr("state")`.'
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in self.__dict__ and not hasattr(type(self), name):
            lanes = self.__dict__.get("_lanes")
            if lanes is not None and lanes.has_field(name):
                raise AttributeError(
                    f"`{name}` is a field of the environments: set it with `set_attr({name!r}, {value!r})`."
                )
        super().__setattr__(name, value)


class SetAttr(FieldsBySetAttr):
    """Mix-in for adapters with `_lanes` and `num_envs`: the `set_attr` of Gymnasium's vector environments."""

    num_envs: int
    _lanes: Lanes

    def set_attr(self, name: str, values: Any) -> None:
        """Sets a field from the next step on: one value for all environments, or a list or tuple with one for each.

        Raises:
            AttributeError: there is no such field.
            InvalidField: the field cannot take the value, or it is part of the program and there are several values.
            ValueError: the number of values is wrong.
        """
        self._lanes.set_attribute(name, lane_values(values, self.num_envs), range(self.num_envs))


def with_reset_options(auto: Any, options: dict[str, Any] | None) -> Any:
    """`auto` with the fields that correspond to Gymnasium's reset options.

    Unknown options are ignored, as in Gymnasium's environments.

    Raises:
        InvalidField: they are not a mapping, a name resembles that of an option, or it cannot take the value.
    """
    if options is not None and not isinstance(options, Mapping):
        raise InvalidField(f"Reset options are a dict from their names to values, got {options!r}.")
    base = unwrap(auto)
    known = type(base).reset_options
    for name in options or {}:
        if name not in known and (hint := did_you_mean(str(name), known)):
            raise InvalidField(
                f"{type(base).__name__} has no reset option `{name}`.{hint} It takes: {', '.join(known)}."
            )
    given = {name: value for name, value in (options or {}).items() if name in known}
    start = {known[name]: _option(name, value, getattr(base, known[name])) for name, value in given.items()}
    if not start:
        return auto
    dataclasses.replace(jax.tree.map(plain, base), **start)  # raises if a value does not fit the others
    like_before = {name: jax.tree.map(jnp.full_like, getattr(base, name), value) for name, value in start.items()}
    return rewrap(auto, dataclasses.replace(base, **like_before))


def _option(name: str, value: Any, field: Any) -> Any:
    """The value of a reset option: a number or an array without axes, or if the field has several numbers, as many."""
    if not isinstance(field, tuple):
        return _number_option(name, value, is_flag=jnp.result_type(field) == jnp.bool_)
    if isinstance(value, str) or np.shape(value) != (len(field),):
        raise InvalidField(f"The reset option `{name}` must be {len(field)} numbers, got {value!r}.")
    return tuple(_number_option(name, each, is_flag=False) for each in value)


def _number_option(name: str, value: Any, *, is_flag: bool) -> float:
    plain_value = plain(value)
    if isinstance(plain_value, bool) != is_flag or not isinstance(plain_value, int | float):
        shape = f", an array of shape {np.shape(value)}" if isinstance(value, np.ndarray | Array) else ""
        kind = "True or False" if is_flag else "a number"
        raise InvalidField(f"The reset option `{name}` must be {kind}, got {value!r}{shape}.")
    return float(plain_value)
