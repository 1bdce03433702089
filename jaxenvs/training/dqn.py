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

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.spaces import Discrete, Space
from jaxenvs.training.distributions import check_action_space, to_action
from jaxenvs.training.learner import Learner, counted, horizon_of, masked_sum, training_env
from jaxenvs.training.networks import MLP, Activation, check_activation, check_observation_space, to_vector
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.replay import ReplayBuffer, ReplayMetrics, ReplayState, Transition, play, replay_figures
from jaxenvs.training.schedule import has_taken, progress


class DQNAgent(PyTreeNode):
    """What a DQN policy is made of.

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
        buffer: of `Transition`s.
        env_state: states of the environments.
        observation: what each environment's next action is chosen by.
        key: () key.
    """

    target: Any
    optimizer_state: Any


class DQNMetrics(ReplayMetrics):
    """What one update of `DQN` measured, beside what `ReplayMetrics` has; values are of the actions in the samples.

    Attributes:
        epsilon: () float32, share of random actions at the end of the update.
    """

    epsilon: Array

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """See `Metrics.figures`."""
        own = {"loss": (self.loss_sum, self.gradient_steps), "epsilon": (self.epsilon, 1)}
        return {**replay_figures(self), **own}


class DQNPolicy(PyTreeNode):
    """A policy that DQN learnt.

    Attributes:
        agent: the weights.
        observation_space: of the environment.
        action_space: of the environment.
        learner: the settings, of which the network's matter.
        epsilon: () float32, share of random actions.
    """

    agent: DQNAgent
    observation_space: Space[Any]
    action_space: Space[Any]
    learner: "DQN"
    epsilon: ArrayLike

    def __call__(self, observation: Any, key: Key) -> Array:
        """The action for one observation."""
        features = to_vector(self.observation_space, observation)
        choice = self.learner.choose(self.agent, self.action_space, features, self.epsilon, key)
        return to_action(self.action_space, choice)


class DQN(Learner[DQNState]):
    """Double deep Q-learning, environment, replay buffer and updates in one program.

    Each update plays `num_steps` steps in `num_envs` environments. After each of these, and once
    `learning_starts` steps are in the replay buffer, it takes `gradient_steps` steps down the squared
    error of the values, each on `batch_size` transitions drawn from the buffer, and moves the target network
    a little towards the learnt one. A truncated step is followed by the value of its `final_observation`,
    a terminated one by 0.

    Observations: any space that flattens to a vector. Actions: Discrete.

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates.
        num_envs: environments stepped side by side.
        num_steps: steps of each environment in an update.
        gradient_steps: gradient steps after each step of all environments.
        buffer_size: transitions that the replay buffer holds; a multiple of num_envs.
        batch_size: transitions in a gradient step.
        learning_starts: environment steps before the first gradient step.
        learning_rate: of Adam.
        anneal: lower the learning rate linearly to 0 over `total_steps`.
        gamma: discount.
        target_rate: how far each gradient step moves the target network towards the learnt one; in [0, 1].
        epsilon_start: share of random actions at the start.
        epsilon_end: share of random actions from `exploration_fraction` on; linear in between.
        exploration_fraction: the part of `total_steps` over which that share falls.
        max_grad_norm: gradients are scaled down to this norm, which is above 0.
        hidden_sizes: units of the hidden layers.
        activation: nonlinearity of the hidden layers.
    """

    num_steps: int = static(default=128)
    gradient_steps: int = static(default=1)
    buffer_size: int = static(default=50_000)
    batch_size: int = static(default=128)
    learning_starts: int = static(default=1_000)
    learning_rate: ArrayLike = 1e-3
    anneal: bool = static(default=True)
    gamma: ArrayLike = 0.99
    target_rate: ArrayLike = 0.01
    epsilon_start: ArrayLike = 1.0
    epsilon_end: ArrayLike = 0.05
    exploration_fraction: ArrayLike = 0.2
    max_grad_norm: ArrayLike = 10.0
    hidden_sizes: tuple[int, ...] = static(default=(64, 64))
    activation: Activation = static(default="relu")

    def check_fields(self) -> None:
        """Checks sizes and ranges."""
        for name in ("num_steps", "gradient_steps", "buffer_size", "batch_size"):
            self.check_count(name)
        self.check_count("learning_starts", least=0)
        if self.buffer_size % self.num_envs:
            raise InvalidField(
                f"DQN: buffer_size ({self.buffer_size}) must be a multiple of num_envs ({self.num_envs}),"
                f" such as {-(-self.buffer_size // self.num_envs) * self.num_envs}."
            )
        if self.learning_starts > self.total_steps:
            raise InvalidField(
                f"DQN: learning_starts ({self.learning_starts}) is above total_steps ({self.total_steps}),"
                " so nothing would be learnt. Lower it, or train longer."
            )
        for name in ("gamma", "target_rate", "epsilon_start", "epsilon_end", "exploration_fraction"):
            self.check_range(name, 0, 1)
        self.check_range("learning_rate", 0)
        self.check_range("max_grad_norm", 0, above=True)
        self.check_hidden_sizes(self.hidden_sizes)
        check_activation("DQN", self.activation)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks the spaces."""
        self.check_is_env(env)
        check_observation_space("DQN", env.observation_space)
        check_action_space("DQN", env.action_space, (Discrete,))

    def check_mesh(self, mesh: Devices | None) -> None:
        """Refuses a mesh."""
        if mesh is not None:
            raise InvalidField("DQN learns on one device. Leave out `mesh`, or use PPO.")

    @property
    def steps_per_update(self) -> int:
        """num_envs * num_steps."""
        return self.num_envs * self.num_steps

    def policy(self, env: Env[Any, Any], agent: DQNAgent, *, stochastic: bool = False) -> DQNPolicy:
        """The action of the highest value; where `stochastic`, `epsilon_end` of the actions are random."""
        epsilon = self.epsilon_end if stochastic else 0.0
        return DQNPolicy(agent, env.observation_space, env.action_space, self, epsilon)

    def values(self, network: Any, space: Space[Any], features: Array) -> Array:
        """(n,) float32: the discounted return expected from each action, after one observation's features."""
        return self._network(space).value(network, features)

    def choose(self, agent: DQNAgent, space: Space[Any], features: Array, epsilon: ArrayLike, key: Key) -> Array:
        """() int32: the best choice for one observation's features, or with probability `epsilon` any."""
        explore_key, choice_key = jax.random.split(key)
        best = jnp.argmax(self.values(agent.network, space, features)).astype(jnp.int32)
        explore = jax.random.uniform(explore_key, (), jnp.float32) < epsilon
        return jnp.where(explore, jax.random.randint(choice_key, (), 0, space.flat_size, jnp.int32), best)

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> DQNState:
        """Fresh weights, an empty buffer, freshly started environments."""
        self.check_mesh(mesh)
        self.check_env(env)
        key, network_key, env_key = jax.random.split(check_key(key, name="train"), 3)
        features = jnp.zeros(env.observation_space.flat_size, jnp.float32)
        network = self._network(env.action_space).init(network_key, features)
        env_state, timestep = jax.vmap(training_env(env).reset)(jax.random.split(env_key, self.num_envs))
        transition = Transition(
            features=features,
            choice=jnp.zeros((), jnp.int32),
            reward=jnp.zeros((), jnp.float32),
            terminated=jnp.zeros((), bool),
            next_features=features,
        )
        return DQNState(
            agent=DQNAgent(network),
            updates=jnp.zeros((), jnp.int32),
            env_steps=jnp.zeros((), jnp.float32),
            target=network,
            optimizer_state=self._optimizer.init(network),
            buffer=ReplayBuffer.empty(transition, self.buffer_size),
            env_state=env_state,
            observation=timestep.observation,
            key=key,
        )

    def update(
        self, env: Env[Any, Any], state: DQNState, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[DQNState, DQNMetrics]:
        """Plays and learns by turns, `num_steps` times."""
        self.check_mesh(mesh)
        horizon = horizon_of(self, state.updates, horizon)

        def play_and_learn(state: DQNState, rounds: Array) -> tuple[DQNState, Any]:
            state, episodes = self._play(env, state, self._progress(state, horizon, rounds))
            state, losses = self._learn(env.action_space, state, rounds + 1, horizon)
            return state, (episodes, losses)

        rounds = jnp.arange(self.num_steps, dtype=jnp.int32)
        state, (episodes, losses) = jax.lax.scan(play_and_learn, state, rounds)
        done, episode_return, episode_length = episodes
        learnt, loss, mean_value = losses
        share = self._progress(state, horizon, self.num_steps)
        state = state.replace(**counted(self, state.updates))
        metrics = DQNMetrics(
            env_steps=state.env_steps,
            episodes=done.sum(dtype=jnp.int32),
            return_sum=masked_sum(episode_return, done),
            length_sum=masked_sum(episode_length, done),
            gradient_steps=learnt.sum(dtype=jnp.int32),
            loss_sum=masked_sum(loss, learnt),
            value_sum=masked_sum(mean_value, learnt),
            epsilon=self._epsilon(share),
            learning_rate=self._learning_rate(share),
        )
        return state, metrics

    def _play(self, env: Env[Any, Any], state: DQNState, share: Array) -> tuple[DQNState, tuple[Array, Array, Array]]:
        """One step of every environment: see `play`."""
        epsilon = self._epsilon(share)

        def choose(features: Array, key: Key) -> Array:
            return self.choose(state.agent, env.action_space, features, epsilon, key)

        return play(self, env, state, choose)

    def _learn(
        self, space: Space[Any], state: DQNState, rounds: Array, horizon: Array
    ) -> tuple[DQNState, tuple[Array, Array, Array]]:
        """`gradient_steps` steps once learning has started; returns (gradient_steps,) whether, loss and value."""
        key, sample_key = jax.random.split(state.key)
        learning_rate = self._learning_rate(self._progress(state, horizon, rounds))

        def step(carry: tuple[Any, Any, Any], key: Key) -> tuple[tuple[Any, Any, Any], tuple[Array, Array]]:
            network, target, optimizer_state = carry
            samples = state.buffer.sample(key, self.batch_size)
            gradient, losses = jax.grad(self._loss, has_aux=True)(network, target, space, samples)
            network, optimizer_state = self._optimizer.step(network, gradient, optimizer_state, learning_rate)
            rate = jnp.asarray(self.target_rate, jnp.float32)
            target = optax.incremental_update(network, target, rate)
            return (network, target, optimizer_state), losses

        def learn(carry: tuple[Any, Any, Any]) -> tuple[tuple[Any, Any, Any], tuple[Array, Array]]:
            return jax.lax.scan(step, carry, jax.random.split(sample_key, self.gradient_steps))

        def skip(carry: tuple[Any, Any, Any]) -> tuple[tuple[Any, Any, Any], tuple[Array, Array]]:
            nothing = jnp.zeros(self.gradient_steps, jnp.float32)
            return carry, (nothing, nothing)

        started = has_taken(self.learning_starts, state.updates, rounds, self.num_envs, self.num_steps)
        carry = state.agent.network, state.target, state.optimizer_state
        (network, target, optimizer_state), (loss, mean_value) = jax.lax.cond(started, learn, skip, carry)
        state = state.replace(agent=DQNAgent(network), target=target, optimizer_state=optimizer_state, key=key)
        return state, (jnp.broadcast_to(started, loss.shape), loss, mean_value)

    def _loss(
        self, network: Any, target: Any, space: Space[Any], samples: Transition
    ) -> tuple[Array, tuple[Array, Array]]:
        def error(transition: Transition) -> tuple[Array, Array]:
            value = self.values(network, space, transition.features)[transition.choice]
            # The learnt network chooses the next action and the target network values it, so that an
            # overestimate of one is not taken at its word.
            next_choice = jnp.argmax(self.values(network, space, transition.next_features))
            next_value = self.values(target, space, transition.next_features)[next_choice]
            goal = transition.reward + jnp.asarray(self.gamma, jnp.float32) * jnp.where(
                transition.terminated, 0.0, next_value
            )
            return value - jax.lax.stop_gradient(goal), value

        errors, values = jax.vmap(error)(samples)
        # Squared rather than Huber's: the value is a mean over what can follow, and Huber's loss finds something
        # nearer to the median. `max_grad_norm` tames large errors.
        loss = 0.5 * (errors**2).mean()
        return loss, (loss, values.mean())

    def _progress(self, state: DQNState, horizon: Array, rounds: ArrayLike) -> Array:
        return progress(state.updates, horizon, rounds, self.num_steps)

    def _epsilon(self, share: Array) -> Array:
        start, end, fraction = (
            jnp.asarray(value, jnp.float32)
            for value in (self.epsilon_start, self.epsilon_end, self.exploration_fraction)
        )
        return start + (end - start) * jnp.minimum(share / jnp.maximum(fraction, 1e-8), 1.0)

    def _learning_rate(self, share: Array) -> Array:
        rate = jnp.asarray(self.learning_rate, jnp.float32)
        return rate * (1 - share) if self.anneal else rate

    def _network(self, space: Space[Any]) -> MLP:
        return MLP(self.hidden_sizes, space.flat_size, self.activation)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(self.max_grad_norm)
