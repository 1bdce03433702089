"""BernoulliBandit: two arms of which one pays often; find out which."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import PyTreeNode, static
from jaxenvs.envs.gymnax import _two_arms
from jaxenvs.envs.gymnax._past import one_hot, time_feature
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class BernoulliBanditState(PyTreeNode):
    """State of `BernoulliBandit`.

    Attributes:
        reward_probs: (2,) float32, the probability that each arm pays.
        last_action: () int32; 0 at reset.
        last_reward: () float32; 0 at reset.
        time: () int32, steps so far.
        key: () key that rewards are drawn from.
    """

    reward_probs: Array
    last_action: Array
    last_reward: Array
    time: Array
    key: Key


class BernoulliBandit(Env[BernoulliBanditState, Array]):
    """Two arms, one of which pays with probability `reward_prob`, the other with the rest; which is which is drawn.

    Observation: (4,) float32.

        | index | meaning | min | max |
        |---|---|---|---|
        | 0 | the last reward | 0 | 1 |
        | 1, 2 | the last action, one-hot; at reset as if it had been 0 | 0 | 1 |
        | 3 | steps so far, scaled so that none are `min_lim` and `t_max` are `max_lim` | -inf | inf |

        Without `normalize_time` the steps are not scaled.

    Action: () int32, the arm, 0 or 1.

    Reward: 1 if the arm pays, else 0.

    Start: either arm is the one of `reward_prob`, with equal probability.

    Episode end:
        Termination: none.
        Truncation: none here; 100 steps in the registered id.

    The best play is to pull, each time, the arm that is likelier to be the better one. With the default settings it
    comes to 89.4 of the 90 that one would get who knew the better arm.

    Attributes:
        reward_prob: that of one arm; the other's is 1 - `reward_prob`.
        min_lim: see Observation.
        max_lim: see Observation.
        t_max: see Observation.
        normalize_time: see Observation.

    Differences from the reference: none, but for the bounds of the observation space.

    Source: J. X. Wang et al., "Learning to reinforcement learn", 2017; gymnax 1.0.1, `BernoulliBandit-misc`.

    Version history: v0, as in gymnax.
    """

    frames_per_second: ClassVar[int] = 4

    reward_prob: ArrayLike = 0.1
    min_lim: ArrayLike = -1.0
    max_lim: ArrayLike = 1.0
    t_max: ArrayLike = 100.0
    normalize_time: bool = static(default=True)

    def check_fields(self) -> None:
        """Checks the probability and the scale of time."""
        if isinstance(self.reward_prob, int | float) and not 0 <= self.reward_prob <= 1:
            raise InvalidField(
                f"BernoulliBandit: `reward_prob` must be a probability, from 0 to 1, got {self.reward_prob!r}."
            )
        if isinstance(self.t_max, int | float) and self.t_max <= 0:
            raise InvalidField(f"BernoulliBandit: `t_max` must be positive, got {self.t_max!r}.")

    @property
    def observation_space(self) -> Box:
        """See the class."""
        return Box(np.array([0, 0, 0, -np.inf], np.float32), np.array([1, 1, 1, np.inf], np.float32))

    @property
    def action_space(self) -> Discrete:
        """The arms."""
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1."""
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        """Draws which arm is which."""
        key, arm_key = jax.random.split(check_key(key))
        probability = jnp.asarray(self.reward_prob, jnp.float32)
        first = jnp.where(jax.random.uniform(arm_key, (), jnp.float32) < 0.5, probability, 1.0 - probability)
        zero = jnp.zeros((), jnp.int32)
        state = BernoulliBanditState(
            reward_probs=jnp.stack([first, 1.0 - first]),
            last_action=zero,
            last_reward=jnp.zeros((), jnp.float32),
            time=zero,
            key=key,
        )
        return state, restart(self.observe(state))

    def step(self, state: BernoulliBanditState, action: Array) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        """Pulls an arm."""
        key, draw_key = jax.random.split(state.key)
        draw = jax.random.uniform(draw_key, (), jnp.float32)
        return self.step_with(state.replace(key=key), self.action_space.validate(action), draw)

    def step_with(
        self, state: BernoulliBanditState, action: Array, draw: Array
    ) -> tuple[BernoulliBanditState, TimeStep[Array]]:
        """A step whose chance is given: an arm pays where `draw`, () float32 in [0, 1), is below its probability."""
        probability = jnp.where(action == 0, state.reward_probs[0], state.reward_probs[1])
        reward = (draw < probability).astype(jnp.float32)
        state = state.replace(last_action=action, last_reward=reward, time=state.time + 1)
        return state, transition(self.observe(state), reward, False)

    def observe(self, state: BernoulliBanditState) -> Array:
        """(4,) float32."""
        late = time_feature(state.time, self.normalize_time, self.min_lim, self.max_lim, self.t_max)
        return jnp.concatenate([state.last_reward[None], one_hot(state.last_action, 2), late[None]])

    def render(self, state: BernoulliBanditState) -> Array:
        """(360, 560, 3) uint8: the two arms, what the last one paid, and what each pays on average."""
        expected = state.reward_probs[0], state.reward_probs[1]
        return _two_arms.draw(expected, 1.0, state.last_action, state.last_reward, state.time)
