"""from_gymnax: an environment of gymnax 1.0 as a jaxenvs environment."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from gymnax.environments.environment import Environment  # pyright: ignore[reportMissingImports]  # an optional package
from gymnax.registration import make, registered_envs  # pyright: ignore[reportMissingImports]
from jax import Array

from jaxenvs.adapters._from_foreign import ForeignEnv, ForeignObject, ForeignState, default_numerics
from jaxenvs.adapters.gymnax.spaces import from_gymnax_space
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import SameActions, SameObservations, StatelessWrapper
from jaxenvs.errors import InvalidField, NameNotFound, did_you_mean
from jaxenvs.random import Key
from jaxenvs.spaces import Space


class ForeignGymnax(ForeignEnv):
    """The rules of a gymnax environment, without its resets and its time limit.

    A step calls gymnax's `step_env`, and a reset its `reset_env`. `info` is gymnax's without `discount`, which is
    `TimeStep.discount`; entries that only steps have are zero after a reset.

    Each number in `params` is a leaf.
    """

    @property
    def foreign_params(self) -> Any:
        """`params`."""
        return self.params

    @property
    def declared_observation_space(self) -> Space[Any]:
        """Gymnax's."""
        return from_gymnax_space(self.program.value.observation_space(self.params))

    @property
    def action_space(self) -> Space[Any]:
        """Gymnax's."""
        with default_numerics():
            return from_gymnax_space(self.program.value.action_space(self.params))

    def begin(self, key: Key) -> tuple[Any, Any, dict[str, Any]]:
        """`reset_env`."""
        return *self.program.value.reset_env(key, self.params), {}

    def advance(self, key: Key, state: Any, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """`step_env`."""
        observation, state, reward, terminated, info = self.program.value.step_env(key, state, action, self.params)
        return observation, state, reward, terminated, {k: v for k, v in info.items() if k != "discount"}

    def is_truncated(self, state: ForeignState) -> Array:
        """() bool: gymnax's `is_truncated`, which compares the time with `params.max_steps_in_episode`."""
        with default_numerics():
            return jnp.asarray(self.program.value.is_truncated(state.inner, self.params)).reshape(()).astype(bool)


class GymnaxTimeLimit(SameObservations, SameActions, StatelessWrapper[Any]):
    """Sets `truncated` if gymnax's `is_truncated` is true, by the step count in gymnax's state.

    Unlike the limit of `TimeLimit`, the limit is a leaf, `params.max_steps_in_episode`.
    """

    def check_fields(self) -> None:
        """Checks that it wraps the environment that has `is_truncated`."""
        if isinstance(self.env, Env) and not isinstance(self.env, ForeignGymnax):
            raise InvalidField(
                f"GymnaxTimeLimit must wrap a ForeignGymnax directly, got {type(self.env).__name__}."
                " Use `jaxenvs.TimeLimit`."
            )

    def reset(self, key: Key) -> tuple[ForeignState, TimeStep[Any]]:
        """The wrapped environment's."""
        return self.env.reset(key)

    def step(self, state: ForeignState, action: Array) -> tuple[ForeignState, TimeStep[Any]]:
        """Steps, and asks gymnax whether the time limit is reached."""
        state, timestep = self.env.step(state, action)
        rules: Any = self.env
        return state, timestep.replace(truncated=timestep.truncated | rules.is_truncated(state))


def from_gymnax(
    env: str | Environment, params: Any = None, *, draw: Callable[[Any, Any], Array] | None = None
) -> Env[ForeignState, Any]:
    """An environment of gymnax 1.0 as a jaxenvs environment.

        env = jaxenvs.AutoReset(from_gymnax("Breakout-MinAtar"))
        heavy = from_gymnax("CartPole-v1", gymnax.make("CartPole-v1")[1].replace(gravity=20.0))

    Its params are leaves, so a batch of them can be stepped under `vmap`. Termination and truncation are
    distinguished as in gymnax 1.0. Gymnax's time limit is a wrapper around the bare rules, `GymnaxTimeLimit`.

    Args:
        env: an id, or an environment of gymnax, without gymnax's wrappers.
        params: its params; None for `default_params`.
        draw: `draw(state, params) -> (height, width, 3) uint8`, a pure function; gymnax has none.

    Raises:
        NameNotFound: gymnax has no such id.
        InvalidField: `env` is not a gymnax environment.
        InvalidSpace: jaxenvs has no equivalent of a space.
    """
    with default_numerics():
        theirs: Any = _made(env) if isinstance(env, str) else env
        if not isinstance(theirs, Environment):
            raise InvalidField(
                f"from_gymnax takes an id or an environment of gymnax 1.0, got {env!r} of type {type(env).__name__}."
                " Pass the environment inside gymnax's wrappers, and use jaxenvs' wrappers instead."
            )
        params = theirs.default_params if params is None else params
    rules = ForeignGymnax(program=ForeignObject(theirs), params=params, draw=draw)
    _ = rules.observation_space, rules.action_space  # raises their errors here
    return GymnaxTimeLimit(env=rules)


def _made(id: str) -> Environment:
    if id not in registered_envs:
        raise NameNotFound(f"gymnax has no environment `{id}`.{did_you_mean(id, registered_envs)}")
    return make(id)[0]
