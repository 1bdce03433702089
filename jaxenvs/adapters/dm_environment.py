"""DmEnvironment: an environment behind `dm_env.Environment`."""

import secrets
from typing import Any

import dm_env  # pyright: ignore[reportMissingImports]  # an optional package
import jax
import numpy as np
from dm_env import specs  # pyright: ignore[reportMissingImports]

from jaxenvs.adapters._bsuite_log import BsuiteLog, logged_of, logged_programs
from jaxenvs.adapters._given_env import FixedFields, given_env
from jaxenvs.adapters._host_loop.attributes import on_device
from jaxenvs.adapters._host_loop.batches import check_values, from_gymnasium_batch
from jaxenvs.adapters._host_loop.single_programs import single_programs, to_go_on_from
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidSpace
from jaxenvs.random import Key, key
from jaxenvs.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from jaxenvs.wrappers.auto_reset import AutoReset


class DmEnvironment(FixedFields, dm_env.Environment):
    """An environment behind dm_env's interface, with NumPy arrays and internal state.

        env = DmEnvironment("CartPole-v1", seed=0)
        timestep = env.reset()
        while not timestep.last():
            timestep = env.step(policy(timestep.observation))

    If no episode has begun, or the last one is over, `step` ignores its action and begins an episode. The last
    timestep of an episode has discount 0 if the task ended, even if the time limit was reached as well, and 1
    if only the time limit was reached. dm_env has no place for `info`, so it is a property.

    The first episode begins as in `AutoReset(env).reset(jaxenvs.random.key(seed))`, and later ones as AutoReset
    continues. An action that does not fit `action_spec` raises an error and changes nothing; but a float outside
    the bounds is passed to the environment, which clips it or defines its meaning. All instances of a task
    share compiled programs.

    Around a bsuite environment, it has the interface that bsuite's loggers and scores expect:

        env = DmEnvironment(make_bsuite("catch_noise/3"), seed=0)
        env = bsuite.logging.csv_logging.wrap_environment(env, "catch_noise/3", results_dir)
        bsuite.baselines.experiment.run(agent, env, num_episodes=env.bsuite_num_episodes)
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        *,
        seed: int | None = None,
        max_episode_steps: int | None = None,
        **fields: Any,
    ) -> None:
        """Makes the environment; nothing is compiled yet.

        Args:
            env: an id, or an environment.
            seed: seed of all episodes; None for a seed from the operating system.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            **fields: values for fields of the environment, such as `gravity=1.6`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `env` is neither an id nor an environment, or fields are given with an environment.
            InvalidKey: `seed` is not a 64-bit integer.
            InvalidSpace: dm_env has no spec for the observations or actions.
            WrapperOrderError: the environment resets itself.
        """
        made = given_env("DmEnvironment", env, fields, max_episode_steps)
        self._key: Key = key(secrets.randbits(63) if seed is None else seed)
        self._episodes = 0  # number of episodes that the key has begun
        self._actions = made.action_space
        self._observation_spec = to_spec(made.observation_space, "observation")
        self._action_spec = to_spec(self._actions, "action")
        self._auto: AutoReset[Any] = on_device(AutoReset(made))
        self._programs = single_programs(self._auto)
        self._state: Any = None
        self._info: dict[str, np.ndarray] = {}
        self._over = True
        self._with_fields = made
        logged = logged_of(made)
        self._log = None if logged is None else BsuiteLog(logged)
        self._logged_programs = None if logged is None else logged_programs(self._auto.env)

    @property
    def env(self) -> Env[Any, Any]:
        """The environment, which has no internal state, with its leaves on the device."""
        return self._auto.env

    @property
    def info(self) -> dict[str, np.ndarray]:
        """The `info` that belongs to the last timestep; empty before the first."""
        return self._info

    def reset(self) -> dm_env.TimeStep:
        """Begins an episode, even if another one is running."""
        state, seen = self._programs.begin_episode(
            self._auto, self._key, self._episodes, to_go_on_from(self._auto, self._state)
        )
        self._episodes, self._state, self._over = self._episodes + 1, state.inner, False
        observation, self._info = _to_numpy(seen)
        if self._log is not None:
            self._log.begin()
        return dm_env.restart(observation)

    def step(self, action: Any) -> dm_env.TimeStep:
        """Applies one action, or begins an episode if none is running.

        Raises:
            InvalidAction: the action does not fit `action_spec`.
        """
        if self._over:
            return self.reset()
        # A copy, since a state that keeps the action may keep a view of its memory, which the caller may write to.
        element = jax.tree.map(np.array, from_gymnasium_batch(self._actions, action, None, "action"))
        check_values(self._actions, jax.tree.map(lambda leaf: leaf[None], element), np.ones(1, bool))
        if self._log is None or self._logged_programs is None:
            self._state, timestep = self._programs.advance(self._auto.env, self._state, element)
        else:
            self._state, timestep, outcome = self._logged_programs.advance(self._auto.env, self._state, element)
            self._log.add(jax.device_get(outcome))
        timestep = jax.device_get(timestep)
        observation, self._info = _to_numpy((timestep.observation, timestep.info))
        reward, self._over = float(timestep.reward), bool(timestep.done)
        if timestep.terminated:
            return dm_env.termination(reward, observation)
        if timestep.truncated:
            return dm_env.truncation(reward, observation)
        return dm_env.transition(reward, observation)

    def observation_spec(self) -> Any:
        """A spec; for a Tuple, a tuple of specs; for a Dict, a dict of specs."""
        return self._observation_spec

    def action_spec(self) -> Any:
        """A spec; for a Tuple, a tuple of specs; for a Dict, a dict of specs."""
        return self._action_spec

    def __getstate__(self) -> dict[str, Any]:
        programs = "_programs", "_logged_programs"
        return {name: value for name, value in self.__dict__.items() if name not in programs}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._programs = single_programs(self._auto)
        self._logged_programs = None if self._log is None else logged_programs(self._auto.env)

    @property
    def bsuite_num_episodes(self) -> int:
        """The number of episodes in a bsuite experiment with this environment.

        Raises:
            AttributeError: it is not a bsuite environment, or a wrapper around it changes what actions do.
        """
        return self._bsuite_log("bsuite_num_episodes").num_episodes

    def bsuite_info(self) -> dict[str, float]:
        """What bsuite logs about the episodes so far, in addition to returns and lengths, such as `total_regret`.

        As in bsuite, the noise and the scale of rewards are left out.

        Raises:
            AttributeError: see `bsuite_num_episodes`.
        """
        return self._bsuite_log("bsuite_info").totals()

    def _bsuite_log(self, name: str) -> BsuiteLog:
        if self._log is None:
            raise AttributeError(
                f"DmEnvironment has `{name}` only around a bsuite environment, as made by `make_bsuite`, with no"
                f" wrappers except those for observations and rewards; got {self.env!r}."
            )
        return self._log

    def render(self) -> np.ndarray | None:
        """The picture of the state: (height, width, 3) uint8; None before the first episode."""
        return None if self._state is None else np.array(self._programs.draw(self._auto.env, self._state))


def to_spec(space: Space[Any], name: str) -> Any:
    """The dm_env spec for the elements of a space, or a tuple or dict of specs.

    Args:
        space: a space of jaxenvs.
        name: name of the spec; parts of a Tuple or Dict add their index or key.

    Raises:
        InvalidSpace: dm_env has no such spec.
    """
    match space:
        case Discrete() if space.start == 0:
            return specs.DiscreteArray(space.n, np.int32, name)
        case Discrete():
            return specs.BoundedArray((), np.int32, space.start, space.start + space.n - 1, name)
        case MultiDiscrete():
            low = np.asarray(space.start)
            return specs.BoundedArray(space.shape, np.int32, low, low + np.asarray(space.nvec) - 1, name)
        case MultiBinary():
            return specs.BoundedArray(space.shape, np.int8, 0, 1, name)
        case Box():
            low, high = np.asarray(space.low), np.asarray(space.high)
            if (low == -np.inf).all() and (high == np.inf).all():
                return specs.Array(space.shape, space.dtype, name)
            return specs.BoundedArray(space.shape, space.dtype, low, high, name)
        case Tuple():
            return tuple(to_spec(part, f"{name}[{i}]") for i, part in enumerate(space.spaces))
        case Dict():
            return {label: to_spec(part, f"{name}[{label!r}]") for label, part in space.spaces.items()}
        case _:
            raise InvalidSpace(
                f"dm_env has no spec for {space!r} of the {name}: it supports arrays of a fixed shape, and tuples"
                " and dicts of them. Add a wrapper that converts it to one of these, such as FlattenObservation."
            )


def _to_numpy(tree: Any) -> Any:
    """Fresh writable arrays that share no memory with any others."""
    return jax.tree.map(np.array, jax.device_get(tree))
