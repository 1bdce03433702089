"""What AlphaZero learns and carries from update to update, and the metrics of an update."""

from typing import Any

from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.random import Key
from jaxenvs.training.learner import Metrics, TrainState
from jaxenvs.training.replay import ReplayBuffer


class AlphaZeroAgent(PyTreeNode):
    """The weights of an AlphaZero player.

    Attributes:
        network: weights of the network from a board to a policy and a value.
    """

    network: Any


class Example(PyTreeNode):
    """A position of a game that was played, and what is learnt from it.

    Attributes:
        board: (rows, columns, channels) bool, as the player sees it whose turn it is.
        policy: (num_actions,) float32, the policy that the search improved; 0 for actions that are not legal.
        value: () float32, how the game ended for that player, or what was expected.
    """

    board: Array
    policy: Array
    value: Array


class AlphaZeroState(TrainState):
    """State of `AlphaZero`. Positions have a leading axis num_envs.

    Attributes:
        agent: an `AlphaZeroAgent`.
        updates: () int32, updates done so far.
        env_steps: () float32, moves played so far.
        optimizer_state: Adam's moments.
        buffer: of `Example`s.
        positions: where the games stand; none is over.
        lengths: (num_envs,) int32, the numbers of moves in the games so far.
        key: () key.
    """

    optimizer_state: Any
    buffer: ReplayBuffer
    positions: Any
    lengths: Array
    key: Key


class AlphaZeroMetrics(Metrics):
    """The metrics of one update of `AlphaZero`; losses are means over its gradient steps.

    Attributes:
        env_steps: () float32, moves played so far, this update's included.
        episodes: () int32, games that ended during this update.
        return_sum: () float32, the number of these that somebody won; `mean_return` is their fraction.
        length_sum: () float32, the sum of their lengths; `mean_length` is their mean.
        policy_loss: () float32, the divergence of the network's policy from the improved one, in nats.
        value_loss: () float32, half the mean squared error of the value.
        entropy: () float32, of the improved policies, in nats.
        illegal: () float32, the probability that the network's policy gives to actions that the improved one does not.
        learning_rate: () float32.
    """

    policy_loss: Array
    value_loss: Array
    entropy: Array
    illegal: Array
    learning_rate: Array
