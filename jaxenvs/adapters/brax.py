"""BraxEnv: an environment behind `brax.envs.Env`, for brax's learners."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from brax.envs import base  # pyright: ignore[reportMissingImports]  # an optional package
from brax.envs.wrappers import training  # pyright: ignore[reportMissingImports]
from jax import Array

from jaxenvs.adapters._chance_keys import rekey
from jaxenvs.adapters._given_env import FixedFields, given_env, without_time_limit
from jaxenvs.core.env import Env
from jaxenvs.errors import InvalidAction, InvalidSpace
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box
from jaxenvs.wrappers.rescale_action import RescaleAction


class BraxEnv(FixedFields, base.Env):
    """An environment behind brax's interface.

        env = BraxEnv("Pendulum-v1")
        brax.training.agents.ppo.train.train(
            environment=env, episode_length=env.episode_length, wrap_env_fn=wrap_with_fresh_starts, ...
        )

    **Actions** are vectors in [-1, 1], as brax's policies return them; numbers outside are clipped. They are
    mapped affinely to the bounds of the environment's Box, and reshaped to its shape.

    **Observations** are the environment's, flattened into one vector of float32.

    **Episodes.** brax's own wrappers count the steps, and distinguish truncation from termination. So the
    outermost `TimeLimit` is removed: pass `episode_length` to brax. `done` is 1.0 if the task ended. If a
    TimeLimit inside other wrappers truncates an episode, both `done` and `info["time_out"]`, which brax's PPO
    reads with `bootstrap_on_timeout`, are 1.0.

    brax's `training.wrap` replays the first state of each lane forever. Use `wrap_with_fresh_starts` instead,
    which draws a new start each time. Everything that the environment draws in a step comes from
    `info["rng"]`, which changes with each step, so even a replayed start leads to new random events.

    brax 0.14.2 was written for older versions of JAX: its learners call `jax.device_put_replicated`, which
    JAX 0.10 no longer has. Until brax is updated, define a function of that name in `jax` before training:
    `lambda tree, devices: jax.tree.map(lambda leaf: jnp.stack([leaf] * len(devices)), tree)`.

    Attributes:
        sys: the environment without its outermost time limit, a pytree. brax's domain randomisation
            treats it as the system and replaces it by variants: a `randomization_fn(env, rng)` returns a
            batch of environments and the tree of its axes.
        episode_length: steps of the time limit that was removed; None if there was none.
    """

    sys: Any
    episode_length: int | None

    def __init__(self, env: str | Env[Any, Any], *, max_episode_steps: int | None = None, **fields: Any) -> None:
        """Makes the environment.

        Args:
            env: an id, or an environment.
            max_episode_steps: replaces the id's time limit; -1 for none. Only with an id.
            **fields: values for fields of the environment, such as `gravity=1.6`; only with an id.

        Raises:
            UnregisteredEnv, InvalidField: see `jaxenvs.make`.
            InvalidField: `env` is neither an id nor an environment, or fields are given with an environment.
            InvalidSpace: the action space is not a bounded Box of floats, the only kind that brax supports.
            WrapperOrderError: the environment resets itself.
        """
        self.sys, self.episode_length = without_time_limit(given_env("BraxEnv", env, fields, max_episode_steps))
        _check_actions(self.sys.action_space)
        self._with_fields = self.sys

    def reset(self, rng: Key) -> base.State:
        """Begins an episode; half of the key goes to the start, half to the steps.

        Args:
            rng: a scalar key, typed or raw; brax's wrappers need raw `PRNGKey`s.
        """
        rng, start_key = jax.random.split(check_key(rng))
        inner, timestep = self.sys.reset(start_key)
        return base.State(
            pipeline_state=inner,
            obs=self._vector(timestep.observation),
            reward=timestep.reward,
            done=timestep.terminated.astype(jnp.float32),
            metrics={},
            info={**timestep.info, "rng": rng, "time_out": jnp.zeros((), jnp.float32)},
        )

    def step(self, state: base.State, action: Array) -> base.State:
        """Steps; steps after the end of an episode are defined, as everywhere in jaxenvs.

        Args:
            state: the result of `reset` or `step`.
            action: (action_size,) floats in [-1, 1].

        Raises:
            InvalidAction: the action has another shape.
        """
        if jnp.shape(action) != (self.action_size,):
            raise InvalidAction(
                f"BraxEnv: an action has shape ({self.action_size},), got {jnp.shape(action)}."
                " For batches, use `jax.vmap` or brax's VmapWrapper."
            )
        rng, chance_key = jax.random.split(state.info["rng"])
        env = RescaleAction(self.sys, -1.0, 1.0)
        space = env.action_space
        action = jnp.clip(jnp.asarray(action, space.dtype), -1, 1).reshape(space.shape)
        inner, timestep = env.step(rekey(state.pipeline_state, chance_key), action)
        time_out = timestep.truncated & ~timestep.terminated
        return dataclasses.replace(
            state,
            pipeline_state=inner,
            obs=self._vector(timestep.observation),
            reward=timestep.reward,
            done=timestep.done.astype(jnp.float32),
            info={**state.info, **timestep.info, "rng": rng, "time_out": time_out.astype(jnp.float32)},
        )

    def render(self, state: base.State) -> Array:
        """The picture of a state: (height, width, 3) uint8."""
        return self.sys.render(state.pipeline_state)

    @property
    def observation_size(self) -> int:
        """The length of an observation."""
        return self.sys.observation_space.flat_size

    @property
    def action_size(self) -> int:
        """The length of an action."""
        return self.sys.action_space.flat_size

    @property
    def backend(self) -> str:
        """`"jaxenvs"`, which is not one of brax's own engines."""
        return "jaxenvs"

    def _vector(self, observation: Any) -> Array:
        return self.sys.observation_space.flatten(observation).astype(jnp.float32)


class FreshStartsWrapper(base.Wrapper):
    """Begins each episode of a batch from a new start, whereas brax's AutoResetWrapper replays the first start."""

    def reset(self, rng: Array) -> base.State:
        """Begins the first episodes.

        Args:
            rng: (batch, 2) raw keys.
        """
        keys = jax.vmap(jax.random.split)(rng)
        state = self.env.reset(keys[:, 0])
        state.info["start_rng"] = keys[:, 1]
        return state

    def step(self, state: base.State, action: Array) -> base.State:
        """Steps; if that ends an episode, the state and observation are those of the next start."""
        info = {**state.info, "steps": jnp.where(state.done > 0, 0.0, state.info["steps"])}
        state = self.env.step(dataclasses.replace(state, done=jnp.zeros_like(state.done), info=info), action)
        keys = jax.vmap(jax.random.split)(state.info["start_rng"])
        start = self.env.reset(keys[:, 0])
        ended = state.done > 0

        def choose(new: Array, old: Array) -> Array:
            return jnp.where(ended.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

        pipeline_state = jax.tree.map(choose, start.pipeline_state, state.pipeline_state)
        obs = jax.tree.map(choose, start.obs, state.obs)
        return dataclasses.replace(
            state, pipeline_state=pipeline_state, obs=obs, info={**state.info, "start_rng": keys[:, 1]}
        )


def wrap_with_fresh_starts(
    env: base.Env,
    episode_length: int = 1000,
    action_repeat: int = 1,
    randomization_fn: Callable[[Any], tuple[Any, Any]] | None = None,
) -> base.Wrapper:
    """Like `brax.envs.training.wrap`, but with a new random start for each episode; pass it as `wrap_env_fn`.

    It computes a start for each lane in each step and uses it if an episode ended, which suits environments
    whose reset is cheap.

    Args:
        env: the environment, of any kind.
        episode_length: steps after which an episode is cut off.
        action_repeat: number of steps for which each action is applied.
        randomization_fn: `(env.sys) -> (batch of them, axes)`.
    """
    if randomization_fn is None:
        env = training.VmapWrapper(env)
    else:
        env = training.DomainRandomizationVmapWrapper(env, randomization_fn)
    return FreshStartsWrapper(training.EpisodeWrapper(env, episode_length, action_repeat))


def _check_actions(space: Any) -> None:
    if not isinstance(space, Box) or space.dtype.kind != "f":
        raise InvalidSpace(
            f"BraxEnv: brax's agents act in [-1, 1]^n, and {space!r} is not a Box of floats. Use an adapter for another"
            " library, or a wrapper that gives the environment continuous actions, such as TransformAction."
        )
    if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
        raise InvalidSpace(
            f"BraxEnv: {space!r} is unbounded, so no affine map of [-1, 1] covers it. Add a wrapper that says which"
            " actions to use: `TransformAction(env, func, space=Box(...))`."
        )
