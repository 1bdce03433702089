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

    Observation: Box (348,), unbounded; see `HumanoidBody`.

    Action: Box (17,) in [-0.4, 0.4]: torques at the joints of abdomen, hips, knees, shoulders and elbows.

    Reward: 1, plus the torso's height over the simulation's time step, less `ctrl_cost_weight` times the action's
    squared norm, less `impact_cost_weight` times that of the forces from outside, which is clipped to
    `impact_cost_range`.

    Start: the reference, lying; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Truncation: none; `make` adds 1,000 steps.

    Info: `x_position`, `y_position`, `z_distance_from_origin` (above the reference), `tendon_length` (m),
    `tendon_velocity` (m/s), `reward_linup`, `reward_quadctrl`, `reward_impact`.

    Parameters: those of `HumanoidBody`, and
        uph_cost_weight: of no effect, as in Gymnasium.
        ctrl_cost_weight: cost of a squared unit of action.
        impact_cost_weight: cost of a squared unit of force.
        impact_cost_range: what the cost of forces is clipped to.

    Source: Tassa, Erez and Todorov, "Synthesis and stabilization of complex behaviors through online trajectory
    optimization", IROS 2012; Gymnasium 1.4.0 `HumanoidStandup-v5`.

    Version history:
        v5: as Gymnasium's.
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
        """Nothing is rewarded for its velocity."""
        return None

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Height is good, effort and blows are not; it never ends."""
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
