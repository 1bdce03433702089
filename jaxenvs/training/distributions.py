"""Distributions over actions, and the conversion of choices to actions of a space."""

import abc
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key
from jaxenvs.spaces import Box, Discrete, MultiDiscrete, Space, Tuple


class Distribution(PyTreeNode, abc.ABC):
    """A distribution over choices; `to_action` converts a choice to an action of the space."""

    @abc.abstractmethod
    def sample(self, key: Key) -> Array:
        """Draws a choice."""

    @abc.abstractmethod
    def mode(self) -> Array:
        """The most likely choice."""

    @abc.abstractmethod
    def log_prob(self, choice: Array) -> Array:
        """() float32: the log of the choice's probability or density."""

    @abc.abstractmethod
    def entropy(self) -> Array:
        """() float32, in nats."""


class Categorical(Distribution):
    """A choice of one of n.

    Attributes:
        logits: (n,) float32, not normalised.
    """

    logits: Array

    def sample(self, key: Key) -> Array:
        """() int32 in {0, ..., n - 1}."""
        return jax.random.categorical(key, self.logits).astype(jnp.int32)

    def mode(self) -> Array:
        """() int32: the first of the largest logits."""
        return jnp.argmax(self.logits).astype(jnp.int32)

    def log_prob(self, choice: Array) -> Array:
        """() float32."""
        return jax.nn.log_softmax(self.logits)[choice]

    def entropy(self) -> Array:
        """() float32, in nats."""
        log_probs = jax.nn.log_softmax(self.logits)
        return -(jnp.exp(log_probs) * log_probs).sum()


class FactoredCategorical(Distribution):
    """Several independent categorical choices.

    Attributes:
        factors: the distribution of each.
    """

    factors: tuple[Categorical, ...]

    def sample(self, key: Key) -> Array:
        """(factors,) int32."""
        keys = jax.random.split(key, len(self.factors))
        return jnp.stack([factor.sample(keys[i]) for i, factor in enumerate(self.factors)])

    def mode(self) -> Array:
        """(factors,) int32: the most likely choice of each."""
        return jnp.stack([factor.mode() for factor in self.factors])

    def log_prob(self, choice: Array) -> Array:
        """() float32."""
        return jnp.stack([factor.log_prob(choice[i]) for i, factor in enumerate(self.factors)]).sum()

    def entropy(self) -> Array:
        """() float32, in nats."""
        return jnp.stack([factor.entropy() for factor in self.factors]).sum()


class DiagonalGaussian(Distribution):
    """Independent normal variables.

    Attributes:
        mean: (n,) float32.
        log_std: (n,) float32, the logs of the standard deviations.
    """

    mean: Array
    log_std: Array

    def sample(self, key: Key) -> Array:
        """(n,) float32."""
        return self.mean + jnp.exp(self.log_std) * jax.random.normal(key, self.mean.shape, jnp.float32)

    def mode(self) -> Array:
        """(n,) float32: the mean."""
        return self.mean

    def log_prob(self, choice: Array) -> Array:
        """() float32."""
        z = (choice - self.mean) * jnp.exp(-self.log_std)
        return (-0.5 * z**2 - self.log_std - 0.5 * math.log(2 * math.pi)).sum()

    def entropy(self) -> Array:
        """() float32, in nats."""
        return (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()


class SquashedGaussian(PyTreeNode):
    """The tanh of independent normal variables, so that choices lie in [-1, 1].

    Attributes:
        mean: (n,) float32, of the normal variables.
        log_std: (n,) float32, the logs of their standard deviations.
    """

    mean: Array
    log_std: Array

    def sample(self, key: Key) -> Array:
        """(n,) float32."""
        return self.sample_with_log_prob(key)[0]

    def sample_with_log_prob(self, key: Key) -> tuple[Array, Array]:
        """A choice, (n,) float32, and the log of its density, () float32.

        The density belongs to the variable before tanh, so that it is finite where tanh is rounded to 1.
        """
        noise = jax.random.normal(key, self.mean.shape, jnp.float32)
        unsquashed = self.mean + jnp.exp(self.log_std) * noise
        log_prob = (-0.5 * noise**2 - self.log_std - 0.5 * math.log(2 * math.pi)).sum()
        # The log of tanh's derivative, 1 - tanh(x)^2 = 1 / cosh(x)^2, in a form that neither cancels nor overflows.
        log_slope = 2 * (math.log(2) - unsquashed - jax.nn.softplus(-2 * unsquashed))
        return jnp.tanh(unsquashed), log_prob - log_slope.sum()

    def median(self) -> Array:
        """(n,) float32: the median of each component."""
        return jnp.tanh(self.mean)


def check_action_space(learner: str, space: Space[Any], supported: tuple[type[Space[Any]], ...]) -> None:
    """Raises `InvalidField` if `space` is not of a `supported` kind.

    A Box of integers is not supported, nor is a Tuple that contains anything but Discrete spaces.
    """
    if isinstance(space, Box) and space.flat_size == 0:
        raise InvalidField(
            f"{learner}: the actions of this environment contain no numbers, so nothing can be learnt: {space}."
        )
    if isinstance(space, supported):
        is_whole = isinstance(space, Box) and not jnp.issubdtype(space.dtype, jnp.floating)
        is_mixed = isinstance(space, Tuple) and not (
            space.spaces and all(isinstance(s, Discrete) for s in space.spaces)
        )
        if not (is_whole or is_mixed):
            return
    of = {Box: "Box (of real numbers)", Tuple: "Tuple (of Discrete)"}
    *kinds, last = (of.get(kind, kind.__name__) for kind in supported)
    listed = f"{', '.join(kinds)} and {last}" if kinds else last
    raise InvalidField(
        f"{learner} supports {listed} action spaces, but this environment has {space}."
        " Use another learner, or wrap the environment in a TransformAction."
    )


def check_bounds(learner: str, space: Space[Any]) -> None:
    """Raises `InvalidField` if a Box lacks a bound; traced bounds are not checked."""
    assert isinstance(space, Box)
    if any(isinstance(bound, np.ndarray) and np.isinf(bound).any() for bound in (space.low, space.high)):
        raise InvalidField(
            f"{learner} scales its actions to the bounds of the action space, and {space} lacks some."
            " Specify a useful range with `TransformAction(env, lambda action: action, Box(low, high))`,"
            " or use PPO."
        )


def num_outputs(space: Space[Any]) -> int:
    """The number of outputs that a network needs for a distribution over `space`."""
    return space.flat_size


def distribution(space: Space[Any], outputs: Array, log_std: Array) -> Distribution:
    """The distribution that a network's outputs describe.

    Returns:
        `Categorical` for Discrete, `FactoredCategorical` for MultiDiscrete and for Tuple, else `DiagonalGaussian`.
    """
    if isinstance(space, Discrete):
        return Categorical(outputs)
    if isinstance(space, MultiDiscrete | Tuple):
        sizes = [part.n for part in space.spaces] if isinstance(space, Tuple) else space.nvec.reshape(-1).tolist()
        ends = np.cumsum(sizes)
        return FactoredCategorical(tuple(Categorical(outputs[end - n : end]) for n, end in zip(sizes, ends)))
    return DiagonalGaussian(outputs, log_std)


def to_action(space: Space[Any], choice: Array) -> Any:
    """The action for a choice.

    For a Discrete space, the choice is shifted by `start`; so is each choice of a MultiDiscrete space, in its shape,
    and of a Tuple, as a tuple. For a Box, [-1, 1] is scaled to the range of each component that is bounded on both
    sides; then all are clipped to the box. So a policy whose outputs are around 1 covers the box in any units.
    """
    if isinstance(space, Discrete):
        return choice + space.start
    if isinstance(space, MultiDiscrete):
        return choice.reshape(space.shape) + jnp.asarray(space.start, jnp.int32)
    if isinstance(space, Tuple):
        return tuple(choice[i] + part.start for i, part in enumerate(space.spaces))
    assert isinstance(space, Box)
    low, high = (jnp.broadcast_to(jnp.asarray(bound, space.dtype), space.shape) for bound in (space.low, space.high))
    bounded = jnp.isfinite(low) & jnp.isfinite(high)
    low_or_minus_one, high_or_one = jnp.where(bounded, low, -1), jnp.where(bounded, high, 1)
    choice = choice.reshape(space.shape).astype(space.dtype)
    # Halved before subtracting, since high - low can overflow.
    action = (low_or_minus_one / 2 + high_or_one / 2) + choice * (high_or_one / 2 - low_or_minus_one / 2)
    return jnp.clip(action, low, high)
