"""BernoulliBandit: find out which of two arms pays more often."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_probability, check_range
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.gymnax import _two_arms
from jaxenvs.envs.gymnax._past import one_hot, time_feature
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class BernoulliBanditState(PyTreeNode):
    """State of `BernoulliBandit`.

    Attributes:
        reward_probs: (2,) float32, the probability that each arm pays.
        last_action: () int32, the last action; 0 at reset.
        last_reward: () float32, the last reward; 0 at reset.
        elapsed: () int32, steps so far.
        key: () key that rewards are drawn from.
    """

    reward_probs: Array
    last_action: Array
    last_reward: Array
    elapsed: Array
    key: Key


class BernoulliBandit(Env[BernoulliBanditState, Array]):
    """Two arms: one pays with probability `reward_prob`, the other with 1 - `reward_prob`. Which is which is drawn.

    The best play is always to pull the arm that is more likely to be the better one. With the default settings it earns
    89.4 on average, of the 90 that an agent would earn that knew the better arm.

    Observation: (4,) float32.

        | index | meaning                                             | min  | max | unit |
        |-------|-----------------------------------------------------|------|-----|------|
        | 0     | last reward                                         | 0    | 1   |      |
        | 1-2   | last action, one-hot; action 0 at reset             | 0    | 1   |      |
        | 3     | steps so far, scaled linearly with `normalize_time` | -inf | inf |      |

    Action: () int32, 0 or 1: the arm.

    Reward: 1 if the arm pays, else 0.

    Start: either arm is the one that pays with probability `reward_prob`, with equal probability.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 100 steps.

    Parameters:
        reward_prob: probability that one arm pays; the other pays with probability 1 - `reward_prob`.
        min_lim: with `normalize_time`, the observed time at step 0.
        max_lim: with `normalize_time`, the observed time at step `t_max`.
        t_max: step at which the observed time is `max_lim`, steps.
        normalize_time: whether the observed number of steps is scaled.

    Differences from the reference: none except the bounds of the observation space.

    Source: J. X. Wang et al., "Learning to reinforcement learn", 2017; gymnax 1.0.1, `BernoulliBandit-misc`.

    Version history:
        v0: same behaviour as in gymnax.
    """

    frames_per_second: ClassVar[int] = 4

    reward_prob: ArrayLike = 0.1
    min_lim: ArrayLike = -1.0
    max_lim: ArrayLike = 1.0
    t_max: ArrayLike = 100.0
    normalize_time: bool = static(default=True)

    def check_fields(self) -> None:
        """Checks the probability and the scale of time."""
        check_probability(self, "reward_prob", self.reward_prob)
        check_range(self, "t_max", self.t_max, 0, above=True)

    @property
    def observation_space(self) -> Box:
        return Box(np.array([0, 0, 0, -np.inf], np.float32), np.array([1, 1, 1, np.inf], np.float32))

    @property
    def action_space(self) -> Discrete:
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        key, arm_key = jax.random.split(check_key(key))
        probability = jnp.asarray(self.reward_prob, jnp.float32)
        first = jnp.where(jax.random.uniform(arm_key, (), jnp.float32) < 0.5, probability, 1.0 - probability)
        zero = jnp.zeros((), jnp.int32)
        state = BernoulliBanditState(
            reward_probs=jnp.stack([first, 1.0 - first]),
            last_action=zero,
            last_reward=jnp.zeros((), jnp.float32),
            elapsed=zero,
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: BernoulliBanditState, action: Array) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        key, draw_key = jax.random.split(state.key)
        draw = jax.random.uniform(draw_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draw)

    def step_with(
        self, state: BernoulliBanditState, action: Array, draw: Array
    ) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        """A step with given randomness: an arm pays if `draw`, () float32 in [0, 1), is below its probability."""
        probability = jnp.where(action == 0, state.reward_probs[0], state.reward_probs[1])
        reward = (draw < probability).astype(jnp.float32)
        state = state.replace(last_action=action, last_reward=reward, elapsed=state.elapsed + 1)
        return state, transition(self.observe(state), reward, False)

    def observe(self, state: BernoulliBanditState) -> Array:
        late = time_feature(state.elapsed, self.normalize_time, self.min_lim, self.max_lim, self.t_max)
        return jnp.concatenate([state.last_reward[None], one_hot(state.last_action, 2), late[None]])

    def render(self, state: BernoulliBanditState) -> Array:
        """(360, 560, 3) uint8: the two arms, the reward of the last one, and the mean reward of each."""
        expected = state.reward_probs[0], state.reward_probs[1]
        return _two_arms.draw(expected, 1.0, state.last_action, state.last_reward, state.elapsed)
