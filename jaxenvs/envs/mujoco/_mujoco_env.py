"""The base class of the tasks on MuJoCo."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_integer
from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.mujoco import engines, rendering
from jaxenvs.simulators.mujoco.host_view import HostView
from jaxenvs.simulators.mujoco.model import Model, adopt_xml_file, load_model
from jaxenvs.simulators.mujoco.parameters import Parameters, adopt_parameters, with_parameters
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, Reading
from jaxenvs.simulators.mujoco.simulation import Simulation, check_precision, choose_engine
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box

Outcome = tuple[Array, Array, dict[str, Array]]
"""Reward, whether the task ended, and info; all floats are float32."""


class MujocoEnv(HostView, Env[SimulationState, Array], kw_only=True):
    """Base of the tasks on MuJoCo, corresponding to Gymnasium's `MujocoEnv`.

    Parameters:
        xml_file: the model: the name of a file among Gymnasium's assets, or a path that begins with `/`, `.` or `~`, or
            is a `pathlib.Path`.
        frame_skip: number of simulation substeps per step.
        engine: who computes: `"c"` is C MuJoCo, with several threads on the CPU. `"mjx"` is pure JAX, which runs on an
            accelerator and has derivatives. `"warp"` is MuJoCo Warp, for NVIDIA GPUs, in float32; its sums may differ
            in their last bits from run to run. `"auto"` is `"c"` if JAX computes on the CPU, else `"mjx"`.
        precision: dtype of states and observations, `"float32"` or, with JAX's 64-bit types enabled, `"float64"`.
            Rewards are always float32. C MuJoCo always computes in float64.
        parameters: masses, friction, gravity and so on; None for those of the model.
        width: width of a picture, pixels.
        height: height of a picture, pixels.
        camera_id: number of one of the model's cameras; by default, a camera follows the robot.
        camera_name: name of one of the model's cameras, in place of `camera_id`.
        default_camera_config: `distance`, `azimuth`, `elevation` and `lookat` of the default camera.
        max_geom: greatest number of shapes in a picture.
        visual_options: flags of MuJoCo's `mjtVisFlag`, by number.
        shadow_size: side of the shadow map, texels; None for that of the model, usually 4,096. With 1,024 a picture
            takes a third of the time on a CPU, and shadows have slightly coarser edges. 0 draws no shadows.
    """

    xml_file: str = static()
    frame_skip: int = static()
    engine: Literal["auto", "c", "mjx", "warp"] = static(default="auto")
    precision: Literal["float32", "float64"] = static(default="float32")
    parameters: Parameters = None  # pyright: ignore[reportAssignmentType]  # filled in from the model
    width: int = static(default=480)
    height: int = static(default=480)
    camera_id: int | None = static(default=None)
    camera_name: str | None = static(default=None)
    default_camera_config: Mapping[str, Any] | None = static(default=None)
    max_geom: int = static(default=1000)
    visual_options: Mapping[int, bool] | None = static(default=None)
    shadow_size: int | None = static(default=None)

    camera: ClassVar[tuple[tuple[str, Any], ...]] = ()
    """The camera's settings unless the fields say otherwise: pairs of a setting and its value."""

    follows: ClassVar[int | None] = None
    """The body that the camera follows."""

    def check_fields(self) -> None:
        """Checks the model and the options, and fills in the engine and the parameters."""
        name = type(self).__name__
        adopt_xml_file(self)
        check_integer(self, "frame_skip", self.frame_skip)
        check_precision(self)
        object.__setattr__(self, "engine", choose_engine(self.engine))
        if (self.engine, self.precision) == ("warp", "float64"):
            raise InvalidField(f'{name}: `engine="warp"` computes in float32; leave out `precision="float64"`.')
        model = self.model
        self.check_model(model)
        adopt_parameters(self, model)
        for field in ("width", "height", "max_geom"):
            check_integer(self, field, getattr(self, field))
        if self.shadow_size not in (None, 0):
            check_integer(self, "shadow_size", self.shadow_size)
        for field in ("default_camera_config", "visual_options"):
            object.__setattr__(self, field, rendering.frozen(getattr(self, field)))
        rendering.check_view(self.view)

    def replace(self, **fields: Any) -> Self:
        """A copy with some fields replaced. With another model or precision, it takes the parameters of that model.

        Raises:
            InvalidField: the parameters were changed, so it is unclear what they should be for the new model.
        """
        return super().replace(**with_parameters(self, fields))

    @abc.abstractmethod
    def check_model(self, model: Model) -> None:
        """Raises `InvalidField` if the task cannot use a model."""

    @property
    @abc.abstractmethod
    def readings(self) -> tuple[Reading, ...]:
        """The quantities that the task reads besides positions and velocities."""

    @property
    @abc.abstractmethod
    def tracked_point(self) -> Reading | None:
        """The point whose velocity the task rewards, if any."""

    @abc.abstractmethod
    def start(self, key: Key) -> tuple[Array, Array]:
        """Draws the (nq,) positions and (nv,) velocities that an episode begins with."""

    @abc.abstractmethod
    def outcome(self, state: SimulationState, action: Array) -> Outcome:
        """Reward, termination and info of the step that led to a state."""

    @property
    def model(self) -> Model:
        """The compiled MuJoCo model of the task."""
        return load_model(self.xml_file)

    @property
    def dt(self) -> float:
        """The duration of a step, s."""
        return self.model.timestep * self.frame_skip

    @property
    def action_space(self) -> Box:
        """The ranges of the actuators' controls."""
        return Box(*self.model.control_ranges)

    @property
    def observation_space(self) -> Box:
        """An unbounded box, whose size depends on the fields."""
        return Box(-np.inf, np.inf, (self.observation_size,), self.precision)

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """The number of entries of an observation."""

    def reset(self, key: Key) -> tuple[SimulationState, TimeStep[Array]]:
        """Draws positions and velocities around the model's reference."""
        return self.state_at(*self.start(check_key(key)))

    def state_at(self, qpos: Array, qvel: Array) -> tuple[SimulationState, TimeStep[Array]]:
        """Begins an episode with given positions and velocities, as Gymnasium's `set_state` does.

        Args:
            qpos: (nq,) positions.
            qvel: (nv,) velocities.
        """
        qpos, qvel = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel))
        state = engines.initial(self._simulation, self.parameters, qpos, qvel)
        _, _, info = self.outcome(state, jnp.zeros((self.model.nu,), jnp.float32))
        return state, restart(self.observe(state), info)

    def step(self, state: SimulationState, action: Array) -> tuple[SimulationState, TimeStep[Array]]:
        """Applies the action to the actuators for `frame_skip` substeps."""
        action = self.action_space.validate(action)
        state = engines.step(self._simulation, self.parameters, state, action, self.frame_skip)
        reward, terminated, info = self.outcome(state, action)
        return state, transition(self.observe(state), reward, terminated, info)

    def render(self, state: SimulationState) -> Array:
        """(height, width, 3) uint8: the scene through the camera."""
        return rendering.render(self.view, state.qpos)

    @property
    def view(self) -> "rendering.CameraView":
        """The camera and the other settings of pictures."""
        return rendering.CameraView(
            model=self.model,
            width=self.width,
            height=self.height,
            camera_id=self.camera_id,
            camera_name=self.camera_name,
            settings=rendering.frozen({**dict(self.camera), **dict(self.default_camera_config or {})}),
            follows=self.follows,
            max_geom=self.max_geom,
            flags=rendering.frozen(self.visual_options),
            shadow_size=self.shadow_size,
        )

    @property
    def _simulation(self) -> Simulation:
        return Simulation(self.engine, self.model, self.readings, self.tracked_point, self.precision)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    def velocity(self, state: SimulationState) -> Array:
        """(k,) m/s: the mean velocity, in the last step, of the point whose velocity the task rewards."""
        return state.derived[DISPLACEMENT] / jnp.asarray(self.dt, self.precision)
