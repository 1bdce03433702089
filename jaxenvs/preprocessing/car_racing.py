"""make_car_racing: CarRacing with small grey pictures, actions that are held, and one pedal."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env
from jaxenvs.registration.make import make
from jaxenvs.registration.spec import EnvSpec
from jaxenvs.spaces import Box
from jaxenvs.wrappers import (
    FlattenObservation,
    FrameStack,
    GrayscaleObservation,
    RepeatAction,
    ResizeObservation,
    TransformAction,
)

_GREATEST_BRAKE = 0.25
"""A quarter of the brake already slows the wheels by 3.75 rad/s in each step; random play with more hardly moves."""


def make_car_racing(
    id: str | EnvSpec = "CarRacing-v3", *, frame_skip: int = 4, screen_size: int = 24, num_stack: int = 2, **fields: Any
) -> Env[Any, Any]:
    """CarRacing with the preprocessing that the preset of PPO learns from; `jaxenvs train CarRacing-v3` uses it.

    An observation is one vector of uint8: the last pictures in grey, shrunk, the oldest first. With `continuous`, an
    action is (2,) float32 in [-1, 1]: steering, and a pedal that is gas above 0 and up to a quarter of the brake below.
    Rewards are those of the environment, added up over the steps for which an action is held.

    Args:
        id: the id, or its spec.
        frame_skip: steps for which an action is held.
        screen_size: height and width of a picture, at most 96.
        num_stack: number of pictures in an observation.
        **fields: of `CarRacing`.

    Returns:
        The environment, without AutoReset. Its time limit of 1,000 counts single steps, not held actions.

    Raises:
        InvalidField: a field or size is invalid.
    """
    env = make(id, **fields)
    if isinstance(env.action_space, Box):
        bound = jnp.ones(2, jnp.float32)
        env = TransformAction(env, steer_and_pedal, Box(-bound, bound))
    env = ResizeObservation(GrayscaleObservation(RepeatAction(env, frame_skip)), (screen_size, screen_size))
    return FlattenObservation(FrameStack(env, num_stack))


def steer_and_pedal(action: Array) -> Array:
    """Steering, gas and brake, (3,) float32, from steering and pedal, (2,) float32 in [-1, 1]."""
    steering, pedal = action
    return jnp.stack([steering, jnp.maximum(pedal, 0.0), _GREATEST_BRAKE * jnp.maximum(-pedal, 0.0)])
