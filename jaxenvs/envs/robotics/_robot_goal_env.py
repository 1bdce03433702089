"""The base class of tasks with goals for robots on MuJoCo: the simulation and the pictures."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxenvs.core.checks import check_choice, check_integer
from jaxenvs.core.goal_env import GoalEnv
from jaxenvs.core.pytree import static
from jaxenvs.errors import InvalidField
from jaxenvs.simulators.mujoco import rendering
from jaxenvs.simulators.mujoco.host_view import HostView
from jaxenvs.simulators.mujoco.model import Model, adopt_xml_file
from jaxenvs.simulators.mujoco.parameters import Parameters, adopt_parameters, with_parameters
from jaxenvs.simulators.mujoco.simulation import check_precision, choose_engine

State = TypeVar("State")


class RobotGoalEnv(HostView, GoalEnv[State], Generic[State], kw_only=True):
    """Base of the tasks with goals for robots on MuJoCo.

    Parameters:
        xml_file: the model: the name of a file among those of the reference, or a path that begins with `/`, `.` or
            `~`, or is a `pathlib.Path`.
        reward_type: `"sparse"` or `"dense"`; see Reward.
        engine: who computes: `"c"` is C MuJoCo, with several threads on the CPU. `"mjx"` is pure JAX, which runs on an
            accelerator. `"auto"` is `"c"` if JAX computes on the CPU, else `"mjx"`.
        precision: dtype of states and observations, `"float32"` or, with JAX's 64-bit types enabled, `"float64"`.
            Rewards are always float32. C MuJoCo always computes in float64.
        parameters: masses, friction, gravity and so on; None for those of the model.
        width: width of a picture, pixels.
        height: height of a picture, pixels.
        camera_id: number of one of the model's cameras; by default, a camera looks at the task.
        camera_name: name of one of the model's cameras, in place of `camera_id`.
        default_camera_config: `distance`, `azimuth`, `elevation` and `lookat` of the default camera.
        max_geom: greatest number of shapes in a picture.
        visual_options: flags of MuJoCo's `mjtVisFlag`, by number.
        shadow_size: side of the shadow map, texels; None for that of the model, usually 4,096. 0 draws no shadows.
    """

    xml_file: str = static()
    reward_type: Literal["sparse", "dense"] = static(default="sparse")
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

    goal_size: ClassVar[int]
    """The number of coordinates of a goal."""

    target_site: ClassVar[str]
    """The name of the site that shows the goal in pictures."""

    follows: ClassVar[int | None] = None
    """The body that the camera follows."""

    of_model: ClassVar[frozenset[str]] = frozenset({"xml_file"})
    """The fields that the model depends on."""

    @property
    @abc.abstractmethod
    def model(self) -> Model:
        """The compiled MuJoCo model of the task."""

    @property
    @abc.abstractmethod
    def camera(self) -> Mapping[str, Any]:
        """The camera's settings unless `default_camera_config` says otherwise."""

    @abc.abstractmethod
    def check_task(self) -> None:
        """Checks the other fields, before the model is compiled, and may bring them into another form.

        Raises:
            InvalidField: one of them has no meaning.
        """

    @abc.abstractmethod
    def check_model(self, model: Model) -> None:
        """Raises `InvalidField` if the task cannot use a model."""

    def check_fields(self) -> None:
        """Checks the model and the options, and fills in the engine and the parameters."""
        name = type(self).__name__
        adopt_xml_file(self)
        check_precision(self)
        check_choice(self, "reward_type", self.reward_type, ("sparse", "dense"))
        no_warp = f" {name} does not run on 'warp'." if str(self.engine) == "warp" else ""
        check_choice(self, "engine", self.engine, ("auto", "c", "mjx"), no_warp)
        object.__setattr__(self, "engine", choose_engine(self.engine))
        for field in self.reset_options.values():  # coordinates, of which each is a leaf, also if they come as an array
            object.__setattr__(self, field, tuple(getattr(self, field)))
        self.check_task()
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
        if self.of_model & fields.keys():
            fields = {"xml_file": self.xml_file, **fields}
        return super().replace(**with_parameters(self, fields))

    @property
    def view(self) -> rendering.CameraView:
        """The camera and the other settings of pictures."""
        return rendering.CameraView(
            model=self.model,
            width=self.width,
            height=self.height,
            camera_id=self.camera_id,
            camera_name=self.camera_name,
            settings=rendering.frozen({**self.camera, **dict(self.default_camera_config or {})}),
            follows=self.follows,
            max_geom=self.max_geom,
            flags=rendering.frozen(self.visual_options),
            shadow_size=self.shadow_size,
            marker=self.model.site(self.target_site),
        )

    def constant(self, value: Any) -> Array:
        """A constant in the precision."""
        return jnp.asarray(np.asarray(value, self.precision))

    def distance(self, achieved_goal: Any, desired_goal: Any) -> Array:
        """(...) m, in the precision: how far goals (..., n) are apart.

        Raises:
            InvalidField: goals do not have as many coordinates as those of the task.
        """
        achieved, desired = (jnp.asarray(goal).astype(self.precision) for goal in (achieved_goal, desired_goal))
        if not achieved.shape[-1:] == desired.shape[-1:] == (self.goal_size,):
            raise InvalidField(
                f"{type(self).__name__}: goals are arrays of {self.goal_size} coordinates and any leading axes."
                f" Got an achieved one of shape {achieved.shape}, and a desired one of shape {desired.shape}."
            )
        return jnp.sqrt(jnp.square(achieved - desired).sum(-1))
