"""DQN: deep Q-learning.

After V. Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015, with the
double estimator of H. van Hasselt, A. Guez and D. Silver, "Deep Reinforcement Learning with Double
Q-learning", 2015 (arXiv:1509.06461).
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.spaces import Discrete, Space
from jaxenvs.training.distributions import check_action_space, to_action
from jaxenvs.training.features import blank_features, check_observation_space, is_byte_picture, of_bytes
from jaxenvs.training.learner import horizon_of
from jaxenvs.training.networks import MLP, Activation
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.replay import ReplayMetrics, ReplayState, Transition, TransitionBuffer, replay_figures
from jaxenvs.training.replay_learner import ReplayLearner, play_step


class DQNAgent(PyTreeNode):
    """The weights of a DQN policy.

    Attributes:
        network: weights of the network from features to the value of each action.
    """

    network: Any


class DQNState(ReplayState):
    """State of `DQN`. Arrays of the environments have a leading axis num_envs.

    Attributes:
        agent: a `DQNAgent`.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        target: weights of the target network.
        optimizer_state: Adam's moments.
        buffer: a `TransitionBuffer`.
        env_state: states of the environments.
        observation: the observations that the next actions are chosen from.
        key: () key.
    """

    target: Any
    optimizer_state: Any


class DQNMetrics(ReplayMetrics):
    """Metrics of one update of `DQN`, in addition to `ReplayMetrics`; values are those of the actions in the samples.

    Attributes:
        epsilon: () float32, fraction of random actions at the end of the update.
    """

    epsilon: Array

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """See `Metrics.figures`."""
        own = {"loss": (self.loss_sum, self.gradient_steps), "epsilon": (self.epsilon, 1)}
        return {**replay_figures(self), **own}


class DQNPolicy(PyTreeNode):
    """A policy learnt by DQN.

    Attributes:
        agent: the weights.
        observation_space: of the environment.
        action_space: of the environment.
        learner: the settings, of which only those of the network matter.
        epsilon: () float32, fraction of random actions.
    """

    agent: DQNAgent
    observation_space: Space[Any]
    action_space: Space[Any]
    learner: "DQN"
    epsilon: ArrayLike

    def __call__(self, observation: Any, key: Key) -> Array:
        """The action for one observation."""
        features = of_bytes(self.observation_space, observation)
        choice = self.learner.choose(self.agent, self.action_space, features, self.epsilon, key)
        return to_action(self.action_space, choice)


class DQN(ReplayLearner[DQNState]):
    """Double deep Q-learning, with environment, replay buffer and updates in one program.

    Each update plays `num_steps` steps in `num_envs` environments. After each of these, and once
    `learning_starts` steps are in the replay buffer, it takes `gradient_steps` gradient steps on
    the squared error of the values, each for `batch_size` transitions drawn from the buffer, and moves the target
    network slightly towards the learnt one. The value after a truncated step is that of its `final_observation`;
    the value after a terminated step is 0.

    Observations: any space that flattens to a vector, and pictures of uint8, alone or in a dict or tuple, which go
    through convolutions as in `PPO`; the replay buffer holds two of them for each step. Actions: Discrete.

    All other settings are those of `ReplayLearner`, with their defaults.

    Attributes:
        num_steps: steps of each environment per update.
        anneal: whether to lower the learning rate linearly to 0 over `total_steps`.
        epsilon_start: fraction of random actions at the start.
        epsilon_end: fraction of random actions from `exploration_fraction` on; linear in between.
        exploration_fraction: the part of `total_steps` over which that fraction falls.
        max_grad_norm: gradients are scaled down to this norm, which is positive.
        hidden_sizes: units of the hidden layers.
        activation: nonlinearity of the hidden layers.
    """

    num_steps: int = static(default=128)
    anneal: bool = static(default=True)
    epsilon_start: ArrayLike = 1.0
    epsilon_end: ArrayLike = 0.05
    exploration_fraction: ArrayLike = 0.2
    max_grad_norm: ArrayLike = 10.0
    hidden_sizes: tuple[int, ...] = static(default=(64, 64))
    activation: Activation = static(default="relu")

    def check_fields(self) -> None:
        """Checks sizes and ranges."""
        self.check_replay(self.hidden_sizes, self.activation)
        for name in ("epsilon_start", "epsilon_end", "exploration_fraction"):
            self.check_range(name, 0, 1)
        self.check_range("max_grad_norm", 0, above=True)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks the spaces."""
        self.check_is_env(env)
        self.check_has_one_agent(env)
        check_observation_space("DQN", env.observation_space, is_byte_picture)
        check_action_space("DQN", env.action_space, (Discrete,))

    def policy(self, env: Env[Any, Any], agent: DQNAgent, *, stochastic: bool = False) -> DQNPolicy:
        """The action of the highest value; if `stochastic`, a fraction `epsilon_end` of the actions is random."""
        epsilon = self.epsilon_end if stochastic else 0.0
        return DQNPolicy(agent, env.observation_space, env.action_space, self, epsilon)

    def values(self, network: Any, space: Space[Any], features: Any) -> Array:
        """(n,) float32: the discounted return expected from each action, after one observation's features."""
        return self._network(space).value(network, features)

    def choose(self, agent: DQNAgent, space: Space[Any], features: Any, epsilon: ArrayLike, key: Key) -> Array:
        """() int32: the best choice for the features of one observation, or with probability `epsilon` a random one."""
        explore_key, choice_key = jax.random.split(key)
        best = jnp.argmax(self.values(agent.network, space, features)).astype(jnp.int32)
        explore = jax.random.uniform(explore_key, (), jnp.float32) < epsilon
        return jnp.where(explore, jax.random.randint(choice_key, (), 0, space.flat_size, jnp.int32), best)

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> DQNState:
        """Initialises the weights and an empty buffer, and starts the environments."""
        self.check_mesh(mesh)
        self.check_env(env)
        key, network_key, env_key = jax.random.split(check_key(key, name="train"), 3)
        features = blank_features(env.observation_space, is_byte_picture)
        network = self._network(env.action_space).init(network_key, features)

        def empty_buffer(_: TimeStep[Any]) -> TransitionBuffer:
            return TransitionBuffer.empty(env.observation_space, jnp.zeros((), jnp.int32), self.buffer_size)

        return DQNState(
            agent=DQNAgent(network),
            target=network,
            optimizer_state=self._optimizer.init(network),
            key=key,
            **self.fresh_play(env, env_key, empty_buffer),
        )

    def update_with_endings(
        self, env: Env[Any, Any], state: DQNState, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[DQNState, DQNMetrics, Endings]:
        """Plays and learns alternately, `num_steps` times."""
        self.check_mesh(mesh)
        horizon = horizon_of(self, state.updates, horizon)
        epsilon = self._epsilon(self.progress(state, horizon, self.num_steps))
        state, metrics, _, endings = self.take_turns(env, state, horizon)
        return state, DQNMetrics(**metrics, epsilon=epsilon), endings

    def play(self, env: Env[Any, Any], state: DQNState, rounds: Array, horizon: Array) -> tuple[DQNState, Endings]:
        """One step of every environment, with a decreasing fraction of random actions."""
        epsilon = self._epsilon(self.progress(state, horizon, rounds))

        def choose(features: Any, key: Key) -> Array:
            return self.choose(state.agent, env.action_space, features, epsilon, key)

        return play_step(self, env, state, choose)

    def learn(
        self, env: Env[Any, Any], state: DQNState, rounds: Array, horizon: Array
    ) -> tuple[DQNState, tuple[Array, Array, Array]]:
        """`gradient_steps` steps once learning has started; returns (gradient_steps,) taken, loss and value."""
        key, sample_key = jax.random.split(state.key)
        learning_rate = self.rate(state, horizon, rounds)

        def step(carry: tuple[Any, Any, Any], key: Key) -> tuple[tuple[Any, Any, Any], tuple[Array, Array]]:
            network, target, optimizer_state = carry
            samples = state.buffer.sample(env, key, self.batch_size)
            gradient, losses = jax.grad(self._loss, has_aux=True)(network, target, env.action_space, samples)
            network, optimizer_state = self._optimizer.step(network, gradient, optimizer_state, learning_rate)
            rate = jnp.asarray(self.target_rate, jnp.float32)
            target = optax.incremental_update(network, target, rate)
            return (network, target, optimizer_state), losses

        carry = state.agent.network, state.target, state.optimizer_state
        carry, (learnt, loss, value) = self.take_gradient_steps(state, rounds, step, carry, sample_key, num_figures=2)
        network, target, optimizer_state = carry
        state = state.replace(agent=DQNAgent(network), target=target, optimizer_state=optimizer_state, key=key)
        return state, (learnt, loss, value)

    def _loss(
        self, network: Any, target: Any, space: Space[Any], samples: Transition
    ) -> tuple[Array, tuple[Array, Array]]:
        def error(transition: Transition) -> tuple[Array, Array]:
            value = self.values(network, space, transition.features)[transition.choice]
            # The learnt network chooses the next action and the target network evaluates it, so that the choice
            # does not favour overestimates.
            next_choice = jnp.argmax(self.values(network, space, transition.next_features))
            next_value = self.values(target, space, transition.next_features)[next_choice]
            goal = transition.reward + jnp.asarray(self.gamma, jnp.float32) * jnp.where(
                transition.terminated, 0.0, next_value
            )
            return value - jax.lax.stop_gradient(goal), value

        errors, values = jax.vmap(error)(samples)
        # Squared loss rather than Huber loss: the value is a mean over possible futures, and Huber loss is closer to
        # the median. `max_grad_norm` limits large errors.
        loss = 0.5 * (errors**2).mean()
        return loss, (loss, values.mean())

    def _epsilon(self, share: Array) -> Array:
        start, end, fraction = (
            jnp.asarray(value, jnp.float32)
            for value in (self.epsilon_start, self.epsilon_end, self.exploration_fraction)
        )
        return start + (end - start) * jnp.minimum(share / jnp.maximum(fraction, 1e-8), 1.0)

    def _network(self, space: Space[Any]) -> MLP:
        return MLP(self.hidden_sizes, space.flat_size, self.activation, channels=self.channels)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(self.max_grad_norm)
