"""HumanoidStandup-v5: get up."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._humanoid_body import HumanoidBody
from jaxenvs.envs.mujoco._mujoco_env import Outcome
from jaxenvs.envs.mujoco._terms import clip, height_gain, single, squares, weigh
from jaxenvs.simulators.mujoco.state import SimulationState


class HumanoidStandup(HumanoidBody, kw_only=True):
    """A humanoid that lies on its back gets up and stays up.

    Observation: (348,) float32.

        | index   | meaning                                              | min  | max | unit             |
        |---------|------------------------------------------------------|------|-----|------------------|
        | 0       | height of the torso                                  | -inf | inf | m                |
        | 1-4     | orientation of the torso, as a quaternion            | -inf | inf |                  |
        | 5-7     | angles of the abdomen                                | -inf | inf | rad              |
        | 8-11    | angles of the right hip (3) and knee                 | -inf | inf | rad              |
        | 12-15   | angles of the left hip (3) and knee                  | -inf | inf | rad              |
        | 16-18   | angles of the right shoulder (2) and elbow           | -inf | inf | rad              |
        | 19-21   | angles of the left shoulder (2) and elbow            | -inf | inf | rad              |
        | 22-24   | velocity of the torso along x, y and z               | -inf | inf | m/s              |
        | 25-27   | angular velocity of the torso                        | -inf | inf | rad/s            |
        | 28-44   | angular velocities of the joints                     | -inf | inf | rad/s            |
        | 45-174  | inertia (6), first moments (3) and mass of 13 bodies | -inf | inf | kg m^2, kg m, kg |
        | 175-252 | angular and linear velocity of each of 13 bodies     | -inf | inf | rad/s, m/s       |
        | 253-269 | torques of the actuators at the joints               | -inf | inf | N m              |
        | 270-347 | external torque and force on each of 13 bodies       | -inf | inf | N m, N           |

    Inertias and moments are about the centre of mass. The `include_...` fields leave parts out. With
    `exclude_current_positions_from_observation=False`, x and y of the torso come first.

    Action: (17,) float32 in [-0.4, 0.4]: torques at the joints of abdomen, hips, knees, shoulders and elbows.

    Reward: 1, plus the torso's height divided by the simulation's time step, minus `ctrl_cost_weight` times the squared
        norm of the action, minus the cost of external forces: `impact_cost_weight` times their squared norm, clipped to
        `impact_cost_range`.

    Start: the model's reference pose, lying, with positions and velocities disturbed uniformly within
        +-reset_noise_scale.

    Episode end:
        Termination: none.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: () float32 each: `x_position`, `y_position`, `z_distance_from_origin` (m, above the reference),
        `reward_linup`, `reward_quadctrl`, `reward_impact`. For both tendons, (2,) float32: `tendon_length` (m),
        `tendon_velocity` (m/s).

    Parameters, besides those of `MujocoEnv`:
        uph_cost_weight: has no effect, as in Gymnasium.
        ctrl_cost_weight: cost per squared unit of action.
        impact_cost_weight: cost per squared unit of force.
        impact_cost_range: limits that the cost of forces is clipped to.
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.
        exclude_current_positions_from_observation: whether to leave out x and y of the torso.
        include_cinert_in_observation: whether to observe the inertias.
        include_cvel_in_observation: whether to observe the velocities of the bodies.
        include_qfrc_actuator_in_observation: whether to observe the torques of the actuators.
        include_cfrc_ext_in_observation: whether to observe the external forces.

    Source: Y. Tassa, T. Erez and E. Todorov, "Synthesis and stabilization of complex behaviors through online
        trajectory optimization", IROS 2012; Gymnasium 1.4.0, `HumanoidStandup-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 67
    camera = (("distance", 4.0), ("lookat", (0.0, 0.0, 0.8925)), ("elevation", -20.0))
    follows = 1

    xml_file: str = static(default="humanoidstandup.xml")
    frame_skip: int = static(default=5)
    uph_cost_weight: ArrayLike = 1.0
    ctrl_cost_weight: ArrayLike = 0.1
    impact_cost_weight: ArrayLike = 0.5e-6
    impact_cost_range: tuple[ArrayLike, ArrayLike] = (-float("inf"), 10.0)

    @property
    def tracked_point(self) -> None:
        return None

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Rewards height, minus the costs of control and external forces; it never terminates."""
        up = single(state.qpos[2] / self.model.timestep)
        control = weigh(self.ctrl_cost_weight, squares(action))
        impact = clip(weigh(self.impact_cost_weight, squares(state.derived["cfrc_ext"])), self.impact_cost_range)
        info = {
            "x_position": single(state.qpos[0]),
            "y_position": single(state.qpos[1]),
            "z_distance_from_origin": height_gain(self, state.qpos[2], 2),
            "tendon_length": single(state.derived["ten_length"]),
            "tendon_velocity": single(state.derived["ten_velocity"]),
            "reward_linup": up,
            "reward_quadctrl": -control,
            "reward_impact": -impact,
        }
        return up - control - impact + 1.0, jnp.zeros((), bool), info
