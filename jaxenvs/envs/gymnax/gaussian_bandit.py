"""GaussianBandit: an arm that pays nothing, and one that may be better or worse."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.gymnax import _two_arms
from jaxenvs.envs.gymnax._past import one_hot, time_feature
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class GaussianBanditState(PyTreeNode):
    """State of `GaussianBandit`.

    Attributes:
        mu: () float32, the mean reward of arm 1.
        last_action: () int32, the last action; 0 at reset.
        last_reward: () float32, the last reward; 0 at reset.
        elapsed: () int32, steps so far.
        key: () key that rewards are drawn from.
    """

    mu: Array
    last_action: Array
    last_reward: Array
    elapsed: Array
    key: Key


class GaussianBandit(Env[GaussianBanditState, Array]):
    """Arm 0 pays 0. Arm 1 pays around a mean that is drawn for each episode: is it worth trying, and trying again?

    With the default settings, an agent that knew `mu` would earn 8.33 on average. Trying arm 1 once and staying with it
    if it paid earns 7.1.

    Observation: (4,) float32.

        | index | meaning                                                               | min  | max | unit |
        |-------|-----------------------------------------------------------------------|------|-----|------|
        | 0     | last reward                                                           | -inf | inf |      |
        | 1-2   | last action, one-hot; action 0 at reset                               | 0    | 1   |      |
        | 3     | (steps so far - 50) / 50 with `normalize_time`, else the steps so far | -1   | inf |      |

    Action: () int32, 0 or 1: the arm.

    Reward: 0 for arm 0; for arm 1, normal around `mu` with standard deviation `sigma_l`.

    Start: `mu` is normal around `mean_mu` with standard deviation `sigma_p`.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Parameters:
        mean_mu: mean of `mu`.
        sigma_p: standard deviation of `mu` between episodes.
        sigma_l: standard deviation of the rewards of arm 1 within an episode.
        normalize_time: whether the observed number of steps is scaled. As in gymnax, the scale is that of 100 steps,
            whatever the time limit.

    Differences from the reference: none except the bounds of the observation space. gymnax's observations can lie
        outside its own bounds.

    Source: R. T. Lange and H. Sprekeler, "Learning not to learn: Nature versus nurture in silico", 2022; gymnax 1.0.1,
        `GaussianBandit-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 4

    mean_mu: ArrayLike = -1.0
    sigma_p: ArrayLike = 1.0
    sigma_l: ArrayLike = 0.1
    normalize_time: bool = static(default=True)

    def check_fields(self) -> None:
        for name in ("sigma_p", "sigma_l"):
            check_range(self, name, getattr(self, name), 0)

    @property
    def observation_space(self) -> Box:
        low = np.array([-np.inf, 0, 0, -1.0 if self.normalize_time else 0.0], np.float32)
        return Box(low, np.array([np.inf, 1, 1, np.inf], np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    def reset(self, key: Key) -> tuple[GaussianBanditState, TimeStep[Array]]:
        """Draws the mean of arm 1."""
        key, mean_key = jax.random.split(check_key(key))
        mean, deviation = (jnp.asarray(value, jnp.float32) for value in (self.mean_mu, self.sigma_p))
        zero = jnp.zeros((), jnp.int32)
        state = GaussianBanditState(
            mu=mean + deviation * jax.random.normal(mean_key, (), jnp.float32),
            last_action=zero,
            last_reward=jnp.zeros((), jnp.float32),
            elapsed=zero,
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: GaussianBanditState, action: Array) -> tuple[GaussianBanditState, TimeStep[Array]]:
        key, noise_key = jax.random.split(state.key)
        noise = jax.random.normal(noise_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), noise)

    def step_with(
        self, state: GaussianBanditState, action: Array, noise: Array
    ) -> tuple[GaussianBanditState, TimeStep[Array]]:
        """A step with given randomness: `noise`, () float32, standard normal."""
        reward = jnp.where(action == 0, 0.0, state.mu + jnp.asarray(self.sigma_l, jnp.float32) * noise)
        state = state.replace(last_action=action, last_reward=reward, elapsed=state.elapsed + 1)
        return state, transition(self.observe(state), reward, False)

    def observe(self, state: GaussianBanditState) -> Array:
        late = time_feature(state.elapsed, self.normalize_time)
        return jnp.concatenate([state.last_reward[None], one_hot(state.last_action, 2), late[None]])

    def render(self, state: GaussianBanditState) -> Array:
        """(360, 560, 3) uint8: the two arms, the reward of the last one, and the mean reward of each."""
        expected = jnp.zeros((), jnp.float32), state.mu
        return _two_arms.draw(expected, 3.0, state.last_action, state.last_reward, state.elapsed)
