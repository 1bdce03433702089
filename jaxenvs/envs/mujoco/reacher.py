"""Reacher-v5: bring a fingertip to a target."""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import near_reference, norm, require, squares, uniform_noise, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import BodyPosition, Cosine, Reading, Sine
from jaxenvs.simulators.mujoco.starts import as_rounded
from jaxenvs.simulators.mujoco.state import SimulationState

_REACH = 0.2
"""Targets are drawn from a disc of this radius, m."""

_JOINTS = 2
_POSITION_NOISE, _VELOCITY_NOISE = 0.1, 0.005


class Reacher(MujocoEnv, kw_only=True):
    """An arm of two links in a plane reaches for a target.

    Observation: (10,) float32.

        | index | meaning                                          | min  | max | unit  |
        |-------|--------------------------------------------------|------|-----|-------|
        | 0-1   | cosines of the angles of the two joints          | -1   | 1   |       |
        | 2-3   | sines of the angles of the two joints            | -1   | 1   |       |
        | 4-5   | x and y of the target                            | -inf | inf | m     |
        | 6-7   | angular velocities of the joints                 | -inf | inf | rad/s |
        | 8-9   | x and y of the fingertip, relative to the target | -inf | inf | m     |

    Action: (2,) float32 in [-1, 1]: torques at the joints.

    Reward: minus `reward_dist_weight` times the distance of the fingertip from the target, minus
        `reward_control_weight` times the squared norm of the action.

    Start: angles uniform within +-0.1 rad, velocities within +-0.005 rad/s; the target at rest, uniform on a disc with
        a radius of 0.2 m.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 50 steps.

    Info: () float32 each: `reward_dist`, `reward_ctrl`.

    Parameters, besides those of `MujocoEnv`:
        reward_dist_weight: cost of the distance between fingertip and target, 1/m.
        reward_control_weight: cost per squared unit of action.

    Source: Gymnasium 1.4.0, `Reacher-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 50

    xml_file: str = static(default="reacher.xml")
    frame_skip: int = static(default=2)
    reward_dist_weight: ArrayLike = 1.0
    reward_control_weight: ArrayLike = 1.0

    def check_model(self, model: Model) -> None:
        """Checks that the model has two joints, a target that moves along two more, and a fingertip."""
        require("Reacher", model, nq=4, nv=4)
        for name in ("fingertip", "target"):
            model.body(name)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The sines and cosines of the angles, and the vector from the target to the fingertip."""
        offset = BodyPosition("offset", self.model.body("fingertip"), self.model.body("target"))
        return Sine("sine"), Cosine("cosine"), offset

    @property
    def tracked_point(self) -> None:
        return None

    @property
    def observation_size(self) -> int:
        return self.model.nq + 6

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """At most 0, if the weights are not negative."""
        return -math.inf, 0.0

    def start(self, key: Key) -> tuple[Array, Array]:
        """Draws an arm that is nearly stretched out, and a target within reach."""
        position_key, target_key, velocity_key = jax.random.split(key, 3)
        position = near_reference(self, uniform_noise(position_key, self.model.nq, _POSITION_NOISE))
        # The square root of a uniform number is the radius of a uniform point on a disc.
        radius, angle = jax.random.uniform(target_key, (2,), jnp.float32)
        radius, angle = _REACH * as_rounded(jnp.sqrt(radius)), as_rounded(2 * jnp.pi * angle)
        target = as_rounded(radius) * as_rounded(jnp.stack([jnp.cos(angle), jnp.sin(angle)]))
        position = position.at[-2:].set(target.astype(position.dtype))
        return position, uniform_noise(velocity_key, self.model.nv, _VELOCITY_NOISE).at[-2:].set(0.0)

    def observe(self, state: SimulationState) -> Array:
        read = state.derived
        angles = [read["cosine"][:_JOINTS], read["sine"][:_JOINTS]]
        return jnp.concatenate([*angles, state.qpos[_JOINTS:], state.qvel[:_JOINTS], read["offset"][:2]])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards closeness, minus the cost of control; it never terminates."""
        distance = weigh(self.reward_dist_weight, norm(state.derived["offset"]))
        control = weigh(self.reward_control_weight, squares(action))
        info = {"reward_dist": -distance, "reward_ctrl": -control}
        return -distance - control, jnp.zeros((), bool), info
