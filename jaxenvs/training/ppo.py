"""PPO: proximal policy optimisation.

After J. Schulman et al., "Proximal Policy Optimization Algorithms", 2017 (arXiv:1707.06347), with generalised advantage
estimation (arXiv:1506.02438).
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import Mesh
from jax.typing import ArrayLike

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.rollouts.endings import Endings, endings_of
from jaxenvs.rollouts.mesh import (
    LANES,
    SHARED,
    TIME_AND_LANES,
    Devices,
    lane_mesh,
    own_keys,
    per_device,
    with_layout,
)
from jaxenvs.spaces import Box, Discrete, MultiDiscrete, Space, Tuple
from jaxenvs.training.advantages import estimate_advantages
from jaxenvs.training.distributions import Distribution, check_action_space, distribution, num_outputs, to_action
from jaxenvs.training.features import (
    blank_features,
    check_observation_space,
    normalized,
    statistics_of,
    to_features,
    vector_of,
)
from jaxenvs.training.learner import Learner, counted, episode_sums, horizon_of, training_env
from jaxenvs.training.networks import CHANNELS, MLP, Activation, check_activation, check_channels
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.ppo_loss import clipped_loss
from jaxenvs.training.ppo_samples import Batch, Played, by_block, deal, joined, take
from jaxenvs.training.ppo_state import PPOAgent, PPOMetrics, PPOState, spread_over, weights_of
from jaxenvs.training.schedule import annealed, progress
from jaxenvs.wrappers import RunningStatistics

_EPSILON = 1e-8  # keeps divisions finite if a quantity never varies


class PPOPolicy(PyTreeNode):
    """A policy learnt by PPO.

    Attributes:
        agent: the weights.
        observation_space: of the environment.
        action_space: of the environment.
        learner: the settings, of which only those of the network matter.
        stochastic: whether to draw actions from the distribution rather than take its mode.
    """

    agent: PPOAgent
    observation_space: Space[Any]
    action_space: Space[Any]
    learner: "PPO"
    stochastic: bool = static(default=False)

    def __call__(self, observation: Any, key: Key) -> Any:
        """The action for one observation."""
        features = to_features(self.observation_space, observation)
        choices = self.learner.distribution(self.agent, self.action_space, features)
        return to_action(self.action_space, choices.sample(key) if self.stochastic else choices.mode())


class PPO(Learner[PPOState]):
    """Proximal policy optimisation, with environment and updates in one program.

    Each update plays `num_steps` steps in `num_envs` environments, estimates advantages, and makes `num_epochs` passes
    over the samples in `num_minibatches` shuffled parts. Actor and critic are separate perceptrons. If an episode was
    truncated, the value of its `final_observation` replaces the rewards that were cut off; if it terminated, 0 does.

    On a mesh, each device plays and learns from its own environments, and the gradients are summed. Minibatches
    then take equally many samples from every device. `num_blocks` determines this, also on one device, where
    the same settings give the same training.

    Observations: any space that flattens to a vector, or pictures. Pictures of uint8 (rows, columns), with
    channels or stacked, go through three convolutional layers first (hidden_sizes=(512,) with activation "relu" is
    customary then), and so do those of float32 with at most 4 channels of at least 36 by 36 pixels; small
    ones, such as MinAtar's of (rows, columns, channels) bool, go through a single layer. Each picture in a dict or
    tuple has convolutions of its own, whose outputs are joined to the vector of everything else.
    Actions: Discrete (categorical), MultiDiscrete or Tuple of Discrete (an independent categorical for each part), or
    Box (normal, with standard deviations that do not depend on the state; [-1, 1] is scaled to the box, clipped).

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates.
        num_envs: number of environments stepped in parallel.
        num_steps: steps of each environment per update.
        num_epochs: passes over the samples of an update.
        num_minibatches: number of parts that the samples are split into; divides num_envs * num_steps. Each part has
            at least two samples.
        num_blocks: number of equal blocks of neighbouring environments whose samples are shuffled separately, so
            that each minibatch has equally many of each. A multiple of the number of devices of a mesh.
        learning_rate: of Adam.
        anneal: whether to lower the learning rate linearly to 0 over `total_steps`.
        gamma: discount.
        gae_lambda: weight of longer advantage estimates, in [0, 1].
        clip: limit on the change of the probability ratio from 1 in an update.
        value_coefficient: weight of the value loss.
        entropy_coefficient: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm, which is positive.
        initial_log_std: log of the Gaussian's standard deviations at the start, for Box actions.
        final_log_std: log of the standard deviations at the end. If None, they are learnt; otherwise they are all the
            same, and go linearly from the initial to the final one over `total_steps`.
        normalize_observations: whether to scale features by their running mean and variance.
        normalize_rewards: whether to scale rewards by the running standard deviation of the discounted return.
        hidden_sizes: units of the hidden layers.
        activation: nonlinearity of the hidden layers.
        channels: features of the convolutional layers for pictures of at least 36 by 36 pixels; with fewer than three,
            the last layers are left out.
        draws_actions: whether the learnt policy draws its actions, as during training, unless `policy` is told
            otherwise. An agent that sees little gets stuck if it always does what is most likely.
    """

    num_steps: int = static(default=128)
    num_epochs: int = static(default=4)
    num_minibatches: int = static(default=4)
    num_blocks: int = static(default=1)
    learning_rate: ArrayLike = 3e-4
    anneal: bool = static(default=True)
    gamma: ArrayLike = 0.99
    gae_lambda: ArrayLike = 0.95
    clip: ArrayLike = 0.2
    value_coefficient: ArrayLike = 0.5
    entropy_coefficient: ArrayLike = 0.0
    max_grad_norm: ArrayLike = 0.5
    initial_log_std: ArrayLike = 0.0
    final_log_std: ArrayLike | None = None
    normalize_observations: bool = static(default=False)
    normalize_rewards: bool = static(default=False)
    hidden_sizes: tuple[int, ...] = static(default=(64, 64))
    activation: Activation = static(default="tanh")
    channels: tuple[int, ...] = static(default=CHANNELS)
    draws_actions: bool = static(default=False)

    def check_fields(self) -> None:
        """Checks sizes and ranges."""
        for name in ("num_steps", "num_epochs", "num_minibatches", "num_blocks"):
            self.check_count(name)
        batch = self.num_envs * self.num_steps
        if batch % self.num_minibatches:
            raise InvalidField(
                f"PPO: num_minibatches ({self.num_minibatches}) does not divide the {batch} samples of an update"
                f" (num_envs {self.num_envs} times num_steps {self.num_steps})."
            )
        if self.num_envs % self.num_blocks or batch // self.num_blocks % self.num_minibatches:
            raise InvalidField(
                f"PPO: num_blocks ({self.num_blocks}) must divide num_envs ({self.num_envs}), and num_minibatches"
                f" ({self.num_minibatches}) the samples of a block (num_envs / num_blocks * num_steps)."
            )
        if batch // self.num_minibatches < 2:
            raise InvalidField(
                f"PPO: a minibatch of one sample teaches the actor nothing, since advantages are normalised within"
                f" each minibatch. Lower num_minibatches ({self.num_minibatches}), or raise num_envs or num_steps"
                f" ({self.num_envs} times {self.num_steps} samples)."
            )
        self.check_range("gamma", 0, 1)
        self.check_range("gae_lambda", 0, 1)
        for name in ("learning_rate", "clip", "value_coefficient", "entropy_coefficient"):
            self.check_range(name, 0)
        self.check_range("max_grad_norm", 0, above=True)
        if self.final_log_std is not None:
            for name in ("initial_log_std", "final_log_std"):
                self.check_range(name, -20, 20)  # scheduled deviations are finite and not 0
        self.check_hidden_sizes(self.hidden_sizes)
        check_activation("PPO", self.activation)
        check_channels("PPO", self.channels)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks the spaces."""
        self.check_is_env(env)
        self.check_has_one_agent(env)
        check_observation_space("PPO", env.observation_space, normalizes=self.normalize_observations)
        check_action_space("PPO", env.action_space, (Discrete, MultiDiscrete, Tuple, Box))

    def check_mesh(self, mesh: Devices | None) -> Mesh | None:
        """Checks that the `num_blocks` blocks can be divided equally among the devices."""
        return lane_mesh("PPO", mesh, num_blocks=self.num_blocks)

    @property
    def steps_per_update(self) -> int:
        """num_envs * num_steps."""
        return self.num_envs * self.num_steps

    def policy(self, env: Env[Any, Any], agent: PPOAgent, *, stochastic: bool | None = None) -> PPOPolicy:
        """The most likely action, or if `stochastic` one that is drawn as during training; `draws_actions` if None."""
        stochastic = self.draws_actions if stochastic is None else stochastic
        return PPOPolicy(agent, env.observation_space, env.action_space, self, stochastic)

    def distribution(self, agent: PPOAgent, space: Space[Any], features: Any) -> Distribution:
        """The distribution over choices for the features of one observation."""
        outputs = self._actor(space).value(agent.actor, self._normalize(agent, features))
        return distribution(space, outputs, agent.log_std)

    def value(self, agent: PPOAgent, features: Any) -> Array:
        """() float32: the expected discounted return for the features of one observation."""
        return self._critic.value(agent.critic, self._normalize(agent, features))[0]

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> PPOState:
        """Initialises the weights, and starts the environments."""
        self.check_env(env)
        mesh = self.check_mesh(mesh)
        key, actor_key, critic_key, env_key = jax.random.split(check_key(key, name="train"), 4)
        features = blank_features(env.observation_space)
        agent = PPOAgent(
            actor=self._actor(env.action_space).init(actor_key, features),
            critic=self._critic.init(critic_key, features),
            log_std=jnp.full(num_outputs(env.action_space), self.initial_log_std, jnp.float32),
            statistics=statistics_of(features),
        )
        begin = per_device(lambda env, keys: jax.vmap(training_env(env).reset)(keys), mesh, (SHARED, LANES), LANES)
        env_state, timestep = begin(env, jax.random.split(env_key, self.num_envs))
        state = PPOState(
            agent=agent,
            updates=jnp.zeros((), jnp.int32),
            env_steps=jnp.zeros((), jnp.float32),
            optimizer_state=self._optimizer.init(weights_of(agent)),
            env_state=env_state,
            observation=timestep.observation,
            discounted_return=jnp.zeros(self.num_envs, jnp.float32),
            return_statistics=RunningStatistics.of_shape(()),
            key=key,
        )
        return spread_over(state, mesh)

    def update_with_endings(
        self, env: Env[Any, Any], state: PPOState, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[PPOState, PPOMetrics, Endings]:
        """Plays, estimates advantages, and improves actor and critic."""
        mesh = self.check_mesh(mesh)
        share = progress(state.updates, horizon_of(self, state.updates, horizon))
        state = self._with_scheduled_noise(state, share)
        state, played = self._play(env, state, mesh)
        state, rewards = self._scale_rewards(state, played)
        values, advantage = self._estimate(state.agent, played, rewards)
        batch = Batch(played.features, played.choice, played.log_prob, advantage, values + advantage)
        batch = with_layout(jax.tree.map(lambda x: by_block(x, self.num_blocks), batch), mesh, LANES)
        learning_rate = annealed(self.learning_rate, share, self.anneal)
        counters = counted(self, state.updates)
        state, losses = self._improve(env.action_space, state, batch, learning_rate, mesh)
        metrics = PPOMetrics(
            env_steps=counters["env_steps"],
            **episode_sums(played.endings),
            explained_variance=1 - advantage.var() / jnp.maximum((values + advantage).var(), _EPSILON),
            learning_rate=learning_rate,
            **losses,
        )
        agent = state.agent
        if self.normalize_observations:
            agent = agent.replace(statistics=agent.statistics.update_batch(joined(vector_of(batch.features))))
        return spread_over(state.replace(agent=agent, **counters), mesh), metrics, played.endings

    def _with_scheduled_noise(self, state: PPOState, share: ArrayLike) -> PPOState:
        """The state with the standard deviations for this share of training, unless they are learnt."""
        if self.final_log_std is None:
            return state
        first, last = (jnp.exp(jnp.asarray(x, jnp.float32)) for x in (self.initial_log_std, self.final_log_std))
        log_std = jnp.log(first + share * (last - first))
        return state.replace(agent=state.agent.replace(log_std=jnp.full_like(state.agent.log_std, log_std)))

    def _play(self, env: Env[Any, Any], state: PPOState, mesh: Mesh | None) -> tuple[PPOState, Played]:
        """Steps every environment `num_steps` times; the record has axes (num_steps, num_envs)."""
        layout = LANES, LANES, SHARED
        play = per_device(partial(self._play_lanes, mesh), mesh, (SHARED, SHARED, layout), (layout, TIME_AND_LANES))
        (env_state, observation, key), played = play(env, state.agent, (state.env_state, state.observation, state.key))
        return state.replace(env_state=env_state, observation=observation, key=key), played

    def _play_lanes(
        self, mesh: Mesh | None, env: Env[Any, Any], agent: PPOAgent, carry: tuple[Any, Any, Key]
    ) -> tuple[tuple[Any, Any, Key], Played]:
        """`_play` for the lanes of one device."""
        played_env, space = training_env(env), env.action_space

        def act(observation: Any, key: Key) -> tuple[Any, Array, Array]:
            features = to_features(env.observation_space, observation)
            choices = self.distribution(agent, space, features)
            choice = choices.sample(key)
            return features, choice, choices.log_prob(choice)

        def step(carry: tuple[Any, Any, Key], _: None) -> tuple[tuple[Any, Any, Key], Played]:
            env_state, observation, key = carry
            key, act_key = jax.random.split(key)
            act_keys = own_keys(jax.random.split(act_key, self.num_envs), mesh)
            features, choice, log_prob = jax.vmap(act)(observation, act_keys)
            action = jax.vmap(to_action, in_axes=(None, 0))(space, choice)
            env_state, timestep = jax.vmap(played_env.step)(env_state, action)
            played = Played(
                features=features,
                choice=choice,
                log_prob=log_prob,
                reward=timestep.reward,
                done=timestep.done,
                next_features=jax.vmap(to_features, in_axes=(None, 0))(
                    env.observation_space, timestep.final_observation
                ),
                endings=endings_of(timestep),
            )
            return (env_state, timestep.observation, key), played

        return jax.lax.scan(step, carry, None, length=self.num_steps)

    def _scale_rewards(self, state: PPOState, played: Played) -> tuple[PPOState, Array]:
        """The rewards to learn from, scaled if `normalize_rewards`."""
        if not self.normalize_rewards:
            return state, played.reward

        def add(total: Array, reward_done: tuple[Array, Array]) -> tuple[Array, Array]:
            reward, done = reward_done
            total = jnp.asarray(self.gamma, jnp.float32) * total + reward
            return jnp.where(done, 0.0, total), total

        running, totals = jax.lax.scan(add, state.discounted_return, (played.reward, played.done))
        statistics = state.return_statistics.update_batch(joined(by_block(totals, self.num_blocks)))
        state = state.replace(discounted_return=running, return_statistics=statistics)
        return state, played.reward / jnp.sqrt(statistics.variance + _EPSILON)

    def _estimate(self, agent: PPOAgent, played: Played, rewards: Array) -> tuple[Array, Array]:
        """Values and advantages, each (num_steps, num_envs)."""
        value = jax.vmap(jax.vmap(lambda features: self.value(agent, features)))
        values, next_values = value(played.features), value(played.next_features)
        return values, estimate_advantages(
            rewards,
            values,
            next_values,
            played.endings.terminated,
            played.done,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
        )

    def _improve(
        self, space: Space[Any], state: PPOState, batch: Batch, learning_rate: Array, mesh: Mesh | None
    ) -> tuple[PPOState, dict[str, Array]]:
        """`num_epochs` passes over the samples; the losses are means over all minibatches."""
        statistics = state.agent.statistics

        def learn(carry: tuple[Any, Any], samples: Batch) -> tuple[tuple[Any, Any], dict[str, Array]]:
            weights, optimizer_state = carry
            gradient, losses = jax.grad(self._loss, has_aux=True)(weights, statistics, space, samples)
            return self._optimizer.step(weights, gradient, optimizer_state, learning_rate), losses

        def epoch(carry: tuple[Any, Any], key: Key) -> tuple[tuple[Any, Any], dict[str, Array]]:
            return jax.lax.scan(lambda c, index: learn(c, take_from(batch, index)), carry, deal(key, *sizes))

        sizes = self.steps_per_update, self.num_blocks, self.num_minibatches
        take_from = per_device(take, mesh, (LANES, LANES), LANES)
        key, *epoch_keys = jax.random.split(state.key, 1 + self.num_epochs)
        carry = weights_of(state.agent), state.optimizer_state
        (weights, optimizer_state), losses = jax.lax.scan(epoch, carry, jnp.stack(epoch_keys))
        state = state.replace(agent=state.agent.replace(**weights), optimizer_state=optimizer_state, key=key)
        return state, jax.tree.map(jnp.mean, losses)

    def _loss(
        self, weights: dict[str, Any], statistics: RunningStatistics, space: Space[Any], samples: Batch
    ) -> tuple[Array, dict[str, Array]]:
        agent = PPOAgent(statistics=statistics, **weights)
        if self.final_log_std is not None:
            agent = agent.replace(log_std=jax.lax.stop_gradient(agent.log_std))

        def judge(features: Any, choice: Array) -> tuple[Array, Array, Array]:
            choices = self.distribution(agent, space, features)
            return choices.log_prob(choice), choices.entropy(), self.value(agent, features)

        log_prob, entropy, value = jax.vmap(judge)(samples.features, samples.choice)
        return clipped_loss(
            samples, log_prob, entropy, value, self.clip, self.value_coefficient, self.entropy_coefficient
        )

    def _normalize(self, agent: PPOAgent, features: Any) -> Any:
        return normalized(agent.statistics if self.normalize_observations else None, features)

    def _actor(self, space: Space[Any]) -> MLP:
        # The small scale makes the first policy nearly uniform, or centred.
        return MLP(self.hidden_sizes, num_outputs(space), self.activation, 0.01, self.channels)

    @property
    def _critic(self) -> MLP:
        return MLP(self.hidden_sizes, 1, self.activation, channels=self.channels)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(self.max_grad_norm)
