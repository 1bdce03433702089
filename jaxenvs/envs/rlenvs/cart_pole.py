"""CartPole of rlenvs: it starts at rest, and the step that fails earns nothing."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.envs.classic_control import cart_pole
from jaxenvs.envs.classic_control.cart_pole import CartPoleState
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class CartPole(Env[CartPoleState, Array]):
    """A pole is hinged on a cart that runs on a rail without friction; keep it upright by pushing the cart.

    The motion is that of `CartPole-v1`. The differences are that the start is always the same, so an episode is a
    function of its actions alone; that the length is that of the whole pole, not half of it; and that the last step of
    a failed episode earns nothing.

    Observation: (4,) float32.

        | index | meaning                        | min   | max  | unit  |
        |-------|--------------------------------|-------|------|-------|
        | 0     | position of the cart           | -4.8  | 4.8  | m     |
        | 1     | velocity of the cart           | -inf  | inf  | m/s   |
        | 2     | angle of the pole from upright | -0.42 | 0.42 | rad   |
        | 3     | angular velocity of the pole   | -inf  | inf  | rad/s |

    Action: () int32. 0 pushes the cart to the left, 1 to the right, with the same force.

    Reward: 1 for every step, except 0 for the step that terminates.

    Start: all four numbers are 0.

    Episode end:
        Termination: the cart's position is beyond +-2.4 m, or the pole's angle is beyond +-12 degrees. A step that ends
            exactly on a threshold does not terminate.
        Truncation: none here; `make` adds a time limit of 200 steps.

    Parameters:
        gravity: acceleration of gravity, m/s^2.
        cart_mass: mass of the cart, kg.
        pole_mass: mass of the pole, kg.
        pole_length: length of the whole pole, m.
        force_magnitude: magnitude of the push, N.
        tau: duration of a step, s.

    Differences from the reference: there the bounds of the observation are the thresholds, which the last observation
        of an episode exceeds. Here they are twice as wide.

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
        learning control problems", 1983; Kaixhin/rlenvs, `CartPole.lua` of commit 2319531.

    Version history:
        v0: first version.
    """

    frames_per_second: ClassVar[int] = 50

    gravity: ArrayLike = 9.8
    cart_mass: ArrayLike = 1.0
    pole_mass: ArrayLike = 0.1
    pole_length: ArrayLike = 1.0
    force_magnitude: ArrayLike = 10.0
    tau: ArrayLike = 0.02

    @property
    def _physics(self) -> cart_pole.CartPole:
        """The same cart and pole, in the terms of classic control."""
        return cart_pole.CartPole(
            gravity=self.gravity,
            cart_mass=self.cart_mass,
            pole_mass=self.pole_mass,
            half_length=0.5 * jnp.asarray(self.pole_length, jnp.float32),
            force=self.force_magnitude,
            tau=self.tau,
        )

    @property
    def observation_space(self) -> Box:
        high = np.array([2 * 2.4, np.inf, 2 * np.deg2rad(12.0), np.inf], np.float32)
        return Box(-high, high)

    @property
    def action_space(self) -> Discrete:
        """Push left (0) or right (1)."""
        return Discrete(2)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def reset(self, key: Key) -> tuple[CartPoleState, TimeStep[Array]]:
        """Puts the pole upright in the middle, with everything at rest; the key is not used."""
        check_key(key)
        zero = jnp.zeros((), jnp.float32)
        state = CartPoleState(x=zero, x_dot=zero, theta=zero, theta_dot=zero, fallen=jnp.zeros((), bool))
        return state, restart(self.observe(state))

    def step(self, state: CartPoleState, action: Array) -> tuple[CartPoleState, TimeStep[Array]]:
        """Pushes the cart for `tau` seconds."""
        state, timestep = self._physics.step(state, self.action_space.validate(action))
        return state, transition(self.observe(state), ~timestep.terminated, timestep.terminated)

    def observe(self, state: CartPoleState) -> Array:
        """(4,) float32: position and velocity of the cart, angle and angular velocity of the pole."""
        return self._physics.observe(state)

    def render(self, state: CartPoleState) -> Array:
        """(400, 600, 3) uint8: cart and pole on the rail; a fallen pole turns red."""
        return self._physics.render(state)
