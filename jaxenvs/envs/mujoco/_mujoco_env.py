"""What the tasks on MuJoCo share."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.env import Env, TimeStep, restart, transition
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.random import Key, check_key
from jaxenvs.simulators.mujoco import engines, rendering
from jaxenvs.simulators.mujoco.model import Model, load_model
from jaxenvs.simulators.mujoco.parameters import Parameters, check_parameters, default_parameters
from jaxenvs.simulators.mujoco.readings import DISPLACEMENT, Reading
from jaxenvs.simulators.mujoco.simulation import Simulation, choose_engine
from jaxenvs.simulators.mujoco.state import SimulationState
from jaxenvs.spaces import Box

Outcome = tuple[Array, Array, dict[str, Array]]
"""Reward, whether the task ended, and info, floats in float32."""


class MujocoEnv(Env[SimulationState, Array], kw_only=True):
    """Base of the tasks on MuJoCo: what Gymnasium's `MujocoEnv` is there.

    Parameters of every task:
        xml_file: the model: the name of a file among Gymnasium's assets, or a path that begins with `/`, `.` or `~`.
        frame_skip: substeps of the simulation in a step.
        engine: who computes: `"c"` (C MuJoCo, several threads, on the processor), `"mjx"` (pure JAX, which an
            accelerator runs and which has derivatives) or `"warp"` (MuJoCo Warp, for NVIDIA's accelerators, in float32;
            sums may differ in their last bits from run to run there); `"auto"` is `"c"` where JAX computes on the
            processor, else `"mjx"`.
        precision: of states and observations, `"float32"` or, with JAX's 64-bit types, `"float64"`. Rewards are
            float32 always. C MuJoCo computes in float64 in either case.
        parameters: masses, friction, gravity and so on; None for the model's own.
        width, height: pixels of a picture.
        camera_id, camera_name: a camera of the model's; by default one that follows the robot.
        default_camera_config: `distance`, `azimuth`, `elevation`, `lookat` of that one.
        max_geom: how many shapes a picture may hold.
        visual_options: flags of MuJoCo's `mjtVisFlag` by number.
        shadow_size: texels along a side of the map that shadows come from; None for the model's own, mostly 4,096. With
            1,024 a picture takes a third of the time on a processor, and the edges of shadows are a little coarser; 0
            draws no shadows.
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
    """What the camera is set to where the fields do not say otherwise: pairs of a setting and its value."""

    follows: ClassVar[int | None] = None
    """The body that the camera moves along with."""

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
        object.__setattr__(self, "engine", choose_engine(self.engine))
        if (self.engine, self.precision) == ("warp", "float64"):
            raise InvalidField(f'{name}: `engine="warp"` computes in float32; leave out `precision="float64"`.')
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
        """A copy with some fields replaced; one of another model or precision takes that one's parameters.

        Raises:
            InvalidField: the parameters were not the model's own, so that nobody can say what they should be now.
        """
        if {"xml_file", "precision"} & fields.keys() and "parameters" not in fields:
            if self.parameters != default_parameters(self.model, self.precision):
                raise InvalidField(
                    f"{type(self).__name__}: its `parameters` were changed for {self.model.path}; say what they"
                    " should be now: `parameters=...`, or None for the new model's own."
                )
            fields["parameters"] = None
        return super().replace(**fields)

    @abc.abstractmethod
    def check_model(self, model: Model) -> None:
        """Raises `InvalidField` for a model that the task cannot do with."""

    @property
    @abc.abstractmethod
    def readings(self) -> tuple[Reading, ...]:
        """What the task reads besides positions and velocities."""

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
        """The compiled model."""
        return load_model(self.xml_file)

    @property
    def dt(self) -> float:
        """Seconds of a step."""
        return self.model.timestep * self.frame_skip

    @property
    def action_space(self) -> Box:
        """The ranges of the actuators' controls."""
        limits = np.asarray(self.model.mj_model.actuator_ctrlrange, np.float32)
        return Box(limits[:, 0], limits[:, 1])

    @property
    def observation_space(self) -> Box:
        """Unbounded, of the size that the options give it."""
        return Box(-np.inf, np.inf, (self.observation_size,), self.precision)

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """Entries of an observation."""

    def reset(self, key: Key) -> tuple[SimulationState, TimeStep[Array]]:
        """Draws positions and velocities around the model's reference."""
        return self.state_at(*self.start(check_key(key)))

    def state_at(self, qpos: Array, qvel: Array) -> tuple[SimulationState, TimeStep[Array]]:
        """An episode that begins with these positions and velocities, as after Gymnasium's `set_state`.

        Args:
            qpos: (nq,) positions.
            qvel: (nv,) velocities.
        """
        qpos, qvel = (jnp.asarray(x).astype(self.precision) for x in (qpos, qvel))
        state = engines.initial(self._simulation, self.parameters, qpos, qvel)
        _, _, info = self.outcome(state, jnp.zeros((self.model.nu,), jnp.float32))
        return state, restart(self.observe(state), info)

    def step(self, state: SimulationState, action: Array) -> tuple[SimulationState, TimeStep[Array]]:
        """Holds the action as the actuators' control for `frame_skip` substeps."""
        action = self.action_space.validate(action)
        state = engines.step(self._simulation, self.parameters, state, action, self.frame_skip)
        reward, terminated, info = self.outcome(state, action)
        return state, transition(self.observe(state), reward, terminated, info)

    def render(self, state: SimulationState) -> Array:
        """(height, width, 3) uint8: the scene through the camera."""
        return rendering.render(self.view, state.qpos)

    @property
    def view(self) -> "rendering.View":
        """How pictures are taken."""
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
    def _simulation(self) -> Simulation:
        return Simulation(self.engine, self.model, self.readings, self.tracked_point, self.precision)  # pyright: ignore[reportArgumentType]  # "auto" is gone

    def velocity(self, state: SimulationState) -> Array:
        """(k,) m/s: the mean velocity in the last step of the point that the task watches."""
        return state.derived[DISPLACEMENT] / jnp.asarray(self.dt, self.precision)


def _check_whole(owner: str, field: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidField(f"{owner}: `{field}` must be an integer of at least 1, got {value!r}.")
