"""Humanoid-v5: walk upright."""

from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._humanoid_body import HumanoidBody
from jaxenvs.envs.mujoco._mujoco_env import Outcome
from jaxenvs.envs.mujoco._terms import clip, is_between, norm, single, squares, weigh
from jaxenvs.simulators.mujoco.readings import MassCenter, Reading
from jaxenvs.simulators.mujoco.state import SimulationState


class Humanoid(HumanoidBody, kw_only=True):
    """A humanoid walks to the right without falling over.

    Observation: Box (348,), unbounded; see `HumanoidBody`.

    Action: Box (17,) in [-0.4, 0.4]: torques at the joints of abdomen, hips, knees, shoulders and elbows.

    Reward: `forward_reward_weight` times the velocity of the centre of mass along x, plus `healthy_reward` while the
    humanoid is healthy, less `ctrl_cost_weight` times the action's squared norm, less `contact_cost_weight` times that
    of the forces from outside, which is clipped to `contact_cost_range`.

    Start: the reference, standing; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Termination: the humanoid is not healthy: the torso's height has left `healthy_z_range`.
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position`, `y_position`, `distance_from_origin`, `tendon_length` (m), `x_velocity`, `y_velocity`,
    `tendon_velocity` (m/s), `reward_survive`, `reward_forward`, `reward_ctrl`, `reward_contact`.

    Parameters: those of `HumanoidBody`, and
        forward_reward_weight: reward a m/s.
        ctrl_cost_weight: cost of a squared unit of action.
        contact_cost_weight: cost of a squared unit of force.
        contact_cost_range: what the cost of forces is clipped to.
        healthy_reward: reward a step.
        terminate_when_unhealthy: whether an episode ends so.
        healthy_z_range: of the torso's height, m.

    Source: Tassa, Erez and Todorov, "Synthesis and stabilization of complex behaviors through online trajectory
    optimization", IROS 2012; Gymnasium 1.4.0 `Humanoid-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 67
    camera = (("distance", 4.0), ("lookat", (0.0, 0.0, 2.0)), ("elevation", -20.0))
    follows = 1

    xml_file: str = static(default="humanoid.xml")
    frame_skip: int = static(default=5)
    forward_reward_weight: ArrayLike = 1.25
    ctrl_cost_weight: ArrayLike = 0.1
    contact_cost_weight: ArrayLike = 5e-7
    contact_cost_range: tuple[ArrayLike, ArrayLike] = (-float("inf"), 10.0)
    healthy_reward: ArrayLike = 5.0
    terminate_when_unhealthy: bool = static(default=True)
    healthy_z_range: tuple[ArrayLike, ArrayLike] = (1.0, 2.0)

    @property
    def tracked_point(self) -> Reading:
        """The centre of mass, over the ground."""
        return MassCenter("mass_center")

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Speed and health are good, effort and blows are not."""
        is_healthy = is_between(state.qpos[2], self.healthy_z_range)
        x_velocity, y_velocity = single(self.velocity(state))
        forward = weigh(self.forward_reward_weight, x_velocity)
        survive = weigh(self.healthy_reward, is_healthy)
        control = weigh(self.ctrl_cost_weight, squares(action))
        contact = weigh(self.contact_cost_weight, squares(state.derived["cfrc_ext"]))
        contact = clip(contact, self.contact_cost_range)
        info = {
            "x_position": single(state.qpos[0]),
            "y_position": single(state.qpos[1]),
            "tendon_length": single(state.derived["ten_length"]),
            "tendon_velocity": single(state.derived["ten_velocity"]),
            "distance_from_origin": norm(state.qpos[:2]),
            "x_velocity": x_velocity,
            "y_velocity": y_velocity,
            "reward_survive": survive,
            "reward_forward": forward,
            "reward_ctrl": -control,
            "reward_contact": -contact,
        }
        terminated = ~is_healthy & self.terminate_when_unhealthy
        return forward + survive - (control + contact), terminated, info
