"""What PPO learns and carries from update to update, and the metrics of an update."""

from typing import Any

from jax import Array
from jax.sharding import Mesh

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key
from jaxenvs.rollouts.mesh import LANES, SHARED, with_layout
from jaxenvs.training.learner import Metrics, TrainState
from jaxenvs.wrappers import RunningStatistics


class PPOAgent(PyTreeNode):
    """The weights and statistics of a PPO policy.

    Attributes:
        actor: weights of the network from features to the action distribution.
        critic: weights of the network from features to the value.
        log_std: (action components,) float32, logs of the Gaussian's standard deviations; unused
            unless the action space is a Box.
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
        observation: the observations that the next actions are chosen from.
        discounted_return: (num_envs,) float32, discounted sum of rewards since the episode began.
        return_statistics: statistics of these sums, for scaling rewards.
        key: () key.
    """

    optimizer_state: Any
    env_state: Any
    observation: Any
    discounted_return: Array
    return_statistics: RunningStatistics
    key: Key


class PPOMetrics(Metrics):
    """The metrics of one update of `PPO`; losses are means over its epochs and minibatches.

    Attributes:
        env_steps: () float32, environment steps taken so far, this update's included.
        episodes: () int32, episodes that ended during this update.
        return_sum: () float32, the sum of their returns; `mean_return` is their mean.
        length_sum: () float32, the sum of their lengths; `mean_length` is their mean.
        policy_loss: () float32, the clipped surrogate objective, negated.
        value_loss: () float32, half the mean squared error of the value.
        entropy: () float32, of the policy, in nats.
        approx_kl: () float32, estimate of the divergence of the policy that acted from the new one.
        clip_fraction: () float32, fraction of the samples whose ratio was clipped.
        explained_variance: () float32, fraction of the variance of the returns that the value predicted.
        learning_rate: () float32.
    """

    policy_loss: Array
    value_loss: Array
    entropy: Array
    approx_kl: Array
    clip_fraction: Array
    explained_variance: Array
    learning_rate: Array


def weights_of(agent: PPOAgent) -> dict[str, Any]:
    """The part of the agent that gradients change."""
    return {"actor": agent.actor, "critic": agent.critic, "log_std": agent.log_std}


def spread_over(state: PPOState, mesh: Mesh | None) -> PPOState:
    """The state with the leaves of lanes distributed over the mesh, and all others replicated."""
    lanes = state.env_state, state.observation, state.discounted_return
    env_state, observation, discounted_return = with_layout(lanes, mesh, LANES)
    state = with_layout(state.replace(env_state=None, observation=None, discounted_return=None), mesh, SHARED)
    return state.replace(env_state=env_state, observation=observation, discounted_return=discounted_return)
