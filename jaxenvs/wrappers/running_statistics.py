"""RunningStatistics: the mean and variance of all values seen so far."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env
from jaxenvs.core.pytree import PyTreeNode
from jaxenvs.errors import InvalidField

# The weight of the initial mean (0) and variance (1), as in Gymnasium's RunningMeanStd.
_INITIAL_COUNT = 1e-4


class RunningStatistics(PyTreeNode):
    """The mean and variance of all values seen so far, like Gymnasium's `RunningMeanStd`.

    Source: T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.

    Attributes:
        mean: float32 of the values' shape.
        variance: float32 of the values' shape; the population variance.
        count: () float32, number of values; 1e-4 before the first. In float32 it stops rising once a value is less than
            its spacing (at 2**24 for single values). From there on the statistics follow about the latest 2**24 values.
    """

    mean: Array
    variance: Array
    count: Array

    @staticmethod
    def of_shape(shape: tuple[int, ...]) -> "RunningStatistics":
        """Mean 0 and variance 1, before any value."""
        zeros, ones = jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32)
        return RunningStatistics(mean=zeros, variance=ones, count=jnp.asarray(_INITIAL_COUNT, jnp.float32))

    def update(self, value: Array, *, where: ArrayLike = True, axis_name: str | None = None) -> "RunningStatistics":
        """The statistics after one more value, or after one more value from each lane.

        Args:
            value: float32 of the statistics' shape.
            where: () bool, whether the value counts.
            axis_name: the name of a mapped axis; all its lanes then share the statistics, and their
                values count as one batch.
        """
        total: Callable[[Array], Array] = (lambda x: x) if axis_name is None else (lambda x: jax.lax.psum(x, axis_name))
        weight = jnp.asarray(where, jnp.float32)
        added = total(weight)
        batch_mean = total(weight * value) / jnp.maximum(added, 1.0)
        batch_variance = total(weight * (value - batch_mean) ** 2) / jnp.maximum(added, 1.0)
        count = self.count + added
        kept, share = self.count / count, added / count
        delta = batch_mean - self.mean
        # A sum of terms that are never negative, so nothing cancels, not even when the first value meets a variance of
        # 1 and leaves one ten-thousandth of it.
        variance = self.variance * kept + batch_variance * share + delta**2 * (share * kept)
        return RunningStatistics(mean=self.mean + delta * share, variance=variance, count=count)

    def update_batch(self, values: Array) -> "RunningStatistics":
        """The statistics after a batch of values, which has a leading axis; they count as one batch."""
        return jax.vmap(lambda x: self.update(x, axis_name="samples"), out_axes=None, axis_name="samples")(values)


def check_axis_name(env: Env[Any, Any], axis_name: Any) -> None:
    """Raises `InvalidField` if `axis_name` is not a name."""
    if axis_name is not None and not isinstance(axis_name, str):
        raise InvalidField(
            f"{type(env).__name__}: `axis_name` must be the name given to `jax.vmap(..., axis_name=...)`,"
            f" got {axis_name!r}."
        )
