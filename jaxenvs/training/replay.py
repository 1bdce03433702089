"""ReplayBuffer: the latest transitions, in device memory; and how DQN and SAC play into it."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key
from jaxenvs.training.distributions import to_action
from jaxenvs.training.learner import Learner, Metrics, TrainState, episode_figures, mean_or_nan, training_env
from jaxenvs.training.networks import to_vector


class Transition(PyTreeNode):
    """One step, as DQN and SAC keep it.

    Attributes:
        features: (n,) float32, of the observation acted on.
        choice: of the learner's policy; `to_action` makes the action of it.
        reward: () float32.
        terminated: () bool.
        next_features: (n,) float32, of the `final_observation`: what the step led to.
    """

    features: Array
    choice: Array
    reward: Array
    terminated: Array
    next_features: Array


class ReplayBuffer(PyTreeNode):
    """The latest `capacity` items; once it is full, new ones replace the oldest.

    Attributes:
        items: a pytree of arrays (capacity, ...); the first `size` rows hold items.
        position: () int32, the row that is written next.
        size: () int32, how many items there are.
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
        """With a batch of items (n, ...) added; n divides the capacity and is the same at every call."""
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
        """Draws (count, ...) items uniformly, with replacement; zeros where the buffer is empty."""
        index = jax.random.randint(key, (count,), 0, jnp.maximum(self.size, 1), jnp.int32)
        return jax.tree.map(lambda rows: rows[index], self.items)


class ReplayState(TrainState):
    """State of a learner with a replay buffer. Arrays of the environments have a leading axis num_envs.

    Attributes:
        agent: what the learner's policy is made of.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        buffer: of `Transition`s.
        env_state: states of the environments.
        observation: what each environment's next action is chosen by.
        key: () key.
    """

    buffer: ReplayBuffer
    env_state: Any
    observation: Any
    key: Key


class ReplayMetrics(Metrics):
    """What one update of a learner with a replay buffer measured.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included.
        episodes: () int32, episodes that ended during this update.
        return_sum: () float32, the sum of their returns; `mean_return` is their mean.
        length_sum: () float32, the sum of their lengths; `mean_length` is their mean.
        gradient_steps: () int32, gradient steps of this update; 0 before learning starts.
        loss_sum: () float32, the sum of their losses; `loss` is their mean.
        value_sum: () float32, the sum of the values that they saw, each the mean over its samples.
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
        """() float32: the mean value that the gradient steps saw; NaN before learning starts."""
        return mean_or_nan(self.value_sum, self.gradient_steps)


def replay_figures(metrics: ReplayMetrics) -> dict[str, tuple[Any, Any]]:
    """The figures that learners with a replay buffer share; see `Metrics.figures`."""
    return {
        **episode_figures(metrics),
        "mean_value": (metrics.value_sum, metrics.gradient_steps),
        "learning_rate": (metrics.learning_rate, 1),
    }


State = TypeVar("State", bound=ReplayState)


def play(
    learner: Learner[Any], env: Env[Any, Any], state: State, choose: Callable[[Array, Key], Array]
) -> tuple[State, tuple[Array, Array, Array]]:
    """One step of every environment, into the buffer.

    Args:
        learner: who plays.
        env: the plain environment.
        state: of the learner.
        choose: the choice for one observation's features.

    Returns:
        The state after the step, and (num_envs,) each: which ended an episode, its return and its length.
    """

    def act(observation: Any, key: Key) -> tuple[Array, Array]:
        features = to_vector(env.observation_space, observation)
        return features, choose(features, key)

    key, act_key = jax.random.split(state.key)
    features, choice = jax.vmap(act)(state.observation, jax.random.split(act_key, learner.num_envs))
    action = jax.vmap(to_action, in_axes=(None, 0))(env.action_space, choice)
    env_state, timestep = jax.vmap(training_env(env).step)(state.env_state, action)
    transitions = Transition(
        features=features,
        choice=choice,
        reward=timestep.reward,
        terminated=timestep.terminated,
        next_features=jax.vmap(to_vector, in_axes=(None, 0))(env.observation_space, timestep.final_observation),
    )
    state = state.replace(
        env_state=env_state,
        observation=timestep.observation,
        buffer=state.buffer.add(transitions),
        key=key,
    )
    info = timestep.info
    return state, (info["episode_done"], info["episode_return"], info["episode_length"])
