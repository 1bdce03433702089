"""The loss of PPO."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.training.ppo_samples import Batch

# Keeps divisions finite if advantages do not vary.
_EPSILON = 1e-8


def clipped_loss(
    samples: Batch,
    log_prob: Array,
    entropy: Array,
    value: Array,
    clip: ArrayLike,
    value_coefficient: ArrayLike,
    entropy_coefficient: ArrayLike,
) -> tuple[Array, dict[str, Array]]:
    """The loss of a minibatch, () float32, and its parts, () float32 each.

    Args:
        samples: (samples, ...), with the log-probabilities that their actions had when they were drawn.
        log_prob: (samples,) float32, those that the actions have now.
        entropy: (samples,) float32, of the distributions that actions are drawn from now.
        value: (samples,) float32, what the critic says now.
        clip: limit on the change of the probability ratio from 1.
        value_coefficient: weight of the critic's loss.
        entropy_coefficient: weight of the entropy bonus.
    """
    log_ratio = log_prob - samples.log_prob
    ratio = jnp.exp(log_ratio)
    advantage = (samples.advantage - samples.advantage.mean()) / (samples.advantage.std() + _EPSILON)
    clip, value_weight, entropy_weight = (
        jnp.asarray(x, jnp.float32) for x in (clip, value_coefficient, entropy_coefficient)
    )
    clipped = jnp.clip(ratio, 1 - clip, 1 + clip)
    policy_loss = -jnp.minimum(ratio * advantage, clipped * advantage).mean()
    value_loss = 0.5 * ((value - samples.target) ** 2).mean()
    loss = policy_loss + value_weight * value_loss - entropy_weight * entropy.mean()
    return loss, {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "entropy": entropy.mean(),
        # The unbiased estimate of least variance in J. Schulman, "Approximating KL divergence".
        "approx_kl": (ratio - 1 - log_ratio).mean(),
        "clip_fraction": (jnp.abs(ratio - 1) > clip).mean(dtype=jnp.float32),
    }
