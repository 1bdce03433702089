"""GymnaxEnv: an environment behind gymnax's `Environment`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment  # pyright: ignore[reportMissingImports]  # an optional package
from jax import Array

from jaxenvs.adapters._chance_keys import rekey
from jaxenvs.adapters._given_env import FixedFields, given_env, without_time_limit
from jaxenvs.adapters.gymnax.params import param_names, params_class
from jaxenvs.adapters.gymnax.spaces import to_gymnax
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import rewrap, unwrap, unwrap_state
from jaxenvs.errors import InvalidField, InvalidSpace, NotDifferentiable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState

NO_LIMIT = 2**31 - 1
"""`max_steps_in_episode` of an environment without a time limit: more steps than int32 can count."""


_STATE_NAMES = {
    "joint_angle1": "theta1",
    "joint_angle2": "theta2",
    "velocity_1": "theta1_dot",
    "velocity_2": "theta2_dot",
    "last_u": "torque",
}
"""Fields of classic control states that have another name in gymnax: gymnax's name and ours."""


@struct.dataclass
class GymnaxState(environment.EnvState):
    """State of `GymnaxEnv`.

    Other attributes are read from `inner`, so `state.x` is that of the cart; gymnax's names for the fields of classic
    control work as well. `replace` sets only the two fields here: `state.replace(inner=state.inner.replace(x=...))`.

    Attributes:
        time: () int32, steps since the episode began.
        inner: the state of the environment.
    """

    time: Any
    inner: Any

    def __getattr__(self, name: str) -> Any:
        part = None if name.startswith("__") or name in ("time", "inner") else self.inner
        while part is not None:
            for each in (name, _STATE_NAMES.get(name, name)):
                if hasattr(part, each):
                    return getattr(part, each)
            part = getattr(part, "inner", None)
        raise AttributeError(f"The state has no field `{name}`.")


class GymnaxEnv(FixedFields, environment.Environment[Any, Any]):
    """An environment behind the interface of gymnax 1.0, or of earlier versions.

        env = GymnaxEnv("CartPole-v1")
        params = env.default_params.replace(gravity=1.6)
        observation, state = env.reset(key, params)
        observation, state, reward, terminated, truncated, info = env.step(key, state, action, params)

    **Params** are the numeric fields of the base environment, by name, and `max_steps_in_episode`. So
    `params.replace` sets them, a batch of them can be stepped under `vmap`, and one trace serves all values.
    Fields that determine shapes are arguments of the constructor. If gymnax has another name for a field, such as
    `masscart`, that works as well. `max_steps_in_episode` is the time limit: it replaces the outermost `TimeLimit`,
    and is `NO_LIMIT` without one. A TimeLimit inside other wrappers remains in force.

    **Episodes.** The step that ends an episode begins the next from a fresh start: `observation` and
    `state` belong to the new episode, everything else to the old one. `info` contains the environment's own info,
    `discount` (0 if the task ended, else 1), `terminated`, `truncated` and `final_observation`.

    **Randomness.** As in gymnax, a step is a function of the key that is passed to it, the state, the action and
    the params. The key is split in two. The first half replaces every key that the state holds in a field `key`,
    so the transition draws from it. The next start is drawn from the second half. Typed keys and raw `PRNGKey`s
    both work, but not a mixture of the two.

    As in gymnax, steps stop gradients by default. `with_transition_gradients()` enables them, and raises an error if
    there are none. gymnax's Visualizer draws its five classic control tasks; `render` draws every task. Functions of a
    single state (`get_obs`, `is_terminated`, `discount`, `state_space`) have no counterpart. Like every
    gymnax environment, a view is compared by identity, so each view compiles its own programs.
    """

    def __init__(
        self,
        env: str | Env[Any, Any],
        *,
        legacy_step_api: bool = False,
        max_episode_steps: int | None = None,
        **fields: Any,
    ) -> None:
        """Makes the view.

        Args:
            env: an id, or an environment.
            legacy_step_api: whether `step` returns five values, `(observation, state, reward, done, info)`, as
                in gymnax before 1.0, which rejax 0.1 and PureJaxRL expect.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            **fields: values for fields of the environment, such as `gravity=1.6`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `env` is neither an id nor an environment, or fields are given with an environment.
            InvalidSpace: gymnax has no equivalent of the observation or action space.
            WrapperOrderError: the environment resets itself.
        """
        super().__init__()
        self._name = env if isinstance(env, str) else type(unwrap(env)).__name__
        self._env, limit = without_time_limit(given_env("GymnaxEnv", env, fields, max_episode_steps))
        self._limit = NO_LIMIT if limit is None else limit
        self._legacy_step_api = legacy_step_api
        AutoReset(self._env)  # raises if a wrapper cannot be reset with each episode
        to_gymnax(self._env.observation_space, "observations")
        to_gymnax(self._env.action_space, "actions")
        self._with_fields = self._env

    @property
    def default_params(self) -> Any:
        """The params with which the view was made."""
        base = unwrap(self._env)
        cls = params_class(type(base))
        return cls(max_steps_in_episode=self._limit, **{name: getattr(base, name) for name in param_names(type(base))})

    def env_of(self, params: Any = None) -> Env[Any, Any]:
        """The environment of `params`, without the outermost time limit.

        Raises:
            InvalidField: `params` belong to another environment.
        """
        if params is None:
            return self._env
        base = unwrap(self._env)
        if not isinstance(params, params_class(type(base))):
            raise InvalidField(
                f"{self.name} takes its own params, got {type(params).__name__}."
                " Start from `env.default_params` and `replace` what differs."
            )
        values = {name: getattr(params, name) for name in param_names(type(base))}
        return rewrap(self._env, base.replace(**values))

    @functools.partial(jax.jit, static_argnames=("self",))
    def step(self, key: Key, state: GymnaxState, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Steps, and begins the next episode if that ended one.

        Args:
            key: a scalar key, from which everything is drawn.
            state: the result of `reset` or `step`.
            action: an element of the action space. A Box of one number also accepts a scalar.
            params: None for `default_params`.

        Returns:
            `(observation, state, reward, terminated, truncated, info)`, or with `legacy_step_api`
            `(observation, state, reward, done, info)`.

        Raises:
            InvalidAction: the shape or dtype is wrong.
            InvalidKey: `key` is not a scalar key, or of another kind than those in the state.
        """
        params = self.default_params if params is None else params
        chance_key, start_key = jax.random.split(check_key(key, name="step"))
        stepped, timestep = self._advance(chance_key, state, action, params)
        # If resets are costly, the loop that resets the finished lanes of a batch has no reverse-mode derivative.
        method = "select" if self.transition_gradients_enabled else "auto"
        auto = AutoReset(self.env_of(params), method=method)
        carried = AutoResetState(inner=stepped.inner, key=start_key, episodes=jnp.zeros((), jnp.int32))
        carried, observation = auto.reset_where(timestep.done, carried, timestep.observation, _observation_of)
        time = jnp.where(timestep.done, 0, stepped.time)
        (observation, final_observation), state = self._apply_transition_gradient_policy(
            (observation, timestep.final_observation), GymnaxState(time=time, inner=carried.inner)
        )
        info = {
            **timestep.info,
            "discount": timestep.discount,
            "terminated": timestep.terminated,
            "truncated": timestep.truncated,
            "final_observation": final_observation,
        }
        if self._legacy_step_api:
            return observation, state, timestep.reward, timestep.done, info
        return observation, state, timestep.reward, timestep.terminated, timestep.truncated, info

    @property
    def supports_transition_gradients(self) -> bool:
        """Whether `with_transition_gradients` works."""
        return self._why_no_gradients() is None

    def with_transition_gradients(self) -> "GymnaxEnv":
        """A view whose steps preserve the gradients of observations and states.

        Raises:
            NotDifferentiable: there are none, since the state holds no real numbers, the host computes the steps, or a
                loop in them has no reverse-mode derivative.
        """
        if (reason := self._why_no_gradients()) is not None:
            raise NotDifferentiable(f"{self.name} does not support transition gradients: {reason}")
        return environment.Environment.with_transition_gradients(self)

    def _why_no_gradients(self) -> str | None:
        env = self._env

        def pull_back(key: Key) -> Any:
            state, _ = env.reset(key)
            leaves, structure = jax.tree.flatten(state)
            places = [place for place, leaf in enumerate(leaves) if _is_real(leaf)]

            def move(numbers: list[Array]) -> list[Array]:
                for place, number in zip(places, numbers, strict=True):
                    leaves[place] = number
                after, timestep = env.step(structure.unflatten(leaves), env.action_space.sample(key))
                return [leaf for leaf in jax.tree.leaves((after, timestep.observation)) if _is_real(leaf)]

            moved, pull = jax.vjp(move, [leaves[place] for place in places])
            return pull(moved)

        start, _ = jax.eval_shape(env.reset, jax.random.key(0))
        if not any(_is_real(leaf) for leaf in jax.tree.leaves(unwrap_state(env, start))):
            return "its state holds no real numbers."
        try:
            jax.eval_shape(pull_back, jax.random.key(0))
        except ValueError as error:  # NotDifferentiable is one, and so is JAX's error for a loop
            return str(error)
        return None

    def step_env(
        self, key: Key, state: GymnaxState, action: Any, params: Any
    ) -> tuple[Any, GymnaxState, Array, Array, dict[str, Any]]:
        """One transition without a reset: observation, state, reward, `terminated` and `info`.

        `info["truncated"]` says whether a TimeLimit inside other wrappers, or `max_steps_in_episode`, ended it.
        """
        state, timestep = self._advance(check_key(key, name="step_env"), state, action, params)
        info = {**timestep.info, "discount": timestep.discount, "truncated": timestep.truncated}
        return timestep.observation, state, timestep.reward, timestep.terminated, info

    def reset_env(self, key: Key, params: Any) -> tuple[Any, GymnaxState]:
        """The start that the environment's own `reset` returns for this key."""
        inner, timestep = self.env_of(params).reset(key)
        return timestep.observation, GymnaxState(time=jnp.zeros((), jnp.int32), inner=inner)

    def _advance(self, key: Key, state: GymnaxState, action: Any, params: Any) -> tuple[GymnaxState, TimeStep[Any]]:
        env = self.env_of(params)
        space = env.action_space
        if isinstance(space, Box) and space.flat_size == 1 and jnp.shape(action) == ():
            action = jnp.reshape(action, space.shape)  # as rejax's evaluation squeezes it
        inner, timestep = env.step(rekey(state.inner, key), action)
        state = GymnaxState(time=state.time + 1, inner=inner)
        return state, timestep.replace(truncated=timestep.truncated | self.is_truncated(state, params))

    def render(self, state: GymnaxState, params: Any = None) -> Array:
        """The picture of a state: (height, width, 3) uint8."""
        return self.env_of(params).render(state.inner)

    @property
    def name(self) -> str:
        """The id with which the view was made, or the name of the environment's class."""
        return self._name

    @property
    def num_actions(self) -> int:
        """The number of actions of a Discrete space, or of entries of an action in a Box.

        Raises:
            InvalidSpace: the action space is of another kind.
        """
        space = self._env.action_space
        if isinstance(space, Discrete):
            return space.n
        if isinstance(space, Box):
            return space.flat_size
        raise InvalidSpace(f"{self.name}: the action space is {space!r}, which has no single number of actions.")

    def action_space(self, params: Any = None) -> Any:
        """Gymnax's space of actions."""
        return to_gymnax(self.env_of(params).action_space, "actions")

    def observation_space(self, params: Any = None) -> Any:
        """Gymnax's space of observations."""
        return to_gymnax(self.env_of(params).observation_space, "observations")


def _observation_of(timestep: TimeStep[Any]) -> Any:
    return timestep.observation


def _is_real(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)
