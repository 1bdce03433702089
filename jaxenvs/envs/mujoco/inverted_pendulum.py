"""InvertedPendulum-v5: balance a pole on a cart."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxenvs.core.pytree import static
from jaxenvs.envs.mujoco._mujoco_env import MujocoEnv, Outcome
from jaxenvs.envs.mujoco._terms import noisy_start, require
from jaxenvs.random import Key
from jaxenvs.simulators.mujoco.model import Model
from jaxenvs.simulators.mujoco.readings import Reading
from jaxenvs.simulators.mujoco.state import SimulationState

_MOST_TILT = 0.2
"""The angle beyond which the pole has fallen, rad."""


class InvertedPendulum(MujocoEnv, kw_only=True):
    """A cart moves along a rail to keep the pole on it upright.

    Observation: (4,) float32.

        | index | meaning                        | min  | max | unit  |
        |-------|--------------------------------|------|-----|-------|
        | 0     | position of the cart           | -inf | inf | m     |
        | 1     | angle of the pole from upright | -inf | inf | rad   |
        | 2     | velocity of the cart           | -inf | inf | m/s   |
        | 3     | angular velocity of the pole   | -inf | inf | rad/s |

    Action: (1,) float32 in [-3, 3]: the force on the cart, in units of 100 N.

    Reward: 1 in every step that does not terminate, else 0.

    Start: the model's reference pose, upright, with positions and velocities disturbed uniformly within
        +-reset_noise_scale.

    Episode end:
        Termination: the pole tilts by more than 0.2 rad, or a number is not finite.
        Truncation: none here; `make` adds a time limit of 1,000 steps.

    Info: `reward_survive`, () float32.

    Parameters, besides those of `MujocoEnv`:
        reset_noise_scale: greatest disturbance of positions (m or rad) and velocities (m/s or rad/s) at the start.

    Source: A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
        learning control problems", 1983; Gymnasium 1.4.0, `InvertedPendulum-v5`.

    Version history:
        v5: same behaviour as in Gymnasium.
    """

    frames_per_second = 25
    camera = (("distance", 2.04),)

    xml_file: str = static(default="inverted_pendulum.xml")
    frame_skip: int = static(default=2)
    reset_noise_scale: ArrayLike = 0.01

    def check_model(self, model: Model) -> None:
        require("InvertedPendulum", model, nq=2)

    @property
    def readings(self) -> tuple[Reading, ...]:
        return ()

    @property
    def tracked_point(self) -> None:
        return None

    @property
    def observation_size(self) -> int:
        return self.model.nq + self.model.nv

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        return 0.0, 1.0

    def start(self, key: Key) -> tuple[Array, Array]:
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        return jnp.concatenate([state.qpos, state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        del action
        finite = jnp.isfinite(state.qpos).all() & jnp.isfinite(state.qvel).all()
        terminated = ~finite | (jnp.abs(state.qpos[1]) > _MOST_TILT)
        reward = (~terminated).astype(jnp.float32)
        return reward, terminated, {"reward_survive": reward}
