"""ReplayLearner: the common part of DQN and SAC, which store each step in a replay buffer and learn from samples."""

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.rollouts.endings import Endings, endings_of
from jaxenvs.training.distributions import to_action
from jaxenvs.training.features import of_bytes
from jaxenvs.training.learner import Learner, counted, episode_sums, masked_sum, training_env
from jaxenvs.training.networks import CHANNELS, Activation, check_activation, check_channels
from jaxenvs.training.replay import ReplayState, StepBuffer
from jaxenvs.training.schedule import annealed, has_taken, progress

State = TypeVar("State", bound=ReplayState)
Carry = TypeVar("Carry")


class ReplayLearner(Learner[State], Generic[State]):
    """A learner with a replay buffer: each update alternates `num_steps` times between a step of play and learning.

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates.
        num_envs: number of environments stepped in parallel.
        num_steps: steps of each environment per update.
        gradient_steps: gradient steps after each step of all environments.
        buffer_size: capacity of the replay buffer in transitions; a multiple of num_envs.
        batch_size: transitions per gradient step.
        learning_starts: environment steps before the first gradient step.
        learning_rate: of Adam.
        anneal: whether to lower the learning rate linearly to 0 over `total_steps`.
        gamma: discount.
        target_rate: how far each gradient step moves the target network towards the learnt one; in [0, 1].
        channels: features of the convolutional layers, which read pictures of uint8, of at least 36 by 36 pixels; with
            fewer than three, the last layers are left out.
    """

    num_steps: int = static(default=32)
    gradient_steps: int = static(default=1)
    buffer_size: int = static(default=50_000)
    batch_size: int = static(default=128)
    learning_starts: int = static(default=1_000)
    learning_rate: ArrayLike = 1e-3
    anneal: bool = static(default=False)
    gamma: ArrayLike = 0.99
    target_rate: ArrayLike = 0.01
    channels: tuple[int, ...] = static(default=CHANNELS)

    def check_replay(self, hidden_sizes: tuple[int, ...], activation: Activation) -> None:
        """Raises `InvalidField` if the settings of all learners with a replay buffer are inconsistent."""
        name = type(self).__name__
        for count in ("num_steps", "gradient_steps", "buffer_size", "batch_size"):
            self.check_count(count)
        self.check_count("learning_starts", least=0)
        if self.buffer_size % self.num_envs:
            raise InvalidField(
                f"{name}: buffer_size ({self.buffer_size}) must be a multiple of num_envs ({self.num_envs}),"
                f" such as {-(-self.buffer_size // self.num_envs) * self.num_envs}."
            )
        if self.learning_starts > self.total_steps:
            raise InvalidField(
                f"{name}: learning_starts ({self.learning_starts}) is above total_steps ({self.total_steps}),"
                " so nothing would be learnt. Lower it or train longer."
            )
        self.check_range("gamma", 0, 1)
        self.check_range("target_rate", 0, 1)
        self.check_range("learning_rate", 0)
        self.check_hidden_sizes(hidden_sizes)
        check_activation(name, activation)
        check_channels(name, self.channels)

    @property
    def steps_per_update(self) -> int:
        """num_envs * num_steps."""
        return self.num_envs * self.num_steps

    @abc.abstractmethod
    def play(self, env: Env[Any, Any], state: State, rounds: Array, horizon: Array) -> tuple[State, Endings]:
        """Steps every environment once and stores the steps in the buffer; see `play_step`.

        Args:
            env: the plain environment.
            state: the current state.
            rounds: () int32, steps of this update played so far.
            horizon: () int32, the updates that schedules run over.
        """

    @abc.abstractmethod
    def learn(
        self, env: Env[Any, Any], state: State, rounds: Array, horizon: Array
    ) -> tuple[State, tuple[Array, Array, Array, *tuple[Array, ...]]]:
        """`gradient_steps` gradient steps, once learning has started; see `take_gradient_steps`.

        Args:
            env: the plain environment.
            state: the current state.
            rounds: () int32, steps of this update played so far, including the last one.
            horizon: () int32, the updates that schedules run over.

        Returns:
            The state, and for each gradient step, (gradient_steps,) each: whether it was taken, its loss, its mean
            value, and the other figures of the learner.
        """

    def fresh_play(
        self, env: Env[Any, Any], key: Key, empty_buffer: Callable[[TimeStep[Any]], StepBuffer]
    ) -> dict[str, Any]:
        """Fields of the first state.

        Args:
            env: the plain environment.
            key: key from which each environment gets its own.
            empty_buffer: makes the buffer for what the environments return, with a leading axis num_envs.
        """
        env_state, timestep = jax.vmap(training_env(env).reset)(jax.random.split(key, self.num_envs))
        return {
            "updates": jnp.zeros((), jnp.int32),
            "env_steps": jnp.zeros((), jnp.float32),
            "buffer": empty_buffer(timestep),
            "env_state": env_state,
            "observation": timestep.observation,
        }

    def take_turns(
        self, env: Env[Any, Any], state: State, horizon: Array
    ) -> tuple[State, dict[str, Array], list[Array], Endings]:
        """Plays and learns alternately, `num_steps` times.

        Returns:
            The state after the update, the fields of its `ReplayMetrics`, the sums over gradient steps of the other
            figures of `learn`, and the ends of episodes, (num_steps, num_envs).
        """

        def turn(state: State, rounds: Array) -> tuple[State, Any]:
            state, endings = self.play(env, state, rounds, horizon)
            state, figures = self.learn(env, state, rounds + 1, horizon)
            return state, (endings, figures)

        state, (endings, figures) = jax.lax.scan(turn, state, jnp.arange(self.num_steps, dtype=jnp.int32))
        learnt, loss, value, *others = figures
        learning_rate = self.rate(state, horizon, self.num_steps)
        state = state.replace(**counted(self, state.updates))
        metrics = {
            "env_steps": state.env_steps,
            **episode_sums(endings),
            "gradient_steps": learnt.sum(dtype=jnp.int32),
            "loss_sum": masked_sum(loss, learnt),
            "value_sum": masked_sum(value, learnt),
            "learning_rate": learning_rate,
        }
        return state, metrics, [masked_sum(other, learnt) for other in others], endings

    def take_gradient_steps(
        self,
        state: State,
        rounds: Array,
        step: Callable[[Carry, Key], tuple[Carry, tuple[Array, ...]]],
        carry: Carry,
        key: Key,
        num_figures: int,
    ) -> tuple[Carry, tuple[Any, ...]]:
        """Calls `step` `gradient_steps` times, once learning has started.

        Args:
            state: the current state.
            rounds: () int32, steps of this update played so far, including the last one.
            step: one gradient step, from the carry and a key to the next carry and `num_figures` () float32.
            carry: what the steps change.
            key: key from which each step gets its own.
            num_figures: number of figures that a step returns.

        Returns:
            The last carry, and (gradient_steps,) each: whether the step was taken, and its figures.
        """

        def learn(carry: Carry) -> tuple[Carry, Any]:
            return jax.lax.scan(step, carry, jax.random.split(key, self.gradient_steps))

        def skip(carry: Carry) -> tuple[Carry, Any]:
            return carry, (jnp.zeros(self.gradient_steps, jnp.float32),) * num_figures

        started = self.has_started(state, rounds)
        carry, figures = jax.lax.cond(started, learn, skip, carry)
        return carry, (jnp.broadcast_to(started, (self.gradient_steps,)), *figures)

    def has_started(self, state: State, rounds: Array) -> Array:
        """() bool: whether `learning_starts` steps have been taken, after `rounds` steps of the update."""
        return has_taken(self.learning_starts, state.updates, rounds, self.num_envs, self.num_steps)

    def progress(self, state: State, horizon: Array, rounds: ArrayLike) -> Array:
        """() float32: the fraction of training that is done, after `rounds` steps of the update."""
        return progress(state.updates, horizon, rounds, self.num_steps)

    def rate(self, state: State, horizon: Array, rounds: ArrayLike) -> Array:
        """() float32: the learning rate after `rounds` steps of the update."""
        return annealed(self.learning_rate, self.progress(state, horizon, rounds), self.anneal)


def play_step(
    learner: Learner[Any], env: Env[Any, Any], state: State, choose: Callable[[Any, Key], Array]
) -> tuple[State, Endings]:
    """Steps every environment once and stores the steps in the buffer.

    Args:
        learner: the learner.
        env: the plain environment.
        state: state of the learner.
        choose: function from the features of one observation, and a key, to a choice.

    Returns:
        The state after the step, and the ends of episodes, (num_envs,).
    """

    def act(observation: Any, key: Key) -> Array:
        return choose(of_bytes(env.observation_space, observation), key)

    key, act_key = jax.random.split(state.key)
    choice = jax.vmap(act)(state.observation, jax.random.split(act_key, learner.num_envs))
    action = jax.vmap(to_action, in_axes=(None, 0))(env.action_space, choice)
    env_state, timestep = jax.vmap(training_env(env).step)(state.env_state, action)
    buffer = state.buffer.add(env, state.observation, choice, timestep)
    state = state.replace(env_state=env_state, observation=timestep.observation, buffer=buffer, key=key)
    return state, endings_of(timestep)
