"""Local stand-ins until the wrappers branch lands."""

import jax.numpy as jnp
from flax import struct
from jax import Array

from jaxenvs.core.wrapper import StatefulWrapper, WrapperState


class EpisodeStatisticsState(WrapperState):
    total: Array
    length: Array
    over: Array


class EpisodeStatistics(StatefulWrapper):
    @property
    def observation_space(self):
        return self.env.observation_space

    @property
    def action_space(self):
        return self.env.action_space

    def reset(self, key):
        inner, ts = self.env.reset(key)
        z, i = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        return EpisodeStatisticsState(inner, z, i, jnp.zeros((), bool)), ts.replace(info={**ts.info, "episode_return": z, "episode_length": i})

    def step(self, state, action):
        inner, ts = self.env.step(state.inner, action)
        total = jnp.where(state.over, 0.0, state.total) + ts.reward
        length = jnp.where(state.over, 0, state.length) + 1
        return EpisodeStatisticsState(inner, total, length, ts.done), ts.replace(
            info={**ts.info, "episode_return": total, "episode_length": length}
        )


class RunningStatistics(struct.PyTreeNode):
    mean: Array
    variance: Array
    count: Array

    @staticmethod
    def of_shape(shape):
        return RunningStatistics(jnp.zeros(shape, jnp.float32), jnp.ones(shape, jnp.float32), jnp.asarray(1e-4, jnp.float32))

    def update(self, value, *, where=True, axis_name=None):
        import jax
        total = (lambda x: x) if axis_name is None else (lambda x: jax.lax.psum(x, axis_name))
        weight = jnp.asarray(where, jnp.float32)
        added = total(weight)
        batch_mean = total(weight * value) / jnp.maximum(added, 1.0)
        batch_variance = total(weight * (value - batch_mean) ** 2) / jnp.maximum(added, 1.0)
        count = self.count + added
        share = added / count
        delta = batch_mean - self.mean
        spread = delta**2 * share * (self.count / count)
        return RunningStatistics(
            mean=self.mean + delta * share,
            variance=self.variance + (batch_variance - self.variance) * share + spread,
            count=count,
        )
