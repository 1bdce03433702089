"""InvertedDoublePendulum-v5: balance two poles, one on the other."""

import math

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import clip, noisy_start, require, single, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Cosine, Reading, Sine
from jaxenvs.simulators.mujoco.state import SimulationState

_LIMITS = (-10.0, 10.0)
"""What observed velocities and forces are clipped to."""

_LEAST_HEIGHT = 1.0
"""Of the tip, m; the poles together are 1.2 m long."""


class InvertedDoublePendulum(MujocoEnv, kw_only=True):
    """A cart moves along a rail so that a pole on a pole on it stays upright.

    Observation: Box (9,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0 | position of the cart | m |
    | 1-2 | sines of the angle of the first pole to upright, and of the second to the first | |
    | 3-4 | their cosines | |
    | 5 | velocity of the cart, clipped to [-10, 10] | m/s |
    | 6-7 | angular velocities of the joints, clipped to [-10, 10] | rad/s |
    | 8 | force of the rail's ends on the cart, clipped to [-10, 10] | N |

    Action: Box (1,) in [-1, 1]: force on the cart, in 500 N.

    Reward: `healthy_reward` in every step that does not end the episode, less 0.01 x^2 + (y - 2)^2, where the tip is at
    x and at height y, less 0.001 and 0.005 times the squared angular velocities of the joints.

    Start: the reference, upright; positions uniform within `reset_noise_scale`, velocities Gaussian of that standard
    deviation.

    Episode end:
        Termination: the tip is not above 1 m.
        Truncation: none; `make` adds 1,000 steps.

    Info: `reward_survive`, `distance_penalty`, `velocity_penalty`.

    Parameters: those of `MujocoEnv`, and
        healthy_reward: reward a step.
        reset_noise_scale: of the start.

    Source: Gymnasium 1.4.0 `InvertedDoublePendulum-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 20
    camera = (("distance", 4.1225), ("lookat", (0.0, 0.0, 0.1225)))

    xml_file: str = static(default="inverted_double_pendulum.xml")
    frame_skip: int = static(default=5)
    healthy_reward: ArrayLike = 10.0
    reset_noise_scale: ArrayLike = 0.1

    def check_model(self, model: Model) -> None:
        """It has two poles, and a site at the tip."""
        require("InvertedDoublePendulum", model, nq=3, nv=3, nsite=1)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Where the tip is, the angles' sines and cosines, and the rail's force."""
        return Reading("site_xpos"), Sine("sine"), Cosine("cosine"), Reading("qfrc_constraint")

    @property
    def tracked_point(self) -> None:
        """Nothing is rewarded for its velocity."""
        return None

    @property
    def observation_size(self) -> int:
        """9 for the usual model."""
        return 2 * self.model.nq + self.model.nv

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """At most `healthy_reward`, or 0."""
        return -math.inf, jnp.maximum(0.0, jnp.asarray(self.healthy_reward))

    def start(self, key: Key) -> tuple[Array, Array]:
        """Uniform positions, Gaussian velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=True)

    def observe(self, state: SimulationState) -> Array:
        """See the class."""
        read = state.derived
        force = clip(read["qfrc_constraint"][:1], _LIMITS)
        return jnp.concatenate([state.qpos[:1], read["sine"][1:], read["cosine"][1:], clip(state.qvel, _LIMITS), force])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """High and calm is good."""
        del action
        x, _, y = state.derived["site_xpos"][0]
        terminated = y <= _LEAST_HEIGHT
        x, y, first, second = (jnp.square(single(v)) for v in (x, y - 2.0, state.qvel[1], state.qvel[2]))
        survive = weigh(self.healthy_reward, ~terminated)
        distance, velocity = 0.01 * x + y, 1e-3 * first + 5e-3 * second
        info = {"reward_survive": survive, "distance_penalty": -distance, "velocity_penalty": -velocity}
        return survive - distance - velocity, terminated, info
