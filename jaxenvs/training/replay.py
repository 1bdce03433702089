"""ReplayBuffer: the latest transitions, in device memory; and the state and metrics of learners that use it."""

import abc
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.core.trees import tree_at
from jaxenvs.random import Key
from jaxenvs.spaces import Space
from jaxenvs.training.features import blank_features, is_byte_picture, of_bytes
from jaxenvs.training.learner import Metrics, TrainState, episode_figures, mean_or_nan


class Transition(PyTreeNode):
    """One step, as stored by DQN and SAC.

    Attributes:
        features: of the observation acted on, from `of_bytes`: (n,) float32, or with pictures of uint8.
        choice: the choice of the policy; `to_action` converts it to an action.
        reward: () float32.
        terminated: () bool.
        next_features: of the `final_observation`, which the step led to.
    """

    features: Any
    choice: Array
    reward: Array
    terminated: Array
    next_features: Any


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


class StepBuffer(PyTreeNode, abc.ABC):
    """The latest steps of several environments, from which learners draw transitions."""

    @abc.abstractmethod
    def add(self, env: Env[Any, Any], observation: Any, choice: Array, timestep: TimeStep[Any]) -> "StepBuffer":
        """The buffer with one more step of every environment.

        Args:
            env: the plain environment.
            observation: the observations acted on, with a leading axis num_envs, as have `choice` and `timestep`.
            choice: the choices of the policy.
            timestep: what the environments returned.
        """

    @abc.abstractmethod
    def sample(self, env: Env[Any, Any], key: Key, count: int) -> Transition:
        """Draws (count, ...) transitions uniformly, with replacement; zeros if the buffer is empty.

        Args:
            env: the plain environment.
            key: the key to draw from.
            count: number of transitions.
        """


class TransitionBuffer(StepBuffer):
    """The latest steps as they were.

    Attributes:
        replay: of `Transition`s.
    """

    replay: ReplayBuffer

    @staticmethod
    def empty(space: Space[Any], choice: Array, capacity: int) -> "TransitionBuffer":
        """A buffer for steps like these.

        Args:
            space: the observation space.
            choice: a choice of the policy.
            capacity: number of steps; a multiple of num_envs.
        """
        features = blank_features(space, is_byte_picture)
        transition = Transition(
            features=features,
            choice=choice,
            reward=jnp.zeros((), jnp.float32),
            terminated=jnp.zeros((), bool),
            next_features=features,
        )
        return TransitionBuffer(ReplayBuffer.empty(transition, capacity))

    def add(self, env: Env[Any, Any], observation: Any, choice: Array, timestep: TimeStep[Any]) -> "TransitionBuffer":
        """See `StepBuffer.add`."""
        features_of = jax.vmap(of_bytes, in_axes=(None, 0))
        transitions = Transition(
            features=features_of(env.observation_space, observation),
            choice=choice,
            reward=timestep.reward,
            terminated=timestep.terminated,
            next_features=features_of(env.observation_space, timestep.final_observation),
        )
        return TransitionBuffer(self.replay.add(transitions))

    def sample(self, env: Env[Any, Any], key: Key, count: int) -> Transition:
        """See `StepBuffer.sample`."""
        return self.replay.sample(key, count)


class ReplayState(TrainState):
    """State of a learner with a replay buffer. Arrays of the environments have a leading axis num_envs.

    Attributes:
        agent: the contents of the learner's policy.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        buffer: a `TransitionBuffer` or a `HindsightBuffer`.
        env_state: states of the environments.
        observation: the observations that the next actions are chosen from.
        key: () key.
    """

    buffer: StepBuffer
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
