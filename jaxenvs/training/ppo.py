"""PPO: proximal policy optimisation.

After J. Schulman et al., "Proximal Policy Optimization Algorithms", 2017 (arXiv:1707.06347), with
generalised advantage estimation (arXiv:1506.02438).
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
from jaxenvs.rollouts.mesh import (
    LANES,
    SHARED,
    TIME_AND_LANES,
    Devices,
    laid_out,
    lane_mesh,
    on_each_device,
    own_keys,
)
from jaxenvs.spaces import Box, Discrete, MultiDiscrete, Space, Tuple
from jaxenvs.training.advantages import estimate_advantages
from jaxenvs.training.distributions import Distribution, check_action_space, distribution, num_outputs, to_action
from jaxenvs.training.learner import (
    Learner,
    Metrics,
    TrainState,
    counted,
    episode_figures,
    horizon_of,
    masked_sum,
    training_env,
)
from jaxenvs.training.networks import (
    MLP,
    Activation,
    blank_features,
    check_activation,
    check_observation_space,
    is_picture,
    to_features,
)
from jaxenvs.training.optimizer import Optimizer
from jaxenvs.training.schedule import progress
from jaxenvs.training.shuffle import random_order
from jaxenvs.wrappers import RunningStatistics

# Keeps divisions finite where something never varies.
_EPSILON = 1e-8
# Normalised features are clipped to this many standard deviations.
_FEATURE_LIMIT = 10.0


class PPOAgent(PyTreeNode):
    """What a PPO policy is made of.

    Attributes:
        actor: weights of the network from features to the action distribution.
        critic: weights of the network from features to the value.
        log_std: (action components,) float32, logs of the Gaussian's standard deviations; unused for
            actions that are no Box.
        statistics: of the features, for normalising them.
    """

    actor: Any
    critic: Any
    log_std: Array
    statistics: RunningStatistics


class PPOState(TrainState):
    """State of `PPO`. Leading axes: num_envs.

    Attributes:
        agent: a `PPOAgent`.
        updates: () int32, updates done so far.
        env_steps: () float32, environment steps taken so far.
        optimizer_state: Adam's moments.
        env_state: states of the environments.
        observation: what each environment's next action is chosen by.
        discounted_return: (num_envs,) float32, discounted sum of rewards since the episode began.
        return_statistics: of those, for scaling rewards.
        key: () key.
    """

    optimizer_state: Any
    env_state: Any
    observation: Any
    discounted_return: Array
    return_statistics: RunningStatistics
    key: Key


class PPOMetrics(Metrics):
    """What one update of `PPO` measured; losses are means over its epochs and minibatches.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included.
        episodes: () int32, episodes that ended during this update.
        return_sum: () float32, the sum of their returns; `mean_return` is their mean.
        length_sum: () float32, the sum of their lengths; `mean_length` is their mean.
        policy_loss: () float32, the clipped surrogate objective, negated.
        value_loss: () float32, half the mean squared error of the value.
        entropy: () float32, of the policy, in nats.
        approx_kl: () float32, estimate of the divergence of the policy that acted from the new one.
        clip_fraction: () float32, share of the samples whose ratio was clipped.
        explained_variance: () float32, share of the returns' variance that the value predicted.
        learning_rate: () float32.
    """

    policy_loss: Array
    value_loss: Array
    entropy: Array
    approx_kl: Array
    clip_fraction: Array
    explained_variance: Array
    learning_rate: Array

    def figures(self) -> dict[str, tuple[Any, Any]]:
        """See `Metrics.figures`."""
        names = self.__dataclass_fields__.keys() - Metrics.__dataclass_fields__.keys()
        return {**episode_figures(self), **{name: (getattr(self, name), 1) for name in names}}


class PPOPolicy(PyTreeNode):
    """A policy that PPO learnt.

    Attributes:
        agent: the weights.
        observation_space: of the environment.
        action_space: of the environment.
        learner: the settings, of which the network's matter.
        stochastic: draw actions from the distribution rather than take its mode.
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


class _Played(PyTreeNode):
    """What happened in a step; leading axes (num_steps, num_envs).

    features, next_features: of the observation acted on, and of what the step led to, as `to_features` makes them.
    """

    features: Array
    choice: Array
    log_prob: Array
    reward: Array
    terminated: Array
    done: Array
    next_features: Array
    episode_return: Array
    episode_length: Array
    episode_done: Array


class _Batch(PyTreeNode):
    """Samples to learn from; leading axes (num_blocks, samples of a block), in a minibatch one for the samples.

    features, choice, log_prob (), advantage (), target (): as recorded when acting.
    """

    features: Array
    choice: Array
    log_prob: Array
    advantage: Array
    target: Array


class PPO(Learner[PPOState]):
    """Proximal policy optimisation, environment and updates in one program.

    Each update plays `num_steps` steps in `num_envs` environments, estimates advantages, and goes
    `num_epochs` times through the samples in `num_minibatches` shuffled parts. Actor and critic are
    separate perceptrons. Where an episode was truncated, the value of its `final_observation` stands
    for the rewards that were cut off; where it terminated, 0 does.

    On a mesh each device plays and learns from its own environments, and they add up their gradients.
    Minibatches then take their samples from all devices alike: `num_blocks` says so, on one device too,
    where the same settings give the same training.

    Observations: any space that flattens to a vector, or pictures, uint8 of (rows, columns), with channels or
    stacked, which go through three layers of convolutions first (hidden_sizes=(512,) with activation "relu" is
    customary then); small ones, such as MinAtar's of (rows, columns, channels) bool, through a single layer.
    Actions: Discrete (categorical), MultiDiscrete or Tuple of Discrete (categorical, each part by itself), or Box
    (normal, with standard deviations that do not depend on the state; [-1, 1] is scaled to the box, clipped).

    Attributes:
        total_steps: environment steps that `train` takes, rounded up to whole updates.
        num_envs: environments stepped side by side.
        num_steps: steps of each environment in an update.
        num_epochs: passes over the samples of an update.
        num_minibatches: parts that the samples are split in; divides num_envs * num_steps, and leaves each at
            least two samples.
        num_blocks: equal blocks of neighbouring environments whose samples are shuffled apart, so that each
            minibatch has as many of each. A multiple of the devices of a mesh.
        learning_rate: of Adam.
        anneal: lower the learning rate linearly to 0 over `total_steps`.
        gamma: discount.
        gae_lambda: weight of longer advantage estimates, in [0, 1].
        clip: how far the probability ratio may move from 1 in an update.
        value_coefficient: weight of the value loss.
        entropy_coefficient: weight of the entropy bonus.
        max_grad_norm: gradients are scaled down to this norm, which is above 0.
        initial_log_std: log of the Gaussian's standard deviations at the start, for Box actions.
        normalize_observations: scale features by their running mean and variance.
        normalize_rewards: scale rewards by the running standard deviation of the discounted return.
        hidden_sizes: units of the hidden layers.
        activation: nonlinearity of the hidden layers.
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
    normalize_observations: bool = static(default=False)
    normalize_rewards: bool = static(default=False)
    hidden_sizes: tuple[int, ...] = static(default=(64, 64))
    activation: Activation = static(default="tanh")

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
        self.check_hidden_sizes(self.hidden_sizes)
        check_activation("PPO", self.activation)

    def check_env(self, env: Env[Any, Any]) -> None:
        """Checks the spaces."""
        self.check_is_env(env)
        check_observation_space("PPO", env.observation_space, takes_pictures=True)
        if self.normalize_observations and is_picture(env.observation_space):
            raise InvalidField(
                "PPO: leave `normalize_observations` off for pictures, which are scaled to [0, 1] anyway."
            )
        check_action_space("PPO", env.action_space, (Discrete, MultiDiscrete, Tuple, Box))

    def check_mesh(self, mesh: Devices | None) -> Mesh | None:
        """Checks that the devices can hold equally many of the `num_blocks` blocks."""
        return lane_mesh("PPO", mesh, num_blocks=self.num_blocks)

    @property
    def steps_per_update(self) -> int:
        """num_envs * num_steps."""
        return self.num_envs * self.num_steps

    def policy(self, env: Env[Any, Any], agent: PPOAgent, *, stochastic: bool = False) -> PPOPolicy:
        """The most likely action, or where `stochastic` one drawn as during training."""
        return PPOPolicy(agent, env.observation_space, env.action_space, self, stochastic)

    def distribution(self, agent: PPOAgent, space: Space[Any], features: Array) -> Distribution:
        """The distribution over choices for one observation's features."""
        outputs = self._actor(space).value(agent.actor, self._normalize(agent, features))
        return distribution(space, outputs, agent.log_std)

    def value(self, agent: PPOAgent, features: Array) -> Array:
        """() float32: the discounted return expected from one observation's features."""
        return self._critic.value(agent.critic, self._normalize(agent, features))[0]

    def init(self, env: Env[Any, Any], key: Key, *, mesh: Devices | None = None) -> PPOState:
        """Fresh weights, freshly started environments."""
        self.check_env(env)
        mesh = self.check_mesh(mesh)
        key, actor_key, critic_key, env_key = jax.random.split(check_key(key, name="train"), 4)
        features = blank_features(env.observation_space)
        agent = PPOAgent(
            actor=self._actor(env.action_space).init(actor_key, features),
            critic=self._critic.init(critic_key, features),
            log_std=jnp.full(num_outputs(env.action_space), self.initial_log_std, jnp.float32),
            statistics=RunningStatistics.of_shape(() if is_picture(env.observation_space) else features.shape),
        )
        begin = on_each_device(lambda env, keys: jax.vmap(training_env(env).reset)(keys), mesh, (SHARED, LANES), LANES)
        env_state, timestep = begin(env, jax.random.split(env_key, self.num_envs))
        state = PPOState(
            agent=agent,
            updates=jnp.zeros((), jnp.int32),
            env_steps=jnp.zeros((), jnp.float32),
            optimizer_state=self._optimizer.init(_weights(agent)),
            env_state=env_state,
            observation=timestep.observation,
            discounted_return=jnp.zeros(self.num_envs, jnp.float32),
            return_statistics=RunningStatistics.of_shape(()),
            key=key,
        )
        return _laid_out(state, mesh)

    def update(
        self, env: Env[Any, Any], state: PPOState, *, horizon: ArrayLike | None = None, mesh: Devices | None = None
    ) -> tuple[PPOState, PPOMetrics]:
        """Plays, estimates advantages, and improves actor and critic."""
        mesh = self.check_mesh(mesh)
        state, played = self._play(env, state, mesh)
        state, rewards = self._scale_rewards(state, played)
        values, advantage = self._estimate(state.agent, played, rewards)
        batch = _Batch(played.features, played.choice, played.log_prob, advantage, values + advantage)
        batch = laid_out(jax.tree.map(self._by_block, batch), mesh, LANES)
        learning_rate = self._learning_rate(state.updates, horizon_of(self, state.updates, horizon))
        counters = counted(self, state.updates)
        state, losses = self._improve(env.action_space, state, batch, learning_rate, mesh)
        metrics = PPOMetrics(
            env_steps=counters["env_steps"],
            episodes=played.episode_done.sum(dtype=jnp.int32),
            return_sum=masked_sum(played.episode_return, played.episode_done),
            length_sum=masked_sum(played.episode_length, played.episode_done),
            explained_variance=1 - advantage.var() / jnp.maximum((values + advantage).var(), _EPSILON),
            learning_rate=learning_rate,
            **losses,
        )
        agent = state.agent
        if self.normalize_observations:
            agent = agent.replace(statistics=_include(agent.statistics, _joined(batch.features)))
        return _laid_out(state.replace(agent=agent, **counters), mesh), metrics

    def _play(self, env: Env[Any, Any], state: PPOState, mesh: Mesh | None) -> tuple[PPOState, _Played]:
        """Steps every environment `num_steps` times; what happened has axes (num_steps, num_envs)."""
        layout = LANES, LANES, SHARED
        play = on_each_device(partial(self._play_lanes, mesh), mesh, (SHARED, SHARED, layout), (layout, TIME_AND_LANES))
        (env_state, observation, key), played = play(env, state.agent, (state.env_state, state.observation, state.key))
        return state.replace(env_state=env_state, observation=observation, key=key), played

    def _play_lanes(
        self, mesh: Mesh | None, env: Env[Any, Any], agent: PPOAgent, carry: tuple[Any, Any, Key]
    ) -> tuple[tuple[Any, Any, Key], _Played]:
        """`_play` for the lanes of one device."""
        played_env, space = training_env(env), env.action_space

        def act(observation: Any, key: Key) -> tuple[Array, Array, Array]:
            features = to_features(env.observation_space, observation)
            choices = self.distribution(agent, space, features)
            choice = choices.sample(key)
            return features, choice, choices.log_prob(choice)

        def step(carry: tuple[Any, Any, Key], _: None) -> tuple[tuple[Any, Any, Key], _Played]:
            env_state, observation, key = carry
            key, act_key = jax.random.split(key)
            act_keys = own_keys(jax.random.split(act_key, self.num_envs), mesh)
            features, choice, log_prob = jax.vmap(act)(observation, act_keys)
            action = jax.vmap(to_action, in_axes=(None, 0))(space, choice)
            env_state, timestep = jax.vmap(played_env.step)(env_state, action)
            played = _Played(
                features=features,
                choice=choice,
                log_prob=log_prob,
                reward=timestep.reward,
                terminated=timestep.terminated,
                done=timestep.done,
                next_features=jax.vmap(to_features, in_axes=(None, 0))(
                    env.observation_space, timestep.final_observation
                ),
                episode_return=timestep.info["episode_return"],
                episode_length=timestep.info["episode_length"],
                episode_done=timestep.info["episode_done"],
            )
            return (env_state, timestep.observation, key), played

        return jax.lax.scan(step, carry, None, length=self.num_steps)

    def _scale_rewards(self, state: PPOState, played: _Played) -> tuple[PPOState, Array]:
        """The rewards to learn from, scaled where `normalize_rewards`."""
        if not self.normalize_rewards:
            return state, played.reward

        def add(total: Array, reward_done: tuple[Array, Array]) -> tuple[Array, Array]:
            reward, done = reward_done
            total = jnp.asarray(self.gamma, jnp.float32) * total + reward
            return jnp.where(done, 0.0, total), total

        running, totals = jax.lax.scan(add, state.discounted_return, (played.reward, played.done))
        statistics = _include(state.return_statistics, _joined(self._by_block(totals)))
        state = state.replace(discounted_return=running, return_statistics=statistics)
        return state, played.reward / jnp.sqrt(statistics.variance + _EPSILON)

    def _estimate(self, agent: PPOAgent, played: _Played, rewards: Array) -> tuple[Array, Array]:
        """Values and advantages, each (num_steps, num_envs)."""
        value = jax.vmap(jax.vmap(lambda features: self.value(agent, features)))
        values, next_values = value(played.features), value(played.next_features)
        return values, estimate_advantages(
            rewards, values, next_values, played.terminated, played.done, gamma=self.gamma, gae_lambda=self.gae_lambda
        )

    def _improve(
        self, space: Space[Any], state: PPOState, batch: _Batch, learning_rate: Array, mesh: Mesh | None
    ) -> tuple[PPOState, dict[str, Array]]:
        """`num_epochs` passes over the samples; the losses are means over all minibatches."""
        statistics = state.agent.statistics

        def learn(carry: tuple[Any, Any], samples: _Batch) -> tuple[tuple[Any, Any], dict[str, Array]]:
            weights, optimizer_state = carry
            gradient, losses = jax.grad(self._loss, has_aux=True)(weights, statistics, space, samples)
            return self._optimizer.step(weights, gradient, optimizer_state, learning_rate), losses

        def epoch(carry: tuple[Any, Any], key: Key) -> tuple[tuple[Any, Any], dict[str, Array]]:
            return jax.lax.scan(lambda c, index: learn(c, take(batch, index)), carry, self._shuffle(key))

        take = on_each_device(_take, mesh, (LANES, LANES), LANES)
        key, *epoch_keys = jax.random.split(state.key, 1 + self.num_epochs)
        carry = _weights(state.agent), state.optimizer_state
        (weights, optimizer_state), losses = jax.lax.scan(epoch, carry, jnp.stack(epoch_keys))
        state = state.replace(agent=state.agent.replace(**weights), optimizer_state=optimizer_state, key=key)
        return state, jax.tree.map(jnp.mean, losses)

    def _by_block(self, x: Array) -> Array:
        """(num_steps, num_envs, ...) as (num_blocks, samples of a block, ...)."""
        blocks = x.reshape(self.num_steps, self.num_blocks, -1, *x.shape[2:])
        return jnp.moveaxis(blocks, 1, 0).reshape(self.num_blocks, -1, *x.shape[2:])

    def _shuffle(self, key: Key) -> Array:
        """(num_minibatches, num_blocks, samples) int: which samples of each block make each minibatch."""
        size = self.steps_per_update // self.num_blocks
        if self.num_blocks == 1:  # the key itself, so that one block is shuffled as PPO without blocks shuffles
            order = random_order(key, size)[None]
        else:
            order = jax.vmap(lambda k: random_order(k, size))(jax.random.split(key, self.num_blocks))
        return jnp.moveaxis(order.reshape(self.num_blocks, self.num_minibatches, -1), 1, 0)

    def _loss(
        self, weights: dict[str, Any], statistics: RunningStatistics, space: Space[Any], samples: _Batch
    ) -> tuple[Array, dict[str, Array]]:
        agent = PPOAgent(statistics=statistics, **weights)

        def judge(features: Array, choice: Array) -> tuple[Array, Array, Array]:
            choices = self.distribution(agent, space, features)
            return choices.log_prob(choice), choices.entropy(), self.value(agent, features)

        log_prob, entropy, value = jax.vmap(judge)(samples.features, samples.choice)
        log_ratio = log_prob - samples.log_prob
        ratio = jnp.exp(log_ratio)
        advantage = (samples.advantage - samples.advantage.mean()) / (samples.advantage.std() + _EPSILON)
        clip, value_coefficient, entropy_coefficient = (
            jnp.asarray(x, jnp.float32) for x in (self.clip, self.value_coefficient, self.entropy_coefficient)
        )
        clipped = jnp.clip(ratio, 1 - clip, 1 + clip)
        policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
        value_loss = 0.5 * ((value - samples.target) ** 2).mean()
        loss = policy_loss + value_coefficient * value_loss - entropy_coefficient * entropy.mean()
        return loss, {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy.mean(),
            # The estimate of least variance among the unbiased ones of J. Schulman, "Approximating KL divergence".
            "approx_kl": (ratio - 1 - log_ratio).mean(),
            "clip_fraction": (jnp.abs(ratio - 1) > clip).mean(dtype=jnp.float32),
        }

    def _learning_rate(self, updates: Array, horizon: Array) -> Array:
        rate = jnp.asarray(self.learning_rate, jnp.float32)
        return rate * (1 - progress(updates, horizon)) if self.anneal else rate

    def _normalize(self, agent: PPOAgent, features: Array) -> Array:
        if not self.normalize_observations:
            return features
        deviation = jnp.sqrt(agent.statistics.variance + _EPSILON)
        return jnp.clip((features - agent.statistics.mean) / deviation, -_FEATURE_LIMIT, _FEATURE_LIMIT)

    def _actor(self, space: Space[Any]) -> MLP:
        # The small scale makes the first policy nearly uniform, or centred.
        return MLP(self.hidden_sizes, num_outputs(space), self.activation, output_scale=0.01)

    @property
    def _critic(self) -> MLP:
        return MLP(self.hidden_sizes, 1, self.activation)

    @property
    def _optimizer(self) -> Optimizer:
        return Optimizer(self.max_grad_norm)


def _weights(agent: PPOAgent) -> dict[str, Any]:
    """The part of the agent that gradients change."""
    return {"actor": agent.actor, "critic": agent.critic, "log_std": agent.log_std}


def _include(statistics: RunningStatistics, batch: Array) -> RunningStatistics:
    """The statistics after a batch of values."""
    return jax.vmap(lambda x: statistics.update(x, axis_name="samples"), out_axes=None, axis_name="samples")(batch)


def _joined(x: Array) -> Array:
    """(samples, ...): the blocks of `x`, with axes (num_blocks, samples of a block, ...), one after the other."""
    return x.reshape(-1, *x.shape[2:])


def _take(batch: _Batch, index: Array) -> _Batch:
    """The samples of a minibatch: `index` (blocks, samples) counts within each block of `batch`."""
    blocks, size = batch.target.shape
    index = (index + size * jnp.arange(blocks, dtype=index.dtype)[:, None]).reshape(-1)
    return jax.tree.map(lambda x: _joined(x)[index], batch)


def _laid_out(state: PPOState, mesh: Mesh | None) -> PPOState:
    """The state with what belongs to lanes spread over the mesh, and all else on every device."""
    lanes = state.env_state, state.observation, state.discounted_return
    env_state, observation, discounted_return = laid_out(lanes, mesh, LANES)
    state = laid_out(state.replace(env_state=None, observation=None, discounted_return=None), mesh, SHARED)
    return state.replace(env_state=env_state, observation=observation, discounted_return=discounted_return)
