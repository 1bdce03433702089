"""The base class of the tasks on MuJoCo."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.errors import InvalidField
from jaxenvs.core.pytree import static
from jaxenvs.core.random import Key, check_key
from jaxenvs.core.spaces import Box
from jaxenvs.physics import engine, rendering
from jaxenvs.physics.model import Model, load_model
from jaxenvs.physics.parameters import Parameters, check_parameters, default_parameters
from jaxenvs.physics.physics import Physics, choose_engine
from jaxenvs.physics.readings import DISPLACEMENT, Reading
from jaxenvs.physics.state import PhysicsState

Outcome = tuple[Array, Array, dict[str, Array]]
"""Reward, whether the task ended, and info; all floats are float32."""


class MujocoEnv(Env[PhysicsState, Array], kw_only=True):
    """Base of the tasks on MuJoCo, corresponding to Gymnasium's `MujocoEnv`.

    Parameters:
        xml_file: the model: the name of a file among Gymnasium's assets, or a path that begins with `/`, `.` or `~`.
        frame_skip: number of simulation substeps per step.
        physics: the engine. `"c"` is C MuJoCo, with several threads on the CPU. `"mjx"` is pure JAX, which runs on an
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
    physics: Literal["auto", "c", "mjx", "warp"] = static(default="auto")
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
        _check_whole(name, "frame_skip", self.frame_skip)
        if self.precision not in ("float32", "float64"):
            raise InvalidField(f'{name}: `precision` must be "float32" or "float64", got {self.precision!r}.')
        if self.precision == "float64" and not jax.config.read("jax_enable_x64"):
            raise InvalidField(
                f'{name}: `precision="float64"` needs 64-bit types: `jax.config.update("jax_enable_x64", True)` first.'
            )
        object.__setattr__(self, "physics", choose_engine(self.physics))
        if (self.physics, self.precision) == ("warp", "float64"):
            raise InvalidField(f'{name}: `physics="warp"` computes in float32; leave out `precision="float64"`.')
        model = self.model
        self.check_model(model)
        if self.parameters is None:
            object.__setattr__(self, "parameters", default_parameters(model, self.precision))
        check_parameters(model, self.parameters)
        for field in ("width", "height", "max_geom"):
            _check_whole(name, field, getattr(self, field))
        if self.shadow_size not in (None, 0):
            _check_whole(name, "shadow_size", self.shadow_size)
        for field in ("default_camera_config", "visual_options"):
            object.__setattr__(self, field, rendering.frozen(getattr(self, field)))
        rendering.check_view(self.view)

    def replace(self, **fields: Any) -> Self:
        """A copy with some fields replaced. With another model or precision, it takes the parameters of that model.

        Raises:
            InvalidField: the parameters were changed, so it is unclear what they should be for the new model.
        """
        if {"xml_file", "precision"} & fields.keys() and "parameters" not in fields:
            if self.parameters != default_parameters(self.model, self.precision):
                raise InvalidField(
                    f"{type(self).__name__}: its `parameters` were changed for {self.model.path}; say what they"
                    " should be now: `parameters=...`, or None for those of the new model."
                )
            fields["parameters"] = None
        return super().replace(**fields)

    @abc.abstractmethod
    def check_model(self, model: Model) -> None:
        """Raises `InvalidField` if the task cannot use a model."""

    @property
    @abc.abstractmethod
    def readings(self) -> tuple[Reading, ...]:
        """The quantities that the task reads besides positions and velocities."""

    @property
    @abc.abstractmethod
    def moving(self) -> Reading | None:
        """The point whose velocity the task rewards, if any."""

    @abc.abstractmethod
    def start(self, key: Key) -> tuple[Array, Array]:
        """Draws the (nq,) positions and (nv,) velocities that an episode begins with."""

    @abc.abstractmethod
    def outcome(self, state: PhysicsState, action: Array) -> Outcome:
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
        limits = np.asarray(self.model.mj_model.actuator_ctrlrange, np.float32)
        return Box(limits[:, 0], limits[:, 1])

    @property
    def observation_space(self) -> Box:
        """An unbounded box, whose size depends on the fields."""
        return Box(-np.inf, np.inf, (self.observation_size,), self.precision)

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """The number of entries of an observation."""

    def reset(self, key: Key) -> tuple[PhysicsState, TimeStep[Array]]:
        """Draws positions and velocities around the model's reference."""
        return self.state_at(*self.start(check_key(key)))

    def state_at(self, qpos: Array, qvel: Array) -> tuple[PhysicsState, TimeStep[Array]]:
        """Begins an episode with given positions and velocities, as Gymnasium's `set_state` does.

        Args:
            qpos: (nq,) positions.
            qvel: (nv,) velocities.
        """
        qpos, qvel = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel))
        state = engine.initial(self._simulation, self.parameters, qpos, qvel)
        _, _, info = self.outcome(state, jnp.zeros((self.model.nu,), jnp.float32))
        return state, restart(self.observe(state), info)

    def step(self, state: PhysicsState, action: Array) -> tuple[PhysicsState, TimeStep[Array]]:
        """Applies the action to the actuators for `frame_skip` substeps."""
        action = self.action_space.validate(action)
        state = engine.step(self._simulation, self.parameters, state, action, self.frame_skip)
        reward, terminated, info = self.outcome(state, action)
        return state, transition(self.observe(state), reward, terminated, info)

    def render(self, state: PhysicsState) -> Array:
        """(height, width, 3) uint8: the scene through the camera."""
        return rendering.render(self.view, state.qpos)

    @property
    def view(self) -> "rendering.View":
        """The camera and the other settings of pictures."""
        return rendering.View(
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
    def _simulation(self) -> Physics:
        return Physics(self.physics, self.model, self.readings, self.moving, self.precision)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    def velocity(self, state: PhysicsState) -> Array:
        """(k,) m/s: the mean velocity, in the last step, of the point whose velocity the task rewards."""
        return state.derived[DISPLACEMENT] / jnp.asarray(self.dt, self.precision)


def _check_whole(owner: str, field: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidField(f"{owner}: `{field}` must be an integer of at least 1, got {value!r}.")
