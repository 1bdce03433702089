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
"""Beyond which the pole has fallen, rad."""


class InvertedPendulum(MujocoEnv, kw_only=True):
    """A cart moves along a rail so that the pole on it stays upright.

    Observation: Box (4,), unbounded.

    | index | meaning | unit |
    |---|---|---|
    | 0 | position of the cart | m |
    | 1 | angle of the pole from upright | rad |
    | 2 | velocity of the cart | m/s |
    | 3 | angular velocity of the pole | rad/s |

    Action: Box (1,) in [-3, 3]: force on the cart, in 100 N.

    Reward: 1 in every step that does not end the episode.

    Start: the reference, upright; positions and velocities uniform within `reset_noise_scale`.

    Episode end:
        Termination: the pole tilts by more than 0.2 rad, or a number is not finite.
        Truncation: none; `make` adds 1,000 steps.

    Info: `reward_survive`.

    Parameters: those of `MujocoEnv`, and
        reset_noise_scale: of the start.

    Source: Barto, Sutton and Anderson, "Neuronlike adaptive elements that can solve difficult learning control
    problems", 1983; Gymnasium 1.4.0 `InvertedPendulum-v5`.

    Version history:
        v5: as Gymnasium's.
    """

    frames_per_second = 25
    camera = (("distance", 2.04),)

    xml_file: str = static(default="inverted_pendulum.xml")
    frame_skip: int = static(default=2)
    reset_noise_scale: ArrayLike = 0.01

    def check_model(self, model: Model) -> None:
        """It has a pole."""
        require("InvertedPendulum", model, nq=2)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """None."""
        return ()

    @property
    def tracked_point(self) -> None:
        """Nothing is rewarded for its velocity."""
        return None

    @property
    def observation_size(self) -> int:
        """4 for the usual model."""
        return self.model.nq + self.model.nv

    @property
    def reward_range(self) -> tuple[float | Array, float | Array]:
        """0 or 1."""
        return 0.0, 1.0

    def start(self, key: Key) -> tuple[Array, Array]:
        """Uniform positions and velocities."""
        return noisy_start(self, key, self.reset_noise_scale, gaussian=False)

    def observe(self, state: SimulationState) -> Array:
        """Positions, then velocities."""
        return jnp.concatenate([state.qpos, state.qvel])

    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """It pays to be upright."""
        del action
        terminated = ~jnp.isfinite(self.observe(state)).all() | (jnp.abs(state.qpos[1]) > _MOST_TILT)
        reward = (~terminated).astype(jnp.float32)
        return reward, terminated, {"reward_survive": reward}
