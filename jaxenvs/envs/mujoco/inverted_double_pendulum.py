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
"""The limit of observed velocities and forces."""

_LEAST_HEIGHT = 1.0
"""The least height of the tip, m; the poles together are 1.2 m long."""


class InvertedDoublePendulum(MujocoEnv, kw_only=True):
    """A cart moves along a rail to keep two poles, one on top of the other, upright.

    Observation: (9,) float32.

        | index | meaning                                          | min  | max | unit  |
        |-------|--------------------------------------------------|------|-----|-------|
        | 0     | position of the cart                             | -inf | inf | m     |
        | 1     | sine of the first pole's angle from upright      | -1   | 1   |       |
        | 2     | sine of the second pole's angle from the first   | -1   | 1   |       |
        | 3     | cosine of the first pole's angle from upright    | -1   | 1   |       |
        | 4     | cosine of the second pole's angle from the first | -1   | 1   |       |
        | 5     | velocity of the cart, clipped                    | -10  | 10  | m/s   |
        | 6-7   | angular velocities of the joints, clipped        | -10  | 10  | rad/s |
        | 8     | force of the rail's ends on the cart, clipped    | -10  | 10  | N     |

    Action: (1,) float32 in [-1, 1]: the force on the cart, in units of 500 N.

    Reward: `healthy_reward` in every step that does not terminate, minus 0.01 x^2 + (y - 2)^2, where the tip is at x
        and at height y, minus 0.001 and 0.005 times the squared angular velocities of the two joints.

    Start: the model's reference pose, upright, with positions disturbed uniformly within +-reset_noise_scale and
        velocities drawn from a Gaussian with that standard deviation.

    Episode end:
        Termination: the tip is at a height of 1 m or below.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `reward_survive`, `distance_penalty`, `velocity_penalty`.

    Parameters, besides those of `MujocoEnv`:
        healthy_reward: reward per step.
        reset_noise_scale: greatest disturbance of positions (m or rad), and standard deviation of velocities (m/s or
            rad/s), at the start.

    Source: Gymnasium 1.4.0, `InvertedDoublePendulum-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 20
    camera = (("distance", 4.1225), ("lookat", (0.0, 0.0, 0.1225)))

    xml_file: str = static(default="inverted_double_pendulum.xml")
    frame_skip: int = static(default=5)
    healthy_reward: ArrayLike = 10.0
    reset_noise_scale: ArrayLike = 0.1

    def check_model(self, model: Model) -> None:
        """Checks that the model has two poles, and a site at the tip."""
        require("InvertedDoublePendulum", model, nq=3, nv=3, nsite=1)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The position of the tip, the sines and cosines of the angles, and the force of the rail."""
        return Reading("site_xpos"), Sine("sine"), Cosine("cosine"), Reading("qfrc_constraint")

    @property
    def tracked_point(self) -> None:
        return None

    @property
    def observation_size(self) -> int:
        return 2 * self.model.nq + self.model.nv

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return -math.inf, jnp.maximum(0.0, jnp.asarray(self.healthy_reward))

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=True)

    def observe(self, state: SimulationState) -> Array:
        read = state.derived
        force = clip(read["qfrc_constraint"][:1], _LIMITS)
        return jnp.concatenate([state.qpos[:1], read["sine"][1:], read["cosine"][1:], clip(state.qvel, _LIMITS), force])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        del action
        x, _, y = state.derived["site_xpos"][0]
        terminated = y <= _LEAST_HEIGHT
        x, y, first, second = (jnp.square(single(v)) for v in (x, y - 2.0, state.qvel[1], state.qvel[2]))
        survive = weigh(self.healthy_reward, ~terminated)
        distance, velocity = 0.01 * x + y, 1e-3 * first + 5e-3 * second
        info = {"reward_survive": survive, "distance_penalty": -distance, "velocity_penalty": -velocity}
        return survive - distance - velocity, terminated, info
