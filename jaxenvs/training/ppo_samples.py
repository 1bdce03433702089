"""The samples that PPO records while it plays, and their division into minibatches.

Samples are kept in `num_blocks` blocks of neighbouring environments, which are shuffled separately, so that each
minibatch has equally many of each block. On a mesh, every device has its own blocks.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_at
from jaxenvs.random import Key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.training.shuffle import random_order


class Played(PyTreeNode):
    """The record of a step; each array has the leading axes (num_steps, num_envs) besides those named here.

    Attributes:
        features: what the networks read of the observation acted on, from `to_features`.
        choice: what was drawn from the policy's distribution, from which the action follows.
        log_prob: () float32, the logarithm of its probability, or density, when it was drawn.
        reward: () float32.
        done: () bool, whether the step ended an episode.
        next_features: what the networks read of `final_observation`.
        endings: also with `terminated`, by which values are bootstrapped.
    """

    features: Any
    choice: Array
    log_prob: Array
    reward: Array
    done: Array
    next_features: Any
    endings: Endings


class Batch(PyTreeNode):
    """Samples to learn from; leading axes (num_blocks, samples of a block), or in a minibatch a single axis.

    Attributes:
        features: as in `Played`.
        choice: as in `Played`.
        log_prob: () float32, as in `Played`.
        advantage: () float32, how much better the choice was than expected.
        target: () float32, what the critic should have said.
    """

    features: Any
    choice: Array
    log_prob: Array
    advantage: Array
    target: Array


def by_block(x: Array, num_blocks: int) -> Array:
    """(num_steps, num_envs, ...) as (num_blocks, samples of a block, ...)."""
    blocks = x.reshape(x.shape[0], num_blocks, -1, *x.shape[2:])
    return jnp.moveaxis(blocks, 1, 0).reshape(num_blocks, -1, *x.shape[2:])


def joined(x: Array) -> Array:
    """(samples, ...): the blocks of `x`, with axes (num_blocks, samples of a block, ...), one after the other."""
    return x.reshape(-1, *x.shape[2:])


def deal(key: Key, num_samples: int, num_blocks: int, num_minibatches: int) -> Array:
    """(num_minibatches, num_blocks, samples) int: which samples of each block make each minibatch."""
    size = num_samples // num_blocks
    if num_blocks == 1:  # the key itself, so that one block is shuffled as without blocks
        order = random_order(key, size)[None]
    else:
        order = jax.vmap(lambda k: random_order(k, size))(jax.random.split(key, num_blocks))
    return jnp.moveaxis(order.reshape(num_blocks, num_minibatches, -1), 1, 0)


def take(batch: Batch, index: Array) -> Batch:
    """The samples of a minibatch: `index` (blocks, samples) counts within each block of `batch`."""
    blocks, size = batch.target.shape
    index = (index + size * jnp.arange(blocks, dtype=index.dtype)[:, None]).reshape(-1)
    return tree_at(jax.tree.map(joined, batch), index)
