"""The parts of the tasks' starts, observations and rewards."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.starts import as_rounded


def like(value: Any, array: Array) -> Array:
    """A parameter, converted to the dtype of an array."""
    return jnp.asarray(value).astype(array.dtype)


def is_between(value: Array, limits: Any) -> Array:
    """Whether numbers lie strictly between two limits."""
    low, high = limits
    return (like(low, value) < value) & (value < like(high, value))


def clip(array: Array, limits: Any) -> Array:
    """An array with its entries clipped to two limits."""
    low, high = limits
    return jnp.clip(array, like(low, array), like(high, array))


def weigh(weight: Any, value: Array) -> Array:
    """A term of the reward in float32: a parameter times a value."""
    value = single(value)
    return like(weight, value) * value


def single(array: Array) -> Array:
    """Converts to float32, the dtype of rewards and info."""
    return array.astype(jnp.float32)


def squares(array: Array) -> Array:
    """() float32: the sum of squares."""
    return jnp.square(single(array)).sum()


def norm(array: Array) -> Array:
    """() float32: the length of a vector, with derivative 0 if the length is 0."""
    square = squares(array)
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def uniform_noise(key: Key, count: int, scale: Any) -> Array:
    """(count,) float32, uniform between -scale and scale."""
    noise = as_rounded(jax.random.uniform(key, (count,), jnp.float32, -1.0, 1.0))
    return as_rounded(like(scale, noise) * noise)


def normal_noise(key: Key, count: int, scale: Any) -> Array:
    """(count,) float32, Gaussian with standard deviation `scale`."""
    noise = as_rounded(jax.random.normal(key, (count,), jnp.float32))
    return as_rounded(like(scale, noise) * noise)


def noisy_start(env: MujocoEnv, key: Key, scale: Any, *, gaussian: bool) -> tuple[Array, Array]:
    """The model's reference pose at rest, with noise.

    Args:
        env: the task.
        key: the key that the noise is drawn from.
        scale: noise of positions is uniform between -scale and scale.
        gaussian: whether the noise of velocities is Gaussian, with standard deviation `scale`, rather than uniform.
    """
    position_key, velocity_key = jax.random.split(key)
    noise = uniform_noise(position_key, env.model.nq, scale)
    velocity = (normal_noise if gaussian else uniform_noise)(velocity_key, env.model.nv, scale)
    return near_reference(env, noise), velocity


def near_reference(env: MujocoEnv, noise: Array) -> Array:
    """(nq,) the positions of the model's reference pose with noise added, in the precision of the task."""
    return jnp.asarray(env.model.qpos0.astype(env.precision)) + noise.astype(env.precision)


def height_gain(env: MujocoEnv, height: Array, index: int) -> Array:
    """() float32, m: how much higher a coordinate is than in the model's reference pose."""
    return single(height - np.asarray(env.model.qpos0[index], env.precision))


def require(task: str, model: Model, **least: int) -> None:
    """Raises `InvalidField` if a model has fewer of something, given by its name in MuJoCo, than the task needs."""
    for name, count in {"nu": 1, **least}.items():
        found = int(getattr(model.mj_model, name))
        if found < count:
            raise InvalidField(f"{task} needs a model with {name} of at least {count}; {model.path} has {found}.")
