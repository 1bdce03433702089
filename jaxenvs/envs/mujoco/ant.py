"""Ant-v5: walk on four legs."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import clip, like, noisy_start, norm, require, single, squares, weigh
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import BodyPosition, Reading
from jaxenvs.simulators.mujoco.state import SimulationState


class Ant(MujocoEnv, kw_only=True):
    """A torso on four legs walks to the right.

    Observation: (105,) float32.

        | index  | meaning                                                                 | min  | max | unit   |
        |--------|-------------------------------------------------------------------------|------|-----|--------|
        | 0      | height of the torso                                                     | -inf | inf | m      |
        | 1-4    | orientation of the torso, as a quaternion                               | -inf | inf |        |
        | 5-12   | angles of hip and ankle: front left, front right, back left, back right | -inf | inf | rad    |
        | 13-15  | velocity of the torso along x, y and z                                  | -inf | inf | m/s    |
        | 16-18  | angular velocity of the torso                                           | -inf | inf | rad/s  |
        | 19-26  | angular velocities of the joints                                        | -inf | inf | rad/s  |
        | 27-104 | external torque and force on each of 13 bodies, clipped                 | -1   | 1   | N m, N |

    Forces are clipped to `contact_force_range`; with `include_cfrc_ext_in_observation=False` they are left out. With
    `exclude_current_positions_from_observation=False`, x and y of the torso come first.

    Action: (8,) float32 in [-1, 1]: torques at hip and ankle, for back right, front left, front right and back left.

    Reward: `forward_reward_weight` times the velocity of the main body along x, plus `healthy_reward` while the ant is
        healthy, minus `ctrl_cost_weight` times the squared norm of the action, minus `contact_cost_weight` times the
        squared norm of the clipped forces.

    Start: the model's reference pose, with positions disturbed uniformly within +-reset_noise_scale and velocities
        drawn from a Gaussian with that standard deviation.

    Episode end:
        Termination: the ant is unhealthy and `terminate_when_unhealthy` is set. It is healthy while the torso's height
            is within `healthy_z_range` and all numbers are finite.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position`, `y_position`, `distance_from_origin` (m), `x_velocity`, `y_velocity` (m/s),
        `reward_forward`, `reward_ctrl`, `reward_contact`, `reward_survive`.

    Parameters, besides those of `MujocoEnv`:
        forward_reward_weight: reward per velocity, s/m.
        ctrl_cost_weight: cost per squared unit of action.
        contact_cost_weight: cost per squared unit of force.
        healthy_reward: reward per step while healthy.
        main_body: name or number of the body whose velocity is rewarded.
        terminate_when_unhealthy: whether an unhealthy robot ends the episode.
        healthy_z_range: least and greatest height of a healthy torso, m.
        contact_force_range: limits that forces are clipped to, N m and N.
        reset_noise_scale: greatest disturbance of positions (m or rad), and standard deviation of velocities (m/s or
            rad/s), at the start.
        exclude_current_positions_from_observation: whether to leave out x and y of the torso.
        include_cfrc_ext_in_observation: whether to observe the external forces.

    Source: J. Schulman et al., "High-dimensional continuous control using generalized advantage estimation", ICLR 2016;
        Gymnasium 1.4.0, `Ant-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    reset_is_costly = True
    frames_per_second = 20
    camera = (("distance", 4.0),)
    follows = 1

    xml_file: str = static(default="ant.xml")
    frame_skip: int = static(default=5)
    forward_reward_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 0.5
    contact_cost_weight: ArrayLike = 5e-4
    healthy_reward: ArrayLike = 1.0
    main_body: int | str = static(default=1)
    terminate_when_unhealthy: bool = static(default=True)
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (0.2, 1.0)
    contact_force_range: tuple[ArrayLike, ArrayLike] = (-1.0, 1.0)
    reset_noise_scale: ArrayLike = 0.1
    exclude_current_positions_from_observation: bool = static(default=True)
    include_cfrc_ext_in_observation: bool = static(default=True)

    def check_model(self, model: Model) -> None:
        """Checks that the model has a torso with a height, and the main body."""
        require("Ant", model, nq=3)
        model.body_number(self.main_body)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return (Reading("cfrc_ext"),)

    @property
    def tracked_point(self) -> Reading:
        """The main body, over the ground."""
        return BodyPosition("main_body", self.model.body_number(self.main_body), count=2)

    @property
    def observation_size(self) -> int:
        """105 for the usual model and options."""
        forces = 6 * (self.model.mj_model.nbody - 1) * self.include_cfrc_ext_in_observation
        return self.model.nq + self.model.nv - 2 * self.exclude_current_positions_from_observation + forces

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=True)

    def observe(self, state: SimulationState) -> Array:
        parts = [state.qpos[2 * self.exclude_current_positions_from_observation :], state.qvel]
        if self.include_cfrc_ext_in_observation:
            parts.append(self.contact_forces(state)[1:].reshape(-1))
        return jnp.concatenate(parts)

    def contact_forces(self, state: SimulationState) -> Array:
        """(nbody, 6) external torque and force on each body, clipped."""
        return clip(state.derived["cfrc_ext"], self.contact_force_range)

    def is_healthy(self, state: SimulationState) -> Array:
        """() bool: whether everything is finite and the torso's height within its range, including its limits."""
        low, high = self.healthy_z_range
        z = state.qpos[2]
        is_finite = jnp.isfinite(state.qpos).all() & jnp.isfinite(state.qvel).all()
        return is_finite & (like(low, z) <= z) & (z <= like(high, z))

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards speed and health, minus the costs of control and external forces."""
        is_healthy = self.is_healthy(state)
        x_velocity, y_velocity = single(self.velocity(state))
        forward = weigh(self.forward_reward_weight, x_velocity)
        survive = weigh(self.healthy_reward, is_healthy)
        control = weigh(self.ctrl_cost_weight, squares(action))
        contact = weigh(self.contact_cost_weight, squares(self.contact_forces(state)))
        info = {
            "x_position": single(state.qpos[0]),
            "y_position": single(state.qpos[1]),
            "distance_from_origin": norm(state.qpos[:2]),
            "x_velocity": x_velocity,
            "y_velocity": y_velocity,
            "reward_forward": forward,
            "reward_ctrl": -control,
            "reward_contact": -contact,
            "reward_survive": survive,
        }
        terminated = ~is_healthy & self.terminate_when_unhealthy
        return forward + survive - (control + contact), terminated, info
