"""Acrobot: swing a two-link arm up by the torque of its elbow."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.checks import check_choice
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.core.trigonometry import cos, sin
from jaxenvs.core.vector_state import VectorState
from jaxenvs.envs._two_links import draw_two_links
from jaxenvs.envs.classic_control._limits import check_start_range, vector, within
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.spaces import Box, Discrete


class AcrobotState(VectorState):
    """State of `Acrobot`.

    Attributes:
        theta1: () float32, angle of the first link from hanging down in rad, within [-pi, pi].
        theta2: () float32, angle of the second link from the first in rad, within [-pi, pi].
        theta1_dot: () float32, angular velocity of the first link in rad/s.
        theta2_dot: () float32, angular velocity of the second link, against the first, in rad/s.
        key: () key that the torque's noise is drawn from; None without noise.
    """

    theta1: Array
    theta2: Array
    theta1_dot: Array
    theta2_dot: Array
    key: Key | None = None

    numbers = ("theta1", "theta2", "theta1_dot", "theta2_dot")


class Acrobot(Env[AcrobotState, Array]):
    """Two links hang from a fixed joint, and only the joint between them is driven; swing the free end up.

    Observation: (6,) float32.

        | index | meaning                                                 | min             | max            | unit  |
        |-------|---------------------------------------------------------|-----------------|----------------|-------|
        | 0     | cosine of theta1, the angle of the first link from down | -1              | 1              |       |
        | 1     | sine of theta1                                          | -1              | 1              |       |
        | 2     | cosine of theta2, the angle between the links           | -1              | 1              |       |
        | 3     | sine of theta2                                          | -1              | 1              |       |
        | 4     | angular velocity of theta1                              | -max_velocity_1 | max_velocity_1 | rad/s |
        | 5     | angular velocity of theta2                              | -max_velocity_2 | max_velocity_2 | rad/s |

    Action: () int32: which of the three `torques` to apply to the joint between the links.

    Reward: -1 for every step, except 0 for a step that terminates.

    Start: both angles (rad) and both angular velocities (rad/s) uniform in [start_low, start_high).

    Episode end:
        Termination: the free end is more than 1 above the fixed joint, in lengths of links of length 1: -cos(theta1) -
            cos(theta1 + theta2) > 1.
        Truncation: none here; `make` adds a time limit of 500 steps.

    Parameters:
        link_length_1: length of the first link, m.
        link_length_2: length of the second link, m; as in the reference, it affects only the picture.
        link_mass_1: mass of the first link, kg.
        link_mass_2: mass of the second link, kg.
        link_com_1: distance of the first link's centre of mass from its joint, m.
        link_com_2: distance of the second link's centre of mass from its joint, m.
        link_moi: moment of inertia of either link, kg m^2.
        gravity: acceleration of gravity, m/s^2.
        max_velocity_1: greatest angular speed of the first link, rad/s.
        max_velocity_2: greatest angular speed of the second link, rad/s.
        torques: the three torques that the actions stand for, N m.
        tau: duration of a step, s; it is one step of a fourth-order Runge-Kutta method.
        start_low: lower end of the start range (Gymnasium's reset option `low`), rad and rad/s.
        start_high: upper end of the start range (Gymnasium's reset option `high`), rad and rad/s.
        torque_noise_max: the torque is disturbed uniformly within +-torque_noise_max, N m.
        torque_noise: whether the torque is disturbed, in which case the state has a key.
        book_or_nips: "book" for the equations of the book, "nips" for those printed in the paper of 1996, which lack a
            term.

    Differences from the reference: start states are float32, so all arithmetic is. Gymnasium treats any string other
        than "nips" as "book"; here an unknown string is refused.

    Source: R. S. Sutton, "Generalization in reinforcement learning: successful examples using sparse coarse coding",
        1996; R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction"; Gymnasium 1.4.0, `Acrobot-v1`,
        after RLPy.

    Version history:
        v1: 500 steps; the observation holds cosines and sines rather than angles.
    """

    frames_per_second: ClassVar[int] = 15
    reset_options: ClassVar[Mapping[str, str]] = {"low": "start_low", "high": "start_high"}

    link_length_1: ArrayLike = 1.0
    link_length_2: ArrayLike = 1.0
    link_mass_1: ArrayLike = 1.0
    link_mass_2: ArrayLike = 1.0
    link_com_1: ArrayLike = 0.5
    link_com_2: ArrayLike = 0.5
    link_moi: ArrayLike = 1.0
    gravity: ArrayLike = 9.8
    max_velocity_1: ArrayLike = 4 * math.pi
    max_velocity_2: ArrayLike = 9 * math.pi
    torques: tuple[ArrayLike, ArrayLike, ArrayLike] = (-1.0, 0.0, 1.0)
    tau: ArrayLike = 0.2
    start_low: ArrayLike = -0.1
    start_high: ArrayLike = 0.1
    torque_noise_max: ArrayLike = 0.0
    torque_noise: bool = static(default=False)
    book_or_nips: Literal["book", "nips"] = static(default="book")

    def check_fields(self) -> None:
        """Checks the equations, the noise and the start range."""
        check_start_range("Acrobot", self.start_low, self.start_high)
        check_choice(self, "book_or_nips", self.book_or_nips, ("book", "nips"))
        limit = self.torque_noise_max
        if isinstance(limit, int | float) and (limit < 0 or (limit > 0 and not self.torque_noise)):
            raise InvalidField(
                f"Acrobot: `torque_noise_max` must be at least 0, and needs `torque_noise=True`; got {limit!r}"
                f" with torque_noise={self.torque_noise!r}. Write `Acrobot(torque_noise=True, torque_noise_max=0.1)`."
            )

    @property
    def observation_space(self) -> Box:
        high = vector(1.0, 1.0, 1.0, 1.0, self.max_velocity_1, self.max_velocity_2)
        return Box(-high, high)

    @property
    def action_space(self) -> Discrete:
        """Which of the three `torques` to apply."""
        return Discrete(3)

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -1.0, 0.0

    def reset(self, key: Key) -> tuple[AcrobotState, TimeStep[Array]]:
        """Draws the four state variables uniformly from [start_low, start_high)."""
        key, noise_key = jax.random.split(check_key(key)) if self.torque_noise else (check_key(key), None)
        start = jax.random.uniform(key, (4,), jnp.float32, self.start_low, self.start_high)
        state = AcrobotState(start[0], start[1], start[2], start[3], noise_key)
        return state, restart(self.observe(state))

    def step(self, state: AcrobotState, action: Array) -> tuple[AcrobotState, TimeStep[Array]]:
        """Applies the torque for `tau` seconds."""
        action = self.action_space.validate(action)
        dtype = state.theta1.dtype
        low, middle, high = (jnp.asarray(torque, dtype) for torque in self.torques)
        torque = jnp.where(action == 0, low, jnp.where(action == 1, middle, high))
        key = state.key
        if key is not None:
            key, noise_key = jax.random.split(key)
            noise = jax.random.uniform(noise_key, (), jnp.float32, -1.0, 1.0).astype(dtype)
            torque = torque + self.torque_noise_max * noise
        y = state.theta1, state.theta2, state.theta1_dot, state.theta2_dot
        k1 = self._derivative(y, torque)
        k2 = self._derivative(_ahead(y, self.tau / 2.0, k1), torque)
        k3 = self._derivative(_ahead(y, self.tau / 2.0, k2), torque)
        k4 = self._derivative(_ahead(y, self.tau, k3), torque)
        slope = tuple(a + 2.0 * b + 2.0 * c + d for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
        y = _ahead(y, self.tau / 6.0, slope)
        state = AcrobotState(
            theta1=_wrap(y[0]),
            theta2=_wrap(y[1]),
            theta1_dot=within(y[2], self.max_velocity_1),
            theta2_dot=within(y[3], self.max_velocity_2),
            key=key,
        )
        terminated = -cos(state.theta1) - cos(state.theta2 + state.theta1) > 1.0
        return state, transition(self.observe(state), jnp.where(terminated, 0.0, -1.0), terminated)

    def _derivative(self, y: tuple[Any, ...], torque: Array) -> tuple[Any, ...]:
        """The time derivative of (theta1, theta2, theta1_dot, theta2_dot)."""
        theta1, theta2, theta1_dot, theta2_dot = y
        own = cast(Any, self)  # the type checker takes half a minute for sums of products of ArrayLike
        m1, m2 = own.link_mass_1, own.link_mass_2
        l1, c1, c2 = own.link_length_1, own.link_com_1, own.link_com_2
        sin2, cos2 = sin(theta2), cos(theta2)
        d1 = m1 * c1**2 + m2 * (l1**2 + c2**2 + 2.0 * l1 * c2 * cos2) + 2.0 * own.link_moi
        d2 = m2 * (c2**2 + l1 * c2 * cos2) + own.link_moi
        phi2 = m2 * c2 * own.gravity * sin(theta1 + theta2)
        coupling = m2 * l1 * c2 * sin2
        phi1 = (
            phi2
            + (m1 * c1 + m2 * l1) * own.gravity * sin(theta1)
            - coupling * (jnp.square(theta2_dot) + 2.0 * theta2_dot * theta1_dot)
        )
        drive = torque + d2 / d1 * phi1 - phi2
        if self.book_or_nips == "book":
            drive = drive - coupling * jnp.square(theta1_dot)
        theta2_acc = drive / (m2 * c2**2 + own.link_moi - jnp.square(d2) / d1)
        theta1_acc = -(d2 * theta2_acc + phi1) / d1
        return theta1_dot, theta2_dot, theta1_acc, theta2_acc

    def observe(self, state: AcrobotState) -> Array:
        """(6,) float32: cosine and sine of both angles, angular velocities."""
        angles = state.theta1, state.theta2
        waves = [wave(angle) for angle in angles for wave in (cos, sin)]
        return jnp.stack([*waves, state.theta1_dot, state.theta2_dot]).astype(jnp.float32)

    def render(self, state: AcrobotState) -> Array:
        """(500, 500, 3) uint8: the two links and the height to reach."""
        lengths = self.link_length_1, self.link_length_2
        return draw_two_links(state.theta1, state.theta2, *lengths, goal=1.0)


def _ahead(y: tuple[Any, ...], time: ArrayLike, slope: tuple[Any, ...]) -> tuple[Any, ...]:
    """`y` after moving along `slope` for `time`."""
    return tuple(value + time * change for value, change in zip(y, slope, strict=True))


def _wrap(angle: Array) -> Array:
    """Wraps an angle into [-pi, pi] by whole turns; both ends stay where they are.

    For angles within three half turns, the result equals that of a loop that subtracts turns while the angle is
    out of range, to the last bit.
    """
    turn = 2 * math.pi
    above, below = jnp.ceil((angle - math.pi) / turn), jnp.floor((angle + math.pi) / turn)
    turns = jnp.where(angle > math.pi, above, jnp.where(angle < -math.pi, below, 0.0))
    angle = angle - turns * turn
    # Rounding of the quotient can leave it slightly beyond an end.
    angle = jnp.where(angle > math.pi, angle - turn, angle)
    return jnp.where(angle < -math.pi, angle + turn, angle)
