"""GymnaxEnv: an environment behind gymnax's `Environment`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment  # pyright: ignore[reportMissingImports]  # an optional package
from jax import Array

from jaxenvs.adapters._chance_keys import rekey
from jaxenvs.adapters._given_env import given_env, without_time_limit
from jaxenvs.adapters.gymnax.params import param_names, params_class
from jaxenvs.adapters.gymnax.spaces import to_gymnax
from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.wrapper import rewrap, unwrap, unwrap_state
from jaxenvs.errors import InvalidField, InvalidSpace, NotDifferentiable
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete
from jaxenvs.wrappers.auto_reset import AutoReset, AutoResetState

NO_LIMIT = 2**31 - 1
"""`max_steps_in_episode` of an environment that has no time limit: more steps than int32 can count."""


_STATE_NAMES = {
    "joint_angle1": "theta1",
    "joint_angle2": "theta2",
    "velocity_1": "theta1_dot",
    "velocity_2": "theta2_dot",
    "last_u": "torque",
}
"""Fields of gymnax's states of classic control that have another name here: gymnax's name and ours."""


@struct.dataclass
class GymnaxState(environment.EnvState):
    """State of `GymnaxEnv`.

    Reading goes on to `inner`, so `state.x` is that of the cart; gymnax's names of the classic control's fields are
    known as well. `replace` sets the two fields here alone: `state.replace(inner=state.inner.replace(x=...))`.

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


class GymnaxEnv(environment.Environment[Any, Any]):
    """An environment behind the interface of gymnax 1.0, or that of gymnax before it.

        env = GymnaxEnv("CartPole-v1")
        params = env.default_params.replace(gravity=1.6)
        observation, state = env.reset(key, params)
        observation, state, reward, terminated, truncated, info = env.step(key, state, action, params)

    **Params** are the fields of the base environment that are numbers, by their names, and
    `max_steps_in_episode`. So `params.replace` sets them, a batch of them steps under `vmap`, and one
    trace serves all values. Fields that decide shapes are given when the view is made.
    Where gymnax has another name for one, such as `masscart`, that serves as well. `max_steps_in_episode` is the limit
    that is in force: it takes the place of the outermost `TimeLimit`. Without one it is `NO_LIMIT`. A TimeLimit beneath
    other wrappers stays in force as well.

    **Episodes.** The step that ends an episode begins the next from a fresh start: `observation` and
    `state` belong to the new episode, all else to the old one. `info` holds the environment's own,
    `discount` (0 where the task ended, else 1), `terminated`, `truncated` and `final_observation`.

    **Randomness.** As in gymnax a step is a function of the key that it is given, the state, the action and
    the params. The key is split in two. What the transition draws comes from the first half: it takes the
    place of every key that the state holds in a field `key`. The next start comes from the second half.
    Typed keys and raw `PRNGKey`s both serve, but not a mixture of the two.

    As gymnax's own do, steps stop gradients unless asked: `with_transition_gradients()`, which raises where there are
    none. gymnax's Visualizer draws the five tasks of its classic control; `render` draws every task. Functions of a
    state alone (`get_obs`, `is_terminated`, `discount`, `state_space`) have no counterpart. Like every
    gymnax environment a view is compared by identity, so each view compiles its own programs.
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
            legacy_step_api: whether `step` returns the five values of gymnax before 1.0, `(observation,
                state, reward, done, info)`, as rejax 0.1 and PureJaxRL expect.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            **fields: replace fields of the environment, such as `gravity=1.6`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: fields beside an environment, or something that is none.
            InvalidSpace: gymnax has no space like that of the observations or actions.
            WrapperOrderError: the environment resets itself.
        """
        super().__init__()
        self._name = env if isinstance(env, str) else type(unwrap(env)).__name__
        self._env, limit = without_time_limit(given_env("GymnaxEnv", env, fields, max_episode_steps))
        self._limit = NO_LIMIT if limit is None else limit
        self._legacy_step_api = legacy_step_api
        AutoReset(self._env)  # raises where a wrapper cannot be reset with each episode
        to_gymnax(self._env.observation_space, "observations")
        to_gymnax(self._env.action_space, "actions")

    @property
    def default_params(self) -> Any:
        """The params that the view was made with."""
        base = unwrap(self._env)
        cls = params_class(type(base))
        return cls(max_steps_in_episode=self._limit, **{name: getattr(base, name) for name in param_names(type(base))})

    def env_of(self, params: Any = None) -> Env[Any, Any]:
        """The environment of `params`, without the outermost time limit.

        Raises:
            InvalidField: `params` are those of another environment.
        """
        if params is None:
            return self._env
        base = unwrap(self._env)
        if not isinstance(params, params_class(type(base))):
            raise InvalidField(
                f"{self.name} takes params of its own, got {type(params).__name__}."
                " Begin with `env.default_params` and `replace` what differs."
            )
        values = {name: getattr(params, name) for name in param_names(type(base))}
        return rewrap(self._env, base.replace(**values))

    @functools.partial(jax.jit, static_argnames=("self",))
    def step(self, key: Key, state: GymnaxState, action: Any, params: Any = None) -> tuple[Any, ...]:
        """Steps, and begins the next episode where that ended one.

        Args:
            key: a scalar key; all that is drawn comes from it.
            state: what `reset` or `step` returned.
            action: an element of the action space. A box of one number takes a scalar, too.
            params: None for `default_params`.

        Returns:
            `(observation, state, reward, terminated, truncated, info)`, or with `legacy_step_api`
            `(observation, state, reward, done, info)`.

        Raises:
            InvalidAction: the shape or dtype does not fit.
            InvalidKey: not a scalar key, or one of another kind than the state's.
        """
        params = self.default_params if params is None else params
        chance_key, start_key = jax.random.split(check_key(key, name="step"))
        stepped, timestep = self._advance(chance_key, state, action, params)
        # The loop that resets the finished lanes of a batch, where resets are costly, has no reverse-mode derivative.
        method = "select" if self.transition_gradients_enabled else "auto"
        auto = AutoReset(self.env_of(params), method=method)
        carried = AutoResetState(inner=stepped.inner, key=start_key, episodes=jnp.zeros((), jnp.int32))
        carried, observation = auto.begin_where(timestep.done, carried, timestep.observation, _observation_of)
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
            NotDifferentiable: there are none, since the state holds no real numbers, or the host computes the steps,
                or a loop within them has no reverse-mode derivative.
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
        except ValueError as error:  # NotDifferentiable is one, and so is what JAX raises for a loop
            return str(error)
        return None

    def step_env(
        self, key: Key, state: GymnaxState, action: Any, params: Any
    ) -> tuple[Any, GymnaxState, Array, Array, dict[str, Any]]:
        """One transition without a reset: observation, state, reward, `terminated` and `info`.

        `info["truncated"]` says whether a TimeLimit beneath other wrappers, or `max_steps_in_episode`, ended it.
        """
        state, timestep = self._advance(check_key(key, name="step_env"), state, action, params)
        info = {**timestep.info, "discount": timestep.discount, "truncated": timestep.truncated}
        return timestep.observation, state, timestep.reward, timestep.terminated, info

    def reset_env(self, key: Key, params: Any) -> tuple[Any, GymnaxState]:
        """The start that the environment's own `reset` gives for that key."""
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
        """The id that the view was made with, or the name of the environment's class."""
        return self._name

    @property
    def num_actions(self) -> int:
        """How many actions a Discrete has, or entries an action of a Box.

        Raises:
            InvalidSpace: actions lie in something else.
        """
        space = self._env.action_space
        if isinstance(space, Discrete):
            return space.n
        if isinstance(space, Box):
            return space.flat_size
        raise InvalidSpace(f"{self.name}: actions lie in {space!r}, which has no single number of actions.")

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
