"""ReplayBuffer: the latest transitions, in device memory; and the state and metrics of learners that use it."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_at
from jaxenvs.random import Key
from jaxenvs.training.learner import Metrics, TrainState, episode_figures, mean_or_nan


class Transition(PyTreeNode):
    """One step, as stored by DQN and SAC.

    Attributes:
        features: (n,) float32, of the observation acted on.
        choice: the choice of the policy; `to_action` converts it to an action.
        reward: () float32.
        terminated: () bool.
        next_features: (n,) float32, of the `final_observation`, which the step led to.
    """

    features: Array
    choice: Array
    reward: Array
    terminated: Array
    next_features: Array


class ReplayBuffer(PyTreeNode):
    """The latest `capacity` items; once it is full, new ones replace the oldest.

    Attributes:
        items: a pytree of arrays (capacity, ...); the first `size` rows contain items.
        position: () int32, the next row to write.
        size: () int32, number of items.
    """

    items: Any
    position: Array
    size: Array

    @staticmethod
    def empty(item: Any, capacity: int) -> "ReplayBuffer":
        """A buffer for items of the shapes and dtypes of `item`."""
        items = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), item)
        return ReplayBuffer(items=items, position=jnp.zeros((), jnp.int32), size=jnp.zeros((), jnp.int32))

    @property
    def capacity(self) -> int:
        """The number of rows."""
        return jax.tree.leaves(self.items)[0].shape[0]

    def add(self, items: Any) -> "ReplayBuffer":
        """The buffer with a batch of items (n, ...) added; n divides the capacity and is the same in every call."""
        count = jax.tree.leaves(items)[0].shape[0]
        assert self.capacity % count == 0, (self.capacity, count)

        def write(rows: Array, new: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(rows, new, self.position, axis=0)

        return ReplayBuffer(
            items=jax.tree.map(write, self.items, items),
            position=(self.position + count) % self.capacity,
            size=jnp.minimum(self.size + count, self.capacity),
        )

    def sample(self, key: Key, count: int) -> Any:
        """Draws (count, ...) items uniformly, with replacement; zeros if the buffer is empty."""
        index = jax.random.randint(key, (count,), 0, jnp.maximum(self.size, 1), jnp.int32)
        return tree_at(self.items, index)


class ReplayState(TrainState):
    """State of a learner with a replay buffer. Arrays of the environments have a leading axis num_envs.

    Attributes:
        agent: the contents of the learner's policy.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        buffer: a `ReplayBuffer` of `Transition`s, or a `HindsightBuffer`.
        env_state: states of the environments.
        observation: the observations that the next actions are chosen from.
        key: () key.
    """

    buffer: Any
    env_state: Any
    observation: Any
    key: Key


class ReplayMetrics(Metrics):
    """The metrics of one update of a learner with a replay buffer.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included.
        episodes: () int32, episodes that ended during this update.
        return_sum: () float32, the sum of their returns; `mean_return` is their mean.
        length_sum: () float32, the sum of their lengths; `mean_length` is their mean.
        gradient_steps: () int32, gradient steps of this update; 0 before learning starts.
        loss_sum: () float32, the sum of their losses; `loss` is their mean.
        value_sum: () float32, the sum of the values in them, each the mean over its samples.
        learning_rate: () float32, at the end of the update.
    """

    gradient_steps: Array
    loss_sum: Array
    value_sum: Array
    learning_rate: Array

    @property
    def loss(self) -> Any:
        """() float32: the mean loss of the gradient steps; NaN before learning starts."""
        return mean_or_nan(self.loss_sum, self.gradient_steps)

    @property
    def mean_value(self) -> Any:
        """() float32: the mean value in the gradient steps; NaN before learning starts."""
        return mean_or_nan(self.value_sum, self.gradient_steps)


def replay_figures(metrics: ReplayMetrics) -> dict[str, tuple[Any, Any]]:
    """The figures that learners with a replay buffer share; see `Metrics.figures`."""
    return {
        **episode_figures(metrics),
        "mean_value": (metrics.value_sum, metrics.gradient_steps),
        "learning_rate": (metrics.learning_rate, 1),
    }
