"""SAC: soft actor-critic.

After T. Haarnoja et al., "Soft Actor-Critic: Off-Policy Maximum Entropy Deep Reinforcement Learning with a
Stochastic Actor", 2018 (arXiv:1801.01290), and "Soft Actor-Critic Algorithms and Applications", 2018
(arXiv:1812.05905), which learns the temperature.
"""

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.endings import Endings
from jaxenvs.rollouts.mesh import Devices
from jaxenvs.spaces import Box, Discrete, Space
from jaxenvs.training.distributions import SquashedGaussian, check_action_space, check_bounds, to_action
from jaxenvs.training.features import (
    blank_features,
    check_observation_space,
    is_byte_picture,
    joined_with,
    normalized,
    of_bytes,
    statistics_of,
    vector_of,
)
from jaxenvs.training.hindsight import HindsightBuffer, at_its_goal, check_goals
from jaxenvs.training.learner import horizon_of, mean_or_nan
from jaxenvs.training.networks import MLP, Activation
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.replay import (
    ReplayMetrics,
    ReplayState,
    StepBuffer,
    Transition,
    TransitionBuffer,
    replay_figures,
)
from jaxenvs.training.replay_learner import ReplayLearner, play_step
from jaxenvs.wrappers import RunningStatistics

Twins: TypeAlias = tuple[Any, Any]
"""Weights of two critics."""

# Logs of standard deviations are clipped to this range, as in the authors' code, github.com/haarnoja/sac.
_LOG_STD_RANGE = (-20.0, 2.0)


class SACAgent(PyTreeNode):
    """What SAC learns; a policy needs only the actor.

    Attributes:
        actor: weights of the network from features to mean and log of the standard deviation of each component.
        critics: weights of two networks from features and choice to the value.
        log_temperature: () float32, log of the weight of the entropy.
        statistics: mean and variance of the features seen in training; None if they are not normalised.
    """

    actor: Any
    critics: Twins
    log_temperature: Array
    statistics: RunningStatistics | None = None


class SACState(ReplayState):
    """State of `SAC`. Arrays of the environments have a leading axis num_envs.

    Attributes:
        agent: a `SACAgent`.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        targets: weights of the target critics.
        optimizer_state: Adam's moments, of the whole agent.
        buffer: a `TransitionBuffer` or a `HindsightBuffer`.
        env_state: states of the environments.
        observation: the observations that the next actions are chosen from.
        key: () key.
    """

    targets: Twins
    optimizer_state: Any


_Learnt: TypeAlias = tuple[SACAgent, Twins, Any]
"""Agent, target critics and optimizer state, which a gradient step changes."""


class SACMetrics(ReplayMetrics):
    """The metrics of one update of `SAC`, in addition to `ReplayMetrics`.

    Losses are half the squared error of both critics together; values are those of the actor's own choices by the
    lower critic.

    Attributes:
        entropy_sum: () float32, the sum over gradient steps of the estimated entropy of the choices in [-1, 1].
        temperature: () float32, the weight of the entropy at the end of the update.
    """

    entropy_sum: Array
    temperature: Array

    @property
    def critic_loss(self) -> Any:
        """() float32: another name for `loss`."""
        return self.loss

    @property
    def entropy(self) -> Any:
        """() float32: the mean entropy of the actor's choices, in nats; NaN before learning starts."""
        return mean_or_nan(self.entropy_sum, self.gradient_steps)

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """See `Metrics.figures`."""
        return {
            **replay_figures(self),
            "critic_loss": (self.loss_sum, self.gradient_steps),
            "entropy": (self.entropy_sum, self.gradient_steps),
            "temperature": (self.temperature, 1),
        }


class SACPolicy(PyTreeNode):
    """A policy learnt by SAC.

    Attributes:
        agent: the weights.
        observation_space: of the environment.
        action_space: of the environment.
        learner: the settings, of which only those of the networks matter.
        stochastic: whether to draw actions from the distribution rather than take its median.
    """

    agent: SACAgent
    observation_space: Space[Any]
    action_space: Space[Any]
    learner: "SAC"
    stochastic: bool = static(default=False)

    def __call__(self, observation: Any, key: Key) -> Array:
        """The action for one observation."""
        features = normalized(self.agent.statistics, of_bytes(self.observation_space, observation))
        choices = self.learner.distribution(self.agent.actor, self.action_space, features)
        return to_action(self.action_space, choices.sample(key) if self.stochastic else choices.median())


class SAC(ReplayLearner[SACState]):
    """Soft actor-critic, with environment, replay buffer and updates in one program.

    Each update plays `num_steps` steps in `num_envs` environments. After each of these, and once
    `learning_starts` steps are in the replay buffer, it takes `gradient_steps` steps, each on `batch_size`
    transitions drawn from the buffer. A step moves two critics towards the reward plus the discounted value of
    the next state, which is the lower of their slowly moving targets; the actor towards choices of high value and
    high entropy; and the temperature, which weighs the two, so that the entropy approaches
    `target_entropy`. The value after a truncated step is that of its `final_observation`; the value after a
    terminated step is 0.

    Observations: any space that flattens to a vector, and pictures of uint8, alone or in a dict or tuple, which go
    through convolutions as in `PPO`; the replay buffer holds two of them for each step.
    Actions: Box with bounds on both sides. The actor's choices are the tanh of normal variables whose mean and standard
    deviation depend on the observation; [-1, 1] is scaled to the box.

    All other settings are those of `ReplayLearner`, with their defaults.

    Attributes:
        gradient_steps: gradient steps after each step of all environments; with `num_envs` of them, there is
            one for each environment step.
        buffer_size: capacity of the replay buffer in transitions; a multiple of num_envs. Capacity
            beyond the whole training takes no memory.
        batch_size: transitions per gradient step.
        learning_starts: environment steps with actions drawn uniformly, before the first gradient step.
        random_exploration: probability with which an action is drawn uniformly after that as well, and not from the
            actor; in [0, 1]. Hindsight experience replay explores in this way.
        learning_rate: of Adam, for actor, critics and temperature.
        target_rate: how far each gradient step moves the target critics towards the learnt ones; in [0, 1].
        temperature: weight of the entropy at the start, or throughout.
        learn_temperature: whether to adapt it to `target_entropy`.
        target_entropy: in nats, of the choices in [-1, 1]; None for minus the number of action components.
        hidden_sizes: units of the hidden layers.
        activation: nonlinearity of the hidden layers.
        normalize_observations: whether to scale features by the mean and variance of those that were acted on. With
            `hindsight_goals`, goals that were achieved count as well as those that were desired.
        hindsight_goals: in a `GoalEnv`, of every `hindsight_goals + 1` transitions drawn from the buffer, this many
            have a goal that was achieved in that step or later in the episode, and the reward that follows from it
            (hindsight experience replay, 4 in its paper). 0 for none.
    """

    gradient_steps: int = static(default=8)
    buffer_size: int = static(default=1_000_000)
    batch_size: int = static(default=256)
    learning_starts: int = static(default=10_000)
    random_exploration: ArrayLike = 0.0
    learning_rate: ArrayLike = 3e-4
    target_rate: ArrayLike = 0.005
    temperature: ArrayLike = 1.0
    learn_temperature: bool = static(default=True)
    target_entropy: ArrayLike | None = None
    hidden_sizes: tuple[int, ...] = static(default=(256, 256))
    activation: Activation = static(default="relu")
    normalize_observations: bool = static(default=False)
    hindsight_goals: int = static(default=0)

    def check_fields(self) -> None:
        """Checks sizes and ranges."""
        self.check_replay(self.hidden_sizes, self.activation)
        self.check_range("temperature", 0)
        self.check_range("random_exploration", 0, 1)
        self.check_count("hindsight_goals", least=0)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks the spaces."""
        self.check_is_env(env)
        self.check_has_one_agent(env)
        check_observation_space("SAC", env.observation_space, is_byte_picture, normalizes=self.normalize_observations)
        space = env.action_space
        if isinstance(space, Discrete):
            raise InvalidField(f"SAC supports Box action spaces, but this environment has {space}. Use PPO or DQN.")
        check_action_space("SAC", space, (Box,))
        check_bounds("SAC", space)
        if self.hindsight_goals:
            check_goals("SAC", env)

    def policy(self, env: Env[Any, Any], agent: SACAgent, *, stochastic: bool = False) -> SACPolicy:
        """The median of the action distribution, or if `stochastic` a sample."""
        return SACPolicy(agent, env.observation_space, env.action_space, self, stochastic)

    def extended(self, total_steps: int) -> "SAC":
        """See `Learner.extended`; the replay buffer keeps its size, even if that was the whole training."""
        return self.replace(total_steps=total_steps, buffer_size=self._capacity)

    def distribution(self, actor: Any, space: Space[Any], features: Any) -> SquashedGaussian:
        """The distribution of the actor's choices for the features of one observation, normalised if they are to be."""
        mean, log_std = jnp.split(self._actor(space).value(actor, features), 2)
        return SquashedGaussian(mean, jnp.clip(log_std, *_LOG_STD_RANGE))

    def values(self, critics: Twins, features: Any, choice: Array) -> Array:
        """(2,) float32: the value of a choice for each critic: expected discounted rewards and later entropies."""
        inputs = joined_with(features, choice)
        return jnp.concatenate([self._critic.value(critic, inputs) for critic in critics])

    def target_value(
        self, agent: SACAgent, targets: Twins, space: Space[Any], transition: Transition, key: Key
    ) -> Array:
        """() float32: the target of the critics for a transition; the next choice is drawn from the actor."""
        choices = self.distribution(agent.actor, space, transition.next_features)
        choice, log_prob = choices.sample_with_log_prob(key)
        value = self.values(targets, transition.next_features, choice).min()
        value = value - jnp.exp(agent.log_temperature) * log_prob
        return transition.reward + jnp.asarray(self.gamma, jnp.float32) * jnp.where(transition.terminated, 0.0, value)

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> SACState:
        """Initialises the weights and an empty buffer, and starts the environments."""
        self.check_mesh(mesh)
        self.check_env(env)
        key, actor_key, critic_key, env_key = jax.random.split(check_key(key, name="train"), 4)
        space = env.action_space
        features = blank_features(env.observation_space, is_byte_picture)
        choice = jnp.zeros(space.flat_size, jnp.float32)
        first, second = (
            self._critic.init(each, joined_with(features, choice)) for each in jax.random.split(critic_key)
        )
        agent = SACAgent(
            actor=self._actor(space).init(actor_key, features),
            critics=(first, second),
            log_temperature=jnp.log(jnp.asarray(self.temperature, jnp.float32)),
            statistics=statistics_of(features) if self.normalize_observations else None,
        )

        def empty_buffer(timestep: TimeStep[Any]) -> StepBuffer:
            if self.hindsight_goals:
                return HindsightBuffer.empty(timestep, choice, self._capacity, self.hindsight_goals)
            return TransitionBuffer.empty(env.observation_space, choice, self._capacity)

        return SACState(
            agent=agent,
            targets=agent.critics,
            optimizer_state=self._optimizer.init(agent),
            key=key,
            **self.fresh_play(env, env_key, empty_buffer),
        )

    def update_with_endings(
        self, env: Env[Any, Any], state: SACState, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[SACState, SACMetrics, Endings]:
        """Plays and learns alternately, `num_steps` times."""
        self.check_mesh(mesh)
        horizon = horizon_of(self, state.updates, horizon)
        state, metrics, (entropy_sum,), endings = self.take_turns(env, state, horizon)
        temperature = jnp.exp(state.agent.log_temperature)
        return state, SACMetrics(**metrics, entropy_sum=entropy_sum, temperature=temperature), endings

    def play(self, env: Env[Any, Any], state: SACState, rounds: Array, horizon: Array) -> tuple[SACState, Endings]:
        """One step of every environment, with actions drawn uniformly until learning starts."""
        del horizon
        started = self.has_started(state, rounds)
        agent = state.agent
        if agent.statistics is not None:
            seen = [state.observation, *([at_its_goal(state.observation)] if self.hindsight_goals else [])]
            features_of = jax.vmap(of_bytes, in_axes=(None, 0))
            features = jnp.concatenate(
                [vector_of(features_of(env.observation_space, observation)) for observation in seen]
            )
            agent = agent.replace(statistics=agent.statistics.update_batch(features))
            state = state.replace(agent=agent)

        def choose(features: Any, key: Key) -> Array:
            actor_key, uniform_key = jax.random.split(key)
            features = normalized(agent.statistics, features)
            choice = self.distribution(agent.actor, env.action_space, features).sample(actor_key)
            uniform = jax.random.uniform(uniform_key, choice.shape, jnp.float32, -1, 1)
            explores = jax.random.uniform(jax.random.fold_in(key, 2), (), jnp.float32) < self.random_exploration
            return jnp.where(started & ~explores, choice, uniform)

        return play_step(self, env, state, choose)

    def learn(
        self, env: Env[Any, Any], state: SACState, rounds: Array, horizon: Array
    ) -> tuple[SACState, tuple[Array, Array, Array, Array]]:
        """`gradient_steps` steps once learning has started; returns (gradient_steps,) taken, and the figures."""
        key, learn_key = jax.random.split(state.key)
        learning_rate = self.rate(state, horizon, rounds)

        def step(carry: _Learnt, key: Key) -> tuple[_Learnt, Any]:
            agent, targets, optimizer_state = carry
            sample_key, loss_key = jax.random.split(key)
            samples = state.buffer.sample(env, sample_key, self.batch_size)
            samples = self._normalized(state.agent.statistics, samples)
            gradient, figures = jax.grad(self._loss, has_aux=True)(agent, targets, env.action_space, samples, loss_key)
            agent, optimizer_state = self._optimizer.step(agent, gradient, optimizer_state, learning_rate)
            rate = jnp.asarray(self.target_rate, jnp.float32)
            targets = jax.tree.map(lambda old, new: old + rate * (new - old), targets, agent.critics)
            return (agent, targets, optimizer_state), figures

        carry: _Learnt = state.agent, state.targets, state.optimizer_state
        carry, figures = self.take_gradient_steps(state, rounds, step, carry, learn_key, num_figures=3)
        agent, targets, optimizer_state = carry
        learnt, critic_loss, value, entropy = figures
        state = state.replace(agent=agent, targets=targets, optimizer_state=optimizer_state, key=key)
        return state, (learnt, critic_loss, value, entropy)

    @staticmethod
    def _normalized(statistics: RunningStatistics | None, samples: Transition) -> Transition:
        """(batch_size, ...) transitions with normalised features, if they are to be."""
        scaled = jax.vmap(normalized, in_axes=(None, 0))
        return samples.replace(
            features=scaled(statistics, samples.features), next_features=scaled(statistics, samples.next_features)
        )

    def _loss(
        self, agent: SACAgent, targets: Twins, space: Space[Any], samples: Transition, key: Key
    ) -> tuple[Array, tuple[Array, ...]]:
        """The sum of the losses of critics, actor and temperature; none depends on what another one changes."""
        fixed = jax.lax.stop_gradient(agent)

        def losses(transition: Transition, key: Key) -> tuple[Array, Array, Array]:
            target_key, choice_key = jax.random.split(key)
            target = self.target_value(fixed, targets, space, transition, target_key)
            errors = self.values(agent.critics, transition.features, transition.choice) - target
            choices = self.distribution(agent.actor, space, transition.features)
            choice, log_prob = choices.sample_with_log_prob(choice_key)
            return 0.5 * (errors**2).sum(), self.values(fixed.critics, transition.features, choice).min(), log_prob

        critic_losses, values, log_probs = jax.vmap(losses)(samples, jax.random.split(key, self.batch_size))
        critic_loss, value, entropy = critic_losses.mean(), values.mean(), -log_probs.mean()
        temperature = jnp.exp(fixed.log_temperature)
        loss = critic_loss - value - temperature * entropy
        if self.learn_temperature:
            goal = -float(space.flat_size) if self.target_entropy is None else self.target_entropy
            excess = jax.lax.stop_gradient(entropy) - jnp.asarray(goal, jnp.float32)
            loss = loss + agent.log_temperature * excess
        return loss, (critic_loss, value, entropy)

    @property
    def _capacity(self) -> int:
        """The capacity of the replay buffer."""
        return min(self.buffer_size, self.num_updates * self.steps_per_update)

    def _actor(self, space: Space[Any]) -> MLP:
        # Small initial outputs give a mean of 0 and a standard deviation of 1, in range for any observation.
        return MLP(self.hidden_sizes, 2 * space.flat_size, self.activation, output_scale=0.01, channels=self.channels)

    @property
    def _critic(self) -> MLP:
        return MLP(self.hidden_sizes, 1, self.activation, channels=self.channels)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(max_grad_norm=None, epsilon=1e-8)
