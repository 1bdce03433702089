"""What holds for every learner: interface, truncation, vmap, bad input."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_spaces import SquareActions, UnsupportedPixels

import jaxenvs
from jaxenvs.errors import InvalidField, InvalidKey, WrapperOrderError
from jaxenvs.training import DQN, PPO
from tests.training.toy_envs import Endless, Walk
